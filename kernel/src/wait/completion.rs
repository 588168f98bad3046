//! Completions (Linux: kernel/sched/completion.c).

use core::sync::atomic::{AtomicU32, Ordering};

use kthreads_base::{Current, current_head};

use super::table::{Awaitable, Awaited};
use super::{Limit, Waited};
use crate::sched::Switch;
use crate::task::state::*;
use crate::time::Jiffies;
use crate::{Cx, Errno, Fault, Kernel, observe};

const ORDER: Ordering = Ordering::Relaxed;
/// `done` of a completion that lets everybody pass.
const ALL: u32 = u32::MAX;

/// A counter that waiters consume: C's `struct completion`.
#[repr(C)]
#[derive(Debug)]
pub struct Completion {
    done: AtomicU32,
    magic: AtomicU32,
}

impl Awaitable for Completion {
    const KIND: Awaited = Awaited::Completion;
}

impl Default for Completion {
    fn default() -> Self {
        Self::new()
    }
}

impl Completion {
    /// What every initialiser stores, so that an object that was never initialised is known.
    pub const MAGIC: u32 = 0x636f_6d70;

    /// A completion that nobody has completed.
    pub const fn new() -> Completion {
        Completion { done: AtomicU32::new(0), magic: AtomicU32::new(Completion::MAGIC) }
    }

    /// Initialises the object whatever it was.
    pub fn init(&self) {
        self.done.store(0, ORDER);
        self.magic.store(Completion::MAGIC, ORDER);
    }

    /// Sets the counter to zero and touches nothing else (Linux: reinit_completion).
    pub fn reinit(&self) {
        self.done.store(0, ORDER);
    }

    /// Whether the object has been initialised, or looks so.
    pub(crate) fn is_initialised(&self) -> bool {
        self.magic.load(ORDER) == Completion::MAGIC
    }

    /// Whether a wait would pass now (Linux: completion_done).
    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire) != 0
    }
}

impl Kernel {
    /// Lets one waiter pass, now or later (Linux: complete). From any context.
    pub fn complete(&self, completion: &Completion) {
        let cx = self.cx();
        let irqs = cx.head.irq_save();
        self.complete_before_point(&cx, completion);
        cx.head.irq_restore(irqs);
    }

    /// As [`complete`](Kernel::complete), for a caller that comes to an interrupt point next.
    #[inline(always)]
    pub fn complete_before_point(&self, cx: &Cx<'_>, completion: &Completion) {
        match cx.unobserved() {
            Some(cx) => self.complete_body(&cx, completion),
            None => self.complete_observed(*cx, completion),
        }
    }

    #[cold]
    #[inline(never)]
    fn complete_observed(&self, cx: Cx<'_>, completion: &Completion) {
        self.complete_body(&cx, completion);
    }

    #[inline(always)]
    fn complete_body(&self, cx: &Cx<'_>, completion: &Completion) {
        let current = cx.head;
        let address = self.tell_completed(current, completion, 0);
        let irqs = current.irq_save();
        let place = self.waits.place(current, address);
        place.note_waker(current, address);
        let mut shard = place.lock_irqs_off(current);
        let done = completion.done.load(ORDER);
        if done != ALL && !self.has_fault_in(current, Fault::CompleteForgetsCount) {
            completion.done.store(done + 1, ORDER);
        }
        if let Some(task) = shard.take_first(completion)
            && !self.has_fault_in(current, Fault::CompleteWakesNobody)
        {
            self.wake_irqs_off(current, task, TASK_NORMAL, || cx.here());
        }
        drop(shard);
        current.irq_restore_before_point(irqs);
    }

    /// What comes before a completion is touched; returns where it lies.
    #[inline(always)]
    fn tell_completed(&self, current: Current, completion: &Completion, all: usize) -> usize {
        self.check_completion(completion);
        let address = core::ptr::from_ref(completion) as usize;
        observe::gives(current, address, observe::NO_LOCK);
        current.note(observe::COMPLETED, address, all);
        address
    }

    /// Lets everybody pass until reinit_completion (Linux: complete_all). From any context.
    pub fn complete_all(&self, completion: &Completion) {
        let current = current_head();
        let address = self.tell_completed(current, completion, 1);
        self.waits.note_waker(current, address);
        let mut shard = self.waits.lock(current, completion);
        completion.done.store(ALL, ORDER);
        while let Some(task) = shard.first(completion) {
            shard.remove(task);
            self.wake_up_state(task, TASK_NORMAL);
            if self.has_fault(Fault::CompleteAllWakesOne) {
                break;
            }
        }
    }

    /// Consumes one count if there is one; never sleeps (Linux: try_wait_for_completion).
    pub fn try_wait_for_completion(&self, completion: &Completion) -> bool {
        self.check_completion(completion);
        let current = current_head();
        let _shard = self.waits.lock(current, completion);
        take(current, completion)
    }

    /// Waits, in sleep `state`, until the completion is done, and consumes one count (Linux:
    /// do_wait_for_common). A signal that `state` lets through ends the wait, but only a wait
    /// that would sleep.
    pub fn wait_for_completion_state(
        &self,
        cx: &Cx<'_>,
        completion: &Completion,
        state: u32,
        limit: Limit,
    ) -> Waited {
        self.might_sleep(cx);
        let irqs = cx.head.irq_save();
        let sleep = |left| self.schedule_limit_irqs_off(cx, left, irqs);
        let waited = self.wait_body(cx, completion, state, limit, sleep);
        cx.head.irq_restore(irqs);
        waited
    }

    /// Waits, with interrupts off and with `sleep` for schedule_timeout.
    #[inline(always)]
    fn wait_body(
        &self,
        cx: &Cx<'_>,
        completion: &Completion,
        state: u32,
        limit: Limit,
        sleep: impl Fn(Limit) -> Limit,
    ) -> Waited {
        self.check_completion(completion);
        let task = cx.task.get_ref();
        let place = self.waits.place(cx.head, core::ptr::from_ref(completion) as usize);
        let mut shard = place.lock_irqs_off(cx.head);
        if take(cx.head, completion) {
            return Waited::Done(limit.remaining_at_least_one());
        }
        // No signal ends an uninterruptible wait: a task that is to end is kept awake by schedule.
        if state != TASK_UNINTERRUPTIBLE && self.signal_pending_state(state, task) {
            return Waited::Interrupted;
        }
        shard.push(task, completion);
        let mut left = limit;
        loop {
            if self.has_fault_in(cx.head, Fault::CompletionWaitSetsStateLate) {
                drop(shard);
                cx.head.step();
                task.head.state.store(state, ORDER);
            } else {
                task.head.state.store(state, ORDER);
                drop(shard);
            }
            left = sleep(left);
            shard = place.lock_irqs_off(cx.head);
            if take(cx.head, completion) {
                shard.remove(task);
                return Waited::Done(left.remaining_at_least_one());
            }
            if left == Limit::At(Jiffies(0)) {
                shard.remove(task);
                return Waited::TimedOut;
            }
            if self.signal_pending_state(state, task) {
                shard.remove(task);
                return Waited::Interrupted;
            }
            if task.wait.waits_for().is_none() {
                shard.push(task, completion);
            }
        }
    }

    /// Waits uninterruptibly (Linux: wait_for_completion).
    pub fn wait_for_completion(&self, cx: &Cx<'_>, completion: &Completion) {
        self.wait_for_completion_state(cx, completion, TASK_UNINTERRUPTIBLE, Limit::Never);
    }

    /// As [`wait_for_completion`](Kernel::wait_for_completion), for a caller that comes to an
    /// interrupt point next.
    #[inline(always)]
    pub fn wait_for_completion_before_point(&self, cx: &Cx<'_>, completion: &Completion) -> Waited {
        let state = TASK_UNINTERRUPTIBLE;
        let Some(cx) = cx.unobserved().filter(|cx| !cx.in_atomic()) else {
            return self.wait_for_completion_state(cx, completion, state, Limit::Never);
        };
        cx.head.irq_disable();
        let waited = self.wait_body(&cx, completion, state, Limit::Never, |left| {
            self.switch_irqs_off(&cx, Switch::Voluntary);
            left
        });
        cx.head.irq_restore_before_point(0);
        waited
    }

    /// As [`wait_for_completion`](Kernel::wait_for_completion), for who must see it done even if it
    /// was told to end, since others use what is on its stack, or what it frees then. It ends
    /// afterwards.
    pub(crate) fn wait_for_completion_though_killed(&self, cx: &Cx<'_>, completion: &Completion) {
        let waited = self.wait_for_completion_before_point(cx, completion);
        if waited == Waited::Interrupted {
            self.wait_on_though_killed(cx, completion);
        }
        cx.point();
    }

    #[cold]
    fn wait_on_though_killed(&self, cx: &Cx<'_>, completion: &Completion) {
        let state = TASK_UNINTERRUPTIBLE;
        cx.task.set_to_end(false);
        while self.wait_for_completion_state(cx, completion, state, Limit::Never)
            == Waited::Interrupted
        {
            cx.task.set_to_end(false);
        }
        cx.task.set_to_end(true);
    }

    /// Waits until done or fatally signalled (Linux: wait_for_completion_killable).
    ///
    /// # Errors
    ///
    /// ERESTARTSYS when a fatal signal came first.
    pub fn wait_for_completion_killable(
        &self,
        cx: &Cx<'_>,
        completion: &Completion,
    ) -> Result<(), Errno> {
        match self.wait_for_completion_state(cx, completion, TASK_KILLABLE, Limit::Never) {
            Waited::Interrupted => Err(Errno::ERESTARTSYS),
            _ => Ok(()),
        }
    }

    #[inline(always)]
    fn check_completion(&self, completion: &Completion) {
        if completion.magic.load(ORDER) != Completion::MAGIC {
            self.report_uninitialised("completion", core::ptr::from_ref(completion) as usize);
            completion.magic.store(Completion::MAGIC, ORDER);
        }
    }
}

/// Consumes a count; the shard's lock is held.
#[inline(always)]
fn take(current: Current, completion: &Completion) -> bool {
    let done = completion.done.load(ORDER);
    if done == 0 {
        return false;
    }
    if done != ALL {
        completion.done.store(done - 1, ORDER);
    }
    observe::takes(current, core::ptr::from_ref(completion) as usize, observe::NO_LOCK);
    true
}
