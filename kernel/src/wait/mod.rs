//! Waiting: wait queues, completions, mutexes and semaphores.

mod completion;
mod entries;
mod event;
mod mutex;
mod queue;
mod semaphore;
mod table;

pub use completion::Completion;
pub(crate) use entries::QueueEntries;
pub use event::Sleep;
pub use mutex::Mutex;
pub use queue::{
    WaitEntry, WaitFlags, WaitQueueHead, WakeFn, autoremove_wake_function, default_wake_function,
    woken_wake_function,
};
pub use semaphore::Semaphore;
pub(crate) use table::WaitTable;
pub use table::{Awaited, WaitNode};

use crate::time::{Jiffies, MAX_SCHEDULE_TIMEOUT};

const FOR_EVER: i64 = MAX_SCHEDULE_TIMEOUT.0 as i64;
use crate::{Cx, Kernel};

/// How long a wait may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Until it is over.
    Never,
    /// That long.
    At(Jiffies),
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// What was waited for has come, with so much of the limit left (at least one jiffy).
    Done(Limit),
    /// The limit was reached.
    TimedOut,
    /// A signal came first.
    Interrupted,
}

impl Limit {
    /// The limit that C's timeout argument means.
    pub fn from_c(timeout: i64) -> Limit {
        match timeout {
            FOR_EVER => Limit::Never,
            timeout => Limit::At(Jiffies(timeout.max(0) as u64)),
        }
    }

    /// C's form: jiffies left, MAX_SCHEDULE_TIMEOUT for no limit.
    pub fn to_c(self) -> i64 {
        match self {
            Limit::Never => FOR_EVER,
            Limit::At(Jiffies(left)) => left as i64,
        }
    }

    #[inline(always)]
    fn remaining_at_least_one(self) -> Limit {
        match self {
            Limit::Never => Limit::Never,
            Limit::At(Jiffies(left)) => Limit::At(Jiffies(left.max(1))),
        }
    }
}

impl Waited {
    /// C's form: jiffies left (at least 1), 0 for a time-out, -ERESTARTSYS.
    pub fn to_c(self) -> i64 {
        match self {
            Waited::Done(left) => left.to_c(),
            Waited::TimedOut => 0,
            Waited::Interrupted => -512,
        }
    }
}

impl Kernel {
    /// As [`schedule_limit`](Kernel::schedule_limit), for a caller that has turned interrupts off;
    /// `irqs` is what the flag was before.
    #[inline(always)]
    pub(crate) fn schedule_limit_irqs_off(&self, cx: &Cx<'_>, limit: Limit, irqs: u32) -> Limit {
        if limit == Limit::Never {
            self.schedule_irqs_off(cx, irqs);
            return limit;
        }
        cx.head.irq_restore(irqs);
        let left = self.schedule_limit(cx, limit);
        cx.head.irq_save();
        left
    }

    /// Sleeps in the state already set, at most until the limit; returns what is left of it.
    pub(crate) fn schedule_limit(&self, cx: &Cx<'_>, limit: Limit) -> Limit {
        match limit {
            Limit::Never => {
                self.schedule(cx);
                Limit::Never
            }
            Limit::At(left) => Limit::At(Jiffies(self.schedule_timeout(cx, left.0 as i64) as u64)),
        }
    }
}
