//! What is turned off for a while: interrupts, or preemption.

use core::marker::PhantomData;

use crate::head::{Current, current_head};

/// Interrupts off on this CPU until dropped.
#[must_use]
pub struct IrqGuard {
    head: Current,
    irqs: u32,
}

impl IrqGuard {
    /// Turns interrupts off.
    #[inline]
    pub fn new() -> IrqGuard {
        IrqGuard::of(current_head())
    }

    /// Turns interrupts off, for a caller that knows the running thread.
    #[inline(always)]
    pub fn of(head: Current) -> IrqGuard {
        IrqGuard { head, irqs: head.irq_save() }
    }
}

impl Default for IrqGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for IrqGuard {
    #[inline(always)]
    fn drop(&mut self) {
        self.head.irq_restore(self.irqs);
    }
}

/// Preemption off until dropped; dropping it is no rescheduling point.
#[must_use]
pub struct PreemptGuard {
    _not_send: PhantomData<*const ()>,
}

impl PreemptGuard {
    /// Turns preemption off.
    #[inline]
    pub fn new() -> PreemptGuard {
        current_head().preempt_add(1);
        PreemptGuard { _not_send: PhantomData }
    }
}

impl Default for PreemptGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for PreemptGuard {
    #[inline]
    fn drop(&mut self) {
        current_head().preempt_sub(1);
    }
}
