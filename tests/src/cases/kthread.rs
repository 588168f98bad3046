//! Making and ending kernel threads.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use kthreads_kernel::task::state::*;
use kthreads_kernel::{Cx, Errno};

use super::{Case, Count, task_of, until, until_state};

pub(super) const CASES: &[Case] = &[
    Case { name: "kthreadd is the parent of every kernel thread", run: parent },
    Case { name: "a new thread sleeps in D until it is woken", run: new_thread },
    Case { name: "a thread that is stopped before it runs never runs", run: stopped_unrun },
    Case { name: "comm is cut to 15 bytes, the full name is kept", run: long_name },
    Case { name: "an ended thread leaves no zombie", run: no_zombie },
    Case { name: "kthread_stop returns what the function returned", run: results },
    Case { name: "kthread_stop looks like a signal to the thread", run: notify_signal },
    Case { name: "kthread_stop ends plain sleeps of both kinds", run: plain_sleeps },
    Case { name: "create requests are answered in order", run: fifo },
    Case { name: "a kernel thread has no mm and borrows one", run: address_spaces },
    Case { name: "threads-max limits the number of tasks", run: threads_max },
];

fn parent(cx: &Cx<'_>) {
    let inner = cx.spawn("outer", |cx| {
        let inner = cx.spawn("inner", |cx| cx.sleep_until_stopped()).expect("a thread");
        let parent = task_of(cx, &inner).head.parent.load(Relaxed);
        assert!(matches!(inner.stop(cx), Ok(()) | Err(Errno::EINTR)));
        parent
    });
    let outer = inner.expect("a thread");
    until(cx, || !outer.is_alive(cx));
    assert_eq!(outer.stop(cx), Ok(cx.kernel.kthreadd().address()));
    assert_eq!(cx.kernel.kthreadd().comm().as_str(), "kthreadd");
}

fn new_thread(cx: &Cx<'_>) {
    let count = Count::default();
    let theirs = count.clone();
    let thread = cx.create("new", move |_| theirs.add()).expect("a thread");
    let task = cx.kernel.task_by_id(thread.id()).expect("it lives");
    assert_eq!(task.comm().as_str(), "new");
    until_state(cx, task, TASK_UNINTERRUPTIBLE);
    cx.sleep(20);
    assert_eq!((count.get(), task.state()), (0, TASK_UNINTERRUPTIBLE));
    assert!(!cx.kernel.wake_up_state(task, TASK_INTERRUPTIBLE));
    let thread = thread.wake(cx);
    until(cx, || !thread.is_alive(cx));
    assert_eq!(count.get(), 1);
}

fn stopped_unrun(cx: &Cx<'_>) {
    let count = Count::default();
    let theirs = count.clone();
    let thread = cx.create("unrun", move |_| theirs.add()).expect("a thread");
    assert_eq!(thread.stop(cx), Errno::EINTR);
    assert_eq!(count.get(), 0);
}

fn long_name(cx: &Cx<'_>) {
    let name = "a_name_of_more_than_fifteen_bytes";
    let thread = cx.create(name, |_| ()).expect("a thread");
    let task = cx.kernel.task_by_id(thread.id()).expect("it lives");
    assert_eq!(task.comm().as_str(), "a_name_of_more_");
    assert_eq!(task.full_name(), name);
    thread.stop(cx);
}

fn no_zombie(cx: &Cx<'_>) {
    let before = cx.kernel.task_count();
    for _ in 0..10 {
        cx.spawn("short", |_| ()).expect("a thread");
    }
    until(cx, || cx.kernel.task_count() == before);
}

fn results(cx: &Cx<'_>) {
    let done = Count::default();
    for value in [0, 1, -5, i32::MAX, i32::MIN] {
        let theirs = done.clone();
        let ran = theirs.get();
        let thread = cx.spawn("result", move |cx| {
            theirs.add();
            cx.sleep_until_stopped();
            value
        });
        let thread = thread.expect("a thread");
        until(cx, || done.get() > ran);
        assert_eq!(thread.stop(cx), Ok(value));
    }
}

fn notify_signal(cx: &Cx<'_>) {
    let ready = Count::default();
    let theirs = ready.clone();
    let thread = cx.spawn("signal", move |cx| {
        assert!(!cx.task.signal_pending());
        theirs.add();
        let left = cx.sleep_interruptible(1_000_000);
        let seen = (cx.should_stop(), cx.task.signal_pending());
        cx.task.flush_signals();
        (left > 0, seen, cx.task.signal_pending(), cx.task.fatal_signal_pending())
    });
    let thread = thread.expect("a thread");
    until(cx, || ready.get() == 1);
    until_state(cx, task_of(cx, &thread), TASK_INTERRUPTIBLE);
    assert_eq!(thread.stop(cx), Ok((true, (true, true), true, false)));
}

fn plain_sleeps(cx: &Cx<'_>) {
    for state in [TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE, TASK_IDLE] {
        let thread = cx.spawn("sleeper", move |cx| {
            cx.task.set_state(state);
            cx.kernel.schedule(cx);
            cx.should_stop()
        });
        let thread = thread.expect("a thread");
        // Past its beginning, where it sleeps uninterruptibly too.
        cx.sleep(20);
        until_state(cx, task_of(cx, &thread), state);
        assert_eq!(thread.stop(cx), Ok(true));
    }
}

fn fifo(cx: &Cx<'_>) {
    let pids: Vec<i32> = (0..20)
        .map(|_| {
            let thread = cx.create("next", |_| ()).expect("a thread");
            let pid = cx.kernel.task_by_id(thread.id()).expect("it lives").pid();
            thread.stop(cx);
            pid
        })
        .collect();
    assert!(pids.is_sorted(), "{pids:?}");
}

fn address_spaces(cx: &Cx<'_>) {
    let spaces =
        |cx: &Cx<'_>| (cx.task.head.mm.load(Relaxed), cx.task.head.active_mm.load(Relaxed));
    let mine = spaces(cx);
    assert!(mine.0 != 0 && mine.0 == mine.1);
    let thread = cx.spawn("mm", move |cx| spaces(cx)).expect("a thread");
    until(cx, || !thread.is_alive(cx));
    let theirs = thread.stop(cx).expect("it ran");
    assert!(theirs.0 == 0 && theirs.1 != 0);
}

fn threads_max(cx: &Cx<'_>) {
    let limit = cx.kernel.config().threads_max;
    if limit > 1000 {
        return;
    }
    let mut made = Vec::new();
    let refused = loop {
        match cx.create("many", |_| ()) {
            Ok(thread) => made.push(thread),
            Err(errno) => break errno,
        }
    };
    assert_eq!(refused, Errno::EAGAIN);
    assert_eq!(cx.kernel.task_count(), limit);
    for thread in made {
        assert_eq!(thread.stop(cx), Errno::EINTR);
    }
    cx.create("again", |_| ()).expect("there is room again").stop(cx);
}
