//! /proc and /sys: what the kernel tells user space about itself, as text.
//!
//! There is no file system: a path is looked up and its text made when it is read. Formats are
//! those of Linux 6.1; what has no meaning here is left out, or 0 where a field must be there.
//! Everybody is root.

mod bitmap;
mod modules;
mod ps;
mod sysctl;
mod system;
mod task;
mod tree;
mod wchan;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use ps::{PsColumns, PsRow, PsTable};
pub(crate) use sysctl::Sysctls;
pub use system::{OS_RELEASE, OS_TYPE};
pub use tree::{Entry, EntryKind};
pub(crate) use wchan::sleeps;
pub use wchan::{WaitingIn, WaitsIn};

use crate::{Cx, Errno, Kernel};
use modules::{read_module, read_parameter, write_parameter};
use system::SystemFile;
use task::TaskFile;
use tree::{Dir, File, Node, is_in_sysfs, resolve};

impl Kernel {
    /// The text of a file of /proc or /sys, as `cat` would show it.
    ///
    /// # Errors
    ///
    /// ENOENT, ENOTDIR, EISDIR for a directory, EACCES for a parameter that cannot be read, ESRCH
    /// when the task ended meanwhile, and what a parameter's get function returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthreads_host::HostMachine;
    /// use kthreads_kernel::{Config, Kernel};
    ///
    /// let machine = HostMachine::new(Default::default())?;
    /// let kernel = Kernel::boot(machine, Config::default())?;
    /// let name = kernel.enter(|cx| cx.kernel.proc_read(cx, "/proc/2/comm"))?;
    /// assert_eq!(name, "kthreadd\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn proc_read(&self, cx: &Cx<'_>, path: &str) -> Result<String, Errno> {
        let Node::File(file) = resolve(cx, path)? else { return Err(Errno::EISDIR) };
        match file {
            File::Task(task, file) => self.read_task(task, file),
            File::System(file) => self.read_system(file),
            File::Sysctl(file) => Ok(self.read_sysctl(file)),
            File::Module(module, file) => Ok(read_module(&module, file)),
            File::Parameter(module, name) => read_parameter(&module, &name),
        }
    }

    /// Writes to a file of /proc or /sys, as `echo` would; returns how many bytes were taken,
    /// which is all of them.
    ///
    /// # Errors
    ///
    /// ENOENT (EACCES in /sys, where nothing can be made), ENOTDIR, EISDIR; for what cannot be
    /// written EIO in /proc itself, EINVAL in /proc/PID, EACCES in /proc/sys and /sys, as Linux
    /// tells root; EINVAL for a value that is none, and for the comm of another task.
    pub fn proc_write(&self, cx: &Cx<'_>, path: &str, bytes: &[u8]) -> Result<usize, Errno> {
        let node = match resolve(cx, path) {
            Err(Errno::ENOENT) if is_in_sysfs(path) => return Err(Errno::EACCES),
            node => node?,
        };
        let Node::File(file) = node else { return Err(Errno::EISDIR) };
        match file {
            File::Task(task, TaskFile::Comm) => self.write_comm(cx.task.get_ref(), task, bytes),
            File::Task(..) => Err(Errno::EINVAL),
            File::System(SystemFile::SysrqTrigger) => {
                // As on Linux, a letter that means nothing is answered in the log.
                let _ = bytes.first().map(|letter| self.sysrq(cx, *letter));
                Ok(bytes.len())
            }
            File::System(_) => Err(Errno::EIO),
            File::Sysctl(file) => self.write_sysctl(file, bytes),
            File::Module(..) => Err(Errno::EACCES),
            File::Parameter(module, name) => write_parameter(&module, &name, bytes),
        }
    }

    /// The entries of a directory of /proc or /sys, in the order Linux lists them: tasks by pid
    /// first. `/` holds the two.
    ///
    /// # Errors
    ///
    /// ENOENT, ENOTDIR for a file.
    pub fn proc_list(&self, cx: &Cx<'_>, path: &str) -> Result<Vec<Entry>, Errno> {
        match resolve(cx, path)? {
            Node::Dir(dir) => Ok(Dir::entries(&dir, cx)),
            Node::File(_) => Err(Errno::ENOTDIR),
        }
    }
}

/// The text that `write` writes.
fn render(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    // Only memory can run out, which does not come back as an error.
    let _cannot_fail = write(&mut text);
    text
}
