//! schedule(): giving the CPU to the next task.

use core::sync::atomic::Ordering;

use kthreads_base::head::TIF_NEED_RESCHED;
use kthreads_base::interrupt::interrupt_point_of;
use kthreads_base::switch::switch_to;
use kthreads_base::{Current, IrqGuard};

use super::MIGRATING;
use super::queue::{End, RunQueue, is_rt};
use super::wake::Rest;
use crate::kernel::Cpu;
use crate::task::state::*;
use crate::task::{Belongings, Task, TaskPin};
use crate::{Cx, Fault, Kernel, observe};

/// Why schedule is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// The task asks for it: it sleeps if its state says so.
    Voluntary,
    /// Somebody else should run: the task stays runnable whatever its state says.
    Preempted,
}

/// What becomes of a task that gives its CPU to another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    /// It is in line for the CPU.
    ToWait,
    ToSleep,
    /// It may not run on this CPU any more.
    Elsewhere,
    /// It is dead.
    ForEver,
}

impl Kernel {
    /// Gives the CPU away (Linux: schedule). A task whose state is not running sleeps until it
    /// is woken, unless its state lets a pending signal keep it awake.
    #[inline]
    pub fn schedule(&self, cx: &Cx<'_>) {
        let count = self.check_schedule(cx);
        loop {
            self.switch(cx, Switch::Voluntary);
            if !self.need_resched(cx.task.get_ref()) {
                break;
            }
        }
        observe::takes(cx.head, cx.task.address(), observe::NO_LOCK);
        self.after_schedule(cx, count);
    }

    pub(crate) fn need_resched(&self, task: &Task) -> bool {
        task.head.ti_flags.load(Ordering::Relaxed) & TIF_NEED_RESCHED != 0
    }

    /// Runs others if one should run (Linux: cond_resched); returns whether it did.
    #[inline]
    pub fn cond_resched(&self, cx: &Cx<'_>) -> bool {
        interrupt_point_of(cx.head);
        cx.task.sched.passes.pass();
        if !self.need_resched(cx.task.get_ref()) || cx.in_atomic() {
            return false;
        }
        self.switch(cx, Switch::Preempted);
        true
    }

    /// Lets others of the same priority run first (Linux: yield).
    #[inline]
    pub fn yield_now(&self, cx: &Cx<'_>) {
        let task = cx.task.get_ref();
        task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
        if !is_rt(task) {
            self.pass_turn(cx);
        }
        let count = self.check_schedule(cx);
        self.switch(cx, Switch::Voluntary);
        self.after_schedule(cx, count);
    }

    /// Puts the running fair task behind the others.
    #[inline(never)]
    fn pass_turn(&self, cx: &Cx<'_>) {
        let irqs = IrqGuard::of(cx.head);
        self.rq_here(cx.task.get_ref()).lock_irqs_off(cx.head).pass(cx.task.get_ref());
        drop(irqs);
    }

    /// Lets those who wait for the running task's CPU go first; it stays runnable whatever its
    /// state says.
    pub(crate) fn give_way(&self, cx: &Cx<'_>) {
        let task = cx.task.get_ref();
        let irqs = task.head.irq_save();
        let mut rq = self.rq_here(task).lock();
        let waiting = rq.waiting > 0;
        if waiting {
            rq.pass(task);
        }
        drop(rq);
        task.head.irq_restore(irqs);
        if waiting {
            self.switch(cx, Switch::Preempted);
        }
    }

    /// The run queue of the CPU that `task`, which is running, runs on.
    pub(crate) fn rq_here(&self, task: &Task) -> &kthreads_base::SpinLock<RunQueue> {
        &self.cpus[task.head.cpu() as usize].rq
    }

    /// One pass of the scheduler on the running task's CPU.
    pub(crate) fn switch(&self, cx: &Cx<'_>, why: Switch) {
        let current = cx.head;
        let prev = cx.task.get_ref();
        let irqs = current.irq_save();
        let cpu = current.cpu();
        let here = &self.cpus[cpu as usize];
        let mut rq = here.rq.lock_irqs_off(current);
        if self.need_resched(prev) {
            prev.head.ti_flags.fetch_and(!TIF_NEED_RESCHED, Ordering::Relaxed);
        }
        let slice_over = self.charge_at_switch(&mut rq, prev, cpu);
        if why == Switch::Voluntary {
            prev.sched.passes.pass();
        }
        let goes = self.put_prev(here, &mut rq, prev, cpu, why, slice_over);
        let picked = if self.halted() { None } else { rq.pick() };
        let next = match picked {
            Some(next) => next,
            None => {
                rq = self.help_others(current, cpu, rq);
                self.pick_or_idle(&mut rq)
            }
        };
        if core::ptr::eq(next.get_ref(), prev) {
            drop(rq);
        } else {
            self.start_next(current, here, &mut rq, (prev, goes), next);
            count_switch(prev, goes);
            drop(rq);
            switch_to(current, next);
            self.finish_switch(current);
        }
        current.irq_restore(irqs);
    }

    /// The next task of a queue that was empty before it was looked for others.
    fn pick_or_idle(&self, rq: &mut RunQueue) -> TaskPin<'_> {
        let picked = if self.halted() { None } else { rq.pick() };
        picked.unwrap_or_else(|| rq.idle())
    }

    /// Charges the task that may be about to leave the CPU; returns whether its slice is over.
    ///
    /// To read the clock takes longer than the rest of a switch. So a CPU reads it at its first
    /// switches after each tick or rest only. If there are more, whoever the tick finds running is
    /// charged for the time since the last of those, as Linux's tick accounting always does.
    #[inline(always)]
    fn charge_at_switch(&self, rq: &mut RunQueue, prev: &Task, cpu: u32) -> bool {
        if rq.is_busy() {
            return false;
        }
        self.charge_timed(rq, prev, cpu)
    }

    #[inline(never)]
    fn charge_timed(&self, rq: &mut RunQueue, prev: &Task, cpu: u32) -> bool {
        rq.timed_left -= 1;
        if rq.is_busy() {
            self.start_tick(cpu);
        }
        rq.charge(prev, self.machine.now().0)
    }

    /// Decides what becomes of the running task if another gets the CPU.
    #[inline(always)]
    fn put_prev(
        &self,
        here: &Cpu,
        rq: &mut RunQueue,
        prev: &Task,
        cpu: u32,
        why: Switch,
        slice_over: bool,
    ) -> Goes {
        if rq.is_idle(prev) {
            return Goes::ToWait;
        }
        let state = prev.state();
        let may_sleep = why == Switch::Voluntary || self.has_fault(Fault::PreemptedSleeps);
        if may_sleep && state != TASK_RUNNING && self.falls_asleep(here, prev, state) {
            return if state & TASK_DEAD != 0 { Goes::ForEver } else { Goes::ToSleep };
        }
        if !allowed_on(prev, cpu) {
            // It runs on until the switch: the next task moves it (finish_switch).
            prev.sched.on_rq.store(MIGRATING, Ordering::Release);
            return Goes::Elsewhere;
        }
        // A task that is preempted in the middle of its turn keeps its place in its ring.
        let end = if why == Switch::Preempted && !slice_over { End::Head } else { End::Tail };
        rq.enqueue(prev, end);
        Goes::ToWait
    }

    /// Takes the running task off its queue if its state says so and nothing keeps it awake. With
    /// the queue's lock held.
    #[inline(always)]
    fn falls_asleep(&self, here: &Cpu, task: &Task, state: u32) -> bool {
        if self.signal_pending_state(state, task) {
            task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
            return false;
        }
        here.note_sleep(task, state);
        task.sched.on_rq.store(0, Ordering::Release);
        // From here on it is who wakes it that decides about it.
        task.head.rest.store(Rest::Asleep as u32, Ordering::Release);
        true
    }

    #[inline(always)]
    fn start_next(
        &self,
        current: Current,
        here: &Cpu,
        rq: &mut RunQueue,
        (prev, goes): (&Task, Goes),
        next: TaskPin<'_>,
    ) {
        next.sched.charged_at.store(rq.clock, Ordering::Relaxed);
        prev.head.on_cpu.store(0, Ordering::Relaxed);
        next.head.on_cpu.store(1, Ordering::Relaxed);
        if next.head.mm.load(Ordering::Relaxed) == 0 {
            let borrowed = prev.head.active_mm.load(Ordering::Relaxed);
            next.head.active_mm.store(borrowed, Ordering::Relaxed);
        }
        current.note(observe::SWITCHED, next.index() as usize, prev.state() as usize);
        let needs_care = matches!(goes, Goes::ForEver | Goes::Elsewhere);
        here.left_behind.set(needs_care.then_some(prev.pin()));
        here.current.set(Some(next));
        let was_idle = rq.is_at_rest();
        rq.go_to(next);
        if was_idle || rq.is_idle(next.get_ref()) {
            self.switch_idle(current.cpu(), here, was_idle);
        }
        if rq.waiting > 0 && !here.ticks() {
            self.start_tick(current.cpu());
        }
    }

    /// The CPU goes to its idle task or, if it was idle, to another.
    #[inline(never)]
    fn switch_idle(&self, cpu: u32, here: &Cpu, was_idle: bool) {
        self.note_idle(cpu, !was_idle);
        if !was_idle {
            self.stop_tick(cpu, here);
        }
    }

    /// The other half of a switch, in the task that got the CPU: frees a dead predecessor, moves
    /// one that may not run here.
    #[inline(always)]
    pub(crate) fn finish_switch(&self, current: Current) {
        let here = &self.cpus[current.cpu() as usize];
        if let Some(left) = here.left_behind.get() {
            self.care_for(left.get_ref());
        }
    }

    #[cold]
    fn care_for(&self, left: &Task) {
        if left.state() & TASK_DEAD != 0 {
            self.reap(left);
        } else {
            self.finish_push(left);
        }
    }

    /// Frees what a dead task ran on; its slot stays while somebody holds a reference.
    fn reap(&self, dead: &Task) {
        let Belongings { stack, start, .. } = dead.belongings.lock().take_all_but_name();
        // While others have links to frames on it, it stays as it is for good.
        let is_pinned = dead.pinned_frames.load(Ordering::Relaxed) > 0;
        if let Some(stack) = stack.filter(|_| !is_pinned) {
            self.machine.stack_free(stack);
        }
        // A killed thread's closure may still be there; it was never begun.
        drop(start);
        self.put_task(dead);
    }

    /// The last switch of a task: never comes back.
    pub(crate) fn schedule_dead(&self, cx: &Cx<'_>) -> ! {
        let task = cx.task.get_ref();
        task.head.irq_save();
        task.head.preempt_count.store(1, Ordering::Relaxed);
        task.set_state(TASK_DEAD);
        self.switch(cx, Switch::Voluntary);
        kthreads_base::fatal("a dead task was resumed")
    }

    /// What the end of an interrupt or of a module's call does when a reschedule is due
    /// (Linux: preempt_schedule_irq).
    ///
    /// The count is raised over the switch: an interrupt that comes when the task has the CPU again,
    /// before the frames of this are gone, must not preempt it once more on top of them.
    pub(crate) fn preempt(&self) {
        let cx = self.cx();
        let head = &cx.task.head;
        while self.need_resched(cx.task.get_ref()) && !cx.in_atomic() {
            head.preempt_add(1);
            self.switch(&cx, Switch::Preempted);
            head.preempt_sub(1);
        }
    }
}

#[inline(always)]
fn count_switch(prev: &Task, goes: Goes) {
    // As on Linux, who yields has not given up the CPU of its own will.
    let counter = match goes {
        Goes::ToSleep | Goes::ForEver => &prev.head.nvcsw,
        Goes::ToWait | Goes::Elsewhere => &prev.head.nivcsw,
    };
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// Whether the task's mask lets it run on `cpu`.
pub(crate) fn allowed_on(task: &Task, cpu: u32) -> bool {
    task.head.cpus_mask.load(Ordering::Relaxed) & (1 << cpu) != 0
}
