//! Completions (Linux: kernel/sched/completion.c).

use core::sync::atomic::{AtomicU32, Ordering};

use super::table::{Awaitable, Awaited};
use super::{Limit, Waited};
use crate::task::state::*;
use crate::time::Jiffies;
use crate::{Cx, Errno, Kernel};

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
        self.check_completion(completion);
        let mut shard = self.waits.lock(completion);
        self.waits.note_waker(core::ptr::from_ref(completion) as usize);
        let done = completion.done.load(ORDER);
        if done != ALL {
            completion.done.store(done + 1, ORDER);
        }
        if let Some(task) = shard.first(&self.tasks, completion) {
            shard.remove(&self.tasks, task);
            self.wake_up_state(task, TASK_NORMAL);
        }
    }

    /// Lets everybody pass until reinit_completion (Linux: complete_all). From any context.
    pub fn complete_all(&self, completion: &Completion) {
        self.check_completion(completion);
        let mut shard = self.waits.lock(completion);
        self.waits.note_waker(core::ptr::from_ref(completion) as usize);
        completion.done.store(ALL, ORDER);
        while let Some(task) = shard.first(&self.tasks, completion) {
            shard.remove(&self.tasks, task);
            self.wake_up_state(task, TASK_NORMAL);
        }
    }

    /// Consumes one count if there is one; never sleeps (Linux: try_wait_for_completion).
    pub fn try_wait_for_completion(&self, completion: &Completion) -> bool {
        self.check_completion(completion);
        let _shard = self.waits.lock(completion);
        take(completion)
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
        self.check_completion(completion);
        let task = cx.task.get_ref();
        let mut left = limit;
        let mut shard = self.waits.lock(completion);
        if take(completion) {
            return Waited::Done(limit.remaining_at_least_one());
        }
        loop {
            if self.signal_pending_state(state, task) {
                shard.remove(&self.tasks, task);
                return Waited::Interrupted;
            }
            if task.wait.waits_for().is_none() {
                shard.push(&self.tasks, task, completion);
            }
            task.head.state.store(state, ORDER);
            drop(shard);
            left = self.schedule_limit(cx, left);
            shard = self.waits.lock(completion);
            if take(completion) {
                shard.remove(&self.tasks, task);
                return Waited::Done(left.remaining_at_least_one());
            }
            if left == Limit::At(Jiffies(0)) {
                shard.remove(&self.tasks, task);
                return Waited::TimedOut;
            }
        }
    }

    /// Waits uninterruptibly (Linux: wait_for_completion).
    pub fn wait_for_completion(&self, cx: &Cx<'_>, completion: &Completion) {
        self.wait_for_completion_state(cx, completion, TASK_UNINTERRUPTIBLE, Limit::Never);
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

    fn check_completion(&self, completion: &Completion) {
        if completion.magic.load(ORDER) != Completion::MAGIC {
            self.report_uninitialised("completion", core::ptr::from_ref(completion) as usize);
            completion.magic.store(Completion::MAGIC, ORDER);
        }
    }
}

/// Consumes a count; the shard's lock is held.
fn take(completion: &Completion) -> bool {
    match completion.done.load(ORDER) {
        0 => false,
        ALL => true,
        done => {
            completion.done.store(done - 1, ORDER);
            true
        }
    }
}
