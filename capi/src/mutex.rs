//! Mutexes and semaphores (Linux: linux/mutex.h, linux/semaphore.h).

use core::sync::atomic::{AtomicI32, Ordering};

use kthreads_kernel::task::state::{TASK_INTERRUPTIBLE, TASK_KILLABLE, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::wait::{Limit, Mutex, Semaphore};
use kthreads_kernel::{Cx, to_c};

use crate::object::Ptr;

fn lock(cx: &Cx<'_>, caller: usize, mutex: Ptr<Mutex>, state: u32) -> i32 {
    let locked = cx.kernel.mutex_lock(cx, mutex.get(), state);
    if locked.is_ok() {
        cx.task.head.held.set_place(mutex.address(), caller);
    }
    to_c(locked.map(|()| 0))
}

fn take(cx: &Cx<'_>, caller: usize, semaphore: Ptr<Semaphore>, state: u32, limit: Limit) -> i32 {
    let taken = cx.kernel.down(cx, semaphore.get(), state, limit);
    if taken.is_ok() {
        cx.task.head.held.add_semaphore(semaphore.address(), caller);
    }
    to_c(taken.map(|()| 0))
}

/// What a reference count is set to that must never reach zero again.
const REFCOUNT_SATURATED: i32 = i32::MIN / 2;

export! {
    fn mutex_init(cx, mutex: Ptr<Mutex>, _name: Ptr<u8>, _key: usize) {
        cx.kernel.check_mutex_init(cx, mutex.get());
        mutex.get().init();
    }

    fn mutex_lock(cx from caller, mutex: Ptr<Mutex>) {
        lock(cx, caller, mutex, TASK_UNINTERRUPTIBLE);
    }

    fn mutex_unlock(cx, mutex: Ptr<Mutex>) {
        cx.kernel.mutex_unlock(cx, mutex.get());
    }

    fn mutex_lock_interruptible(cx from caller, mutex: Ptr<Mutex>) -> i32 {
        lock(cx, caller, mutex, TASK_INTERRUPTIBLE)
    }

    fn mutex_lock_killable(cx from caller, mutex: Ptr<Mutex>) -> i32 {
        lock(cx, caller, mutex, TASK_KILLABLE)
    }

    fn mutex_trylock(cx from caller, mutex: Ptr<Mutex>) -> i32 {
        let taken = cx.kernel.mutex_trylock(cx, mutex.get());
        if taken {
            cx.task.head.held.set_place(mutex.address(), caller);
        }
        i32::from(taken)
    }

    fn mutex_is_locked(_cx, mutex: Ptr<Mutex>) -> bool {
        mutex.get().is_locked()
    }

    fn down(cx from caller, semaphore: Ptr<Semaphore>) {
        take(cx, caller, semaphore, TASK_UNINTERRUPTIBLE, Limit::Never);
    }

    fn down_interruptible(cx from caller, semaphore: Ptr<Semaphore>) -> i32 {
        take(cx, caller, semaphore, TASK_INTERRUPTIBLE, Limit::Never)
    }

    fn down_killable(cx from caller, semaphore: Ptr<Semaphore>) -> i32 {
        take(cx, caller, semaphore, TASK_KILLABLE, Limit::Never)
    }

    fn down_trylock(cx from caller, semaphore: Ptr<Semaphore>) -> i32 {
        let taken = cx.kernel.down_trylock(semaphore.get());
        if taken {
            cx.task.head.held.add_semaphore(semaphore.address(), caller);
        }
        i32::from(!taken)
    }

    fn down_timeout(cx from caller, semaphore: Ptr<Semaphore>, timeout: i64) -> i32 {
        take(cx, caller, semaphore, TASK_UNINTERRUPTIBLE, Limit::from_c(timeout))
    }

    fn up(cx, semaphore: Ptr<Semaphore>) {
        cx.kernel.up(semaphore.get());
        cx.task.head.held.remove_semaphore(semaphore.address());
    }

    fn refcount_warn_saturate(cx, count: Ptr<AtomicI32>, kind: u32) {
        count.get().store(REFCOUNT_SATURATED, Ordering::Relaxed);
        let what = match kind {
            0 | 1 => "refcount_t: saturated; leaking memory.",
            2 => "refcount_t: addition on 0; use-after-free.",
            3 => "refcount_t: underflow; use-after-free.",
            4 => "refcount_t: decrement hit 0; leaking memory.",
            _ => "refcount_t: unknown saturation event!?.",
        };
        cx.kernel.warn_once(cx, what);
    }
}

exports! {
    "__mutex_init" => mutex_init, Any;
    "mutex_lock" => mutex_lock, Any;
    "mutex_unlock" => mutex_unlock, Any;
    "mutex_lock_interruptible" => mutex_lock_interruptible, Any;
    "mutex_lock_killable" => mutex_lock_killable, Any;
    "mutex_trylock" => mutex_trylock, Any;
    "mutex_is_locked" => mutex_is_locked, Any;
    "down" => down, Any;
    "down_interruptible" => down_interruptible, Any;
    "down_killable" => down_killable, Any;
    "down_trylock" => down_trylock, Any;
    "down_timeout" => down_timeout, Any;
    "up" => up, Any;
    "refcount_warn_saturate" => refcount_warn_saturate, Any;
}
