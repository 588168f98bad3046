//! The system calls that the standard library has no words for.

use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// The size of a page of memory.
pub(crate) const PAGE: usize = 4096;

/// Blocks until somebody wakes `word`, if it is still `expected`; may return for no reason.
pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    let spec = timeout.map(timespec);
    let spec = spec.as_ref().map_or(ptr::null(), ptr::from_ref);
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the time outlive the call; the kernel only reads them.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, expected, spec) };
}

/// Wakes one waiter of the word at `word`, which need not exist any more.
pub(crate) fn futex_wake(word: *const AtomicU32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: a private wake takes the address as a name and does not read what is there.
    unsafe { libc::syscall(libc::SYS_futex, word, operation, 1) };
}

fn timespec(span: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: span.as_secs().min(i32::MAX as u64) as libc::time_t,
        tv_nsec: libc::c_long::from(span.subsec_nanos()),
    }
}

/// What a clock of the host shows, in nanoseconds.
pub(crate) fn host_clock(clock: libc::clockid_t) -> u64 {
    let mut spec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is ours to write.
    unsafe { libc::clock_gettime(clock, &mut spec) };
    spec.tv_sec as u64 * 1_000_000_000 + spec.tv_nsec as u64
}

/// The id by which the host knows the calling thread.
pub(crate) fn thread_id() -> i32 {
    // SAFETY: has no conditions.
    unsafe { libc::gettid() }
}

/// Sends `signal` to one thread of this process.
pub(crate) fn signal_thread(thread: i32, signal: i32) {
    // SAFETY: has no conditions on memory; a thread that is gone is an error we do not mind.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) };
}

/// Maps zeroed memory that costs nothing until it is touched.
pub(crate) fn map(len: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a fresh mapping, where the host likes it.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, access, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))
}

/// Maps zeroed memory that may be mapped again elsewhere, as the same.
pub(crate) fn map_shared(len: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a fresh mapping, where the host likes it.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, access, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))
}

/// Unmaps what [`map`] mapped.
///
/// # Safety
///
/// Nobody uses the range any more.
pub(crate) unsafe fn unmap(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller vouches for it.
    unsafe { libc::munmap(start.as_ptr().cast(), len) };
}

/// Gives the rest of the calling thread's time to others of the host.
pub(crate) fn yield_host() {
    // SAFETY: has no conditions.
    unsafe { libc::sched_yield() };
}

/// Asks that the calling thread's sleeps end when they should, not a while later.
pub(crate) fn sleep_precisely() {
    // SAFETY: concerns the calling thread's timers only.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

/// Writes all of `text` to standard error, past every buffer.
pub(crate) fn write_stderr(mut text: &[u8]) {
    while !text.is_empty() {
        // SAFETY: the bytes are readable for the time of the call.
        let written = unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
        match written {
            1.. => text = &text[(written as usize).min(text.len())..],
            _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}

/// A random number.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    // SAFETY: the bytes are ours to write.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if got != bytes.len() as isize {
        return host_clock(libc::CLOCK_MONOTONIC).rotate_left(32) ^ ptr::from_ref(&bytes) as u64;
    }
    u64::from_ne_bytes(bytes)
}
