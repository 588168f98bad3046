//! Completions.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_kernel::sync::SpinLock;
use kthreads_kernel::task::state::*;
use kthreads_kernel::time::Jiffies;
use kthreads_kernel::wait::{Completion, Limit, Waited};
use kthreads_kernel::{Cx, Errno};

use super::{Case, Count, task_of, until, until_state};

pub(super) const CASES: &[Case] = &[
    Case { name: "n completes let n waits pass", run: counts },
    Case { name: "waiters pass in the order they came", run: fifo },
    Case { name: "complete_all lets everybody pass until reinit", run: all },
    Case { name: "a time-out is 0, anything else at least 1", run: timeouts },
    Case { name: "try_wait consumes, completion_done does not", run: try_wait },
    Case { name: "kthread_stop does not end wait_for_completion", run: stop_waits },
    Case { name: "a done completion wins over a signal", run: done_wins },
];

fn counts(cx: &Cx<'_>) {
    let (completion, passed) = (Arc::new(Completion::new()), Count::default());
    completion.complete(cx);
    for _ in 0..5 {
        let (completion, passed) = (completion.clone(), passed.clone());
        let wait = move |cx: &Cx<'_>| {
            completion.wait(cx);
            passed.add();
        };
        cx.spawn("waiter", wait).expect("a thread");
    }
    until(cx, || passed.get() == 1);
    completion.complete(cx);
    completion.complete(cx);
    until(cx, || passed.get() == 3);
    cx.sleep(20);
    assert_eq!(passed.get(), 3);
    completion.complete_all(cx);
    until(cx, || passed.get() == 5);
}

fn fifo(cx: &Cx<'_>) {
    let completion = Arc::new(Completion::new());
    let order = Arc::new(SpinLock::new(Vec::new()));
    for nth in 0..4 {
        let (completion, order) = (completion.clone(), order.clone());
        let wait = move |cx: &Cx<'_>| {
            completion.wait(cx);
            order.lock().push(nth);
        };
        let thread = cx.spawn("waiter", wait).expect("a thread");
        cx.sleep(8);
        until_state(cx, task_of(cx, &thread), TASK_UNINTERRUPTIBLE);
    }
    for nth in 0..4 {
        completion.complete(cx);
        until(cx, || order.lock().len() > nth);
    }
    assert_eq!(*order.lock(), [0, 1, 2, 3]);
}

fn all(cx: &Cx<'_>) {
    let completion = Completion::new();
    completion.complete_all(cx);
    for _ in 0..10 {
        completion.wait(cx);
    }
    completion.complete(cx);
    assert!(completion.is_done());
    completion.reinit();
    assert!(!completion.is_done());
    assert_eq!(completion.wait_timeout(cx, 4), Err(Errno::ETIMEDOUT));
}

fn timeouts(cx: &Cx<'_>) {
    let completion = Completion::new();
    let wait = |jiffies: u64| {
        let limit = Limit::At(Jiffies(jiffies));
        cx.kernel.wait_for_completion_state(cx, &completion, TASK_UNINTERRUPTIBLE, limit).to_c()
    };
    assert_eq!(wait(0), 0);
    assert_eq!(wait(3), 0);
    completion.complete(cx);
    assert_eq!(wait(0), 1);
    completion.complete(cx);
    assert_eq!(wait(100), 100);
}

fn try_wait(cx: &Cx<'_>) {
    let completion = Completion::new();
    assert!(!cx.kernel.try_wait_for_completion(&completion));
    completion.complete(cx);
    assert!(completion.is_done() && completion.is_done());
    assert!(cx.kernel.try_wait_for_completion(&completion));
    assert!(!completion.is_done());
}

fn stop_waits(cx: &Cx<'_>) {
    let completion = Arc::new(Completion::new());
    let theirs = completion.clone();
    let thread = cx.spawn("waits", move |cx| {
        theirs.wait(cx);
        cx.should_stop()
    });
    let thread = thread.expect("a thread");
    let pid = thread.pid();
    cx.sleep(20);
    let stopped = Count::default();
    let theirs = stopped.clone();
    let stopper = cx.spawn("stopper", move |cx| {
        let result = thread.stop(cx);
        theirs.add();
        result
    });
    cx.sleep(100);
    assert_eq!(stopped.get(), 0);
    assert_eq!(cx.kernel.find_task(pid).map(|task| task.state()), Some(TASK_UNINTERRUPTIBLE));
    completion.complete(cx);
    until(cx, || stopped.get() == 1);
    assert_eq!(stopper.expect("a thread").stop(cx), Ok(Ok(true)));
}

fn done_wins(cx: &Cx<'_>) {
    let thread = cx.spawn("both", |cx| {
        until(cx, || cx.should_stop());
        let wait = |completion: &Completion| {
            let never = Limit::Never;
            cx.kernel.wait_for_completion_state(cx, completion, TASK_INTERRUPTIBLE, never)
        };
        let (open, done) = (Completion::new(), Completion::new());
        done.complete(cx);
        (wait(&open), wait(&done))
    });
    let thread = thread.expect("a thread");
    cx.sleep(20);
    let (open, done) = thread.stop(cx).expect("it ran");
    assert_eq!(open, Waited::Interrupted);
    assert_eq!(done, Waited::Done(Limit::Never));
}
