//! Queueing works.

use core::pin::Pin;

use kthreads_base::{Current, RawGuard, current_head};

use super::{ORDER, Work, Worker, address_of};
use crate::task::state::TASK_NORMAL;
use crate::{Cx, Fault, Kernel};

/// Where a work goes among those that wait.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Last,
    First,
    After(&'a Work),
}

impl Kernel {
    /// Queues a work; returns false if it waits already or is being cancelled (Linux:
    /// kthread_queue_work). From any context.
    pub fn queue_work(&self, worker: Pin<&Worker>, work: Pin<&Work>) -> bool {
        self.queue_work_by(current_head(), worker, work)
    }

    /// As [`queue_work`](Kernel::queue_work), for a caller that knows the running task.
    #[inline(always)]
    pub fn queue_work_as(&self, cx: &Cx<'_>, worker: Pin<&Worker>, work: Pin<&Work>) -> bool {
        self.queue_work_by(cx.head, worker, work)
    }

    #[inline(always)]
    fn queue_work_by(&self, current: Current, worker: Pin<&Worker>, work: Pin<&Work>) -> bool {
        let is_set_up = self.check_queued(worker, &work);
        let held = worker.get_ref().lock.lock_of(current);
        let queued = is_set_up && !work.is_blocked() && !worker.is_closed();
        if queued {
            self.insert_work(current, worker, &held, work, Place::Last);
        }
        queued
    }

    #[inline(always)]
    pub(super) fn insert_work(
        &self,
        current: Current,
        worker: Pin<&Worker>,
        held: &RawGuard<'_>,
        work: Pin<&Work>,
        place: Place<'_>,
    ) {
        self.check_work(worker, &work);
        // Whoever put the first of them there has woken the thread, which does not sleep while
        // works wait.
        let is_awake = worker.has_works() || worker.current_work.load(ORDER) != 0;
        match place {
            Place::Last => worker.works().push_back(held, work),
            Place::First => worker.works().push_front(held, work),
            Place::After(other) => worker.get_ref().work_list.insert_after(held, other, work),
        }
        work.worker.set(Some(worker));
        if !is_awake && !self.has_fault_in(current, Fault::QueueForgetsWake) {
            self.wake_worker(current, worker);
        }
    }

    #[inline(never)]
    fn wake_worker(&self, current: Current, worker: Pin<&Worker>) {
        let place = self.waits.place(current, address_of(worker));
        if let Some(task) = place.waiter(worker.task(), |address| self.task_at(address)) {
            self.wake_by(current, task, TASK_NORMAL);
        }
    }

    /// Says so if one of the two was never initialised. A work that was not is never queued: it
    /// looks as if it were in line already, to Linux too.
    #[inline(always)]
    pub(super) fn check_queued(&self, worker: Pin<&Worker>, work: &Work) -> bool {
        let is_set_up = work.func.address() != 0;
        if !is_set_up {
            self.report_uninitialised("kthread_work", work.address());
        }
        if worker.work_list.is_raw() {
            self.report_uninitialised("kthread_worker", address_of(worker));
        }
        is_set_up
    }

    /// One work must not be used with two workers (Linux: kthread_insert_work_sanity_check).
    #[inline(always)]
    pub(super) fn check_work(&self, worker: Pin<&Worker>, work: &Work) {
        let other = work.worker.address();
        if other != address_of(worker) && other != 0 {
            self.report_two_workers();
        }
    }

    #[cold]
    #[inline(never)]
    fn report_two_workers(&self) {
        self.warn_once(&self.cx(), "a kthread_work is used with two workers");
    }
}
