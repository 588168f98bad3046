//! Loading a module (Linux: load_module, do_init_module).

use alloc::string::ToString;
use alloc::sync::Arc;
use kthreads_kernel::log::Level;
use kthreads_kernel::module::{self, Module, State};
use kthreads_kernel::report::AtomicState;
use kthreads_kernel::task::state::TASK_UNINTERRUPTIBLE;
use kthreads_kernel::wait::{Limit, Sleep, WaitFlags, Waited};
use kthreads_kernel::{Cx, Errno, log};
use kthreads_loader::Object;

use super::memory::MachineMemory;
use super::param::{Argument, Parameters, Refused};
use super::{InsmodError, LoadedImage, LoadedModule, ModuleFile, ModuleLoader};
use super::{ahead, license, resolve};

impl ModuleLoader {
    /// Loads a module, sets its parameters and calls its init function, all as the task of `cx`,
    /// which is to be a user-like one (Linux: init_module).
    ///
    /// # Errors
    ///
    /// Everything that [`InsmodError`] lists; the module is gone then, and the log says why, as
    /// Linux's does.
    pub fn insmod(
        &self,
        cx: &Cx<'_>,
        file: &ModuleFile<'_>,
        arguments: &[Argument],
    ) -> Result<(), InsmodError> {
        let loaded = match self.take_ahead(file) {
            Some(linked) => self.enter_linked(cx, linked)?,
            None => self.link_now(cx, file)?,
        };
        self.start(cx, &loaded, arguments).inspect_err(|_| {
            loaded.module.set_state(State::Going);
            self.free(cx, &loaded);
        })
    }

    /// Links a module and enters it in the book.
    fn link_now(
        &self,
        cx: &Cx<'_>,
        file: &ModuleFile<'_>,
    ) -> Result<Arc<LoadedModule>, InsmodError> {
        let object = ahead::parse(cx, file).map_err(InsmodError::File)?;
        let module = Arc::new(ahead::named(file, &object));
        module.add_taints(license::taint(cx, module.name(), object.modinfo()));
        self.enter_book(cx, &module)?;
        self.link(cx, file, &object, &module).inspect_err(|_| {
            cx.kernel.remove_module(&module);
            self.wake_waiters(cx);
        })
    }

    /// Enters a module in the book that was linked ahead.
    fn enter_linked(
        &self,
        cx: &Cx<'_>,
        linked: Arc<LoadedModule>,
    ) -> Result<Arc<LoadedModule>, InsmodError> {
        let module = &linked.module;
        module.add_taints(license::taint(cx, module.name(), linked.image.image.modinfo()));
        self.enter_book(cx, module)?;
        let image: Arc<dyn module::Image> = linked.image.clone();
        module.set_image(Some(image));
        Ok(linked)
    }

    /// Enters a module in the book, unless there is one of that name (Linux:
    /// add_unformed_module). One that is on its way is waited for, so that the answer is right.
    fn enter_book(&self, cx: &Cx<'_>, module: &Arc<Module>) -> Result<(), InsmodError> {
        let (kernel, name) = (cx.kernel, module.name());
        let mutex = kernel.module_mutex();
        // Uninterruptible: this cannot fail.
        let _ = kernel.mutex_lock(cx, mutex, TASK_UNINTERRUPTIBLE);
        let added = kernel.add_module(module.clone());
        kernel.mutex_unlock(cx, mutex);
        let Err(errno) = added else { return Ok(()) };
        let is_coming = || kernel.find_module(name).is_some_and(|m| m.state() == State::Coming);
        let waited = kernel.wait_event(
            cx,
            self.queue.as_ref(),
            Sleep::Interruptible,
            WaitFlags::SHARED,
            Limit::Never,
            || !is_coming(),
        );
        if waited == Waited::Interrupted {
            return Err(InsmodError::Book(Errno::EINTR));
        }
        let is_live = kernel.find_module(name).is_some_and(|old| old.state() == State::Live);
        Err(InsmodError::Book(if is_live { errno } else { Errno::EBUSY }))
    }

    /// Makes an image of the object, linked to the kernel and to other modules.
    fn link(
        &self,
        cx: &Cx<'_>,
        file: &ModuleFile<'_>,
        object: &Object<'_>,
        module: &Arc<Module>,
    ) -> Result<Arc<LoadedModule>, InsmodError> {
        let resolution = self.resolve_all(cx, object, module).map_err(InsmodError::Symbols)?;
        let owners = resolution.owners;
        let memory = MachineMemory::new(cx);
        let image = object.load(&memory, &mut |name| resolution.addresses.get(name).copied());
        let image = match image {
            Ok(image) => LoadedImage::new(image, self.data.clone()),
            Err(error) => {
                resolve::release(module, &owners);
                return Err(InsmodError::File(error));
            }
        };
        let parameters = Parameters::of(&image.image);
        let loaded = LoadedModule { module: module.clone(), image, parameters, owners };
        let loaded = Arc::new(loaded);
        let as_dyn: Arc<dyn module::Image> = loaded.image.clone();
        module.set_image(Some(as_dyn));
        self.watchers.placed(object, file.bytes, module.name(), &loaded.image);
        Ok(loaded)
    }

    /// Brings a linked module to life.
    fn start(
        &self,
        cx: &Cx<'_>,
        loaded: &Arc<LoadedModule>,
        arguments: &[Argument],
    ) -> Result<(), InsmodError> {
        let module = &loaded.module;
        self.check_exports(cx, loaded)?;
        self.loaded.lock().push(loaded.clone());
        let set = loaded.parameters.set_all(cx, module.name(), arguments);
        set.map_err(|Refused { name, value, errno }| InsmodError::Parameter {
            name,
            value,
            errno,
        })?;
        module.set_parameters(loaded.parameters.shown());
        let result = call_init(cx, loaded);
        if result < 0 {
            module.put();
            return Err(InsmodError::Init(Errno::from_raw(result)));
        }
        if result > 0 {
            log_positive(cx, module.name(), result);
        }
        module.set_state(State::Live);
        if !self.watchers.debug() {
            // SAFETY: this is the memory the image was loaded into; init has returned, and what it
            // left that points to init code or data is a mistake of the module, which faults.
            unsafe { loaded.image.image.drop_init(&MachineMemory::of(cx, &loaded.image)) };
        }
        module.put();
        self.wake_waiters(cx);
        Ok(())
    }

    /// Sees to it that the module exports nothing that is there already (Linux:
    /// verify_exported_symbols).
    fn check_exports(&self, cx: &Cx<'_>, loaded: &LoadedModule) -> Result<(), InsmodError> {
        let others = self.loaded();
        for export in loaded.image.image.exports() {
            let name = export.name.as_str();
            let has = |other: &&Arc<LoadedModule>| {
                other.image.image.exports().iter().any(|export| export.name == name)
            };
            let owner = match self.exports.find(name) {
                Some(_) => "kernel",
                None => match others.iter().find(has) {
                    Some(other) => other.module.name(),
                    None => continue,
                },
            };
            let module = loaded.module.name();
            log!(cx, Level::Error, "{module}: exports duplicate symbol {name} (owned by {owner})");
            let (name, owner) = (name.to_string(), owner.to_string());
            return Err(InsmodError::DuplicateSymbol { name, owner });
        }
        Ok(())
    }
}

/// Calls the constructors and the init function (Linux: do_mod_ctors, do_one_initcall).
fn call_init(cx: &Cx<'_>, loaded: &LoadedModule) -> i32 {
    let image = &loaded.image.image;
    for constructor in image.init_array() {
        call_void(*constructor);
    }
    let Some(init) = image.symbol("init_module") else { return 0 };
    let before = AtomicState::now(cx);
    let result = call_int(init);
    let Some(left) = before.restore(cx) else { return result };
    let preemption = if left.before == left.after { "" } else { "preemption imbalance " };
    let interrupts = if left.irqs_off { "disabled interrupts " } else { "" };
    let name = loaded.module.name();
    cx.kernel
        .warn_at(cx, format_args!("initcall of {name} returned with {preemption}{interrupts}"));
    result
}

fn log_positive(cx: &Cx<'_>, name: &str, result: i32) {
    let function = "do_init_module";
    log!(
        cx,
        Level::Warning,
        "{function}: '{name}'->init suspiciously returned {result}, it should follow 0/-E \
         convention\n{function}: loading module anyway..."
    );
    cx.kernel.dump_stack(cx);
}

/// Calls a module's function that takes nothing and returns an int.
fn call_int(address: usize) -> i32 {
    // SAFETY: the address is that of `init_module` in a loaded image, which C declares so.
    let function: extern "C" fn() -> i32 = unsafe { core::mem::transmute(address) };
    function()
}

/// Calls a module's function that takes and returns nothing.
pub(super) fn call_void(address: usize) {
    // SAFETY: the address is that of a constructor or of `cleanup_module` in a loaded image,
    // which C declares so.
    let function: extern "C" fn() = unsafe { core::mem::transmute(address) };
    function();
}
