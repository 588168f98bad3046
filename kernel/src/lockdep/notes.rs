//! What is learnt beside the taking of locks: interrupts that come on while some are held, and
//! locks that the kernel itself takes.

use kthreads_base::Head;
use kthreads_base::held::{HeldLock, LockKind};
use kthreads_lockdep::{How, Usage};

use super::context::{Snapshot, newest_of, usage_of, who};
use super::{LockAt, ORDER};
use crate::Kernel;
use crate::backtrace::Origin;
use crate::cx::*;

impl Kernel {
    /// Learns that interrupts, or softirqs, are about to come on while the running task holds locks
    /// (Linux: lockdep_hardirqs_on, lockdep_softirqs_on).
    #[cold]
    pub fn note_interrupts_on(&self, head: &Head) {
        if !self.lockdep.is_on() || head.held.has_more() {
            return;
        }
        let states = match head.preempt_count.load(ORDER) & SOFTIRQ_MASK {
            0 => Usage::HARDIRQ_ON | Usage::SOFTIRQ_ON,
            _ => Usage::HARDIRQ_ON,
        };
        let slots = &self.lockdep.fast.slots;
        let is_new = |held: &HeldLock| {
            let is_seen = || slots.get(held.address).is_some_and(|slot| slot.seen.has(states));
            held.kind != LockKind::Function && !is_seen()
        };
        if !head.held.entries().any(|held| is_new(&held)) {
            return;
        }
        self.settle(head);
        let snapshot = Snapshot::of(head);
        let mut slow = self.lockdep.slow();
        let findings = slow.validator.states_on(snapshot.held(), states, who(head));
        for held in snapshot.held() {
            let is_there = slots.get(held.lock).is_some_and(|slot| slot.class == held.tag.class());
            if is_there {
                // It is there, so there is room for it.
                let _ = slow.set(&self.lockdep.fast, held.lock, held.tag.class());
            }
        }
        drop(slow);
        self.tell(findings);
    }

    /// Learns from a lock that the kernel itself takes and gives back, with interrupts off, while
    /// the running task holds others.
    #[inline]
    pub fn note_inner_lock(&self, head: &Head, address: usize) {
        let in_interrupt = head.preempt_count.load(ORDER) & (HARDIRQ_MASK | SOFTIRQ_OFFSET) != 0;
        if head.held.mark() != 0 || in_interrupt {
            self.note_inner_lock_slow(head, address);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_inner_lock_slow(&self, head: &Head, address: usize) {
        if !self.lockdep.is_on() || head.held.has_more() {
            return;
        }
        let served = usage_of(head) & (Usage::IN_HARDIRQ | Usage::IN_SOFTIRQ);
        let known = self.lockdep.fast.look(address, served, How::PLAIN, newest_of(head));
        if known.is_none() {
            let lock = LockAt { kind: LockKind::Spin, address, place: self.calling_place() };
            self.lock_tag_slow(head, &lock, How::PLAIN, served);
        }
    }

    /// The address that the innermost call from a module into the kernel returns to.
    pub(super) fn calling_place(&self) -> usize {
        let trace = self.trace_from(&Origin::here());
        trace.addresses().next().map_or(0, |address| address + 1)
    }
}
