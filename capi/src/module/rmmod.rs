//! Unloading a module (Linux: delete_module, free_module).

use alloc::sync::Arc;

use kthreads_kernel::module::{self, Module, State, Vacancy};
use kthreads_kernel::report::AtomicState;
use kthreads_kernel::task::state::TASK_INTERRUPTIBLE;
use kthreads_kernel::{Cx, Errno};

use super::insmod::call_void;
use super::memory::MachineMemory;
use super::{LoadedModule, ModuleLoader, resolve};

impl ModuleLoader {
    /// Calls a module's exit function as the task of `cx`, which is to be a user-like one, and
    /// unloads the module (Linux: delete_module).
    ///
    /// # Errors
    ///
    /// ENOENT when there is no such module; EAGAIN (EWOULDBLOCK) while others use it or hold a
    /// reference; EBUSY while it comes or goes, and when it has an init but no exit function;
    /// EINTR when a signal comes while another module's turn it is.
    pub fn rmmod(&self, cx: &Cx<'_>, name: &str) -> Result<(), Errno> {
        let mutex = cx.kernel.module_mutex();
        cx.kernel.mutex_lock(cx, mutex, TASK_INTERRUPTIBLE)?;
        let stopped = self.stop(cx, name);
        cx.kernel.mutex_unlock(cx, mutex);
        let loaded = stopped?;
        if let Some(exit) = loaded.image.image.symbol("cleanup_module") {
            let before = AtomicState::now(cx);
            call_void(exit);
            if let Some(left) = before.restore(cx) {
                let what = format_args!("the exit function of {name}");
                cx.kernel.report_left(cx, what, &left);
            }
        }
        self.free(cx, &loaded);
        Ok(())
    }

    /// Makes a module go, if it can.
    fn stop(&self, cx: &Cx<'_>, name: &str) -> Result<Arc<LoadedModule>, Errno> {
        let module = cx.kernel.find_module(name).ok_or(Errno::ENOENT)?;
        if !module.users().is_empty() {
            return Err(Errno::EAGAIN);
        }
        if module.state() != State::Live || !module.can_be_unloaded() {
            return Err(Errno::EBUSY);
        }
        let loaded = self.find_loaded(&module).ok_or(Errno::EBUSY)?;
        module.try_stop()?;
        Ok(loaded)
    }

    fn find_loaded(&self, module: &Arc<Module>) -> Option<Arc<LoadedModule>> {
        self.loaded().into_iter().find(|loaded| Arc::ptr_eq(&loaded.module, module))
    }

    /// Takes a module out of the book and frees its memory, unless threads still run in it
    /// (Linux: free_module).
    pub(super) fn free(&self, cx: &Cx<'_>, loaded: &Arc<LoadedModule>) {
        let module = &loaded.module;
        loaded.parameters.destroy(cx);
        module.set_parameters(Default::default());
        resolve::release(module, &loaded.owners);
        self.loaded.lock().retain(|other| !Arc::ptr_eq(other, loaded));
        let image: Arc<dyn module::Image> = loaded.image.clone();
        let vacancy = cx.kernel.leave_module(cx, module, &image);
        if vacancy == Vacancy::Empty {
            cx.kernel.report_left_behind(cx, module, &image);
        }
        cx.kernel.remove_module(module);
        module.set_image(None);
        let memory = image.base()..image.base() + image.size();
        cx.kernel.forget_lock_keys_in(&memory);
        self.wake_waiters(cx);
        // The memory goes last: a machine that explores can put off taking it away to the next point.
        match vacancy {
            // SAFETY: this is the memory the image was loaded into. No thread's stack holds an
            // address of its text; what else may point into it (a timer, a list of another
            // module) was the exit function's to take back, as on Linux, and faults.
            Vacancy::Empty => unsafe {
                self.watchers.removed(loaded.image.image.base());
                let memory = MachineMemory::of(cx, &loaded.image);
                match self.watchers.debug() {
                    true => loaded.image.image.retire(&memory),
                    false => loaded.image.image.unload(&memory),
                }
            },
            // The threads go on to use the image and its struct module.
            Vacancy::Occupied => core::mem::forget(loaded.clone()),
        }
    }
}
