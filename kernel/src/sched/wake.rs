//! Waking a task (Linux: try_to_wake_up).

use core::sync::atomic::{Ordering, fence};

use kthreads_base::head::TIF_NEED_RESCHED;
use kthreads_base::{SpinGuard, current_head};

use super::queue::{End, RunQueue};
use super::switch::allowed_on;
use crate::Kernel;
use crate::task::Task;
use crate::task::state::*;

impl Kernel {
    /// Wakes a task that sleeps in TASK_NORMAL; returns whether this call woke it (Linux:
    /// wake_up_process).
    pub fn wake_up_process(&self, task: &Task) -> bool {
        self.wake_up_state(task, TASK_NORMAL)
    }

    /// Wakes a task whose state has one of the bits of `mask`; returns whether this call did.
    ///
    /// A full barrier comes before the state is read. May be called from any context.
    pub fn wake_up_state(&self, task: &Task, mask: u32) -> bool {
        let current = current_head();
        if task.head.index.load(Ordering::Relaxed) == current.index.load(Ordering::Relaxed) {
            return wake_self(task, mask);
        }
        fence(Ordering::SeqCst);
        let _wake = task.wake_lock.lock();
        if task.state() & mask == 0 {
            return false;
        }
        if task.sched.is_on_rq() && self.wake_queued(task) {
            return true;
        }
        task.head.state.store(TASK_WAKING, Ordering::Relaxed);
        // It has left its run queue, but may still be on its way off the CPU.
        while !task.head.is_saved() {
            current.relax();
        }
        let cpu = self.select_cpu(task, current.cpu());
        self.activate(task, cpu);
        true
    }

    /// Lets a new task run for the first time (Linux: wake_up_new_task).
    pub fn wake_up_new_task(&self, task: &Task) {
        let _wake = task.wake_lock.lock();
        debug_assert_eq!(task.state(), TASK_NEW);
        let cpu = self.select_cpu(task, current_head().cpu());
        self.activate(task, cpu);
    }

    /// A task that is still queued, or runs: only its state changes.
    fn wake_queued(&self, task: &Task) -> bool {
        let rq = self.lock_rq_of(task);
        let queued = task.sched.is_on_rq();
        if queued {
            task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
        }
        drop(rq);
        queued
    }

    /// Locks the run queue that the task belongs to.
    pub(crate) fn lock_rq_of(&self, task: &Task) -> SpinGuard<'_, RunQueue> {
        loop {
            let cpu = task.sched.cpu.load(Ordering::Acquire);
            let rq = self.cpus[cpu as usize].rq.lock();
            if task.sched.cpu.load(Ordering::Acquire) == cpu {
                return rq;
            }
        }
    }

    /// Queues a task that slept on `cpu` and sees to it that the CPU notices.
    fn activate(&self, task: &Task, cpu: u32) {
        let mut rq = self.cpus[cpu as usize].rq.lock();
        task.sched.cpu.store(cpu, Ordering::Release);
        self.note_wake(task, cpu);
        task.sched.on_rq.store(1, Ordering::Release);
        task.head.state.store(TASK_RUNNING, Ordering::Release);
        rq.place(task);
        self.enqueue_and_notify(rq, task, cpu);
    }

    /// Puts a task in line and, where it should run at once or lines have grown, says so.
    pub(crate) fn enqueue_and_notify(
        &self,
        mut rq: SpinGuard<'_, RunQueue>,
        task: &Task,
        cpu: u32,
    ) {
        rq.enqueue(&self.tasks, task, End::Tail);
        let preempts = rq.should_preempt(&self.tasks, task);
        if preempts {
            let running = &self.tasks.get(rq.current).head;
            running.ti_flags.fetch_or(TIF_NEED_RESCHED, Ordering::Release);
        }
        let here = current_head().cpu() == cpu;
        let first_to_wait = rq.waiting == 1;
        let crowded = rq.waiting > 1;
        drop(rq);
        if !here && (preempts || first_to_wait) {
            // A remote CPU that goes on with what it runs still has to start its tick.
            self.machine.send_interrupt(cpu);
        } else if here && first_to_wait {
            // Also for one that preempts: the running task may not let itself be preempted for
            // long, and then the tick finds another CPU for who waits.
            self.start_tick(cpu);
        }
        if crowded {
            self.call_for_help(cpu);
        }
    }

    /// Where a woken task is to run; see the head of this folder.
    fn select_cpu(&self, task: &Task, here: u32) -> u32 {
        if allowed_on(task, here) {
            return here;
        }
        let last = task.sched.cpu.load(Ordering::Relaxed);
        if allowed_on(task, last) {
            return last;
        }
        let mask = task.head.cpus_mask.load(Ordering::Relaxed) & self.all_cpus();
        let idle = mask & self.idle_cpus();
        match (idle, mask) {
            (0, 0) => here,
            (0, mask) => mask.trailing_zeros(),
            (idle, _) => idle.trailing_zeros(),
        }
    }
}

/// Waking oneself only changes the state: nobody waits for the CPU.
fn wake_self(task: &Task, mask: u32) -> bool {
    if task.state() & mask == 0 {
        return false;
    }
    task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
    true
}
