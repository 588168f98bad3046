//! Policies and priorities.

use core::sync::atomic::Ordering;

use kthreads_base::IrqGuard;
use kthreads_base::head::TIF_NEED_RESCHED;

use super::queue::End;
use super::tick::RR_SLICE;
use super::wake::Held;
use super::{DEFAULT_PRIO, MAX_RT_PRIO};
use crate::task::Task;
use crate::task::state::{SCHED_FIFO, SCHED_NORMAL, SCHED_RR};
use crate::{Errno, Kernel};

/// How a task is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// By virtual deadline, with the task's nice value.
    Normal,
    /// Real-time with this priority (1 to 99), until it sleeps or yields.
    Fifo(u32),
    /// Real-time with this priority (1 to 99), in turns of 100 ms.
    RoundRobin(u32),
}

impl Kernel {
    /// Sets the nice value; a value out of -20..=19 changes nothing (Linux: set_user_nice).
    pub fn set_user_nice(&self, task: &Task, nice: i64) {
        if !(-20..=19).contains(&nice) {
            return;
        }
        let prio = DEFAULT_PRIO + nice as i32;
        self.change(task, |task| {
            task.head.static_prio.store(prio, Ordering::Relaxed);
            if task.head.policy.load(Ordering::Relaxed) == SCHED_NORMAL {
                set_prio(task, prio);
            }
        });
    }

    /// Sets the policy (Linux: sched_setscheduler_nocheck).
    ///
    /// # Errors
    ///
    /// EINVAL for a real-time priority that is not in 1..=99.
    pub fn set_policy(&self, task: &Task, policy: Policy) -> Result<(), Errno> {
        let (number, rt) = match policy {
            Policy::Normal => (SCHED_NORMAL, 0),
            Policy::Fifo(priority) => (SCHED_FIFO, priority),
            Policy::RoundRobin(priority) => (SCHED_RR, priority),
        };
        if policy != Policy::Normal && !(1..MAX_RT_PRIO as u32).contains(&rt) {
            return Err(Errno::EINVAL);
        }
        self.change(task, |task| {
            task.head.policy.store(number, Ordering::Relaxed);
            task.head.rt_priority.store(rt, Ordering::Relaxed);
            task.sched.rr_left.store(RR_SLICE, Ordering::Relaxed);
            let fair = task.head.static_prio.load(Ordering::Relaxed);
            set_prio(task, if rt == 0 { fair } else { MAX_RT_PRIO - 1 - rt as i32 });
        });
        Ok(())
    }

    /// Changes what a task's place in line depends on: it leaves the line meanwhile.
    fn change(&self, task: &Task, change: impl FnOnce(&Task)) {
        let irqs = IrqGuard::new();
        let mut rq = match self.hold(task, &irqs) {
            Held::Awake(rq) => rq,
            Held::Asleep(_held) => return change(task),
        };
        let running = rq.runs(task);
        let waits = !running && !task.sched.is_migrating() && !rq.is_idle(task);
        if waits {
            rq.dequeue(task);
        }
        change(task);
        rq.place(task);
        if waits {
            rq.enqueue(task, End::Tail);
        }
        let cpu = task.sched.cpu_number();
        let resched = running || (waits && rq.should_preempt(task));
        if resched && !rq.is_at_rest() && rq.waiting > 0 {
            let current = rq.current();
            current.head.ti_flags.fetch_or(TIF_NEED_RESCHED, Ordering::Release);
            drop(rq);
            if kthreads_base::current_head().cpu() != cpu {
                self.machine.send_interrupt(cpu);
            }
        }
    }
}

fn set_prio(task: &Task, prio: i32) {
    task.head.prio.store(prio, Ordering::Relaxed);
    task.head.normal_prio.store(prio, Ordering::Relaxed);
}
