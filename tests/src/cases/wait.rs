//! Wait queues, mutexes and semaphores.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::pin::Pin;

use kthreads_kernel::sync::WaitQueue;
use kthreads_kernel::task::state::*;
use kthreads_kernel::time::Jiffies;
use kthreads_kernel::wait::{Limit, Mutex, Semaphore, Sleep, WaitFlags, WaitQueueHead, Waited};
use kthreads_kernel::{Cx, Errno};

use super::{Case, Count, task_of, until, until_state};

pub(super) const CASES: &[Case] = &[
    Case { name: "wake_up wakes all shared and one exclusive waiter", run: exclusive },
    Case { name: "wake_up_interruptible leaves uninterruptible sleepers", run: masks },
    Case { name: "a true condition wins over a pending signal", run: condition_wins },
    Case { name: "wait_event_timeout returns what is left", run: timeouts },
    Case { name: "a mutex has one owner and hands over", run: mutex },
    Case { name: "mutex_lock_interruptible ends with EINTR", run: mutex_interrupted },
    Case { name: "a semaphore counts", run: semaphore },
];

type Queue = Pin<Arc<WaitQueueHead>>;

fn queue() -> Queue {
    let queue = Arc::pin(WaitQueueHead::new());
    queue.as_ref().init();
    queue
}

fn sleeper(cx: &Cx<'_>, queue: &Queue, sleep: Sleep, flags: WaitFlags, woken: &Count) {
    let (queue, woken, go) = (queue.clone(), woken.clone(), Count::default());
    let sleeps = move |cx: &Cx<'_>| {
        let condition = || go.add() > 1;
        cx.kernel.wait_event(cx, queue.as_ref(), sleep, flags, Limit::Never, condition);
        woken.add();
    };
    let thread = cx.spawn("sleeper", sleeps).expect("a thread");
    cx.sleep(8);
    until_state(cx, task_of(cx, &thread), sleep.state());
}

fn exclusive(cx: &Cx<'_>) {
    let (queue, woken) = (queue(), Count::default());
    for flags in [WaitFlags::EXCLUSIVE, WaitFlags::SHARED, WaitFlags::EXCLUSIVE] {
        sleeper(cx, &queue, Sleep::Uninterruptible, flags, &woken);
    }
    let wake = |exclusive| cx.kernel.wake_up(cx, queue.as_ref(), TASK_NORMAL, exclusive, 0);
    assert_eq!(wake(Some(1)), 1);
    until(cx, || woken.get() == 2);
    cx.sleep(20);
    assert_eq!(woken.get(), 2);
    wake(None);
    until(cx, || woken.get() == 3);
    assert!(!queue.is_active());
}

fn masks(cx: &Cx<'_>) {
    let (queue, woken) = (queue(), Count::default());
    for sleep in [Sleep::Interruptible, Sleep::Uninterruptible, Sleep::Killable, Sleep::Idle] {
        sleeper(cx, &queue, sleep, WaitFlags::SHARED, &woken);
    }
    cx.kernel.wake_up(cx, queue.as_ref(), TASK_INTERRUPTIBLE, Some(1), 0);
    until(cx, || woken.get() == 1);
    cx.sleep(20);
    assert_eq!(woken.get(), 1);
    cx.kernel.wake_up(cx, queue.as_ref(), TASK_NORMAL, Some(1), 0);
    until(cx, || woken.get() == 4);
}

fn condition_wins(cx: &Cx<'_>) {
    let thread = cx.spawn("both", |cx| {
        until(cx, || cx.should_stop());
        let queue = WaitQueue::new();
        (queue.wait_interruptible(cx, || Some(5)), queue.wait_interruptible(cx, || None::<()>))
    });
    let thread = thread.expect("a thread");
    cx.sleep(20);
    assert_eq!(thread.stop(cx), Ok((Ok(5), Err(Errno::ERESTARTSYS))));
}

fn timeouts(cx: &Cx<'_>) {
    let queue = queue();
    let wait = |jiffies: u64, holds: bool| {
        let limit = Limit::At(Jiffies(jiffies));
        let (sleep, flags) = (Sleep::Uninterruptible, WaitFlags::SHARED);
        cx.kernel.wait_event(cx, queue.as_ref(), sleep, flags, limit, || holds).to_c()
    };
    assert_eq!(wait(3, false), 0);
    assert_eq!(wait(100, true), 100);
    assert_eq!(wait(0, true), 1);
    // True only after the time is over: 1.
    let late = core::cell::Cell::new(0);
    let limit = Limit::At(Jiffies(2));
    let condition = || {
        late.set(late.get() + 1);
        late.get() > 2
    };
    let waited = cx.kernel.wait_event(
        cx,
        queue.as_ref(),
        Sleep::Uninterruptible,
        WaitFlags::SHARED,
        limit,
        condition,
    );
    assert_eq!(waited, Waited::Done(Limit::At(Jiffies(1))));
}

fn mutex(cx: &Cx<'_>) {
    let (mutex, inside, rounds) = (Arc::new(Mutex::new()), Count::default(), Count::default());
    let threads: Vec<_> = (0..6)
        .map(|nth| {
            let (mutex, inside, rounds) = (mutex.clone(), inside.clone(), rounds.clone());
            let body = move |cx: &Cx<'_>| {
                for round in 0..40 {
                    cx.kernel.mutex_lock(cx, &mutex, TASK_UNINTERRUPTIBLE).expect("no signal");
                    assert_eq!(inside.add(), rounds.get());
                    if (nth + round) % 5 == 0 {
                        cx.sleep(1);
                    }
                    rounds.add();
                    cx.kernel.mutex_unlock(cx, &mutex);
                    cx.yield_now();
                }
            };
            cx.spawn("owner", body).expect("a thread")
        })
        .collect();
    until(cx, || threads.iter().all(|thread| !thread.is_alive(cx)));
    assert_eq!((rounds.get(), mutex.is_locked()), (240, false));
    assert!(cx.kernel.mutex_trylock(cx, &mutex));
    assert!(!cx.kernel.mutex_trylock(cx, &mutex));
    cx.kernel.mutex_unlock(cx, &mutex);
}

fn mutex_interrupted(cx: &Cx<'_>) {
    let mutex = Arc::new(Mutex::new());
    cx.kernel.mutex_lock(cx, &mutex, TASK_UNINTERRUPTIBLE).expect("no signal");
    let theirs = mutex.clone();
    let thread = cx.spawn("waits", move |cx| cx.kernel.mutex_lock(cx, &theirs, TASK_INTERRUPTIBLE));
    let thread = thread.expect("a thread");
    cx.sleep(20);
    assert_eq!(thread.stop(cx), Ok(Err(Errno::EINTR)));
    cx.kernel.mutex_unlock(cx, &mutex);
}

fn semaphore(cx: &Cx<'_>) {
    let semaphore = Arc::new(Semaphore::new(2));
    let down = |jiffies| {
        let limit = Limit::At(Jiffies(jiffies));
        cx.kernel.down(cx, &semaphore, TASK_UNINTERRUPTIBLE, limit)
    };
    assert_eq!((down(1), down(1), down(1)), (Ok(()), Ok(()), Err(Errno::ETIME)));
    assert!(!cx.kernel.down_trylock(&semaphore));
    let theirs = semaphore.clone();
    let thread = cx
        .spawn("waits", move |cx| cx.kernel.down(cx, &theirs, TASK_UNINTERRUPTIBLE, Limit::Never));
    cx.sleep(20);
    cx.kernel.up(&semaphore);
    let thread = thread.expect("a thread");
    until(cx, || !thread.is_alive(cx));
    assert_eq!(thread.stop(cx), Ok(Ok(())));
    cx.kernel.up(&semaphore);
    assert!(cx.kernel.down_trylock(&semaphore));
}
