//! Softirqs: what an interrupt has left to do, on a stack of the CPU's own.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::context;
use crate::head::current_head;
use crate::stack::Stack;

/// Where a CPU runs softirqs: on a stack of its own, as a context of its own, so that one which
/// faults can be given up.
pub(crate) struct Softirq {
    pub(crate) stack: Stack,
    /// What runs beneath them; 0 while none run.
    beneath: AtomicUsize,
    /// The context, once it is done: never resumed.
    done: AtomicUsize,
    is_given_up: AtomicBool,
}

impl Softirq {
    pub(crate) fn new(stack: Stack) -> Softirq {
        Softirq {
            stack,
            beneath: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            is_given_up: AtomicBool::new(false),
        }
    }

    /// Whether one runs; interrupts are off, or this is it.
    pub(crate) fn is_running(&self) -> bool {
        self.beneath.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn into_stack(self) -> Stack {
        self.stack
    }
}

/// Whether a softirq had to be given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftirqEnd {
    /// It has run to its end.
    Done,
    /// [`give_up_softirq`] ended it.
    GivenUp,
}

/// Runs [`Upcalls::softirq`](crate::Upcalls::softirq) on the CPU's stack for them. With interrupts
/// off, and not from within one.
pub fn run_softirq() -> SoftirqEnd {
    let head = current_head();
    let attached = head.local().attached();
    let Some(softirq) = attached.softirq.as_ref() else { return SoftirqEnd::Done };
    if in_softirq() {
        crate::fatal("a softirq began inside another");
    }
    // SAFETY: no softirq runs here, so their stack is free; the head is the running thread's.
    unsafe { softirq.stack.top_word().write(head.as_ptr()) };
    softirq.is_given_up.store(false, Ordering::Relaxed);
    let resume = context::prepare(&softirq.stack, softirq_start);
    // SAFETY: the context was just made, and is resumed once.
    unsafe { context::switch(&softirq.beneath, resume) };
    match softirq.is_given_up.load(Ordering::Relaxed) {
        true => SoftirqEnd::GivenUp,
        false => SoftirqEnd::Done,
    }
}

/// Whether the CPU runs a softirq; interrupts are off, or this is one.
pub fn in_softirq() -> bool {
    let head = current_head();
    let softirq = head.local().attached().softirq.as_ref();
    softirq.is_some_and(Softirq::is_running)
}

/// Ends the softirq that runs on this CPU where it is, on whatever stack the caller is: what its
/// frames hold is never given back.
pub fn give_up_softirq() -> ! {
    if let Some(softirq) = &current_head().local().attached().softirq {
        softirq.is_given_up.store(true, Ordering::Relaxed);
    }
    end_softirq()
}

extern "C" fn softirq_start() -> ! {
    current_head().local().attached().upcalls().softirq();
    end_softirq()
}

fn end_softirq() -> ! {
    let head = current_head();
    let attached = head.local().attached();
    if let Some(softirq) = &attached.softirq {
        let beneath = softirq.beneath.swap(0, Ordering::Relaxed);
        if beneath != 0 {
            // SAFETY: saved by `run_softirq`, and taken out by the swap.
            unsafe { context::switch(&softirq.done, beneath) };
        }
    }
    crate::fatal("a softirq ended that did not run")
}
