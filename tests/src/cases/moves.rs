//! Tasks whose CPUs and priorities are changed while they change their place: on the way from one
//! queue to another, falling asleep, being woken.

use alloc::sync::Arc;

use kthreads_kernel::audit::When;
use kthreads_kernel::sched::Policy;
use kthreads_kernel::sync::Completion;
use kthreads_kernel::task::Task;
use kthreads_kernel::{Cx, Errno};

use super::{Case, task_of, until};

pub(super) const CASES: &[Case] = &[
    Case { name: "a mask counts that changes on the way to another CPU", run: on_the_way },
    Case { name: "who is woken elsewhere keeps its place while it is changed", run: while_woken },
];

/// How often each is done.
const ROUNDS: u32 = 3;

/// Whether every task is where it may be, and in one place only.
fn all_in_place(cx: &Cx<'_>) {
    let found = cx.kernel.audit(When::Anytime);
    assert!(found.is_empty(), "{found:#?}");
}

fn on_the_way(cx: &Cx<'_>) {
    let last = cx.kernel.nr_cpus() - 1;
    let set = |task: &Task, mask| assert_eq!(cx.kernel.set_cpus_allowed(task, mask), Ok(()));
    set(cx.task.get_ref(), 1);
    let thread = cx.create("moves", |cx| {
        while !cx.should_stop() {
            cx.cond_resched();
        }
    });
    let thread = thread.expect("a thread");
    let leaves = cx.create("leaves", |_| ()).expect("a thread").bind(cx, last).wake(cx);
    let thread = thread.wake(cx);
    let task = task_of(cx, &thread);
    // The last CPU has nothing to do once the other has left it, and takes what waits here.
    set(task, 1);
    all_in_place(cx);
    // On its way from there it is to go back.
    for mask in [1 << last, 1, 1 << last] {
        set(task, mask);
    }
    // In line behind this task, it would not be moved by a switch of its own.
    for _ in 0..4 {
        cx.task.head.relax();
        all_in_place(cx);
    }
    // Neither need have begun.
    for thread in [thread, leaves] {
        assert!(matches!(thread.stop(cx), Ok(()) | Err(Errno::EINTR)));
    }
}

fn while_woken(cx: &Cx<'_>) {
    let all = cx.kernel.all_cpus();
    let ball = Arc::new(Completion::new());
    let theirs = ball.clone();
    let sleeper = cx.spawn("sleeps", move |cx| (0..ROUNDS).for_each(|_| theirs.wait(cx)));
    let sleeper = sleeper.expect("a thread");
    let waker = cx.spawn("wakes", move |cx| {
        for _ in 0..ROUNDS {
            ball.complete(cx);
            cx.yield_now();
        }
    });
    let waker = waker.expect("a thread");
    let changes = [Policy::Fifo(7), Policy::Normal];
    for change in changes.into_iter().cycle().take(2 * ROUNDS as usize) {
        let Some(task) = cx.kernel.find_task(sleeper.pid()) else { break };
        assert_eq!(cx.kernel.set_policy(task, change), Ok(()));
        assert_eq!(cx.kernel.set_cpus_allowed(task, all), Ok(()));
        all_in_place(cx);
    }
    until(cx, || !sleeper.is_alive(cx) && !waker.is_alive(cx));
    all_in_place(cx);
}
