//! Mutexes and semaphores (Linux: linux/mutex.h, linux/semaphore.h).

use core::sync::atomic::{AtomicI32, Ordering};

use kthreads_base::held::LockKind;
use kthreads_kernel::task::state::{TASK_INTERRUPTIBLE, TASK_KILLABLE, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::wait::{Limit, Mutex, Semaphore};
use kthreads_kernel::{Cx, How, LockAt, to_c};

use crate::lockdep::set_class;
use crate::object::Ptr;

fn lock(cx: &Cx<'_>, place: usize, mutex: Ptr<Mutex>, state: u32, how: How) -> i32 {
    let at = LockAt { kind: LockKind::Mutex, address: mutex.address(), place };
    let mutex = mutex.get();
    let head = &cx.task.head;
    // Where one must not sleep, that is what is told of.
    let tag = if cx.in_atomic() { 0 } else { cx.kernel.lock_tag(head, &at, how) };
    let locked = cx.kernel.mutex_lock(cx, mutex, state);
    if locked.is_ok() {
        head.held.set_place(at.address, place);
        head.held.set_tag(at.address, tag);
    }
    to_c(locked.map(|()| 0))
}

fn take(cx: &Cx<'_>, place: usize, semaphore: Ptr<Semaphore>, state: u32, limit: Limit) -> i32 {
    let at = LockAt { kind: LockKind::Semaphore, address: semaphore.address(), place };
    let semaphore = semaphore.get();
    // Who gives up in the end does not wait for ever.
    let how = if limit == Limit::Never { How::PLAIN } else { How::TRY };
    let tag = match cx.in_atomic() {
        true => 0,
        false => cx.kernel.semaphore_tag(&cx.task.head, &at, semaphore.count(), how),
    };
    let taken = cx.kernel.down(cx, semaphore, state, limit);
    if taken.is_ok() {
        cx.kernel.semaphore_taken(&cx.task.head, &at, tag);
    }
    to_c(taken.map(|()| 0))
}

/// What a reference count is set to that must never reach zero again.
const REFCOUNT_SATURATED: i32 = i32::MIN / 2;

export! {
    fn mutex_init(cx, mutex: Ptr<Mutex>, name: Ptr<u8>, key: usize) {
        cx.kernel.check_mutex_init(cx, mutex.get());
        mutex.get().init();
        set_class(cx, LockKind::Mutex, mutex.address(), name, key);
    }

    fn mutex_lock(cx from caller, mutex: Ptr<Mutex>) {
        lock(cx, caller, mutex, TASK_UNINTERRUPTIBLE, How::PLAIN);
    }

    fn mutex_lock_nested(cx from caller, mutex: Ptr<Mutex>, subclass: u32) {
        lock(cx, caller, mutex, TASK_UNINTERRUPTIBLE, How::nested(subclass as u8));
    }

    fn mutex_lock_nest_lock(cx from caller, mutex: Ptr<Mutex>, _outer: usize) {
        lock(cx, caller, mutex, TASK_UNINTERRUPTIBLE, How::UNDER_OUTER);
    }

    fn mutex_unlock(cx, mutex: Ptr<Mutex>) {
        cx.kernel.mutex_unlock(cx, mutex.get());
    }

    fn mutex_lock_interruptible(cx from caller, mutex: Ptr<Mutex>) -> i32 {
        lock(cx, caller, mutex, TASK_INTERRUPTIBLE, How::PLAIN)
    }

    fn mutex_lock_interruptible_nested(cx from caller, mutex: Ptr<Mutex>, subclass: u32) -> i32 {
        lock(cx, caller, mutex, TASK_INTERRUPTIBLE, How::nested(subclass as u8))
    }

    fn mutex_lock_killable(cx from caller, mutex: Ptr<Mutex>) -> i32 {
        lock(cx, caller, mutex, TASK_KILLABLE, How::PLAIN)
    }

    fn mutex_lock_killable_nested(cx from caller, mutex: Ptr<Mutex>, subclass: u32) -> i32 {
        lock(cx, caller, mutex, TASK_KILLABLE, How::nested(subclass as u8))
    }

    fn mutex_trylock(cx from caller, mutex: Ptr<Mutex>) -> i32 {
        let taken = cx.kernel.mutex_trylock(cx, mutex.get());
        if taken {
            let at = LockAt { kind: LockKind::Mutex, address: mutex.address(), place: caller };
            // What is held counts without itself.
            cx.task.head.held.remove(at.address);
            let tag = cx.kernel.lock_tag(&cx.task.head, &at, How::TRY);
            cx.task.head.held.add_tagged(LockKind::Mutex, at.address, caller, tag);
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
        let at = LockAt { kind: LockKind::Semaphore, address: semaphore.address(), place: caller };
        let (head, count) = (&cx.task.head, semaphore.get().count());
        let taken = cx.kernel.down_trylock(semaphore.get());
        if taken {
            let tag = cx.kernel.semaphore_tag(head, &at, count, How::TRY);
            cx.kernel.semaphore_taken(head, &at, tag);
        }
        i32::from(!taken)
    }

    fn down_timeout(cx from caller, semaphore: Ptr<Semaphore>, timeout: i64) -> i32 {
        take(cx, caller, semaphore, TASK_UNINTERRUPTIBLE, Limit::from_c(timeout))
    }

    fn up(cx, semaphore: Ptr<Semaphore>) {
        // Before others can take it.
        cx.kernel.semaphore_given(&cx.task.head, semaphore.address());
        cx.kernel.up(semaphore.get());
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
    "mutex_lock_nested" => mutex_lock_nested, Local;
    "_mutex_lock_nest_lock" => mutex_lock_nest_lock, Local;
    "mutex_lock_interruptible_nested" => mutex_lock_interruptible_nested, Local;
    "mutex_lock_killable_nested" => mutex_lock_killable_nested, Local;
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
