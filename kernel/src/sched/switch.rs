//! schedule(): giving the CPU to the next task.

use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::Current;
use kthreads_base::head::{TIF_KILLED, TIF_NEED_RESCHED};
use kthreads_base::interrupt::interrupt_point_of;
use kthreads_base::switch::switch_to;

use super::queue::{Class, End, RunQueue, class_of};
use super::wake::Rest;
use super::{LockedQueue, MIGRATING};
use crate::kernel::Cpu;
use crate::task::state::*;
use crate::task::{Belongings, Task, TaskPin};
use crate::{Cx, Fault, Kernel, observe};

/// Why schedule is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// The task asks for it: it sleeps if its state says so.
    Voluntary,
    /// As `Voluntary`, and others of its priority go first.
    Yield,
    /// Somebody else should run: the task stays runnable whatever its state says.
    Preempted,
    /// The task has ended: it never runs again, and is freed.
    Ended,
}

/// Who gets a CPU.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    /// Whose turn it is.
    Next,
    /// The idle task: the kernel is to end.
    Idle,
}

/// The TIF bits without one of which no signal keeps a task awake.
const MAY_KEEP_AWAKE: u64 = TIF_KILLED | TIF_SIGPENDING | TIF_NOTIFY_SIGNAL;

impl Kernel {
    /// Gives the CPU away (Linux: schedule). A task whose state is not running sleeps until it
    /// is woken, unless its state lets a pending signal keep it awake.
    pub fn schedule(&self, cx: &Cx<'_>) {
        let irqs = cx.head.irq_save();
        self.schedule_irqs_off(cx, irqs);
        cx.head.irq_restore(irqs);
    }

    /// As [`schedule`](Kernel::schedule), for a caller that comes to an interrupt point next.
    #[inline(always)]
    pub fn schedule_before_point(&self, cx: &Cx<'_>) {
        let irqs = cx.head.irq_save();
        self.schedule_irqs_off(cx, irqs);
        cx.head.irq_restore_before_point(irqs);
    }

    /// As [`schedule`](Kernel::schedule), for a caller that has turned interrupts off; `irqs` is
    /// what the flag was before.
    #[inline(always)]
    pub(crate) fn schedule_irqs_off(&self, cx: &Cx<'_>, irqs: u32) {
        let count = self.check_schedule(cx, irqs);
        loop {
            self.switch_irqs_off(cx, Switch::Voluntary);
            if !self.need_resched(cx.task.get_ref()) {
                break;
            }
        }
        observe::takes(cx.head, cx.task.address(), observe::NO_LOCK);
        self.after_schedule(cx, count);
    }

    #[inline(always)]
    pub(crate) fn need_resched(&self, task: &Task) -> bool {
        task.head.ti_flags.load(Ordering::Relaxed) & TIF_NEED_RESCHED != 0
    }

    /// Runs others if one should run (Linux: cond_resched); returns whether it did.
    #[inline(always)]
    pub fn cond_resched(&self, cx: &Cx<'_>) -> bool {
        interrupt_point_of(cx.head);
        cx.task.sched.passes.pass();
        if !self.need_resched(cx.task.get_ref()) || cx.in_atomic() {
            return false;
        }
        self.preempt_here(*cx);
        true
    }

    #[cold]
    #[inline(never)]
    fn preempt_here(&self, cx: Cx<'_>) {
        self.switch(&cx, Switch::Preempted);
    }

    /// Lets others of the same priority run first (Linux: yield).
    pub fn yield_now(&self, cx: &Cx<'_>) {
        self.yield_before_point(cx);
        interrupt_point_of(cx.head);
    }

    /// As [`yield_now`](Kernel::yield_now), for a caller that comes to an interrupt point next.
    #[inline(always)]
    pub fn yield_before_point(&self, cx: &Cx<'_>) {
        cx.task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
        let irqs = cx.head.irq_save();
        let count = self.check_schedule(cx, irqs);
        self.switch_irqs_off(cx, Switch::Yield);
        self.after_schedule(cx, count);
        cx.head.irq_restore_before_point(irqs);
    }

    /// Lets those who wait for the running task's CPU go first; it stays runnable whatever its
    /// state says.
    pub(crate) fn give_way(&self, cx: &Cx<'_>) {
        let task = cx.task.get_ref();
        let irqs = task.head.irq_save();
        let mut rq = cx.here().rq.lock();
        let waiting = rq.waiting > 0;
        if waiting && class_of(task) == Class::Fair {
            rq.pass(task);
        }
        drop(rq);
        task.head.irq_restore(irqs);
        if waiting {
            self.switch(cx, Switch::Preempted);
        }
    }

    /// One pass of the scheduler on the running task's CPU.
    pub(crate) fn switch(&self, cx: &Cx<'_>, why: Switch) {
        let irqs = cx.head.irq_save();
        self.switch_irqs_off(cx, why);
        cx.head.irq_restore(irqs);
    }

    /// As [`switch`](Kernel::switch), where interrupts are off.
    #[inline(always)]
    pub(crate) fn switch_irqs_off(&self, cx: &Cx<'_>, why: Switch) {
        match cx.unobserved() {
            Some(cx) => self.switch_body(&cx, why),
            None => self.switch_observed(*cx, why),
        }
    }

    #[cold]
    #[inline(never)]
    fn switch_observed(&self, cx: Cx<'_>, why: Switch) {
        self.switch_body(&cx, why);
    }

    #[inline(always)]
    fn switch_body(&self, cx: &Cx<'_>, why: Switch) {
        let prev = cx.task.get_ref();
        let here = cx.here();
        let rq = here.rq.lock_irqs_off(cx.head);
        let flags = prev.head.ti_flags.load(Ordering::Relaxed);
        if flags & TIF_NEED_RESCHED != 0 {
            prev.head.ti_flags.fetch_and(!TIF_NEED_RESCHED, Ordering::Relaxed);
            // Whoever runs when the kernel is to end is told to make room for the idle task.
            if self.halted() {
                return self.switch_to_idle(*cx, why, rq, flags);
            }
        }
        self.switch_from(cx, why, To::Next, here, rq, flags);
    }

    #[cold]
    #[inline(never)]
    fn switch_to_idle(&self, cx: Cx<'_>, why: Switch, rq: LockedQueue<'_>, flags: u64) {
        self.switch_from(&cx, why, To::Idle, cx.here(), rq, flags);
    }

    /// The task that gets the CPU, out of line.
    #[inline(always)]
    fn take_next<'k>(
        &'k self,
        to: To,
        current: Current,
        here: &'k Cpu,
        mut rq: LockedQueue<'k>,
    ) -> (LockedQueue<'k>, TaskPin<'k>) {
        if to == To::Idle {
            let idle = rq.idle();
            return (rq, idle);
        }
        match rq.pick() {
            Some(next) => (rq, next),
            None => self.next_from_others(current, here, rq),
        }
    }

    #[cold]
    #[inline(never)]
    fn next_from_others<'k>(
        &'k self,
        current: Current,
        here: &'k Cpu,
        rq: LockedQueue<'k>,
    ) -> (LockedQueue<'k>, TaskPin<'k>) {
        let mut rq = self.help_others(current, here.local.number(), rq);
        let picked = if self.halted() { None } else { rq.pick() };
        let next = picked.unwrap_or_else(|| rq.idle());
        (rq, next)
    }

    /// The rest of a switch, once its CPU's queue is locked and the running task's TIF bits have
    /// been read: decides what becomes of it, and gives the CPU away.
    #[inline(always)]
    fn switch_from<'k>(
        &'k self,
        cx: &Cx<'k>,
        why: Switch,
        to: To,
        here: &'k Cpu,
        mut rq: LockedQueue<'k>,
        flags: u64,
    ) {
        let prev = cx.task.get_ref();
        let slice_over = self.charge_at_switch(&mut rq, prev, here);
        if why != Switch::Preempted {
            prev.sched.passes.pass();
        }
        let state = prev.state();
        let may_sleep =
            why != Switch::Preempted || self.has_fault_in(cx.head, Fault::PreemptedSleeps);
        // The idle task never sleeps.
        if may_sleep && state != TASK_RUNNING && self.falls_asleep(here, prev, state, flags) {
            count(&prev.head.nvcsw);
            let (rq, next) = self.take_next(to, cx.head, here, rq);
            let behind = (why == Switch::Ended).then_some(cx.task);
            return self.give_cpu(cx, here, rq, next, behind);
        }
        if !rq.is_idle(prev) {
            if !here.is_allowed(prev) {
                // It runs on until the switch: the next task moves it.
                prev.sched.on_rq.store(MIGRATING, Ordering::Release);
                let (rq, next) = self.take_next(to, cx.head, here, rq);
                return self.give_cpu_and_leave(*cx, here, rq, next);
            }
            // A task that is preempted in the middle of its turn keeps its place in its ring.
            let end = if why == Switch::Preempted && !slice_over { End::Head } else { End::Tail };
            let class = class_of(prev);
            if why == Switch::Yield && class == Class::Fair {
                rq.pass(prev);
            }
            rq.enqueue_as(class, prev, end);
        }
        let (rq, next) = self.take_next(to, cx.head, here, rq);
        if core::ptr::eq(next.get_ref(), prev) {
            return;
        }
        // As on Linux, who yields has not given up the CPU of its own will.
        count(&prev.head.nivcsw);
        self.give_cpu(cx, here, rq, next, None);
    }

    #[cold]
    #[inline(never)]
    fn give_cpu_and_leave(&self, cx: Cx<'_>, here: &Cpu, rq: LockedQueue<'_>, next: TaskPin<'_>) {
        count(&cx.task.head.nivcsw);
        self.give_cpu(&cx, here, rq, next, Some(cx.task));
    }

    /// Gives the CPU of the running task to another; returns when it has it back. If it is the one
    /// that is left `behind`, the next task has something to do about it.
    #[inline(always)]
    fn give_cpu(
        &self,
        cx: &Cx<'_>,
        here: &Cpu,
        mut rq: LockedQueue<'_>,
        next: TaskPin<'_>,
        behind: Option<TaskPin<'_>>,
    ) {
        if behind.is_some() {
            next.sched.left_behind.set(behind);
        }
        self.start_next(cx.head, here, &mut rq, cx.task.get_ref(), next);
        drop(rq);
        switch_to(cx.head, next);
        self.finish_switch(cx);
    }

    /// Charges the task that may be about to leave the CPU; returns whether its slice is over.
    ///
    /// To read the clock takes longer than the rest of a switch. So a CPU reads it at its first
    /// switches after each tick or rest only. If there are more, whoever the tick finds running is
    /// charged for the time since the last of those, as Linux's tick accounting always does.
    #[inline(always)]
    fn charge_at_switch(&self, rq: &mut RunQueue, prev: &Task, here: &Cpu) -> bool {
        if rq.is_busy() {
            return false;
        }
        self.charge_timed(rq, prev, here)
    }

    #[inline(never)]
    fn charge_timed(&self, rq: &mut RunQueue, prev: &Task, here: &Cpu) -> bool {
        rq.timed_left -= 1;
        if rq.is_busy() {
            self.start_tick(here);
        }
        rq.charge(prev, self.machine.now().0)
    }

    /// Takes the running task off its queue if its state says so and nothing keeps it awake. With
    /// the queue's lock held.
    #[inline(always)]
    fn falls_asleep(&self, here: &Cpu, task: &Task, state: u32, flags: u64) -> bool {
        if flags & MAY_KEEP_AWAKE != 0 && self.signal_pending_state(state, task) {
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
        prev: &Task,
        next: TaskPin<'_>,
    ) {
        next.sched.charged_at.store(rq.clock, Ordering::Relaxed);
        prev.head.on_cpu.store(0, Ordering::Relaxed);
        next.head.on_cpu.store(1, Ordering::Relaxed);
        if next.head.mm.load(Ordering::Relaxed) == 0 {
            let borrowed = prev.head.active_mm.load(Ordering::Relaxed);
            next.head.active_mm.store(borrowed, Ordering::Relaxed);
        }
        if current.is_observed() {
            current.note(observe::SWITCHED, next.index() as usize, prev.state() as usize);
        }
        here.current.set(Some(next));
        rq.go_to(next);
        let idle = rq.idle_address();
        if prev.address() == idle || next.address() == idle {
            self.switch_idle(here, rq, prev.address() == idle);
        }
    }

    /// The CPU goes to its idle task or, if it was idle, to another. Whoever is put in line behind a
    /// task that runs has the tick started.
    #[inline(never)]
    fn switch_idle(&self, here: &Cpu, rq: &RunQueue, was_idle: bool) {
        self.note_idle(here.local.number(), !was_idle);
        if !was_idle {
            self.stop_tick(here);
        } else if rq.waiting > 0 {
            self.start_tick(here);
        }
    }

    /// The other half of a switch, in the task that got the CPU: frees a dead predecessor, moves
    /// one that may not run here.
    #[inline(always)]
    pub(crate) fn finish_switch(&self, cx: &Cx<'_>) {
        if let Some(left) = cx.task.sched.left_behind.get() {
            cx.task.sched.left_behind.set(None);
            self.care_for(left.get_ref());
        }
    }

    #[cold]
    #[inline(never)]
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
        self.switch(cx, Switch::Ended);
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
fn count(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

impl Cpu {
    /// Whether the task's mask lets it run here.
    #[inline(always)]
    pub(crate) fn is_allowed(&self, task: &Task) -> bool {
        task.head.cpus_mask.load(Ordering::Relaxed) & self.bit != 0
    }
}

/// Whether the task's mask lets it run on `cpu`.
#[inline(always)]
pub(crate) fn allowed_on(task: &Task, cpu: u32) -> bool {
    task.head.cpus_mask.load(Ordering::Relaxed) & (1 << cpu) != 0
}
