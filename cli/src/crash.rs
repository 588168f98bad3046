//! The last words of a program that dies.
//!
//! A fault of a kernel thread is an oops of that thread, and the kernel goes on. What is no
//! thread's fault, and a panic that nobody can catch, ends the program: a signal that has no other
//! handler arrives here, and what of the log was not shown yet is written to standard error. The
//! log is read without locks and without allocating, so that this can be done in the handler.

use std::fmt::{self, Write};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use kthreads_kernel::log::{LOG_LINE_MAX, LogLine, Read, Reader, Ring};

/// The signals that end a program that did something impossible.
const SIGNALS: [i32; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];

/// The log to show. A handler knows nothing else to ask.
static LOG: OnceLock<Arc<Ring>> = OnceLock::new();
/// The first record that was not shown.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Tells which log to show.
pub(crate) fn set_log(ring: &Arc<Ring>) {
    // One kernel is run by a program; a second one's log would come too late.
    let _ = LOG.set(ring.clone());
}

/// Notes that the records before `next` were shown.
pub(crate) fn note_shown(next: u64) {
    NEXT.store(next, Ordering::Relaxed);
}

/// Installs the handlers. Whoever comes later may hand on to them what is not its own.
pub(crate) fn install() {
    for signal in SIGNALS {
        // SAFETY: all zero is a valid sigaction: the default action, an empty mask.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_ONSTACK | libc::SA_RESETHAND;
        // SAFETY: the handler does only what is allowed in one.
        unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
    }
}

/// Shows the log, and lets the default action end the program.
extern "C" fn on_signal(signal: i32) {
    let mut out = StandardError::default();
    // Nobody is left to tell if standard error cannot be written.
    let _ = write!(out, "kthreads: the program dies of signal {signal}");
    if let Some(ring) = LOG.get() {
        let _ = writeln!(out, "; the log, as far as it was not shown:");
        show(ring, &mut out);
    }
    let _ = writeln!(out, "\nkthreads: a module wrote where it must not, or kthreads has a bug");
    out.flush();
    // SAFETY: allowed in handlers; the signal is delivered when this one returns, and ends it all.
    unsafe { libc::raise(signal) };
}

fn show(ring: &Ring, out: &mut StandardError) {
    let mut reader = Reader { next: NEXT.load(Ordering::Relaxed) };
    let mut buffer = [0; LOG_LINE_MAX];
    loop {
        match reader.read(ring, &mut buffer) {
            Read::Nothing => return,
            Read::Dropped(_) => {}
            Read::Record { info, text, .. } => {
                let _ = writeln!(out, "{}", LogLine { time: info.time, text });
            }
        }
    }
}

/// Standard error, with a buffer on the stack.
struct StandardError {
    bytes: [u8; 512],
    len: usize,
}

impl Default for StandardError {
    fn default() -> Self {
        StandardError { bytes: [0; 512], len: 0 }
    }
}

impl StandardError {
    fn flush(&mut self) {
        let bytes = &self.bytes[..self.len];
        // SAFETY: the bytes are the buffer's; write is allowed in signal handlers.
        unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        self.len = 0;
    }
}

impl Write for StandardError {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.len == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}
