//! Works that are queued by a timer.

use core::pin::Pin;

use kthreads_base::list::{is_linked, unlink_init};
use kthreads_base::{RawGuard, current_head, with_current};

use super::queue::Place;
use super::{DelayedWork, ORDER, Worker};
use crate::Kernel;
use crate::time::{Jiffies, Timer};

/// Queues a delayed work whose time has come (Linux: kthread_delayed_work_timer_fn).
pub extern "C" fn delayed_work_timer_fn(timer: &Timer) {
    with_current(|kernel: &Kernel, _| kernel.delayed_work_is_due(DelayedWork::of_timer(timer)));
}

impl Kernel {
    /// Queues a work after `delay` jiffies; returns false if it waits already or is being
    /// cancelled (Linux: kthread_queue_delayed_work).
    pub fn queue_delayed_work(
        &self,
        worker: Pin<&Worker>,
        delayed: Pin<&DelayedWork>,
        delay: u64,
    ) -> bool {
        let is_set_up = self.check_queued(worker, &delayed.work);
        let held = worker.get_ref().lock.lock();
        let queued = is_set_up && !delayed.work.is_blocked() && !worker.is_closed();
        if queued {
            self.arm_delayed(worker, &held, delayed, delay);
        }
        queued
    }

    fn arm_delayed(
        &self,
        worker: Pin<&Worker>,
        held: &RawGuard<'_>,
        delayed: Pin<&DelayedWork>,
        delay: u64,
    ) {
        let work = delayed.work();
        if delay == 0 {
            return self.insert_work(current_head(), worker, held, work, Place::Last);
        }
        self.check_work(worker, &work);
        worker.delayed_works().push_front(held, work);
        work.worker.set(Some(worker));
        let here = self.here();
        let expires = Jiffies(here.now.0.wrapping_add(delay));
        self.timer_armed(self.timers.modify(delayed.timer(), expires, here));
    }

    /// The timer of a delayed work has run out.
    fn delayed_work_is_due(&self, delayed: Pin<&DelayedWork>) {
        let Some(worker) = delayed.work.worker.get() else { return };
        let held = worker.get_ref().lock.lock();
        unlink_init(&held, &delayed.get_ref().work);
        if delayed.work.canceling.load(ORDER) == 0 && !worker.is_closed() {
            self.insert_work(current_head(), worker, &held, delayed.work(), Place::Last);
        }
    }

    /// Queues a delayed work anew: true if it waited (its timer is replaced) or is being
    /// cancelled (it is left alone), false if it was idle (Linux: kthread_mod_delayed_work).
    pub fn mod_delayed_work(
        &self,
        worker: Pin<&Worker>,
        delayed: Pin<&DelayedWork>,
        delay: u64,
    ) -> bool {
        let work = &delayed.get_ref().work;
        let mut held = worker.get_ref().lock.lock();
        let mut was_waiting = false;
        if work.worker.address() != 0 {
            held = self.cancel_timer(worker, held, delayed);
            if work.canceling.load(ORDER) != 0 {
                return true;
            }
            was_waiting = is_linked(work) && unlink_init(&held, work);
        }
        if !worker.is_closed() {
            self.arm_delayed(worker, &held, delayed, delay);
        }
        was_waiting
    }

    /// Takes a delayed work out of line or off its timer; does not wait if it runs. True if it
    /// waited.
    pub(crate) fn take_delayed_work(&self, delayed: Pin<&DelayedWork>) -> bool {
        let Some(worker) = delayed.work.worker.get() else { return false };
        let held = worker.get_ref().lock.lock();
        let held = self.cancel_timer(worker, held, delayed);
        is_linked(&delayed.work) && unlink_init(&held, &delayed.get_ref().work)
    }

    /// Stops the timer; the lock is dropped meanwhile, and queueing is blocked.
    pub(super) fn cancel_timer<'w>(
        &self,
        worker: Pin<&'w Worker>,
        held: RawGuard<'w>,
        delayed: Pin<&DelayedWork>,
    ) -> RawGuard<'w> {
        let work = &delayed.get_ref().work;
        work.canceling.fetch_add(1, ORDER);
        drop(held);
        let relax = &mut || current_head().relax();
        self.timers.delete_sync(&delayed.get_ref().timer, relax);
        let held = worker.get_ref().lock.lock();
        work.canceling.fetch_sub(1, ORDER);
        held
    }
}
