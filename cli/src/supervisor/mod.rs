//! The process that outlives the kernel.
//!
//! A kernel runs in a child of the command's process. A fault of a kernel thread is an oops of that
//! thread and the kernel goes on; but in one address space nobody can keep a module from writing
//! over the kernel's own memory, and then the child dies. What it knew is in memory that both
//! share ([`shared`]): the log, the loaded modules, and what the child could note while it died
//! ([`handler`]). The parent says it ([`report`]).
//!
//! The parent has one thread, no module and no kernel. It waits: for the child's end, and for the
//! signals that a user sends, which it hands on through a pipe. A terminal sends Ctrl-C to both
//! processes and `kill` to one of them; since the child leaves these signals to its parent, each
//! of them counts once.

mod files;
mod handler;
mod parent;
mod report;
mod shared;
mod symbols;

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kthreads_capi::module::ImageWatcher;
use kthreads_host::CpuNote;

use crate::status;
use shared::Shared;

/// The signals that a user sends; the parent takes them for the child.
pub(crate) const USER_SIGNALS: [i32; 4] =
    [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// What a supervised child has of its parent. A signal handler knows nothing else to ask.
static CHILD: OnceLock<Child> = OnceLock::new();

struct Child {
    shared: Shared,
    /// Gives the number of each signal that the parent got.
    orders: Mutex<Option<File>>,
}

/// Runs `body` in a child process that is supervised; returns the exit status of both. If no
/// process can be had, `body` runs in this one.
///
/// Nothing but the calling thread may run.
pub(crate) fn run(body: impl FnOnce() -> u8) -> u8 {
    match start() {
        Ok(Side::Parent(parent)) => parent.wait(),
        Ok(Side::Child) => status::exit_now(body()),
        Err(error) => {
            eprintln!("kthreads: a crash will not be explained: {error}");
            body()
        }
    }
}

enum Side {
    Parent(parent::Parent),
    Child,
}

fn start() -> io::Result<Side> {
    let shared = Shared::map()?;
    let (orders, outbox) = pipe()?;
    let mask = parent::block_signals()?;
    let parent = std::process::id();
    // SAFETY: no other thread runs, so the child has every lock and all memory in order.
    match unsafe { libc::fork() } {
        -1 => {
            let error = io::Error::last_os_error();
            parent::set_mask(&mask);
            Err(error)
        }
        0 => {
            drop(outbox);
            handler::leave_user_signals(parent);
            parent::set_mask(&mask);
            let orders = Mutex::new(Some(orders));
            // There is none yet: a child makes no children.
            let _ = CHILD.set(Child { shared, orders });
            Ok(Side::Child)
        }
        child => Ok(Side::Parent(parent::Parent::new(child, shared, outbox))),
    }
}

fn pipe() -> io::Result<(File, File)> {
    let mut ends = [0; 2];
    // SAFETY: the two numbers are written to `ends`.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made these two, and nobody else has them.
    let [from, to] = ends.map(|end| File::from(unsafe { OwnedFd::from_raw_fd(end) }));
    Ok((from, to))
}

/// The pipe that gives the numbers of user signals; `None` if nobody supervises this process, or
/// somebody has taken it.
pub(crate) fn take_orders() -> Option<File> {
    CHILD.get()?.orders.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Notes that the signals so far have been seen.
pub(crate) fn answer() {
    if let Some(child) = CHILD.get() {
        child.shared.head().unanswered.store(0, Ordering::Relaxed);
    }
}

/// Installs the handlers that note why the process dies. Whoever comes later may hand on to them
/// what is not its own.
pub(crate) fn install_handlers() {
    if CHILD.get().is_some() {
        handler::install();
    }
}

/// Memory for the log that the parent can read.
pub(crate) fn log_memory() -> Option<&'static [AtomicU64]> {
    CHILD.get().map(|child| child.shared.log())
}

/// Memory for what CPUs note.
pub(crate) fn cpu_notes() -> Option<&'static [CpuNote]> {
    CHILD.get().map(|child| &child.shared.head().cpus[..])
}

/// Who is to be told of modules that come and go.
pub(crate) fn watcher() -> Option<Arc<dyn ImageWatcher>> {
    CHILD.get().map(|child| Arc::new(files::Files::new(child.shared)) as _)
}

/// Notes that the records of the log before `next` were shown.
pub(crate) fn note_shown(next: u64) {
    if let Some(child) = CHILD.get() {
        child.shared.head().shown.store(next, Ordering::Relaxed);
    }
}

/// Notes that the process ends as it means to.
pub(crate) fn say_farewell() {
    if let Some(child) = CHILD.get() {
        child.shared.head().farewell.store(1, Ordering::Release);
    }
}

/// Says where in module text each CPU was last; for a kernel that does not answer.
pub(crate) fn last_places() -> Vec<String> {
    CHILD.get().map(|child| report::last_places(child.shared)).unwrap_or_default()
}
