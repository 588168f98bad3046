//! `kthreads run --gdb`: the same run under GDB.
//!
//! GDB takes the place of this process and runs the command anew, with `--debuggable` instead of
//! `--gdb`: modules are announced to it as they are loaded. The signals that the machine uses
//! inside (its interrupts, and faults, which become oopses) are none of the user's business.

use std::ffi::OsString;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::{env, io, ptr};

use kthreads_capi::module::{GdbAnnouncer, ImageWatcher, Placed};

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

/// Announces modules to a debugger.
///
/// The signal by which the machine interrupts a CPU is kept off meanwhile: the debugger takes
/// longer to read a module than until the next one, and begins anew with each.
struct Announcer(Arc<GdbAnnouncer>);

/// Makes who announces modules.
pub(crate) fn announcer() -> Arc<dyn ImageWatcher> {
    Arc::new(Announcer(GdbAnnouncer::new()))
}

impl ImageWatcher for Announcer {
    fn placed(&self, module: &Placed<'_>) {
        undisturbed(|| self.0.placed(module));
    }

    fn removed(&self, base: usize) {
        undisturbed(|| self.0.removed(base));
    }

    fn is_debugger(&self) -> bool {
        self.0.is_debugger()
    }
}

/// Calls `body`, which must not sleep, with the machine's signal kept off the host's thread.
fn undisturbed(body: impl FnOnce()) {
    let mut set = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: the first call makes a set of `set`; the mask before is written to `before`.
    let result = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGURG);
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr())
    };
    body();
    if result == 0 {
        // SAFETY: the call above succeeded, so the mask is there; the thread is the same.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    }
}
