//! Waiting for works, and taking them back.

use core::pin::{Pin, pin};

use kthreads_base::list::{is_linked, unlink_init};
use kthreads_base::{RawGuard, container_of, current_head, pin_field, with_current};

use super::queue::Place;
use super::{DelayedWork, ORDER, Work, WorkFn, Worker};
use crate::proc::WaitsIn;
use crate::wait::Completion;
use crate::{Cx, Fault, Kernel};

/// A work that tells that all before it is done.
#[repr(C)]
struct FlushWork {
    work: Work,
    done: Completion,
}

pin_field!(fn FlushWork::work -> work: Work);
container_of!(fn FlushWork::of_work <- work: Work);

extern "C" fn tell_flushed(work: &Work) {
    with_current(|kernel: &Kernel, head| tell(&kernel.cx_of(head), work));
}

/// Whether a function is that of a [`FlushWork`].
#[inline(always)]
pub(super) fn is_flush(func: WorkFn) -> bool {
    func as usize == tell_flushed as *const () as usize
}

/// What the function of a [`FlushWork`] does.
#[inline(always)]
pub(super) fn tell(cx: &Cx<'_>, work: &Work) {
    cx.kernel.complete_before_point(cx, &FlushWork::of_work(work).done);
    cx.point();
}

fn new_flush() -> FlushWork {
    let flush = FlushWork { work: Work::new(), done: Completion::new() };
    flush.work.func.set(tell_flushed);
    flush
}

impl Kernel {
    /// Waits for the instance of a work that waits or runs now (Linux: kthread_flush_work). For a
    /// delayed work whose timer still runs it waits for ever.
    pub fn flush_work(&self, cx: &Cx<'_>, work: Pin<&Work>) {
        self.might_sleep(cx);
        let Some(worker) = work.worker.get() else { return };
        let held = worker.get_ref().lock.lock_of(cx.head);
        self.flush_locked(cx, worker, held, work);
    }

    /// As [`flush_work`](Kernel::flush_work), but a work whose timer still runs is queued at once.
    pub(crate) fn flush_delayed_work(&self, cx: &Cx<'_>, delayed: Pin<&DelayedWork>) {
        self.might_sleep(cx);
        let Some(worker) = delayed.work.worker.get() else { return };
        let (work, timer) = (delayed.work(), &delayed.get_ref().timer);
        loop {
            let held = worker.get_ref().lock.lock();
            if is_linked(work.get_ref()) {
                if self.timers.delete(timer) {
                    unlink_init(&held, work.get_ref());
                    self.insert_work(current_head(), worker, &held, work, Place::Last);
                } else if self.timers.is_running(timer) {
                    // The work may be where it was until the timer's function has the lock.
                    drop(held);
                    cx.head.relax();
                    continue;
                }
            }
            return self.flush_locked(cx, worker, held, work);
        }
    }

    fn flush_locked(
        &self,
        cx: &Cx<'_>,
        worker: Pin<&Worker>,
        held: RawGuard<'_>,
        work: Pin<&Work>,
    ) {
        let flush = pin!(new_flush());
        let flush = flush.as_ref();
        // One that is cancelled may have no timer any more and not be taken out yet: it will not
        // be done, and what stood behind it would not be either.
        let is_cancelled = || work.canceling.load(ORDER) != 0;
        let waits = is_linked(work.get_ref())
            && (!is_cancelled() || worker.is_in_line(&held, work.get_ref()));
        let place = if waits {
            match self.config.fault {
                Some(Fault::FlushWaitsTooShort) => Place::First,
                _ => Place::After(work.get_ref()),
            }
        } else if worker.current_work.load(ORDER) == work.address() {
            Place::First
        } else {
            return;
        };
        self.insert_work(cx.head, worker, &held, flush.work(), place);
        drop(held);
        let _waits = cx.waits_in(WaitsIn::KthreadFlushWork);
        self.wait_for_completion_though_killed(cx, &flush.done);
    }

    /// Waits for all that is queued before this call; not for delayed works whose timers run
    /// (Linux: kthread_flush_worker).
    pub fn flush_worker(&self, cx: &Cx<'_>, worker: Pin<&Worker>) {
        let flush = pin!(new_flush());
        let flush = flush.as_ref();
        if !self.queue_work_as(cx, worker, flush.work()) {
            return;
        }
        let _waits = cx.waits_in(WaitsIn::KthreadFlushWorker);
        self.wait_for_completion_though_killed(cx, &flush.done);
    }

    /// Takes a work out of line and waits if it runs; true if it waited in line (Linux:
    /// kthread_cancel_work_sync). Queueing it meanwhile returns false.
    pub fn cancel_work_sync(&self, cx: &Cx<'_>, work: Pin<&Work>) -> bool {
        let Some(worker) = work.worker.get() else { return false };
        let held = worker.get_ref().lock.lock();
        self.cancel_locked(cx, worker, held, work)
    }

    /// As [`cancel_work_sync`](Kernel::cancel_work_sync), with its timer (Linux:
    /// kthread_cancel_delayed_work_sync).
    pub fn cancel_delayed_work_sync(&self, cx: &Cx<'_>, delayed: Pin<&DelayedWork>) -> bool {
        let Some(worker) = delayed.work.worker.get() else { return false };
        let held = worker.get_ref().lock.lock();
        let held = self.cancel_timer(worker, held, delayed);
        self.cancel_locked(cx, worker, held, delayed.work())
    }

    fn cancel_locked(
        &self,
        cx: &Cx<'_>,
        worker: Pin<&Worker>,
        held: RawGuard<'_>,
        work: Pin<&Work>,
    ) -> bool {
        let waited = is_linked(work.get_ref()) && unlink_init(&held, work.get_ref());
        if worker.current_work.load(ORDER) != work.address() {
            return waited;
        }
        work.canceling.fetch_add(1, ORDER);
        drop(held);
        self.flush_work(cx, work);
        let held = worker.get_ref().lock.lock();
        work.canceling.fetch_sub(1, ORDER);
        drop(held);
        waited
    }
}
