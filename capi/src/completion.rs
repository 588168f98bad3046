//! Completions (Linux: linux/completion.h).

use kthreads_kernel::Cx;
use kthreads_kernel::task::state::{TASK_INTERRUPTIBLE, TASK_KILLABLE, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::wait::{Completion, Limit, Waited};

use crate::object::Ptr;

#[inline(never)]
fn wait(cx: &Cx<'_>, x: Ptr<Completion>, state: u32, limit: Limit) -> Waited {
    cx.kernel.wait_for_completion_state(cx, x.get(), state, limit)
}

/// 0, or -ERESTARTSYS.
fn wait_for_ever(cx: &Cx<'_>, x: Ptr<Completion>, state: u32) -> i32 {
    match wait(cx, x, state, Limit::Never) {
        Waited::Done(_) => 0,
        ended => ended.to_c() as i32,
    }
}

hot_export! {
    fn complete(cx, x: Ptr<Completion>) {
        cx.kernel.complete_before_point(cx, x.get());
    }

    fn wait_for_completion(cx, x: Ptr<Completion>) {
        cx.kernel.wait_for_completion_before_point(cx, x.get());
    }
}

export! {
    fn init_completion(cx, x: Ptr<Completion>) {
        cx.kernel.check_completion_init(cx, x.get());
        x.get().init();
    }

    fn complete_all(cx, x: Ptr<Completion>) {
        cx.kernel.complete_all(x.get());
    }

    fn wait_for_completion_timeout(cx, x: Ptr<Completion>, timeout: i64) -> i64 {
        wait(cx, x, TASK_UNINTERRUPTIBLE, Limit::from_c(timeout)).to_c()
    }

    fn wait_for_completion_interruptible(cx, x: Ptr<Completion>) -> i32 {
        wait_for_ever(cx, x, TASK_INTERRUPTIBLE)
    }

    fn wait_for_completion_interruptible_timeout(cx, x: Ptr<Completion>, timeout: i64) -> i64 {
        wait(cx, x, TASK_INTERRUPTIBLE, Limit::from_c(timeout)).to_c()
    }

    fn wait_for_completion_killable(cx, x: Ptr<Completion>) -> i32 {
        wait_for_ever(cx, x, TASK_KILLABLE)
    }

    fn wait_for_completion_killable_timeout(cx, x: Ptr<Completion>, timeout: i64) -> i64 {
        wait(cx, x, TASK_KILLABLE, Limit::from_c(timeout)).to_c()
    }

    fn wait_for_completion_state(cx, x: Ptr<Completion>, state: u32) -> i32 {
        wait_for_ever(cx, x, state)
    }

    fn try_wait_for_completion(cx, x: Ptr<Completion>) -> bool {
        cx.kernel.try_wait_for_completion(x.get())
    }

    fn completion_done(_cx, x: Ptr<Completion>) -> bool {
        x.get().is_done()
    }
}

exports! {
    "__init_completion" => init_completion, Local;
    "complete" => complete, Any;
    "complete_all" => complete_all, Any;
    "wait_for_completion" => wait_for_completion, Any;
    "wait_for_completion_timeout" => wait_for_completion_timeout, Any;
    "wait_for_completion_interruptible" => wait_for_completion_interruptible, Any;
    "wait_for_completion_interruptible_timeout" => wait_for_completion_interruptible_timeout, Any;
    "wait_for_completion_killable" => wait_for_completion_killable, Any;
    "wait_for_completion_killable_timeout" => wait_for_completion_killable_timeout, Any;
    "wait_for_completion_state" => wait_for_completion_state, Any;
    "try_wait_for_completion" => try_wait_for_completion, Any;
    "completion_done" => completion_done, Any;
}
