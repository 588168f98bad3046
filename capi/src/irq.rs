//! Interrupts, softirqs and preemption of the running CPU (Linux: linux/irqflags.h,
//! linux/bottom_half.h, linux/preempt.h).
//!
//! These only change two fields of the running task; what that allows to happen now, happens
//! before they return.

use core::sync::atomic::Ordering;

use kthreads_base::{Head, current_head, module_point};
use kthreads_kernel::{HARDIRQ_MASK, Kernel, SOFTIRQ_DISABLE_OFFSET, SOFTIRQ_MASK};

/// The bit of saved flags that says that interrupts were on.
const INTERRUPTS_ON: u64 = 0x200;

/// C's form of the flag that `irq_save` returns.
pub(crate) fn flags_of(irqs_off: u32) -> u64 {
    if irqs_off == 0 { INTERRUPTS_ON } else { 0 }
}

/// The flag that C's saved flags mean.
pub(crate) fn irqs_off_in(flags: u64) -> u32 {
    u32::from(flags & INTERRUPTS_ON == 0)
}

/// Ends a section with softirqs disabled, `extra` preempt_disables along with it; runs what came
/// meanwhile (Linux: __local_bh_enable_ip).
pub(crate) fn bh_enable(extra: u32) {
    let head = current_head();
    // One count stays, so that nothing is preempted between the softirqs and the end.
    head.preempt_sub(SOFTIRQ_DISABLE_OFFSET + extra - 1);
    let in_interrupt =
        head.preempt_count.load(Ordering::Relaxed) & (SOFTIRQ_MASK | HARDIRQ_MASK) != 0;
    if !in_interrupt && head.irqs_off.load(Ordering::Relaxed) == 0 {
        if head.held.mark() != 0 {
            note_on(&head);
        }
        run_pending();
    }
    current_head().preempt_sub(1);
    module_point();
}

/// The lock validator learns that interrupts come on, if they were off and locks are held.
#[inline(always)]
pub(crate) fn note_irqs_on(head: &Head) {
    if head.held.mark() != 0 && head.irqs_off.load(Ordering::Relaxed) != 0 {
        note_on(head);
    }
}

#[cold]
#[inline(never)]
fn note_on(head: &Head) {
    kthreads_base::with_current(|kernel: &Kernel, _| kernel.note_interrupts_on(head));
}

fn run_pending() {
    kthreads_base::with_current(|kernel: &Kernel, _| {
        if kernel.softirqs_pending() {
            kernel.run_softirqs();
        }
    });
}

leaf! {
    fn preempt_schedule() {
        module_point();
    }

    fn local_bh_disable() {
        current_head().preempt_add(SOFTIRQ_DISABLE_OFFSET);
    }

    fn local_bh_enable() {
        bh_enable(0);
    }

    fn local_irq_disable() {
        current_head().irq_save();
    }

    fn local_irq_enable() {
        note_irqs_on(&current_head());
        current_head().irq_restore(0);
        module_point();
    }

    fn local_irq_save() -> u64 {
        flags_of(current_head().irq_save())
    }

    fn local_irq_restore(flags: u64) {
        if irqs_off_in(flags) == 0 {
            note_irqs_on(&current_head());
        }
        current_head().irq_restore(irqs_off_in(flags));
        module_point();
    }

    fn cpu_relax() {
        current_head().relax();
        module_point();
    }
}

exports! {
    "preempt_schedule" => preempt_schedule, Any;
    "local_bh_disable" => local_bh_disable, Local;
    "local_bh_enable" => local_bh_enable, Local;
    "local_irq_disable" => local_irq_disable, Local;
    "local_irq_enable" => local_irq_enable, Local;
    "__local_irq_save" => local_irq_save, Local;
    "__local_irq_restore" => local_irq_restore, Local;
    "cpu_relax" => cpu_relax, Local;
}
