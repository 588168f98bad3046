//! What is around a kernel on bare metal.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use kthreads_kernel::Cx;
use kthreads_pc::{ClockHold, PcMachine};
use kthreads_session::{Object, Outside};
use kthreads_shell::{CommandError, Stream};

use crate::console::Console;
use crate::library::Librarian;

/// Is the machine and the serial line.
pub(crate) struct Bare {
    pub(crate) machine: Arc<PcMachine>,
    pub(crate) console: Arc<Console>,
    pub(crate) librarian: Arc<Librarian>,
    /// Whether Ctrl-C was pressed.
    pub(crate) is_interrupted: AtomicBool,
}

/// Is a kernel on bare metal.
pub(crate) type Session = kthreads_session::Session<Bare>;

impl Outside for Bare {
    type Hold = ClockHold;

    fn write(&self, stream: Stream, text: &str) {
        self.console.write(stream, text);
    }

    fn set_console_level(&self, level: u8) {
        self.console.set_level(level);
    }

    fn find(&self, cx: &Cx<'_>, file: &str) -> Result<Object, CommandError> {
        self.librarian.find(cx, file, self.machine.hold_clock())
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }

    fn hold_clock(&self) -> ClockHold {
        self.machine.hold_clock()
    }
}
