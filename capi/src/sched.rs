//! The scheduler: giving the CPU away, waking, policies (Linux: linux/sched.h).

use kthreads_kernel::sched::Policy;
use kthreads_kernel::task::Task;
use kthreads_kernel::{Cx, Errno, to_c};

use crate::object::{Out, Ptr, TaskPtr, task};

const SCHED_BATCH: i32 = 3;
const SCHED_IDLE: i32 = 5;
const SCHED_RESET_ON_FORK: i32 = 0x4000_0000;

/// C's `struct sched_attr`, as far as it counts here.
#[repr(C)]
pub(crate) struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
}

/// The policy that C's numbers mean. SCHED_BATCH and SCHED_IDLE are scheduled as SCHED_NORMAL.
fn policy(number: i32, priority: u32) -> Result<Policy, Errno> {
    match (number & !SCHED_RESET_ON_FORK, priority) {
        (0 | SCHED_BATCH | SCHED_IDLE, 0) => Ok(Policy::Normal),
        (1, 1..=99) => Ok(Policy::Fifo(priority)),
        (2, 1..=99) => Ok(Policy::RoundRobin(priority)),
        _ => Err(Errno::EINVAL),
    }
}

fn set_policy(cx: &Cx<'_>, p: TaskPtr, number: i32, priority: i32) -> i32 {
    let Some(task) = task(cx, p, "sched_setscheduler") else { return Errno::ESRCH.to_c() };
    let policy = policy(number, priority as u32);
    to_c(policy.and_then(|policy| cx.kernel.set_policy(task, policy)).map(|()| 0))
}

fn set_fifo(cx: &Cx<'_>, p: TaskPtr, priority: u32) {
    if let Some(task) = task(cx, p, "sched_set_fifo") {
        let set = cx.kernel.set_policy(task, Policy::Fifo(priority));
        debug_assert!(set.is_ok(), "the priority is a constant in 1..=99");
    }
}

fn set_normal(cx: &Cx<'_>, task: &Task, nice: i32) {
    let set = cx.kernel.set_policy(task, Policy::Normal);
    debug_assert!(set.is_ok(), "the fair policy is always allowed");
    cx.kernel.set_user_nice(task, i64::from(nice));
}

hot_export! {
    fn cond_resched(cx) -> i32 {
        i32::from(cx.kernel.cond_resched(cx))
    }

    fn schedule(cx) {
        cx.kernel.schedule_before_point(cx);
    }

    fn yield_now(cx) {
        cx.kernel.yield_before_point(cx);
    }
}

export! {
    fn schedule_timeout(cx, timeout: i64) -> i64 {
        cx.kernel.schedule_timeout(cx, timeout)
    }

    fn wake_up_process(cx, p: TaskPtr) -> i32 {
        let task = task(cx, p, "wake_up_process");
        task.map_or(0, |task| i32::from(cx.kernel.wake_up_process(task)))
    }

    fn wake_up_state(cx, p: TaskPtr, state: u32) -> i32 {
        let task = task(cx, p, "wake_up_state");
        task.map_or(0, |task| i32::from(cx.kernel.wake_up_state(task, state)))
    }

    fn set_user_nice(cx, p: TaskPtr, nice: i64) {
        if let Some(task) = task(cx, p, "set_user_nice") {
            cx.kernel.set_user_nice(task, nice);
        }
    }

    fn sched_set_fifo(cx, p: TaskPtr) {
        set_fifo(cx, p, 50);
    }

    fn sched_set_fifo_low(cx, p: TaskPtr) {
        set_fifo(cx, p, 1);
    }

    fn sched_set_normal(cx, p: TaskPtr, nice: i32) {
        if let Some(task) = task(cx, p, "sched_set_normal") {
            set_normal(cx, task, nice);
        }
    }

    fn sched_setscheduler(cx, p: TaskPtr, policy: i32, param: Out<i32>) -> i32 {
        set_policy(cx, p, policy, param.read())
    }

    fn sched_setattr(cx, p: TaskPtr, attr: Ptr<SchedAttr>) -> i32 {
        let attr = attr.get();
        let result = set_policy(cx, p, attr.policy as i32, attr.priority as i32);
        let fair = attr.priority == 0;
        match cx.kernel.task_at(p.0) {
            Some(task) if result == 0 && fair => cx.kernel.set_user_nice(task, attr.nice.into()),
            _ => {}
        }
        result
    }
}

exports! {
    "schedule" => schedule, Any;
    "schedule_timeout" => schedule_timeout, Any;
    "yield" => yield_now, Any;
    "__cond_resched" => cond_resched, Local;
    "wake_up_process" => wake_up_process, Any;
    "wake_up_state" => wake_up_state, Local;
    "set_user_nice" => set_user_nice, Any;
    "sched_set_fifo" => sched_set_fifo, GplOnly;
    "sched_set_fifo_low" => sched_set_fifo_low, GplOnly;
    "sched_set_normal" => sched_set_normal, GplOnly;
    "sched_setscheduler" => sched_setscheduler, Local;
    "sched_setscheduler_nocheck" => sched_setscheduler, Local;
    "sched_setattr_nocheck" => sched_setattr, GplOnly;
}
