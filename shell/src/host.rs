//! What the commands need from outside the kernel.

use alloc::string::String;
use core::fmt;

use kthreads_kernel::{Cx, Errno};

/// Where a command's text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Is why a module was not loaded or unloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// What Linux's system call would have returned.
    Errno(Errno),
    /// Something that has no number: a source that does not compile, a symbol nobody has.
    Other(String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Errno(errno) => errno.fmt(f),
            CommandError::Other(text) => f.write_str(text),
        }
    }
}

impl core::error::Error for CommandError {}

impl From<Errno> for CommandError {
    fn from(errno: Errno) -> Self {
        CommandError::Errno(errno)
    }
}

/// Is the world outside the kernel: files, the console, and who can load an image.
///
/// Every function is called on a kernel stack, in the task of the command. None may hold a lock
/// of the host while it sleeps in the kernel.
pub trait Host: Send + Sync {
    /// Loads a module and runs its init function. `file` is what the user wrote: a path, or the
    /// name of a module that the host knows.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being loaded; its init function's error number if that failed.
    fn insmod(&self, cx: &Cx<'_>, file: &str, parameters: &[String]) -> Result<(), CommandError>;

    /// Runs a module's exit function and unloads it.
    ///
    /// # Errors
    ///
    /// ENOENT, EAGAIN or EBUSY, as delete_module(2).
    fn rmmod(&self, cx: &Cx<'_>, name: &str) -> Result<(), CommandError>;

    /// Writes text behind all that the log had to say before it.
    fn write(&self, stream: Stream, text: &str);

    /// Lets only messages below `level` reach the console (`dmesg -n`).
    fn set_console_level(&self, level: u8);
}
