//! What is around a kernel that runs in this process.

use std::sync::Arc;

use kthreads_host::{ClockHold, HostMachine};
use kthreads_kernel::Cx;
use kthreads_session::{Object, Outside};
use kthreads_shell::{CommandError, Stream};

use crate::console::Console;
use crate::interrupts::Interrupts;
use crate::objects::Objects;

/// Is the process that a kernel runs in.
pub(crate) struct Process {
    /// The machine that the kernel runs on.
    pub(crate) machine: Arc<HostMachine>,
    /// Where text goes.
    pub(crate) console: Arc<Console>,
    /// Whether Ctrl-C was pressed.
    pub(crate) interrupts: Interrupts,
    /// Who builds what scripts name.
    pub(crate) objects: Objects,
}

impl Outside for Process {
    type Hold = ClockHold;

    fn write(&self, stream: Stream, text: &str) {
        self.console.write(stream, text);
    }

    fn set_console_level(&self, level: u8) {
        self.console.set_level(level);
    }

    fn find(&self, cx: &Cx<'_>, file: &str) -> Result<Object, CommandError> {
        self.objects.find(cx, &self.machine, file)
    }

    fn is_interrupted(&self) -> bool {
        self.interrupts.happened()
    }

    fn hold_clock(&self) -> ClockHold {
        self.machine.hold_clock()
    }
}
