//! The child's last words, and the signals that it leaves to its parent.
//!
//! A signal that ends the process and has no other handler arrives here. What is noted first needs
//! nothing of the process but the mapping; then its stack is searched, which may fail: the signal
//! comes again then and ends it at once.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::Ordering;

use kthreads_base::{SLOT_SIZE, stack};

use super::shared::{Head, TRACE_WORDS, Trace};
use super::{CHILD, USER_SIGNALS};

/// The signals that end a program that did something impossible.
const SIGNALS: [i32; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGTRAP];
/// The codes of a fault at an address.
const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
/// Asks a CPU's thread where it is: one of these that nobody sends.
const ASK: i32 = libc::SIGSYS;
/// How often, and how long each time, the dying thread waits for the answers.
const MOST_WAITS: usize = 20;
const WAIT_NANOS: i64 = 1_000_000;
const PAGE: usize = 4096;
const ORDER: Ordering = Ordering::Relaxed;

/// Installs the handlers.
pub(super) fn install() {
    let flags = libc::SA_ONSTACK | libc::SA_SIGINFO;
    for signal in SIGNALS {
        handle(signal, on_signal as *const () as usize, flags | libc::SA_RESETHAND);
    }
    handle(ASK, on_ask as *const () as usize, flags);
}

/// Leaves the signals that users send to the parent, and ends with it.
pub(super) fn leave_user_signals(parent: u32) {
    for signal in USER_SIGNALS {
        // Not ignored, which a compiler that is started would inherit.
        handle(signal, on_user_signal as *const () as usize, libc::SA_RESTART);
    }
    // SAFETY: the call takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    if std::os::unix::process::parent_id() != parent {
        // It went before the call above.
        std::process::exit(i32::from(crate::status::BUG));
    }
}

fn handle(signal: i32, handler: usize, flags: i32) {
    // SAFETY: all zero is a valid sigaction: the default action, an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: the handlers do only what is allowed in one.
    unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
}

extern "C" fn on_user_signal(_: i32) {}

/// Notes what there is to know, and lets the default action end the program.
extern "C" fn on_signal(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    if let Some(child) = CHILD.get() {
        // SAFETY: the host's kernel hands a handler its own siginfo and ucontext.
        let (info, context) = unsafe { (&*info, &*context.cast::<libc::ucontext_t>()) };
        let head = child.shared.head();
        let signal = signal as u32;
        let order = Ordering::AcqRel;
        if head.death.signal.compare_exchange(0, signal, order, Ordering::Relaxed).is_ok() {
            note_death(head, info, context);
        }
    }
    // SAFETY: allowed in handlers; the signal is delivered when this one returns, and ends it all.
    unsafe { libc::raise(signal) };
}

/// Answers a thread that brings the end, and waits for it.
extern "C" fn on_ask(_: i32, _: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(child) = CHILD.get() else { return };
    let head = child.shared.head();
    if head.death.signal.load(Ordering::Acquire) == 0 {
        return;
    }
    // SAFETY: the host's kernel hands a handler its own ucontext.
    note_bystander(head, unsafe { &*context.cast::<libc::ucontext_t>() });
    loop {
        // SAFETY: allowed in handlers; takes nothing.
        unsafe { libc::pause() };
    }
}

/// Notes where the calling thread is, and makes every CPU do the same.
fn note_death(head: &Head, info: &libc::siginfo_t, context: &libc::ucontext_t) {
    // The processor tells no address when one is not canonical.
    let has_address = matches!(info.si_code, SEGV_MAPERR | SEGV_ACCERR);
    head.death.has_address.store(u32::from(has_address), ORDER);
    // SAFETY: reads a field that all signals have; it means something for those that carry one.
    head.death.address.store(unsafe { info.si_addr() } as u64, ORDER);
    note_trace(head, &head.death.at, context);
    let me = thread_id();
    let threads = head.cpus.iter().map(|note| note.thread.load(ORDER));
    let others = threads.enumerate().filter(|(_, thread)| *thread != 0 && *thread != me);
    for (_, thread) in others.clone() {
        // SAFETY: the call takes numbers only.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread as i32, ASK) };
    }
    for _ in 0..MOST_WAITS {
        if others.clone().all(|(cpu, _)| head.death.cpus[cpu].is_done.load(ORDER) != 0) {
            return;
        }
        let time = libc::timespec { tv_sec: 0, tv_nsec: WAIT_NANOS };
        // SAFETY: allowed in handlers; the time is a valid one.
        unsafe { libc::nanosleep(&time, ptr::null_mut()) };
    }
}

/// Notes where the calling thread is, if it is a CPU.
fn note_bystander(head: &Head, context: &libc::ucontext_t) {
    let me = thread_id();
    let cpu = head.cpus.iter().position(|note| note.thread.load(ORDER) == me);
    if let Some(trace) = cpu.and_then(|cpu| head.death.cpus.get(cpu)) {
        note_trace(head, trace, context);
    }
}

fn thread_id() -> u64 {
    // SAFETY: the call takes nothing.
    (unsafe { libc::gettid() }) as u64
}

/// Notes the instruction, and the words of the stack that point into modules.
fn note_trace(head: &Head, trace: &Trace, context: &libc::ucontext_t) {
    let registers = &context.uc_mcontext.gregs;
    trace.ip.store(registers[libc::REG_RIP as usize] as u64, ORDER);
    let sp = registers[libc::REG_RSP as usize] as usize;
    let is_in_module = |word: &u64| is_in_module(head, *word);
    let sp = if stack::in_range(sp) {
        Some(sp)
    } else {
        let frame = signal_stack(sp, &context.uc_stack);
        if let Some(ip) = words(frame.clone()).find(is_in_module) {
            trace.ip.store(ip, ORDER);
        }
        words(frame).map(|word| word as usize).find(|word| stack::in_range(*word))
    };
    if let Some(sp) = sp {
        let found = words(sp..(sp | (SLOT_SIZE - 1)) + 1).filter(is_in_module);
        // The last word stays 0.
        for (place, word) in trace.words[..TRACE_WORDS - 1].iter().zip(found) {
            place.store(word, ORDER);
        }
    }
    trace.is_done.store(1, Ordering::Release);
}

/// What a handler that was interrupted on its signal stack has there, and with it where it came
/// from itself; empty if `sp` is on no such stack.
fn signal_stack(sp: usize, stack: &libc::stack_t) -> Range<usize> {
    let start = stack.ss_sp as usize;
    let end = start + stack.ss_size;
    if (start..end).contains(&sp) { sp..end } else { 0..0 }
}

/// The words of a part of a stack.
fn words(part: Range<usize>) -> impl Iterator<Item = u64> {
    let sp = part.start;
    // The lowest page of a slot may be a guard.
    let lowest = if stack::in_range(sp) { (sp & !(SLOT_SIZE - 1)) + PAGE } else { sp };
    let addresses = (sp.max(lowest) & !7..part.end).step_by(size_of::<u64>());
    // SAFETY: the callers give parts of mapped stacks; above a guard page they can be read.
    addresses.map(|address| unsafe { (address as *const u64).read_volatile() })
}

fn is_in_module(head: &Head, word: u64) -> bool {
    head.modules.iter().any(|slot| {
        let base = slot.base.load(ORDER);
        base != 0 && word.checked_sub(base).is_some_and(|at| at < slot.len.load(ORDER))
    })
}
