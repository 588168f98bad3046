//! A long campaign. Alone in its program: it looks at how much memory that uses.

mod common;

use std::sync::Arc;

use common::{all_of, schedule};
use kthreads_explore::strategy::Kind as Strategy;
use kthreads_explore::{Config, Room, Telling};
use kthreads_host::process::memory_in_use;
use kthreads_kernel::Kernel;
use kthreads_kernel::wait::Completion;

/// Two threads that hand a token to each other ten times each.
fn twenty_hand_offs(kernel: &Kernel) {
    kernel.enter(|cx| {
        let pair = Arc::new((Completion::new(), Completion::new()));
        let other = pair.clone();
        let echo = cx.spawn("echo", move |cx| {
            for _ in 0..10 {
                cx.kernel.wait_for_completion(cx, &other.0);
                cx.kernel.complete(&other.1);
            }
        });
        for _ in 0..10 {
            cx.kernel.complete(&pair.0);
            cx.kernel.wait_for_completion(cx, &pair.1);
        }
        let _ = echo.expect("a thread").join(cx);
    });
}

#[test]
fn the_ten_thousandth_schedule_is_what_it_is_as_the_first() {
    /// When memory is looked at first: what grows at the beginning has grown.
    const SETTLED: u64 = 2000;
    let config = Config { strategy: Strategy::Mixed, ..Config::default() };
    let mut room = Room::new();
    let mut memory = 0;
    for number in 0..10_000 {
        if number == SETTLED {
            memory = memory_in_use();
        }
        schedule(&config, number, &twenty_hand_offs, (&mut room, Telling::Nothing));
    }
    let grown = memory_in_use().saturating_sub(memory);
    for number in [0, 1, 7, 10_000] {
        let late = schedule(&config, number, &twenty_hand_offs, (&mut room, Telling::Story));
        let fresh = (&mut Room::new(), Telling::Story);
        let first = schedule(&config, number, &twenty_hand_offs, fresh);
        assert!(!all_of(&first).0.is_empty());
        assert_eq!(all_of(&late), all_of(&first), "schedule {number}");
        assert_eq!(late.findings, []);
    }
    // A page for each schedule would be 32 MiB.
    assert!(grown < 1 << 20, "{grown} bytes more after {} schedules", 10_000 - SETTLED);
}
