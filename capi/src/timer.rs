//! Timers (Linux: linux/timer.h).

use kthreads_kernel::kthread::delayed_work_timer_fn;
use kthreads_kernel::time::{AlreadyPending, Attempt, Jiffies, Timer, TimerFn};
use kthreads_kernel::{Cx, log};

use crate::lockdep::set_function_class;
use crate::object::Ptr;

/// What add_timer says of a timer that is pending.
#[cold]
fn warn_pending(cx: &Cx<'_>, timer: &Timer) {
    cx.kernel.warn(cx, "add_timer of a timer that is pending");
    let level = kthreads_kernel::log::Level::Error;
    log!(cx, level, "kthreads: the timer ({:#x}) stays as it is", timer.address());
}

/// The lock validator learns that the timer's function may be waited for.
fn note_wait(cx: &Cx<'_>, timer: &Timer) {
    cx.kernel.note_wait_for_function(&cx.task.head, timer.address());
}

export! {
    fn init_timer_key(
        cx,
        timer: Ptr<Timer>,
        function: Option<TimerFn>,
        flags: u32,
        name: Ptr<u8>,
        key: usize,
    ) {
        cx.kernel.check_timer_init(cx, timer.get());
        timer.get().init_from_c(function, flags, cx.cpu());
        // That of a delayed work takes nothing of the module's.
        if timer.get().function_address() != delayed_work_timer_fn as *const () as usize {
            set_function_class(cx, timer.address(), name, key);
        }
    }

    fn mod_timer(cx, timer: Ptr<Timer>, expires: u64) -> i32 {
        i32::from(cx.kernel.mod_timer(timer.pin(), Jiffies(expires)))
    }

    fn mod_timer_pending(cx, timer: Ptr<Timer>, expires: u64) -> i32 {
        i32::from(cx.kernel.mod_timer_pending(timer.pin(), Jiffies(expires)))
    }

    fn timer_reduce(cx, timer: Ptr<Timer>, expires: u64) -> i32 {
        i32::from(cx.kernel.reduce_timer(timer.pin(), Jiffies(expires)))
    }

    fn add_timer(cx, timer: Ptr<Timer>) {
        if let Err(AlreadyPending) = cx.kernel.add_timer(timer.pin()) {
            warn_pending(cx, timer.get());
        }
    }

    fn add_timer_on(cx, timer: Ptr<Timer>, cpu: i32) {
        if let Err(AlreadyPending) = cx.kernel.add_timer_on(timer.pin(), cpu as u32) {
            warn_pending(cx, timer.get());
        }
    }

    fn timer_delete(cx, timer: Ptr<Timer>) -> i32 {
        i32::from(cx.kernel.del_timer(timer.get()))
    }

    fn timer_delete_sync(cx, timer: Ptr<Timer>) -> i32 {
        note_wait(cx, timer.get());
        i32::from(cx.kernel.del_timer_sync(timer.get()))
    }

    fn try_to_del_timer_sync(cx, timer: Ptr<Timer>) -> i32 {
        match cx.kernel.try_del_timer_sync(timer.get()) {
            Attempt::Running => -1,
            Attempt::Deleted(was_pending) => i32::from(was_pending),
        }
    }

    fn timer_shutdown(cx, timer: Ptr<Timer>) -> i32 {
        i32::from(cx.kernel.shutdown_timer(timer.get()))
    }

    fn timer_shutdown_sync(cx, timer: Ptr<Timer>) -> i32 {
        note_wait(cx, timer.get());
        i32::from(cx.kernel.shutdown_timer_sync(timer.get()))
    }
}

exports! {
    "init_timer_key" => init_timer_key, Any;
    "mod_timer" => mod_timer, Any;
    "mod_timer_pending" => mod_timer_pending, Any;
    "timer_reduce" => timer_reduce, Any;
    "add_timer" => add_timer, Any;
    "add_timer_on" => add_timer_on, GplOnly;
    "timer_delete" => timer_delete, Any;
    "timer_delete_sync" => timer_delete_sync, Any;
    "try_to_del_timer_sync" => try_to_del_timer_sync, Any;
    "timer_shutdown" => timer_shutdown, GplOnly;
    "timer_shutdown_sync" => timer_shutdown_sync, GplOnly;
}
