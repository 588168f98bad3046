//! Loading and unloading modules (Linux: kernel/module/main.c).
//!
//! A [`ModuleLoader`] belongs to one kernel: it knows what that kernel exports and which images
//! are loaded. [`insmod`](ModuleLoader::insmod) and [`rmmod`](ModuleLoader::rmmod) do what the
//! system calls of Linux do, in the same order and with the same messages, as the task that calls
//! them: a module's init function runs in insmod's task, its exit function in rmmod's.
//!
//! # Locks
//!
//! The kernel's module mutex is held while the book of modules is looked at and changed, never
//! while code of a module runs: that may sleep for ever, or die. [`ModuleLoader`]'s own list is
//! behind a spin lock that is held for a look or a push.

mod ahead;
mod calls;
mod data;
mod error;
mod gdb;
mod image;
mod insmod;
mod license;
mod lines;
mod memory;
mod missing;
mod operand;
mod param;
mod refs;
mod resolve;
mod rmmod;
mod table;
mod watch;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::pin::Pin;

use kthreads_base::SpinLock;
use kthreads_kernel::Cx;
use kthreads_kernel::module::Module;
use kthreads_kernel::task::state::TASK_NORMAL;
use kthreads_kernel::wait::WaitQueueHead;

pub use error::InsmodError;
pub use gdb::GdbAnnouncer;
pub use image::LoadedImage;
pub use missing::{UnknownSymbol, Why};
pub use param::Argument;
pub use table::{KernelExport, SymbolType};
pub use watch::{ImageWatcher, Placed};

use ahead::Ahead;
use data::DataSymbols;
use param::Parameters;
use table::ExportTable;
use watch::Watchers;

use crate::export::Export;

/// The exported functions of this part.
pub(crate) static FUNCTIONS: &[&[Export]] =
    &[refs::EXPORTS, param::numbers::EXPORTS, param::flags::EXPORTS, param::strings::EXPORTS];

/// A module to load.
#[derive(Clone, Copy, Debug)]
pub struct ModuleFile<'a> {
    /// Its name, without `.ko`; dashes become underscores.
    pub name: &'a str,
    /// The object file.
    pub bytes: &'a [u8],
}

/// A module that is loaded, with what the loader knows of it.
struct LoadedModule {
    module: Arc<Module>,
    image: Arc<LoadedImage>,
    parameters: Parameters,
    /// The modules whose symbols it uses.
    owners: Vec<Arc<Module>>,
}

/// Loads modules into one kernel and unloads them.
///
/// Dropping it leaves modules that are still loaded where they are, since threads may run in
/// them.
pub struct ModuleLoader {
    exports: Arc<ExportTable>,
    data: Arc<DataSymbols>,
    loaded: SpinLock<Vec<Arc<LoadedModule>>>,
    /// Modules that are linked and not loaded.
    ahead: SpinLock<Vec<Ahead>>,
    /// Woken whenever a module is through with its init function, or gone (Linux: module_wq).
    queue: Pin<Box<WaitQueueHead>>,
    watchers: Watchers,
}

impl ModuleLoader {
    /// Makes the loader of the kernel that `cx` runs in, and tells that kernel the names of what
    /// it exports.
    pub fn new(cx: &Cx<'_>) -> ModuleLoader {
        let kernel = cx.kernel;
        let data = DataSymbols::new(kernel);
        let functions = crate::all().chain(crate::instrumented()).map(KernelExport::from);
        let variables = param::tables().into_iter().chain(data.exports(kernel));
        let exports = Arc::new(ExportTable::new(functions.chain(variables)));
        kernel.set_kernel_symbols(exports.clone());
        let queue = Box::pin(WaitQueueHead::new());
        queue.as_ref().init();
        let (loaded, ahead) = (SpinLock::new(Vec::new()), SpinLock::new(Vec::new()));
        ModuleLoader { exports, data, loaded, ahead, queue, watchers: Watchers::default() }
    }

    /// Gives the image of a loaded module.
    pub fn image(&self, name: &str) -> Option<Arc<LoadedImage>> {
        let loaded = self.loaded();
        let found = loaded.iter().find(|loaded| loaded.module.name() == name)?;
        Some(found.image.clone())
    }

    /// Finds what the kernel exports under a name.
    pub fn export(&self, name: &str) -> Option<KernelExport> {
        self.exports.find(name).copied()
    }

    fn loaded(&self) -> Vec<Arc<LoadedModule>> {
        self.loaded.lock().clone()
    }

    fn wake_waiters(&self, cx: &Cx<'_>) {
        cx.kernel.wake_up(cx, self.queue.as_ref(), TASK_NORMAL, None, 0);
    }
}

/// Makes a module's name of a file's: dashes become underscores, and it ends where C's field does.
fn module_name(name: &str) -> String {
    /// C's MODULE_NAME_LEN, its NUL counted.
    const NAME_LEN: usize = 56;
    name[..name.floor_char_boundary(NAME_LEN - 1)].replace('-', "_")
}
