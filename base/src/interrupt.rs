//! Taking interrupts.
//!
//! `irqs_off` is the interrupt flag of the thread that runs. A machine marks an interrupt
//! pending in [`CpuLocal`](crate::CpuLocal); it is delivered when the flag is on: at once by a
//! machine that interrupts module text, else by [`Head::irq_restore`](crate::Head::irq_restore)
//! and [`interrupt_point`]. Both store the flag before they read `pending`, a machine sets
//! `pending` before it reads the flag, all on one CPU, so an interrupt is never left behind.

use core::sync::atomic::{Ordering, compiler_fence};

use crate::context;
use crate::head::{Current, TIF_KILLED, TIF_NEED_RESCHED, current_head, stack_pointer};
use crate::softirq::Softirq;
use crate::stack::SLOT_SIZE;

/// Takes what is pending: interrupts if they are on, then a reschedule if one is asked for and
/// the preemption count is zero. The end of every call from a module is such a point.
#[inline]
pub fn interrupt_point() {
    interrupt_point_of(current_head());
}

/// As [`interrupt_point`], for a caller that knows the running thread.
#[inline(always)]
pub fn interrupt_point_of(head: Current) {
    head.step();
    if head.irqs_off.load(Ordering::Relaxed) != 0 {
        return;
    }
    let is_pending = head.local().pending.load(Ordering::Relaxed) != 0;
    if is_pending || head.ti_flags.load(Ordering::Relaxed) & TIF_NEED_RESCHED != 0 {
        take_what_is_due(head);
    }
}

#[cold]
#[inline(never)]
fn take_what_is_due(head: Current) {
    loop {
        if head.local().pending.load(Ordering::Relaxed) != 0 {
            deliver();
        }
        let resched = head.ti_flags.load(Ordering::Relaxed) & TIF_NEED_RESCHED != 0;
        if !resched || head.preempt_count.load(Ordering::Relaxed) != 0 {
            return;
        }
        // Look again: an interrupt taken at the end of this may ask for the next reschedule, and
        // a module that loops comes to no other point.
        head.local().attached().upcalls().preempt();
    }
}

/// The end of a call from a module, and a point in module text: as [`interrupt_point`], and a
/// thread that was told to end does so here.
#[inline]
pub fn module_point() {
    module_point_of(current_head());
}

/// As [`module_point`], for a caller that knows the running thread.
#[inline(always)]
pub fn module_point_of(head: Current) {
    head.step();
    let is_pending = head.local().pending.load(Ordering::Relaxed) != 0;
    let flags = head.ti_flags.load(Ordering::Relaxed);
    if is_pending || flags & (TIF_NEED_RESCHED | TIF_KILLED) != 0 {
        take_and_end(head);
    }
}

#[cold]
#[inline(never)]
fn take_and_end(head: Current) {
    if head.irqs_off.load(Ordering::Relaxed) == 0 {
        take_what_is_due(head);
    }
    if head.ti_flags.load(Ordering::Relaxed) & TIF_KILLED != 0 {
        head.local().attached().upcalls().killed();
    }
}

/// Delivers the pending interrupts on the CPU's interrupt stack.
///
/// Where interrupts are real, the thread may be moved to another CPU as long as its flag is on:
/// the flag goes off before the CPU's word is looked at, and the look after it went on again may
/// be at another CPU's, which is as good: what came for the CPU it left was taken there before.
#[cold]
#[inline(never)]
pub(crate) fn deliver() {
    let head = current_head();
    loop {
        head.irqs_off.store(1, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        if head.local().pending.swap(0, Ordering::Relaxed) != 0 {
            on_irq_stack(head);
        }
        compiler_fence(Ordering::SeqCst);
        head.irqs_off.store(0, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        if head.local().pending.load(Ordering::Relaxed) == 0 {
            return;
        }
    }
}

fn on_irq_stack(head: Current) {
    let attached = head.local().attached();
    let Some(stack) = &attached.irq_stack else { return };
    let slot = stack_pointer() & !(SLOT_SIZE - 1);
    // A softirq may be on another stack for a while, and what is beneath it may be on this one.
    let nested = slot == stack.base() || attached.softirq.as_ref().is_some_and(Softirq::is_running);
    if nested {
        return attached.upcalls().interrupt();
    }
    // SAFETY: not nested, so the interrupt stack is free; it is this CPU's own, and interrupts
    // are off. The head is the running thread's.
    unsafe {
        stack.top_word().write(head.as_ptr());
        context::call_on(stack.top(), irq_trampoline);
    }
}

/// A point that code of a module which comes to none by itself was brought to by the machine: as
/// [`module_point`].
pub fn forced_point() {
    let head = current_head();
    if head.is_observed() {
        head.local().attached().machine().forced_step();
    }
    module_point();
}

/// Hands a fault to the kernel: what a machine calls once it is on a stack whose top word names
/// the faulting thread. Interrupts go off.
pub fn report_fault(fault: &crate::Fault) -> ! {
    let head = current_head();
    head.irqs_off.store(1, Ordering::Relaxed);
    head.local().attached().upcalls().fault(fault)
}

extern "C" fn irq_trampoline() {
    current_head().local().attached().upcalls().interrupt();
}
