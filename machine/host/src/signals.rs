//! The process's signal dispositions, and those of the threads that are CPUs.

use std::io;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, OnceLock};

use crate::sys;
use crate::{fault, preempt};

/// Signals by which the processor complains.
const FAULTS: [i32; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
/// What a CPU's thread takes besides these.
const ALSO_TAKEN: [i32; 4] = [preempt::SIGNAL, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS];
/// A signal frame takes some kilobytes, more on processors with wider registers.
const ALT_STACK_SIZE: usize = 128 * 1024;

/// Who handled [`FAULTS`] before us.
static BEFORE: [OnceLock<libc::sigaction>; FAULTS.len()] =
    [const { OnceLock::new() }; FAULTS.len()];

type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut std::ffi::c_void);

/// Installs the handlers, once for the process.
pub(crate) fn install() -> io::Result<()> {
    static IS_DONE: Mutex<bool> = Mutex::new(false);
    let mut is_done = IS_DONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if *is_done {
        return Ok(());
    }
    for (signal, before) in FAULTS.iter().zip(&BEFORE) {
        let _ = before.set(action_of(*signal)?);
        handle(*signal, fault::on_signal, libc::SA_NODEFER)?;
    }
    handle(preempt::SIGNAL, preempt::on_signal, libc::SA_RESTART)?;
    *is_done = true;
    Ok(())
}

fn action_of(signal: i32) -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::uninit();
    // SAFETY: asks only; the answer is written to `action`.
    checked(unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) })?;
    // SAFETY: the call succeeded.
    Ok(unsafe { action.assume_init() })
}

fn handle(signal: i32, handler: Handler, flags: i32) -> io::Result<()> {
    // SAFETY: all zero is a valid sigaction: the default action, an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = flags | libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handlers are made to run in signal context.
    checked(unsafe { libc::sigaction(signal, &action, ptr::null_mut()) })
}

fn checked(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Leaves a fault that is not a kernel thread's to who handled it before: it happens again when
/// the handler returns, or is sent again if somebody had sent it.
pub(crate) fn hand_on(signal: i32, info: &libc::siginfo_t) {
    let before = FAULTS.iter().position(|fault| *fault == signal);
    let Some(action) = before.and_then(|index| BEFORE[index].get()) else { return };
    // SAFETY: the action that was installed before ours.
    unsafe { libc::sigaction(signal, action, ptr::null_mut()) };
    if info.si_code <= 0 {
        sys::signal_thread(sys::thread_id(), signal);
    }
}

/// Keeps every signal off the calling thread but those a CPU is made to take: a handler of the
/// program must not run on a kernel stack.
pub(crate) fn block_others() {
    let mut blocked = MaybeUninit::uninit();
    // SAFETY: the set is filled before it is read, and concerns the calling thread only.
    unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in FAULTS.iter().chain(&ALSO_TAKEN) {
            libc::sigdelset(blocked.as_mut_ptr(), *signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, blocked.as_ptr(), ptr::null_mut());
    }
}

/// The calling thread's stack for signal handlers, until dropped.
pub(crate) struct AltStack {
    memory: NonNull<u8>,
    before: libc::stack_t,
}

impl AltStack {
    /// Maps one and makes it the calling thread's.
    pub(crate) fn install() -> io::Result<AltStack> {
        let memory = sys::map(ALT_STACK_SIZE)?;
        let stack =
            libc::stack_t { ss_sp: memory.as_ptr().cast(), ss_flags: 0, ss_size: ALT_STACK_SIZE };
        let mut before = MaybeUninit::uninit();
        // SAFETY: the memory was just mapped and stays until this is dropped.
        checked(unsafe { libc::sigaltstack(&stack, before.as_mut_ptr()) })?;
        // SAFETY: the call succeeded.
        Ok(AltStack { memory, before: unsafe { before.assume_init() } })
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        // SAFETY: the thread is not on its signal stack; the one before is still as it was.
        unsafe {
            libc::sigaltstack(&self.before, ptr::null_mut());
            sys::unmap(self.memory, ALT_STACK_SIZE);
        }
    }
}
