//! Linking modules before they are loaded: for whoever loads the same ones very often, in a kernel
//! that goes back to what it was.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_kernel::Cx;
use kthreads_kernel::module::{Module, NewModule};
use kthreads_loader::{LoadError, Object, PerCpu};

use super::memory::MachineMemory;
use super::param::Parameters;
use super::resolve::Found;
use super::{LoadedImage, LoadedModule, ModuleFile, ModuleLoader, license, module_name};
use kthreads_kernel::module::PER_CPU_STRIDE;

/// A module that is linked and not loaded.
pub(super) struct Ahead {
    /// Where its file lies, which stands for the file.
    file: usize,
    loaded: Arc<LoadedModule>,
}

impl ModuleLoader {
    /// Links a module so that [`insmod`](ModuleLoader::insmod) of the same file need not, once.
    /// Does nothing for what needs other modules, or is wrong: insmod will tell.
    pub fn link_ahead(&self, cx: &Cx<'_>, file: &ModuleFile<'_>) -> Option<Arc<LoadedImage>> {
        let object = parse(cx, file).ok()?;
        let module = Arc::new(named(file, &object));
        let compatibility = license::of(object.modinfo());
        let mut find = |name: &str| match self.find_symbol(name, compatibility) {
            _ if name == "__this_module" => Some(module.address()),
            Ok(Found::Kernel(address)) => Some(address),
            _ => None,
        };
        if !object.undefined().all(|symbol| find(symbol.name).is_some()) {
            return None;
        }
        let memory = MachineMemory::new(cx);
        let image = object.load(&memory, &mut find).ok()?;
        let image = LoadedImage::new(image, self.data.clone());
        let parameters = Parameters::of(&image.image);
        let loaded = LoadedModule { module, image: image.clone(), parameters, owners: Vec::new() };
        let ahead = Ahead { file: file.bytes.as_ptr() as usize, loaded: Arc::new(loaded) };
        self.ahead.lock().push(ahead);
        Some(image)
    }

    /// Makes an image of a module that cannot run: for names and lines.
    ///
    /// # Errors
    ///
    /// When the file is no module, or there is no memory.
    pub fn picture(
        &self,
        cx: &Cx<'_>,
        file: &ModuleFile<'_>,
    ) -> Result<Arc<LoadedImage>, LoadError> {
        let object = parse(cx, file)?;
        let memory = MachineMemory::new(cx);
        let image = object.load(&memory, &mut |_| Some(0))?;
        Ok(LoadedImage::new(image, self.data.clone()))
    }

    /// What was linked ahead of a file, which is taken out.
    pub(super) fn take_ahead(&self, file: &ModuleFile<'_>) -> Option<Arc<LoadedModule>> {
        let mut ahead = self.ahead.lock();
        let (start, name) = (file.bytes.as_ptr() as usize, module_name(file.name));
        let is_it = |ahead: &Ahead| ahead.file == start && ahead.loaded.module.name() == name;
        let place = ahead.iter().position(is_it)?;
        Some(ahead.swap_remove(place).loaded)
    }
}

/// Reads the file of a module.
pub(super) fn parse<'a>(cx: &Cx<'_>, file: &ModuleFile<'a>) -> Result<Object<'a>, LoadError> {
    let per_cpu = PerCpu { copies: cx.kernel.nr_cpus() as usize, stride_bytes: PER_CPU_STRIDE };
    Object::parse(file.bytes).and_then(|object| object.with_per_cpu(per_cpu))
}

/// A module that is not loaded yet, and taints nothing.
pub(super) fn named(file: &ModuleFile<'_>, object: &Object<'_>) -> Module {
    let has_exit = object.defines("cleanup_module");
    let can_be_unloaded = has_exit || !object.defines("init_module");
    let name = module_name(file.name);
    Module::new(NewModule { name, parameters: Vec::new(), can_be_unloaded, taints: 0 })
}
