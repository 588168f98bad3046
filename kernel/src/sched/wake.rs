//! Waking a task (Linux: try_to_wake_up).
//!
//! # Who may do what to a task
//!
//! Beside a task's state stands its [`Rest`]:
//!
//! * `Awake`: the task is queued, runs, or is on its way to a queue (then its state is
//!   TASK_WAKING). A waker makes its state TASK_RUNNING, under the lock of its queue; schedule looks
//!   at the state under the same lock before it lets the task sleep.
//! * `Asleep`: schedule took it off its queue. Whoever makes it `Awake` and TASK_WAKING, both by one
//!   instruction, is the one that wakes it and puts it in a queue; nobody else touches it meanwhile.
//! * `Claimed`: somebody changes where or how it is scheduled (see [`Held`]); wakers wait.
//!
//! What an awake task's place in line depends on is guarded by the lock of the queue that
//! `sched.cpu` names, and `sched.cpu` itself by the lock of the queue it is about to leave.
//! Whoever holds such a word keeps its interrupts off, so that nobody waits for it for long.

use core::pin::Pin;
use core::sync::atomic::{Ordering, fence};

use kthreads_base::head::{Current, StateWord, TIF_NEED_RESCHED};
use kthreads_base::{IrqGuard, choose, current_head};

use super::LockedQueue;
use super::queue::{Class, End, class_of};
use crate::kernel::Cpu;
use crate::task::Task;
use crate::task::state::*;
use crate::{Fault, Kernel, observe};

/// What stands beside a task's state; see the head of this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Rest {
    Awake = 0,
    Asleep = 1,
    Claimed = 2,
}

/// A state with its rest.
pub(crate) const fn word(state: u32, rest: Rest) -> StateWord {
    StateWord { state, rest: rest as u32 }
}

/// What a waker found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The task does not sleep so.
    NotAsleep,
    /// It was still queued, and goes on.
    Queued,
    /// It slept, and is the waker's to queue.
    Sleeper,
}

/// A task that keeps its place, on a queue or off all of them, while it is held.
pub(crate) enum Held<'a> {
    /// It belongs to this queue.
    Awake(LockedQueue<'a>),
    /// It sleeps.
    Asleep(Sleeper<'a>),
}

/// A sleeping task that nobody can wake.
pub(crate) struct Sleeper<'a>(&'a Task);

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.head.rest.store(Rest::Asleep as u32, Ordering::Release);
    }
}

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
        self.wake_by(current_head(), task, mask)
    }

    /// As [`wake_up_state`](Kernel::wake_up_state), for a caller that knows the running thread.
    #[inline(always)]
    pub(crate) fn wake_by(&self, current: Current, task: &Task, mask: u32) -> bool {
        let irqs = current.irq_save();
        let woken = self.wake_irqs_off(current, task, mask, || self.cpu_of(current));
        current.irq_restore(irqs);
        woken
    }

    /// As [`wake_up_state`](Kernel::wake_up_state), where interrupts are off; `here` tells on which
    /// CPU.
    #[inline(always)]
    pub(crate) fn wake_irqs_off<'k>(
        &'k self,
        current: Current,
        task: &Task,
        mask: u32,
        here: impl FnOnce() -> &'k Cpu,
    ) -> bool {
        if core::ptr::eq(&task.head, &*current) {
            return wake_self(task, mask);
        }
        observe::gives(current, task.address(), observe::NO_LOCK);
        current.step();
        let found = self.claim_to_wake(current, task, mask);
        let woken = usize::from(found != Found::NotAsleep);
        current.note(observe::WOKE, task.index() as usize, woken);
        if found == Found::Sleeper {
            self.queue_woken(current, here(), task);
        }
        found != Found::NotAsleep
    }

    /// Lets a new task run for the first time (Linux: wake_up_new_task).
    pub fn wake_up_new_task(&self, task: &Task) {
        let current = current_head();
        observe::gives(current, task.address(), observe::NO_LOCK);
        current.note(observe::NEW_TASK, task.index() as usize, 0);
        let irqs = current.irq_save();
        current.step();
        let new = word(TASK_NEW, Rest::Asleep);
        while !task.head.change_state(new, word(TASK_WAKING, Rest::Awake)) {
            debug_assert_eq!(task.state(), TASK_NEW);
            current.relax();
        }
        self.queue_woken(current, self.cpu_of(current), task);
        current.irq_restore(irqs);
    }

    /// Makes a task that sleeps so the caller's to wake.
    #[inline(always)]
    fn claim_to_wake(&self, current: Current, task: &Task, mask: u32) -> Found {
        // Mostly it sleeps; if not, no more than a comparison is lost.
        let state = task.state();
        let asleep = word(state, Rest::Asleep);
        if state & mask != 0 && task.head.change_state(asleep, word(TASK_WAKING, Rest::Awake)) {
            return Found::Sleeper;
        }
        self.claim_any(current, task, mask)
    }

    #[inline(never)]
    fn claim_any(&self, current: Current, task: &Task, mask: u32) -> Found {
        let mut is_certain = false;
        loop {
            let seen = task.head.state_word();
            if seen.state & mask == 0 {
                if is_certain {
                    return Found::NotAsleep;
                }
                // Whoever goes to sleep stores its state and then looks at what the caller has
                // changed: one of the two is seen.
                fence(Ordering::SeqCst);
                is_certain = true;
            } else if seen.rest == Rest::Awake as u32 {
                if self.has_fault_in(current, Fault::WakeIgnoresQueued) {
                    return Found::NotAsleep;
                }
                if self.keep_awake(current, task, mask) {
                    return Found::Queued;
                }
            } else if seen.rest == Rest::Claimed as u32 {
                current.relax();
            } else if task.head.change_state(seen, word(TASK_WAKING, Rest::Awake)) {
                return Found::Sleeper;
            }
        }
    }

    /// Lets a task that is about to sleep so run on; false if it has gone to sleep meanwhile, or
    /// does not want to any more. With interrupts off.
    #[inline(never)]
    fn keep_awake(&self, current: Current, task: &Task, mask: u32) -> bool {
        let Some(_rq) = self.lock_queue_with(current, task) else { return false };
        let is_to_sleep = task.state() & mask != 0;
        if is_to_sleep {
            task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
        }
        is_to_sleep
    }

    /// Puts a task that the caller has claimed in line, where it may and should run.
    #[inline(always)]
    fn queue_woken(&self, current: Current, here: &Cpu, task: &Task) {
        // It has left its run queue, but may still be on its way off the CPU.
        while !task.head.is_saved() {
            current.relax();
        }
        if class_of(task) == Class::Fair && here.is_allowed(task) && !current.is_observed() {
            return self.queue_fair_here(current, here, task);
        }
        self.queue_anywhere(current, here, task);
    }

    /// What [`queue_anywhere`](Kernel::queue_anywhere) comes to for most.
    #[inline(always)]
    fn queue_fair_here(&self, current: Current, here: &Cpu, task: &Task) {
        let mut rq = here.rq.lock_irqs_off(current);
        here.take_in(&mut rq, task);
        rq.enqueue_as(Class::Fair, task, End::Tail);
        if rq.should_preempt_as(Class::Fair, task) {
            ask_to_leave(&rq);
        }
        let waiting = rq.waiting;
        drop(rq);
        if waiting == 1 {
            self.start_tick(here);
        } else {
            self.call_for_help(here.local.number());
        }
    }

    #[inline(never)]
    fn queue_anywhere(&self, current: Current, here: &Cpu, task: &Task) {
        let there = self.select_cpu(current, task, here);
        let mut rq = there.rq.lock_irqs_off(current);
        there.take_in(&mut rq, task);
        self.enqueue_and_notify(current, rq, task, there, here);
    }

    /// Locks the run queue that an awake task is in, if it is in one just now; it stays in it then.
    /// With interrupts off.
    fn lock_queue_with(&self, current: Current, task: &Task) -> Option<LockedQueue<'_>> {
        let cpu = task.sched.cpu.get()?.get_ref();
        let rq = cpu.rq.lock_irqs_off(current);
        // It may have gone to sleep meanwhile and been put into another queue, whose lock is not
        // held: who does that says into which before that it is in one.
        let is_here = task.sched.is_on_rq() && task.sched.cpu.is(cpu);
        if is_here { Some(rq) } else { None }
    }

    /// Locks the run queue that the task belongs to. With interrupts off.
    pub(crate) fn lock_rq_of(&self, current: Current, task: &Task) -> LockedQueue<'_> {
        loop {
            // One that never ran belongs to no queue, so any will do.
            let cpu = task.sched.cpu.get().map_or(&self.cpus[0], Pin::get_ref);
            let rq = cpu.rq.lock_irqs_off(current);
            if task.sched.cpu.is_null() || task.sched.cpu.is(cpu) {
                return rq;
            }
        }
    }

    /// Keeps a task from being woken or moved, so that how it is scheduled can be changed (Linux:
    /// task_rq_lock). The guard is the caller's promise that interrupts stay off.
    pub(crate) fn hold<'a>(&'a self, task: &'a Task, _irqs: &'a IrqGuard) -> Held<'a> {
        let current = current_head();
        loop {
            current.step();
            let seen = task.head.state_word();
            let claimed = StateWord { rest: Rest::Claimed as u32, ..seen };
            if seen.rest == Rest::Asleep as u32 && task.head.change_state(seen, claimed) {
                return Held::Asleep(Sleeper(task));
            }
            if seen.rest == Rest::Awake as u32
                && seen.state != TASK_WAKING
                && let Some(rq) = self.lock_queue_with(current, task)
            {
                return Held::Awake(rq);
            }
            current.relax();
        }
    }

    /// Puts a task in line and, where it should run at once or lines have grown, says so. The
    /// caller is on the CPU `here`, with interrupts off.
    pub(crate) fn enqueue_and_notify(
        &self,
        current: Current,
        mut rq: LockedQueue<'_>,
        task: &Task,
        there: &Cpu,
        here: &Cpu,
    ) {
        rq.enqueue(task, End::Tail);
        let preempts = rq.should_preempt(task);
        if preempts {
            ask_to_leave(&rq);
        }
        let waiting = rq.waiting;
        drop(rq);
        if core::ptr::eq(there, here) {
            if waiting == 1 {
                // Also for one that preempts: the running task may not let itself be preempted for
                // long, and then the tick finds another CPU for who waits.
                self.start_tick(here);
            }
        } else if (preempts || waiting == 1) && !self.has_fault_in(current, Fault::WakeTellsNoCpu) {
            // A remote CPU that goes on with what it runs still has to start its tick.
            self.machine.send_interrupt(there.local.number());
        }
        if waiting > 1 {
            self.call_for_help(there.local.number());
        }
    }

    /// Where a woken task is to run; see the head of this folder.
    #[inline]
    fn select_cpu<'k>(&'k self, current: Current, task: &Task, here: &'k Cpu) -> &'k Cpu {
        if !here.is_allowed(task) {
            return self.select_other_cpu(task, here);
        }
        if current.is_observed() { self.choose_cpu(task, here) } else { here }
    }

    #[cold]
    fn select_other_cpu<'k>(&'k self, task: &Task, here: &'k Cpu) -> &'k Cpu {
        if let Some(last) = task.sched.cpu.get()
            && last.is_allowed(task)
        {
            return last.get_ref();
        }
        let mask = task.head.cpus_mask.load(Ordering::Relaxed) & self.all_cpus();
        let idle = mask & self.idle_cpus();
        match (idle, mask) {
            (0, 0) => here,
            (0, mask) => &self.cpus[mask.trailing_zeros() as usize],
            (idle, _) => &self.cpus[idle.trailing_zeros() as usize],
        }
    }

    /// The CPU a woken task goes to where that is explored: the waker's, or an idle one, as Linux
    /// often does.
    #[cold]
    fn choose_cpu<'k>(&'k self, task: &Task, here: &'k Cpu) -> &'k Cpu {
        let others = self.idle_cpus() & !here.bit;
        let mut idle = task.head.cpus_mask.load(Ordering::Relaxed) & others;
        let mut chosen = choose(observe::CHOOSE_CPU, idle.count_ones() + 1);
        while chosen > 1 {
            idle &= idle - 1;
            chosen -= 1;
        }
        if chosen == 0 { here } else { &self.cpus[idle.trailing_zeros() as usize] }
    }
}

impl Cpu {
    /// Has a task that was woken belong to this CPU, whose queue is locked.
    #[inline(always)]
    fn take_in(&self, rq: &mut LockedQueue<'_>, task: &Task) {
        task.sched.cpu.set(Some(Pin::new(self)));
        self.note_wake(task);
        task.sched.on_rq.store(1, Ordering::Release);
        task.head.state.store(TASK_RUNNING, Ordering::Release);
        rq.place(task);
    }
}

/// Has the task that runs give its CPU away as soon as it can.
#[cold]
fn ask_to_leave(rq: &LockedQueue<'_>) {
    rq.current().head.ti_flags.fetch_or(TIF_NEED_RESCHED, Ordering::Release);
}

/// Waking oneself only changes the state: nobody waits for the CPU.
fn wake_self(task: &Task, mask: u32) -> bool {
    if task.state() & mask == 0 {
        return false;
    }
    task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
    true
}
