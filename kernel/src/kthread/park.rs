//! Parking: a thread put to rest by another, and let go on.

use core::sync::atomic::Ordering;

use kthreads_base::{explore_point, note};

use super::{ENDING, PER_CPU, SHOULD_PARK};
use crate::proc::WaitsIn;
use crate::task::Task;
use crate::task::state::*;
use crate::{Cx, Errno, Fault, Kernel, observe};

impl Kernel {
    /// Asks a thread to park and waits until it has (Linux: kthread_park). The thread must call
    /// kthread_parkme; if it never does, this never returns. Asked of oneself it only sets the
    /// bit.
    ///
    /// # Errors
    ///
    /// ENOSYS for a thread that is ending, EBUSY if it was asked before; both warn.
    pub fn kthread_park(&self, cx: &Cx<'_>, task: &Task) -> Result<(), Errno> {
        if task.flags() & PF_EXITING != 0 {
            self.warn(cx, "kthread_park of a thread that is ending");
        }
        self.park_thread(cx, task)
    }

    /// As [`kthread_park`](Kernel::kthread_park), for who cannot know whether the thread is ending.
    pub(crate) fn park_thread(&self, cx: &Cx<'_>, task: &Task) -> Result<(), Errno> {
        if task.flags() & PF_EXITING != 0 {
            return Err(Errno::ENOSYS);
        }
        if task.kthread.has(SHOULD_PARK) {
            self.warn_once(cx, "kthread_park of a thread that was told to park before");
            return Err(Errno::EBUSY);
        }
        observe::gives_here(&task.kthread);
        note(observe::TOLD_TO_PARK, task.index() as usize, 0);
        explore_point();
        let before = task.kthread.bits.fetch_or(SHOULD_PARK, Ordering::SeqCst);
        explore_point();
        if before & ENDING != 0 {
            return Err(Errno::ENOSYS);
        }
        if core::ptr::eq(task, cx.task.get_ref()) {
            return Ok(());
        }
        self.wake_up_process(task);
        let waits = cx.waits_in(WaitsIn::KthreadPark);
        self.wait_for_completion(cx, &task.kthread.parked);
        drop(waits);
        // It has said so on its way to sleep: see it off the CPU.
        while task.state() == TASK_PARKED && !task.head.is_saved() {
            cx.task.head.relax();
        }
        if task.kthread.has(ENDING) { Err(Errno::ENOSYS) } else { Ok(()) }
    }

    /// Says that the running thread will park no more, so that nobody waits for it to: whoever
    /// asks before this is answered here, and whoever asks later is told at once.
    pub(crate) fn kthread_parks_no_more(&self, cx: &Cx<'_>) {
        let before = cx.task.kthread.bits.fetch_or(ENDING, Ordering::SeqCst);
        if before & SHOULD_PARK != 0 {
            self.complete(&cx.task.kthread.parked);
        }
    }

    /// Lets a parked thread go on; without a park request it does nothing (Linux:
    /// kthread_unpark).
    pub fn kthread_unpark(&self, task: &Task) {
        if !task.kthread.has(SHOULD_PARK) {
            return;
        }
        if task.kthread.has(PER_CPU) {
            let cpu = task.kthread.cpu.load(Ordering::Relaxed);
            let _ = self.set_cpus_allowed(task, 1 << cpu);
        }
        observe::gives_here(&task.kthread);
        explore_point();
        if self.has_fault(Fault::UnparkWakesFirst) {
            self.wake_up_state(task, TASK_PARKED);
            explore_point();
        }
        task.kthread.bits.fetch_and(!SHOULD_PARK, Ordering::SeqCst);
        explore_point();
        if self.has_fault(Fault::UnparkWakesFirst) || self.has_fault(Fault::UnparkForgetsWake) {
            return;
        }
        self.wake_up_state(task, TASK_PARKED);
    }

    /// Sleeps for as long as the park request stands (Linux: kthread_parkme).
    pub fn kthread_parkme(&self, cx: &Cx<'_>) {
        if !self.expect_kthread(cx, "kthread_parkme") {
            return;
        }
        let task = cx.task.get_ref();
        loop {
            task.set_state(TASK_PARKED);
            cx.head.step();
            if !task.kthread.has(SHOULD_PARK) || task.is_to_end() {
                break;
            }
            // No preemption between telling and sleeping, so that who waits finds it asleep.
            task.head.preempt_add(1);
            if !self.has_fault(Fault::ParkTellsNobody) {
                self.complete(&task.kthread.parked);
            }
            task.head.preempt_sub(1);
            let _waits = cx.waits_in(WaitsIn::KthreadParkme);
            self.schedule(cx);
        }
        task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
        observe::takes_here(&task.kthread);
    }
}
