//! Exploring the cases notices every deliberate fault of the primitives.

use std::sync::atomic::{AtomicUsize, Ordering};

use kthreads_base::Nanos;
use kthreads_explore::{Config, Reports, explore};
use kthreads_kernel::{Fault, Kernel};
use kthreads_tests::cases;

fn config(fault: Option<Fault>, schedules: u64) -> Config {
    let default = Config::default();
    Config {
        schedules,
        step_limit: 1_000_000,
        longest_hold: Nanos::from_millis(4),
        reports: Reports::AreMeant,
        shrink: 0,
        kernel: kthreads_kernel::Config { fault, ..default.kernel.clone() },
        ..default
    }
}

/// What finds a fault: a case, and after how many schedules of it.
fn found_by(fault: Fault) -> Option<(String, u64)> {
    // Few schedules of each case first: most faults show at once.
    for schedules in [5, 200, 2000] {
        for case in cases::all() {
            let report = explore(&config(Some(fault), schedules), |kernel: &Kernel| {
                case.must_hold_in(kernel);
            });
            if let Some(found) = report.found.first() {
                let how = format!("{}: {}", case.name, found.finding.kind);
                return Some((how, report.schedules));
            }
        }
        let report = explore(&config(Some(fault), schedules), narrow);
        if let Some(found) = report.found.first() {
            return Some((format!("narrow: {}", found.finding.kind), report.schedules));
        }
    }
    None
}

/// What the cases give too much time to go wrong: everything at once, nothing waited for.
fn narrow(kernel: &Kernel) {
    use kthreads_base::interrupt_point;
    use kthreads_kernel::task::state::{TASK_RUNNING, TASK_UNINTERRUPTIBLE};
    use kthreads_kernel::wait::Mutex;
    use std::sync::Arc;
    kernel.enter(|cx| {
        let count = Arc::new(AtomicUsize::new(0));
        let mutex = Arc::new(Mutex::new());
        // A task that is preempted on its way to sleep does not sleep yet; nobody wakes it.
        let sleepless = cx.spawn("sleepless", |cx| {
            for _ in 0..8 {
                cx.task.set_state(TASK_UNINTERRUPTIBLE);
                interrupt_point();
                cx.task.set_state(TASK_RUNNING);
            }
        });
        let threads: Vec<_> = ["one", "two", "three"]
            .into_iter()
            .filter_map(|name| {
                let (mutex, count) = (mutex.clone(), count.clone());
                cx.spawn(name, move |cx| {
                    for _ in 0..2 {
                        let _ = cx.kernel.mutex_lock(cx, &mutex, TASK_UNINTERRUPTIBLE);
                        count.fetch_add(1, Ordering::Relaxed);
                        cx.kernel.mutex_unlock(cx, &mutex);
                    }
                    while !cx.should_stop() {
                        if cx.should_park() {
                            cx.park();
                        }
                        cx.sleep_interruptible(1);
                    }
                })
                .ok()
            })
            .collect();
        for thread in &threads {
            let _ = thread.park(cx);
            thread.unpark(cx);
        }
        for thread in threads {
            let _ = thread.stop(cx);
        }
        let _ = sleepless.map(|thread| thread.join(cx));
        assert_eq!(count.load(Ordering::Relaxed), 6);
    });
}

#[test]
fn every_fault_is_found() {
    let mut missed = Vec::new();
    for fault in Fault::ALL {
        match found_by(*fault) {
            Some((how, schedules)) => println!("{fault:?}: {how}, {schedules} schedules"),
            None => missed.push(*fault),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

#[test]
fn without_a_fault_nothing_is_found() {
    explore(&config(None, 500), narrow).expect_clean();
}
