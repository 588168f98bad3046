//! `kthreads run --gdb`: the same run under GDB.
//!
//! GDB takes the place of this process and runs the command anew, with `--debuggable` instead of
//! `--gdb`: modules are announced to it as they are loaded. The signals that the machine uses
//! inside (its interrupts, and faults, which become oopses) are none of the user's business.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::{env, path::PathBuf};

use crate::status;

/// What GDB is told before the user has the word.
const COMMANDS: [&str; 6] = [
    "set breakpoint pending on",
    "set print thread-events off",
    "set print inferior-events off",
    "set confirm off",
    "handle SIGURG SIGSEGV SIGBUS SIGFPE SIGILL nostop noprint pass",
    "handle SIGQUIT SIGHUP SIGTERM nostop noprint pass",
];

/// Becomes GDB. Returns, with an exit status, only if that fails.
pub(crate) fn start() -> u8 {
    let program = env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    let mut command = Command::new("gdb");
    command.arg("-q");
    for text in COMMANDS {
        command.args(["-ex", text]);
    }
    command.arg("--args").arg(program).args(arguments(env::args_os().skip(1)));
    let error = command.exec();
    match error.kind() {
        io::ErrorKind::NotFound => {
            eprintln!("kthreads: gdb is missing: apt-get install gdb");
        }
        _ => eprintln!("kthreads: cannot start gdb: {error}"),
    }
    status::USAGE
}

/// The command line for the run under GDB.
fn arguments(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    words.map(|word| if word == "--gdb" { OsString::from("--debuggable") } else { word }).collect()
}
