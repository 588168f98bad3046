//! Giving a CPU to another thread.
//!
//! # Who may run a context
//!
//! [`Head`](crate::Head) keeps the saved stack pointer of a thread that does not run, and zero while it runs.
//! [`switch_to`] takes the pointer of the next thread out with a swap, so a thread cannot be
//! resumed twice, and the machine stores the pointer of the last one only after the last touch
//! of its stack (a release store; x86 stores are). Whoever reads it non-zero with acquire
//! ([`Head::is_saved`](crate::Head::is_saved)) may resume the thread or free its stack.

use core::pin::Pin;
use core::sync::atomic::Ordering;

use crate::context;
use crate::head::{Current, HeadFirst, current_head};
use crate::stack::Stack;

/// Makes `thread` ready to begin on `stack`, in [`Upcalls::thread_main`](crate::Upcalls::thread_main).
pub fn prepare<T: HeadFirst>(thread: Pin<&T>, stack: &Stack) {
    let head = thread.get_ref().head();
    // SAFETY: the stack is owned and unused; the thread is pinned, so its address stays.
    unsafe { stack.top_word().write(head) };
    head.stack.store(stack.base(), Ordering::Relaxed);
    head.sp.store(context::prepare(stack, thread_start), Ordering::Release);
}

extern "C" fn thread_start() -> ! {
    current_head().local().attached().upcalls().thread_main()
}

/// Gives the CPU of the running thread to `next`; returns when somebody gives it back. Interrupts
/// must be off.
///
/// The program ends if `next` runs already: two CPUs on one stack cannot be survived.
#[inline(always)]
pub fn switch_to<T: HeadFirst>(current: Current, next: Pin<&T>) {
    let next = next.get_ref().head();
    next.cpu.store(current.cpu.load(Ordering::Relaxed), Ordering::Relaxed);
    let resume = next.sp.swap(0, Ordering::AcqRel);
    if resume == 0 {
        crate::fatal("a thread was about to run on two CPUs at once");
    }
    // SAFETY: `resume` was taken out by the swap, so it is used once, and a non-zero saved
    // pointer belongs to an intact stack (see the head of this file).
    unsafe { context::switch(&current.sp, resume) };
}
