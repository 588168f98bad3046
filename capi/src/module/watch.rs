//! Who wants to know of each module that comes and goes: debuggers, and whoever explains a death.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_base::SpinLock;
use kthreads_loader::Object;

use super::{LoadedImage, ModuleLoader};

/// A module that has just been placed in memory; none of its code has run.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its first address.
    pub base: usize,
    /// Its length in bytes.
    pub len: usize,
    /// An ELF file with all its symbols, lines and run-time addresses.
    pub debug_file: &'a [u8],
}

/// Hears of modules that come and go.
///
/// It is called by the task that loads or unloads, which may sleep and holds no lock.
pub trait ImageWatcher: Send + Sync {
    /// Notes that a module was placed in memory.
    fn placed(&self, module: &Placed<'_>);

    /// Notes that the module at `base` is gone.
    fn removed(&self, base: usize);

    /// Tells whether it has breakpoints in modules, or may have: then init code stays when it has
    /// run, and addresses of a module that is gone are not used again.
    fn is_debugger(&self) -> bool {
        false
    }
}

/// All who want to know.
#[derive(Default)]
pub(super) struct Watchers(SpinLock<Vec<Arc<dyn ImageWatcher>>>);

impl Watchers {
    fn all(&self) -> Vec<Arc<dyn ImageWatcher>> {
        self.0.lock().clone()
    }

    /// Tells of a new image. The file is made only if somebody wants it.
    pub(super) fn placed(&self, object: &Object<'_>, data: &[u8], name: &str, image: &LoadedImage) {
        let watchers = self.all();
        if watchers.is_empty() {
            return;
        }
        let image = &image.image;
        let Some(debug_file) = object.debug_file(data, image) else { return };
        let (base, len) = (image.base(), image.len());
        let placed = Placed { name, base, len, debug_file: &debug_file };
        watchers.iter().for_each(|watcher| watcher.placed(&placed));
    }

    /// Whether a debugger is among them.
    pub(super) fn debug(&self) -> bool {
        self.all().iter().any(|watcher| watcher.is_debugger())
    }

    pub(super) fn removed(&self, base: usize) {
        self.all().iter().for_each(|watcher| watcher.removed(base));
    }
}

impl ModuleLoader {
    /// Tells `watcher` of each module that is loaded from now on. It costs memory: the debugging
    /// information of every module is made and handed out.
    pub fn watch(&self, watcher: Arc<dyn ImageWatcher>) {
        self.watchers.0.lock().push(watcher);
    }
}
