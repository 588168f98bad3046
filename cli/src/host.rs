//! What the commands of a script need from this program.

use std::sync::Arc;

use kthreads_capi::module::ModuleLoader;
use kthreads_host::HostMachine;
use kthreads_kernel::Cx;
use kthreads_shell::{CommandError, Host, Stream};

use crate::console::Console;
use crate::modules;
use crate::objects::Objects;

/// Is the world outside the kernel.
pub(crate) struct KernelHost {
    /// The machine that the kernel runs on.
    pub(crate) machine: Arc<HostMachine>,
    /// Where text goes.
    pub(crate) console: Arc<Console>,
    /// What can be loaded.
    pub(crate) objects: Objects,
    /// Who loads it.
    pub(crate) loader: ModuleLoader,
}

impl Host for KernelHost {
    fn insmod(&self, cx: &Cx<'_>, file: &str, parameters: &[String]) -> Result<(), CommandError> {
        let object = self.objects.find(cx, &self.machine, file)?;
        modules::insmod(&self.loader, cx, &object, parameters)
    }

    fn rmmod(&self, cx: &Cx<'_>, name: &str) -> Result<(), CommandError> {
        Ok(self.loader.rmmod(cx, name)?)
    }

    fn write(&self, stream: Stream, text: &str) {
        self.console.write(stream, text);
    }

    fn set_console_level(&self, level: u8) {
        self.console.set_level(level);
    }
}
