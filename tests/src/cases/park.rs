//! Parking.

use kthreads_kernel::task::state::*;
use kthreads_kernel::{Cx, Errno};

use super::{Case, Count, task_of, until};

pub(super) const CASES: &[Case] = &[
    Case { name: "kthread_park returns when the thread is parked", run: parks },
    Case { name: "a thread parked before it ran runs when it is unparked", run: before_run },
    Case { name: "create, park, stop runs the function once", run: create_park_stop },
    Case { name: "a parked thread is not woken by wake_up_process", run: not_woken },
    Case { name: "kthread_stop unparks", run: stop_unparks },
    Case { name: "parking twice is EBUSY and warns", run: twice },
    Case { name: "to park a thread that ends by itself is no mistake", run: of_ending },
];

fn parker(cx: &Cx<'_>, rounds: &Count) {
    while !cx.should_stop() {
        rounds.add();
        if cx.should_park() {
            cx.park();
        }
        cx.sleep_interruptible(4);
    }
}

fn parks(cx: &Cx<'_>) {
    let rounds = Count::default();
    let theirs = rounds.clone();
    let thread = cx.spawn("parks", move |cx| parker(cx, &theirs)).expect("a thread");
    until(cx, || rounds.get() > 0);
    let task = task_of(cx, &thread);
    assert_eq!(thread.park(cx), Ok(()));
    assert_eq!(task.state(), TASK_PARKED);
    assert!(task.head.is_saved());
    let rests = rounds.get();
    cx.sleep(50);
    assert_eq!(rounds.get(), rests);
    thread.unpark(cx);
    until(cx, || rounds.get() > rests);
    assert_eq!(thread.stop(cx), Ok(()));
}

fn before_run(cx: &Cx<'_>) {
    let rounds = Count::default();
    let theirs = rounds.clone();
    let thread = cx.create("early", move |cx| parker(cx, &theirs)).expect("a thread");
    let task = cx.kernel.task_by_id(thread.id()).expect("it lives");
    assert_eq!(cx.kernel.kthread_park(cx, task), Ok(()));
    assert_eq!((task.state(), rounds.get()), (TASK_PARKED, 0));
    cx.kernel.kthread_unpark(task);
    until(cx, || rounds.get() > 0);
    cx.kernel.kthread_stop(cx, task);
}

fn create_park_stop(cx: &Cx<'_>) {
    let runs = Count::default();
    let theirs = runs.clone();
    let thread = cx.create("once", move |cx| {
        assert!(cx.should_stop());
        theirs.add();
    });
    let thread = thread.expect("a thread");
    let task = cx.kernel.task_by_id(thread.id()).expect("it lives");
    assert_eq!(cx.kernel.kthread_park(cx, task), Ok(()));
    assert_ne!(cx.kernel.kthread_stop(cx, task), Errno::EINTR.to_c());
    assert_eq!(runs.get(), 1);
}

fn not_woken(cx: &Cx<'_>) {
    let theirs = Count::default();
    let thread = cx.spawn("parked", move |cx| parker(cx, &theirs)).expect("a thread");
    assert_eq!(thread.park(cx), Ok(()));
    assert!(!thread.wake(cx));
    assert_eq!(task_of(cx, &thread).state(), TASK_PARKED);
    assert!(thread.stop(cx).is_ok());
}

fn stop_unparks(cx: &Cx<'_>) {
    let runs = Count::default();
    let theirs = runs.clone();
    let thread = cx.spawn("rests", move |cx| {
        theirs.add();
        until(cx, || cx.should_park());
        cx.park();
        (cx.should_park(), cx.should_stop())
    });
    let thread = thread.expect("a thread");
    until(cx, || runs.get() == 1);
    assert_eq!(thread.park(cx), Ok(()));
    assert!(matches!(thread.stop(cx), Ok((false, true))));
}

fn twice(cx: &Cx<'_>) {
    let theirs = Count::default();
    let thread = cx.spawn("twice", move |cx| parker(cx, &theirs)).expect("a thread");
    assert_eq!(thread.park(cx), Ok(()));
    let before = cx.kernel.bug_count();
    assert_eq!(thread.park(cx), Err(Errno::EBUSY));
    assert_eq!(cx.kernel.bug_count(), before + 1);
    assert!(thread.stop(cx).is_ok());
}

fn of_ending(cx: &Cx<'_>) {
    let thread = cx.spawn("ends", |cx| cx.yield_now()).expect("a thread");
    cx.yield_now();
    match thread.park(cx) {
        // It had not begun yet.
        Ok(()) => thread.unpark(cx),
        Err(errno) => assert!(matches!(errno, Errno::ENOSYS | Errno::ESRCH), "{errno}"),
    }
    assert_eq!(thread.join(cx), Ok(()));
    assert_eq!(cx.kernel.bug_count(), 0);
}
