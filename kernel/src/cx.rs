//! Where code runs: in which kernel, as which task.

use core::sync::atomic::Ordering;

use kthreads_base::interrupt::interrupt_point_of;
use kthreads_base::module_point_of;
use kthreads_base::{Current, current_head};

use crate::Kernel;
use crate::kernel::Cpu;
use crate::task::TaskPin;

/// The bits of the preemption count that count softirqs.
pub const SOFTIRQ_MASK: u32 = 0xff00;
/// One softirq being served.
pub const SOFTIRQ_OFFSET: u32 = 0x100;
/// One local_bh_disable.
pub const SOFTIRQ_DISABLE_OFFSET: u32 = 0x200;
/// The bits of the preemption count that count hardware interrupts.
pub const HARDIRQ_MASK: u32 = 0xf_0000;
/// One hardware interrupt being served.
pub const HARDIRQ_OFFSET: u32 = 0x1_0000;

/// The running task and its kernel: what C calls `current`.
///
/// It belongs to one thread: its functions act on the caller, so it is made anew in each, and it
/// can be sent to no other:
///
/// ```compile_fail
/// fn send<T: Send>() {}
/// send::<kthreads_kernel::Cx<'static>>();
/// ```
#[derive(Clone, Copy)]
pub struct Cx<'k> {
    /// The kernel.
    pub kernel: &'k Kernel,
    /// The running task.
    pub task: TaskPin<'k>,
    /// The running thread, as base knows it.
    pub(crate) head: Current,
}

impl Kernel {
    /// The running task of this kernel.
    ///
    /// # Panics
    ///
    /// When the caller does not run in this kernel: use [`enter`](Kernel::enter).
    #[inline]
    pub fn cx(&self) -> Cx<'_> {
        self.cx_of(current_head())
    }

    /// As [`cx`](Kernel::cx), for a caller that knows the running thread.
    #[inline(always)]
    pub fn cx_of(&self, head: Current) -> Cx<'_> {
        let task = self.tasks.pin(head.index.load(Ordering::Relaxed));
        if !core::ptr::eq(&task.head, &*head) {
            runs_elsewhere();
        }
        Cx { kernel: self, task, head }
    }

    /// As [`cx_of`](Kernel::cx_of), for a caller that also knows that it runs in this kernel, and
    /// as which task.
    #[inline(always)]
    pub fn cx_as<'k>(&'k self, head: Current, task: TaskPin<'k>) -> Cx<'k> {
        debug_assert!(core::ptr::eq(&task.head, &*head));
        Cx { kernel: self, task, head }
    }
}

#[cold]
#[inline(never)]
fn runs_elsewhere() -> ! {
    panic!("this thread runs in another kernel: use that kernel's enter()");
}

impl<'k> Cx<'k> {
    /// The CPU that this runs on. With interrupts off, so that it stays there.
    #[inline(always)]
    pub(crate) fn here(&self) -> &'k Cpu {
        match self.task.sched.cpu.get() {
            Some(cpu) => cpu.get_ref(),
            None => has_no_cpu(),
        }
    }

    /// The same, where nobody observes the running thread; None where somebody does. For hot paths:
    /// see [`Current::unobserved`].
    #[inline(always)]
    pub(crate) fn unobserved(&self) -> Option<Cx<'k>> {
        Some(Cx { head: self.head.unobserved()?, ..*self })
    }
}

#[cold]
#[inline(never)]
fn has_no_cpu() -> ! {
    kthreads_base::fatal("a task runs that was never given a CPU")
}

impl Cx<'_> {
    /// Whether the caller must not sleep: preemption or interrupts are off (Linux: in_atomic, and
    /// irqs_disabled).
    #[inline]
    pub fn in_atomic(&self) -> bool {
        let head = &self.task.head;
        head.preempt_count.load(Ordering::Relaxed) != 0
            || head.irqs_off.load(Ordering::Relaxed) != 0
    }

    /// Whether the caller serves an interrupt or softirq (Linux: in_interrupt).
    pub fn in_interrupt(&self) -> bool {
        let count = self.task.head.preempt_count.load(Ordering::Relaxed);
        count & (SOFTIRQ_MASK | HARDIRQ_MASK) != 0
    }

    /// The end of a call that may have woken somebody: takes interrupts that are pending, and gives
    /// the CPU to who should have it (Linux: preempt_check_resched). C's calls end in such a point,
    /// too.
    #[inline]
    pub(crate) fn point(&self) {
        interrupt_point_of(self.head);
    }

    /// The end of a call from a module (base's module_point).
    pub fn module_point(&self) {
        module_point_of(self.head);
    }

    /// The number of the CPU that runs this.
    pub fn cpu(&self) -> u32 {
        self.head.cpu()
    }
}
