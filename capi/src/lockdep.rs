//! What modules tell the lock validator, and ask it (Linux: linux/lockdep.h).

use core::fmt;

use kthreads_base::held::LockKind;
use kthreads_kernel::Cx;
use kthreads_kernel::wait::Semaphore;

use crate::object::{Ptr, str_of};

/// What `lockdep_is_held` answers of a lock that the caller does not hold, and of one that it
/// holds or may hold.
const NOT_HELD: i32 = 0;
const HELD: i32 = 1;

/// A lock is initialised at an address, with C's name and key. One without a key is of no class
/// until it is taken.
pub(crate) fn set_class(cx: &Cx<'_>, kind: LockKind, lock: usize, name: Ptr<u8>, key: usize) {
    match key {
        0 => cx.kernel.forget_locks_in(&(lock..lock + 1)),
        key => cx.kernel.set_lock_class(kind, lock, key, &Name(name)),
    }
}

/// A timer or a work is set up at an address, with C's name and key.
pub(crate) fn set_function_class(cx: &Cx<'_>, address: usize, name: Ptr<u8>, key: usize) {
    match key {
        0 => cx.kernel.forget_locks_in(&(address..address + 1)),
        key => cx.kernel.set_function_class(address, key, &Name(name)),
    }
}

/// A lock's name, which may be NULL; read when it is shown.
struct Name(Ptr<u8>);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.address() == 0 { "?" } else { str_of(self.0) })
    }
}

/// The kind of lock that C's number stands for.
fn kind_of(number: i32) -> LockKind {
    if number == 0 { LockKind::Spin } else { LockKind::Mutex }
}

export! {
    fn lockdep_set_class(cx, lock: usize, kind: i32, name: Ptr<u8>, key: usize, subclass: i32) {
        set_class(cx, kind_of(kind), lock, name, key);
        cx.kernel.set_lock_subclass(lock, subclass as u8);
    }

    fn lockdep_set_work(cx, work: usize, name: Ptr<u8>, key: usize) {
        set_function_class(cx, work, name, key);
    }

    fn lockdep_set_subclass(cx, lock: usize, subclass: i32) {
        cx.kernel.set_lock_subclass(lock, subclass as u8);
    }

    fn lockdep_set_novalidate(cx, lock: usize) {
        cx.kernel.set_lock_unchecked(lock);
    }

    fn lockdep_unregister_key(cx, key: usize) {
        cx.kernel.forget_lock_keys_in(&(key..key + 1));
    }

    fn lockdep_is_held(cx, lock: usize) -> i32 {
        let held = &cx.task.head.held;
        if held.contains(lock) || held.has_more() { HELD } else { NOT_HELD }
    }

    fn lockdep_holds_any(cx) -> i32 {
        if cx.task.head.held.iter().next().is_some() { HELD } else { NOT_HELD }
    }

    fn sema_init(cx, semaphore: Ptr<Semaphore>, count: u32, name: Ptr<u8>, key: usize) {
        semaphore.get().init(count);
        cx.kernel.set_semaphore_class(semaphore.address(), count, key, &Name(name));
    }

    fn lockdep_is_on(cx) -> bool {
        cx.kernel.checks_locks()
    }
}

exports! {
    "__lockdep_set_class" => lockdep_set_class, Local;
    "__lockdep_set_work" => lockdep_set_work, Local;
    "__lockdep_set_subclass" => lockdep_set_subclass, Local;
    "__lockdep_set_novalidate" => lockdep_set_novalidate, Local;
    "lockdep_unregister_key" => lockdep_unregister_key, Local;
    "lockdep_is_held" => lockdep_is_held, Local;
    "__lockdep_holds_any" => lockdep_holds_any, Local;
    "__sema_init" => sema_init, Local;
    "__lockdep_is_on" => lockdep_is_on, Local;
}
