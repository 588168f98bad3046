//! Locks of Rust code, and what the lock validator says of them.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_kernel::sync::{Mutex, SpinLock};
use kthreads_kernel::{Cx, Errno};

use super::{Case, until};

pub(super) const CASES: &[Case] = &[
    Case { name: "a mutex gives its data to one at a time", run: one_at_a_time },
    Case { name: "kthread_stop ends an interruptible wait for a mutex", run: stopped },
    Case { name: "a mutex is tried", run: tried },
    Case { name: "orders that form a circle are told of once", run: circle },
    Case { name: "locks of one place need levels", run: levels },
    Case { name: "trying makes no order", run: trying },
    Case { name: "a lock that goes takes nothing along", run: gone },
];

fn one_at_a_time(cx: &Cx<'_>) {
    let list = Arc::new(Mutex::new(Vec::new()));
    let threads: Vec<_> = (0..4)
        .map(|nth| {
            let list = list.clone();
            let body = move |cx: &Cx<'_>| {
                for round in 0..20 {
                    let mut list = list.lock(cx);
                    let before = list.len();
                    if (nth + round) % 4 == 0 {
                        cx.sleep(1);
                    }
                    list.push(before);
                    drop(list);
                    cx.yield_now();
                }
            };
            cx.spawn("adder", body).expect("a thread")
        })
        .collect();
    until(cx, || threads.iter().all(|thread| !thread.is_alive(cx)));
    let list = list.lock(cx);
    assert!(list.iter().copied().eq(0..80), "{list:?}", list = *list);
    assert_eq!(cx.kernel.bug_count(), 0);
}

fn stopped(cx: &Cx<'_>) {
    let lock = Arc::new(Mutex::new(3));
    let held = lock.lock(cx);
    let theirs = lock.clone();
    let thread = cx.spawn("waits", move |cx| theirs.lock_interruptible(cx).map(|data| *data));
    let thread = thread.expect("a thread");
    cx.sleep(20);
    assert_eq!(thread.stop(cx), Ok(Err(Errno::EINTR)));
    drop(held);
    assert_eq!(lock.lock_interruptible(cx).map(|data| *data), Ok(3));
}

fn tried(cx: &Cx<'_>) {
    let lock = Mutex::<u32>::default();
    let held = lock.try_lock(cx);
    assert!(held.is_some() && lock.try_lock(cx).is_none());
    drop(held);
    lock.try_lock(cx).into_iter().for_each(|mut data| *data += 1);
    assert_eq!(*lock.lock(cx), 1);
}

fn circle(cx: &Cx<'_>) {
    let (first, second, third) = (Mutex::new(()), Mutex::new(()), SpinLock::new(()));
    for _ in 0..3 {
        let _outer = first.lock(cx);
        drop(second.lock(cx));
    }
    assert_eq!(cx.kernel.bug_count(), 0);
    for _ in 0..3 {
        let _outer = second.lock(cx);
        let _inner = first.lock(cx);
        drop(third.lock());
    }
    assert_eq!(cx.kernel.bug_count(), 1);
}

fn levels(cx: &Cx<'_>) {
    let locks: Vec<_> = (0..3).map(|n| (SpinLock::new(n), Mutex::new(n))).collect();
    for first in 0..3 {
        let (top, below) = (&locks[first], &locks[(first + 1) % 3]);
        let outer = top.1.lock(cx);
        let inner = below.1.lock_nested(cx, 1);
        assert_eq!((*outer, *inner), (first, (first + 1) % 3));
        drop((inner, outer));
        let _outer = top.0.lock();
        let _inner = below.0.lock_nested(1);
    }
    assert_eq!(cx.kernel.bug_count(), 0);
    let _outer = locks[0].0.lock();
    let _inner = locks[1].0.lock();
    assert_eq!(cx.kernel.bug_count(), 1);
}

fn trying(cx: &Cx<'_>) {
    let (first, second) = (SpinLock::new(()), SpinLock::new(()));
    let outer = first.lock();
    drop(second.lock());
    drop(outer);
    let outer = second.lock();
    assert!(first.try_lock().is_some());
    drop(outer);
    assert_eq!(cx.kernel.bug_count(), 0);
}

fn gone(cx: &Cx<'_>) {
    let outer = Mutex::new(());
    let under = |lock: &SpinLock<()>| {
        let _held = outer.lock(cx);
        drop(lock.lock());
    };
    let over = |lock: &Mutex<()>| {
        let _held = lock.lock(cx);
        drop(outer.lock(cx));
    };
    for _ in 0..40 {
        // Both at one place of memory, in all likelihood.
        under(&alloc::boxed::Box::new(SpinLock::new(())));
        over(&alloc::boxed::Box::new(Mutex::new(())));
    }
    assert_eq!(cx.kernel.bug_count(), 0);
}
