//! What a process has only once, for other machines that run in it.
//!
//! All kernel stacks lie in one range, and the process has one handler for each signal. A machine
//! that is no [`HostMachine`](crate::HostMachine) but lives in an ordinary process uses this one's.

use std::cell::OnceCell;
use std::io;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use kthreads_base::{Protection, Stack};

pub use crate::fault::OopsDesk;

use crate::signals::AltStack;
use crate::stacks::Stacks;
use crate::{HostError, fault, image, memory, panics, preempt, signals, stacks, sys};

thread_local! {
    static SIGNAL_STACK: OnceCell<AltStack> = const { OnceCell::new() };
}

/// The process, ready to run kernel threads: its stacks are reserved, its handlers installed.
#[derive(Clone, Copy)]
pub struct Process {
    stacks: &'static Stacks,
}

impl Process {
    /// Makes the process ready, if nobody has before.
    ///
    /// # Errors
    ///
    /// When the host gives no address space, or lets no signal be handled.
    pub fn prepare() -> Result<Process, HostError> {
        let stacks = stacks::reserve().map_err(HostError::NoStacks)?;
        signals::install().map_err(HostError::NoSignals)?;
        panics::install_hook();
        Ok(Process { stacks })
    }

    /// Takes a free kernel stack.
    pub fn stack_alloc(self) -> Option<Stack> {
        self.stacks.alloc()
    }

    /// Takes a kernel stack back.
    pub fn stack_free(self, stack: Stack) {
        self.stacks.free(stack);
    }
}

/// The calling host thread's right to run kernel threads, until dropped.
#[must_use]
pub struct Seat<'a> {
    desk: PhantomData<&'a OopsDesk>,
    not_send: PhantomData<*const ()>,
}

impl<'a> Seat<'a> {
    /// Lets the calling thread run kernel threads, whose faults are reported at `desk`.
    ///
    /// # Errors
    ///
    /// When there is no memory for a signal stack.
    pub fn take(desk: &'a OopsDesk) -> io::Result<Seat<'a>> {
        SIGNAL_STACK.with(|stack| {
            if stack.get().is_none() {
                let _ = stack.set(AltStack::install()?);
            }
            Ok::<(), io::Error>(())
        })?;
        fault::set_desk(desk);
        Ok(Seat { desk: PhantomData, not_send: PhantomData })
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        fault::set_desk(ptr::null());
    }
}

/// Calls `body`; if it panics, returns the message and the place.
///
/// # Errors
///
/// The message of the panic.
pub fn catch(body: &mut dyn FnMut()) -> Result<(), String> {
    panics::catch(body)
}

/// Maps zeroed memory for module text and data, read-write.
pub fn image_alloc(len: usize) -> Option<NonNull<u8>> {
    image::alloc(len)
}

/// Changes what a range of module memory is used for.
///
/// # Safety
///
/// The range is whole pages of one [`image_alloc`], and nobody relies on what is taken away.
pub unsafe fn image_protect(start: NonNull<u8>, len: usize, access: Protection) {
    // SAFETY: the caller's promise is the same.
    unsafe { image::protect(start, len, access) };
}

/// Unmaps what [`image_alloc`] mapped.
///
/// # Safety
///
/// `start` and `len` are those of the allocation, and nobody uses it any more.
pub unsafe fn image_free(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller's promise is the same.
    unsafe { image::free(start, len) };
}

/// Blocks the calling host thread while `word` is `expected`, at most for `span`; may return for
/// no reason.
pub fn wait_word(word: &AtomicU32, expected: u32, span: Duration) {
    sys::futex_wait(word, expected, Some(span));
}

/// Wakes one host thread that waits for the word at `word`, which need not exist any more.
pub fn wake_word(word: *const AtomicU32) {
    sys::futex_wake(word);
}

/// The host's id of the calling thread.
pub fn thread_id() -> i32 {
    sys::thread_id()
}

/// Has a host thread that is in module text, with interrupts on, call
/// [`forced_point`](kthreads_base::forced_point) right there.
pub fn press(thread: i32) {
    sys::signal_thread(thread, preempt::SIGNAL);
}

/// The processor time that a thread of this process has used, in nanoseconds; 0 if it is gone.
pub fn thread_time(thread: i32) -> u64 {
    /// The host's numbers for the clock of one thread: what it counts, and that it is a thread's.
    const SCHEDULED: i32 = 2;
    const PER_THREAD: i32 = 4;
    sys::host_clock((!thread << 3) | SCHEDULED | PER_THREAD)
}

/// Writes all of `text` to standard error, past every buffer.
pub fn write_stderr(text: &[u8]) {
    sys::write_stderr(text);
}

/// What the process takes up now, in bytes.
pub fn memory_in_use() -> u64 {
    memory::in_use()
}

/// Half of the host's memory, in bytes.
pub fn memory_total() -> u64 {
    memory::default_total()
}

/// Whether an address lies in the text of a module; from anywhere.
pub fn is_module_text(address: usize) -> bool {
    crate::text::TEXT.contains(address)
}
