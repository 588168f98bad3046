//! By kernel threads and completions: explored, or as they run in a process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kthreads_explore::{Config, explore as explore_kernel};
use kthreads_host::{HostConfig, HostMachine};
use kthreads_kernel::wait::Completion;
use kthreads_kernel::{Cx, Kernel};

use crate::TURNS;

#[derive(Default)]
struct Shared {
    ping: Completion,
    pong: Completion,
    token: AtomicU32,
}

pub(crate) fn explore(schedules: u64) -> u64 {
    let config = Config { schedules, ..Config::default() };
    let report = explore_kernel(&config, |kernel: &Kernel| kernel.enter(hand_off));
    report.expect_clean();
    report.schedules
}

pub(crate) fn run_plainly(times: u64) -> u64 {
    let machine = HostMachine::new(HostConfig { cpus: 1, ..HostConfig::default() });
    let machine = machine.expect("a machine of one CPU");
    let kernel = Kernel::boot(machine, kthreads_kernel::Config::default()).expect("a kernel");
    kernel.enter(|cx| (0..times).for_each(|_| hand_off(cx)));
    times
}

fn hand_off(cx: &Cx<'_>) {
    let shared = Arc::new(Shared::default());
    let theirs = shared.clone();
    let second = cx.spawn("second", move |cx| {
        for _ in 0..TURNS {
            cx.kernel.wait_for_completion(cx, &theirs.ping);
            theirs.token.fetch_add(1, Ordering::Relaxed);
            cx.kernel.complete(&theirs.pong);
        }
    });
    let theirs = shared.clone();
    let first = cx.spawn("first", move |cx| {
        for _ in 0..TURNS {
            theirs.token.fetch_add(1, Ordering::Relaxed);
            cx.kernel.complete(&theirs.ping);
            cx.kernel.wait_for_completion(cx, &theirs.pong);
        }
    });
    for thread in [first, second] {
        assert_eq!(thread.and_then(|thread| thread.join(cx)), Ok(()));
    }
    assert_eq!(shared.token.load(Ordering::Relaxed), 2 * TURNS);
}
