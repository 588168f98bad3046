//! What differs between the machines.

use kthreads_kernel::Cx;
use kthreads_shell::{CommandError, Stream};

use crate::Object;

/// Is the world outside the kernel.
///
/// Where nothing else is said, functions are called on kernel stacks and outside.
pub trait Outside: Send + Sync + 'static {
    /// While it is there, the clock does not jump.
    type Hold: Send;

    /// Writes text behind all that the log had to say before it.
    fn write(&self, stream: Stream, text: &str);

    /// Lets only messages below `level` reach the console.
    fn set_console_level(&self, level: u8);

    /// Finds or builds a module that was not there at the start. In the kernel; the calling task
    /// may sleep, but no kernel time should pass.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as the user is told.
    fn find(&self, cx: &Cx<'_>, file: &str) -> Result<Object, CommandError>;

    /// Whether somebody has asked for an end (Ctrl-C).
    fn is_interrupted(&self) -> bool;

    /// Holds the clock.
    fn hold_clock(&self) -> Self::Hold;
}
