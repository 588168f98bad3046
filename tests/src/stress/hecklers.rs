//! Threads that interrupt: each takes its CPU away from whoever has it, at no particular point.

use alloc::vec::Vec;

use kthreads_base::Nanos;
use kthreads_kernel::Cx;
use kthreads_kernel::sched::Policy;
use kthreads_kernel::task::state::TASK_UNINTERRUPTIBLE;
use kthreads_kernel::thread::Thread;

/// The shortest and the longest time between two interruptions.
const SHORTEST: Nanos = Nanos::from_micros(30);
const LONGEST: Nanos = Nanos::from_micros(400);

/// One such thread on each CPU, of real-time priority, while `body` runs; returns what that does,
/// and how often a CPU was taken away.
pub(super) fn heckled<R>(cx: &Cx<'_>, body: impl FnOnce() -> R) -> (R, u64) {
    let start = |cpu| {
        let new = cx.create("heckler", move |cx| heckle(cx, u64::from(cpu))).expect("a thread");
        new.bind(cx, cpu).policy(cx, Policy::Fifo(1)).wake(cx)
    };
    let hecklers: Vec<Thread<u64>> = (0..cx.kernel.nr_cpus()).map(start).collect();
    let result = body();
    let turns = hecklers.into_iter().map(|heckler| heckler.stop(cx).expect("it ran")).sum();
    (result, turns)
}

fn heckle(cx: &Cx<'_>, seed: u64) -> u64 {
    let (mut noise, mut turns) = (seed + 1, 0);
    while !cx.should_stop() {
        // A step of xorshift: no two hecklers keep the same time for long.
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        let span = Nanos(SHORTEST.0 + noise % (LONGEST.0 - SHORTEST.0));
        cx.kernel.sleep_for(cx, span, TASK_UNINTERRUPTIBLE);
        turns += 1;
    }
    turns
}
