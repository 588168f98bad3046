//! Waiting for a condition (Linux: the wait_event macros), for Rust code.

use core::pin::{Pin, pin};
use core::sync::atomic::Ordering;

use super::{Limit, WaitEntry, WaitFlags, WaitQueueHead, Waited};
use crate::task::state::*;
use crate::time::Jiffies;
use crate::{Cx, Fault, Kernel};

/// How a task sleeps: what may end the sleep besides what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// Any signal that the task has allowed, and kthread_stop.
    Interruptible,
    /// Nothing.
    Uninterruptible,
    /// A fatal signal.
    Killable,
    /// Nothing, and the sleep is not load.
    Idle,
}

impl Sleep {
    /// The TASK_ bits.
    pub fn state(self) -> u32 {
        match self {
            Sleep::Interruptible => TASK_INTERRUPTIBLE,
            Sleep::Uninterruptible => TASK_UNINTERRUPTIBLE,
            Sleep::Killable => TASK_KILLABLE,
            Sleep::Idle => TASK_IDLE,
        }
    }
}

/// A wait under way. The condition is anybody's code and may panic: the entry leaves the queue
/// whatever happens.
struct Waiting<'a, 'k> {
    cx: &'a Cx<'k>,
    queue: Pin<&'a WaitQueueHead>,
    entry: Pin<&'a WaitEntry>,
}

impl Drop for Waiting<'_, '_> {
    fn drop(&mut self) {
        self.cx.kernel.finish_wait(self.cx, self.queue, self.entry.get_ref());
        count_frames(self.cx, -1);
    }
}

/// Counts frames of the running task that others have links to. Only the task itself writes.
fn count_frames(cx: &Cx<'_>, change: i32) {
    let frames = &cx.task.pinned_frames;
    frames.store(frames.load(Ordering::Relaxed).wrapping_add_signed(change), Ordering::Relaxed);
}

impl Kernel {
    /// Sleeps on `queue` until `condition` holds (Linux: ___wait_event). The condition is read
    /// first without sleeping, again before each sleep, when a wake-up would no more be lost, and
    /// after each; it wins over a signal and over the limit.
    pub fn wait_event(
        &self,
        cx: &Cx<'_>,
        queue: Pin<&WaitQueueHead>,
        sleep: Sleep,
        flags: WaitFlags,
        limit: Limit,
        mut condition: impl FnMut() -> bool,
    ) -> Waited {
        self.might_sleep(cx);
        if condition() {
            return Waited::Done(limit.remaining_at_least_one());
        }
        let entry = pin!(WaitEntry::new(cx, flags));
        let entry = entry.as_ref();
        let waiting = Waiting { cx, queue, entry };
        count_frames(cx, 1);
        let mut left = limit;
        let waited = loop {
            let prepared = self.prepare_to_wait_event(cx, queue, entry, sleep.state());
            if !self.has_fault(Fault::WaitEventLooksOnce) && condition() {
                break Waited::Done(left.remaining_at_least_one());
            }
            if prepared.is_err() {
                break Waited::Interrupted;
            }
            if left == Limit::At(Jiffies(0)) {
                break Waited::TimedOut;
            }
            left = self.schedule_limit(cx, left);
            // Mostly the waker has taken the entry out, and there is nothing left to do.
            if condition() {
                break Waited::Done(left.remaining_at_least_one());
            }
        };
        drop(waiting);
        waited
    }
}
