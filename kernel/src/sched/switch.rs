//! schedule(): giving the CPU to the next task.

use core::sync::atomic::Ordering;

use kthreads_base::head::{TIF_NEED_RESCHED, switch_to};
use kthreads_base::interrupt_point;

use super::MIGRATING;
use super::queue::{End, RunQueue, is_rt};
use crate::task::Task;
use crate::task::state::*;
use crate::{Cx, Kernel};

/// Why schedule is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// The task asks for it: it sleeps if its state says so.
    Voluntary,
    /// Somebody else should run: the task stays runnable whatever its state says.
    Preempted,
}

impl Kernel {
    /// Gives the CPU away (Linux: schedule). A task whose state is not running sleeps until it
    /// is woken, unless its state lets a pending signal keep it awake.
    pub fn schedule(&self, cx: &Cx<'_>) {
        let count = self.check_schedule(cx);
        loop {
            self.switch(cx.task.get_ref(), Switch::Voluntary);
            if !self.need_resched(cx.task.get_ref()) {
                break;
            }
        }
        self.after_schedule(cx, count);
        interrupt_point();
    }

    pub(crate) fn need_resched(&self, task: &Task) -> bool {
        task.head.ti_flags.load(Ordering::Relaxed) & TIF_NEED_RESCHED != 0
    }

    /// Runs others if one should run (Linux: cond_resched); returns whether it did.
    pub fn cond_resched(&self, cx: &Cx<'_>) -> bool {
        interrupt_point();
        cx.task.sched.passes.pass();
        if !self.need_resched(cx.task.get_ref()) || cx.in_atomic() {
            return false;
        }
        self.switch(cx.task.get_ref(), Switch::Preempted);
        true
    }

    /// Lets others of the same priority run first (Linux: yield).
    pub fn yield_now(&self, cx: &Cx<'_>) {
        let task = cx.task.get_ref();
        task.set_state(TASK_RUNNING);
        if !is_rt(task) {
            let irqs = task.head.irq_save();
            self.rq_here(task).lock().pass(task);
            task.head.irq_restore(irqs);
        }
        let count = self.check_schedule(cx);
        self.switch(task, Switch::Voluntary);
        self.after_schedule(cx, count);
        interrupt_point();
    }

    /// Lets those who wait for the running task's CPU go first; it stays runnable whatever its
    /// state says.
    pub(crate) fn give_way(&self, task: &Task) {
        let irqs = task.head.irq_save();
        let mut rq = self.rq_here(task).lock();
        let waiting = rq.waiting > 0;
        if waiting {
            rq.pass(task);
        }
        drop(rq);
        task.head.irq_restore(irqs);
        if waiting {
            self.switch(task, Switch::Preempted);
        }
    }

    /// The run queue of the CPU that `task`, which is running, runs on.
    pub(crate) fn rq_here(&self, task: &Task) -> &kthreads_base::SpinLock<RunQueue> {
        &self.cpus[task.head.cpu() as usize].rq
    }

    /// One pass of the scheduler on the running task's CPU.
    pub(crate) fn switch(&self, prev: &Task, why: Switch) {
        let irqs = prev.head.irq_save();
        let cpu = prev.head.cpu();
        let mut rq = self.cpus[cpu as usize].rq.lock();
        prev.head.ti_flags.fetch_and(!TIF_NEED_RESCHED, Ordering::Relaxed);
        let now = self.machine.now().0;
        let slice_over = rq.charge(prev, now);
        if why == Switch::Voluntary {
            prev.sched.passes.pass();
        }
        let stays = self.put_prev(&mut rq, prev, why, slice_over);
        let mut next = if self.halted() { rq.idle } else { rq.pick(&self.tasks) };
        if next == rq.idle && self.nr_cpus() > 1 && !self.halted() {
            rq = self.pull_task(cpu, rq);
            next = rq.pick(&self.tasks);
        }
        if next == prev.index() {
            rq.current = next;
            drop(rq);
        } else {
            let next = self.start_next(&mut rq, prev, next, now);
            count_switch(prev, why, stays);
            drop(rq);
            switch_to(self.tasks.pin(next));
            self.finish_switch();
        }
        prev.head.irq_restore(irqs);
    }

    /// Decides whether the running task waits for the CPU or sleeps; returns whether it waits.
    fn put_prev(&self, rq: &mut RunQueue, prev: &Task, why: Switch, slice_over: bool) -> bool {
        if prev.index() == rq.idle {
            return true;
        }
        let state = prev.head.state.load(Ordering::SeqCst);
        if why == Switch::Voluntary && state != TASK_RUNNING {
            if self.signal_pending_state(state, prev) {
                prev.head.state.store(TASK_RUNNING, Ordering::Relaxed);
            } else {
                self.note_sleep(prev, state, prev.head.cpu());
                prev.sched.on_rq.store(0, Ordering::Release);
                return false;
            }
        }
        // A task that is preempted in the middle of its turn keeps its place in its ring.
        let end = if why == Switch::Preempted && !slice_over { End::Head } else { End::Tail };
        if allowed_on(prev, prev.head.cpu()) {
            rq.enqueue(&self.tasks, prev, end);
        } else {
            // It runs on until the switch: the next task moves it (finish_switch).
            prev.sched.on_rq.store(MIGRATING, Ordering::Release);
        }
        true
    }

    fn start_next(&self, rq: &mut RunQueue, prev: &Task, next: u32, now: u64) -> u32 {
        let task = self.tasks.get(next);
        let cpu = prev.head.cpu();
        task.sched.charged_at.store(now, Ordering::Relaxed);
        task.sched.cpu.store(cpu, Ordering::Relaxed);
        prev.head.on_cpu.store(0, Ordering::Relaxed);
        task.head.on_cpu.store(1, Ordering::Relaxed);
        if task.head.mm.load(Ordering::Relaxed) == 0 {
            let borrowed = prev.head.active_mm.load(Ordering::Relaxed);
            task.head.active_mm.store(borrowed, Ordering::Relaxed);
        }
        rq.current = next;
        rq.switches += 1;
        let here = &self.cpus[cpu as usize];
        here.previous.store(prev.index(), Ordering::Relaxed);
        here.current.store(next, Ordering::Relaxed);
        self.note_idle(cpu, next == rq.idle);
        self.program_tick(cpu, rq, now);
        next
    }

    /// The other half of a switch, in the task that got the CPU: frees a dead predecessor.
    pub(crate) fn finish_switch(&self) {
        let cx = self.cx();
        let cpu = &self.cpus[cx.task.head.cpu() as usize];
        let prev = self.tasks.get(cpu.previous.load(Ordering::Relaxed));
        if prev.state() & TASK_DEAD != 0 {
            self.reap(prev);
        } else if prev.sched.is_migrating() {
            self.finish_push(prev);
        }
    }

    /// Frees what a dead task ran on; its slot stays while somebody holds a reference.
    fn reap(&self, dead: &Task) {
        let stack = dead.stack.lock().take();
        // While others have links to frames on it, it stays as it is for good.
        let is_pinned = dead.pinned_frames.load(Ordering::Relaxed) > 0;
        if let Some(stack) = stack.filter(|_| !is_pinned) {
            self.machine.stack_free(stack);
        }
        // A killed thread's closure may still be there; it was never begun.
        drop(dead.start.lock().take());
        self.put_task(dead);
    }

    /// The last switch of a task: never comes back.
    pub(crate) fn schedule_dead(&self, cx: &Cx<'_>) -> ! {
        let task = cx.task.get_ref();
        task.head.irq_save();
        task.head.preempt_count.store(1, Ordering::Relaxed);
        task.set_state(TASK_DEAD);
        self.switch(task, Switch::Voluntary);
        kthreads_base::fatal("a dead task was resumed")
    }

    /// What the end of an interrupt or of a module's call does when a reschedule is due
    /// (Linux: preempt_schedule_irq).
    pub(crate) fn preempt(&self) {
        let cx = self.cx();
        while self.need_resched(cx.task.get_ref()) && !cx.in_atomic() {
            self.switch(cx.task.get_ref(), Switch::Preempted);
        }
    }
}

fn count_switch(prev: &Task, why: Switch, stays: bool) {
    let counter = match why {
        Switch::Voluntary => &prev.head.nvcsw,
        Switch::Preempted if stays => &prev.head.nivcsw,
        Switch::Preempted => &prev.head.nvcsw,
    };
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// Whether the task's mask lets it run on `cpu`.
pub(crate) fn allowed_on(task: &Task, cpu: u32) -> bool {
    task.head.cpus_mask.load(Ordering::Relaxed) & (1 << cpu) != 0
}
