//! The files that commands read and write: /proc and /sys of this kernel, and two of /dev.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kthreads_kernel::{Cx, Errno};

use crate::log::{self, Form};

/// Nothing.
const NULL: &str = "/dev/null";
/// The log.
const KMSG: &str = "/dev/kmsg";

/// Reads a file.
pub(crate) fn read(cx: &Cx<'_>, path: &str) -> Result<String, Errno> {
    match path {
        NULL => Ok(String::new()),
        KMSG => {
            cx.kernel.finish_log();
            Ok(log::text(cx.kernel.log_ring(), Form::Plain))
        }
        path => cx.kernel.proc_read(cx, path),
    }
}

/// Writes a file, as one write(2).
pub(crate) fn write(cx: &Cx<'_>, path: &str, text: &str) -> Result<(), Errno> {
    match path {
        NULL => Ok(()),
        KMSG => {
            for line in text.lines() {
                write_log(cx, line);
            }
            Ok(())
        }
        path => cx.kernel.proc_write(cx, path, text.as_bytes()).map(|_| ()),
    }
}

/// Puts a line into the log; `<N>` before it is its level, as for /dev/kmsg.
fn write_log(cx: &Cx<'_>, line: &str) {
    let level = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let level = level.and_then(|(level, text)| Some((level.parse::<u8>().ok()? & 7, text)));
    let (level, text) = level.unwrap_or((4, line));
    cx.kernel.printk(cx, format!("\u{1}{level}{text}\n").as_bytes());
}

/// Says why a file could not be opened for writing; whether it can be written shows when it is.
pub(crate) fn check_writable(cx: &Cx<'_>, path: &str) -> Result<(), Errno> {
    if path == NULL || path == KMSG {
        return Ok(());
    }
    match cx.kernel.proc_read(cx, path) {
        Err(Errno::ENOENT) if path.starts_with("/sys/") => Err(Errno::EACCES),
        Err(errno @ (Errno::ENOENT | Errno::ENOTDIR | Errno::EISDIR)) => Err(errno),
        _ => Ok(()),
    }
}

/// The names in a directory, sorted.
pub(crate) fn list(cx: &Cx<'_>, path: &str) -> Result<Vec<String>, Errno> {
    match path.trim_end_matches('/') {
        "" => Ok(["dev", "proc", "sys"].map(ToString::to_string).to_vec()),
        "/dev" => Ok(["kmsg", "null"].map(ToString::to_string).to_vec()),
        path => Ok(cx.kernel.proc_list(cx, path)?.into_iter().map(|entry| entry.name).collect()),
    }
}

/// The lines that say where a task sleeps, if that is known.
pub(crate) fn stack_of(cx: &Cx<'_>, pid: i32) -> Vec<String> {
    let stack = cx.kernel.proc_read(cx, &format!("/proc/{pid}/stack")).unwrap_or_default();
    stack.lines().map(|line| format!("  {line}")).collect()
}
