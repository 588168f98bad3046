//! The parent: waits for the child, hands on signals, ends as the child did.

use std::fs::File;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;
use std::sync::atomic::Ordering;

use super::shared::Shared;
use super::{USER_SIGNALS, report};
use crate::status;

/// So many signals of a user without an answer, and the child is killed.
const PATIENCE: u32 = 3;

/// Blocks what the parent waits for; returns the mask before.
pub(super) fn block_signals() -> io::Result<libc::sigset_t> {
    let mut before = MaybeUninit::uninit();
    let set = awaited();
    // SAFETY: the set is filled, and the mask before is written to `before`.
    if unsafe { libc::sigprocmask(libc::SIG_BLOCK, &set, before.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded.
    Ok(unsafe { before.assume_init() })
}

/// Puts back a mask.
pub(super) fn set_mask(mask: &libc::sigset_t) {
    // SAFETY: the set is one that the host gave.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, mask, ptr::null_mut()) };
}

fn awaited() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the first call makes a set of `set`, the others add to it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in USER_SIGNALS.into_iter().chain([libc::SIGCHLD]) {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    }
}

/// The parent's side.
pub(super) struct Parent {
    child: libc::pid_t,
    shared: Shared,
    /// Takes the signals for the child.
    orders: File,
    terminal: Option<libc::termios>,
}

impl Parent {
    pub(super) fn new(child: libc::pid_t, shared: Shared, orders: File) -> Parent {
        Parent { child, shared, orders, terminal: terminal_mode() }
    }

    /// Waits for the child's end; returns the exit status that both are to have.
    pub(super) fn wait(mut self) -> u8 {
        let set = awaited();
        loop {
            // SAFETY: the set is filled; nothing is asked about the signal but its number.
            match unsafe { libc::sigwaitinfo(&set, ptr::null_mut()) } {
                libc::SIGCHLD => {
                    if let Some(end) = self.child_end() {
                        return self.end(end);
                    }
                }
                signal if signal > 0 => self.hand_on(signal),
                // Interrupted: by a stop and its end.
                _ => {}
            }
        }
    }

    /// How the child ended, if it has.
    fn child_end(&self) -> Option<ExitStatus> {
        let mut end = 0;
        // SAFETY: the child is ours, and its state is written to `end`.
        let ended = unsafe { libc::waitpid(self.child, &mut end, libc::WNOHANG) };
        (ended == self.child).then(|| ExitStatus::from_raw(end))
    }

    fn hand_on(&mut self, signal: i32) {
        let unanswered = &self.shared.head().unanswered;
        if unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= PATIENCE {
            // SAFETY: the child is ours and has not been waited for.
            unsafe { libc::kill(self.child, libc::SIGKILL) };
        }
        // A child that has just ended reads nothing.
        let _ = self.orders.write_all(&[signal as u8]);
    }

    fn end(self, end: ExitStatus) -> u8 {
        let said_farewell = self.shared.head().farewell.load(Ordering::Acquire) != 0;
        if let (Some(status), true) = (end.code(), said_farewell) {
            return status as u8;
        }
        if let Some(mode) = &self.terminal {
            // SAFETY: the mode is one that the terminal had.
            unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, mode) };
        }
        if end.signal() == Some(libc::SIGKILL) && self.is_impatient() {
            eprintln!("kthreads: ended by force: it did not answer");
            return status::INTERRUPTED;
        }
        report::tell(self.shared, end);
        match end.signal() {
            Some(libc::SIGKILL) => status::KILLED,
            _ => status::BUG,
        }
    }

    fn is_impatient(&self) -> bool {
        self.shared.head().unanswered.load(Ordering::Relaxed) >= PATIENCE
    }
}

/// The terminal's mode, so that one left raw can be put right.
fn terminal_mode() -> Option<libc::termios> {
    let mut mode = MaybeUninit::uninit();
    // SAFETY: the mode is written to `mode` if standard input is a terminal.
    let result = unsafe { libc::tcgetattr(libc::STDIN_FILENO, mode.as_mut_ptr()) };
    // SAFETY: the call succeeded.
    (result == 0).then(|| unsafe { mode.assume_init() })
}
