//! Scenarios in Rust: what is found, what is not, and that it can be had again.

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use common::{all_of, schedule};
use kthreads_base::explore_point;
use kthreads_explore::strategy::Kind as Strategy;
use kthreads_explore::{Campaign, Config, Kind, Progress, Repeats, Room, Telling, explore, replay};
use kthreads_kernel::Kernel;
use kthreads_kernel::task::state::{TASK_IDLE, TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::wait::Completion;

/// A counter that two threads raise in two steps.
fn lost_update(kernel: &Kernel) {
    let count = Arc::new(AtomicU32::new(0));
    let total = count.clone();
    kernel.enter(move |cx| {
        let threads: Vec<_> = ["one", "two"]
            .into_iter()
            .map(|name| {
                let count = count.clone();
                cx.spawn(name, move |_| {
                    let seen = count.load(Ordering::SeqCst);
                    explore_point();
                    count.store(seen + 1, Ordering::SeqCst);
                })
                .expect("a thread")
            })
            .collect();
        for thread in threads {
            let _ = thread.join(cx);
        }
    });
    assert_eq!(total.load(Ordering::SeqCst), 2, "an update was lost");
}

/// A loop that tests for stop before it prepares to sleep, and then sleeps in `state`.
fn sleeps_unasked(kernel: &Kernel, state: u32) {
    kernel.enter(|cx| {
        let thread = cx
            .spawn("cleaner", move |cx| {
                while !cx.kernel.kthread_should_stop(cx) {
                    cx.task.set_state(state);
                    cx.kernel.schedule(cx);
                }
            })
            .expect("a thread");
        let _ = thread.stop(cx);
    });
}

fn config(strategy: Strategy) -> Config {
    let schedules = if matches!(strategy, Strategy::Bounded { .. }) { 100_000 } else { 3000 };
    Config { schedules, strategy, ..Config::default() }
}

#[test]
fn a_lost_update_is_found_by_every_strategy() {
    for strategy in [
        Strategy::Mixed,
        Strategy::Random,
        Strategy::Pct { depth: 3 },
        Strategy::Bounded { preemptions: 2 },
    ] {
        let report = explore(&config(strategy), lost_update);
        let found = report.found.first().unwrap_or_else(|| panic!("{strategy:?} found nothing"));
        assert_eq!(found.finding.kind, Kind::Panic);
        assert!(found.finding.text.contains("an update was lost"), "{}", found.finding.text);
        println!("{strategy:?}: {} schedules, {}", report.schedules, found.replay);
        for _ in 0..3 {
            let again = replay(&Config::default(), &found.replay.to_string(), lost_update);
            let again = again.expect("a replay string");
            assert!(again.findings.iter().any(|other| other.is_same(&found.finding)));
        }
    }
}

#[test]
fn a_stop_that_comes_before_the_sleep_is_found() {
    let scenario = |kernel: &Kernel| sleeps_unasked(kernel, TASK_IDLE);
    let report = explore(&config(Strategy::Mixed), scenario);
    let found = report.found.first().expect("a hang");
    let story = found.story.text(&scenario, std::slice::from_ref(&found.finding));
    println!("{}", report.explain(found, &scenario));
    assert_eq!(found.finding.kind, Kind::LostWakeup, "{}", found.finding.text);
    // Who is created and woken at once is started.
    let made = ["creates cleaner/", "starts cleaner/"].into_iter().find(|it| story.contains(it));
    let steps = [made.unwrap_or("creates"), "to stop", "would wake cleaner/", "sleeps (idle)"];
    let mut rest = story.as_str();
    for step in steps {
        let at = rest.find(step).unwrap_or_else(|| panic!("no `{step}`: {story}"));
        rest = &rest[at..];
    }
    assert!(story.lines().count() <= 10, "{story}");
    for servant in ["kthreadd", "swapper", "init/1"] {
        assert!(!story.contains(servant), "{story}");
    }
    assert!(found.finding.text.contains("cleaner"), "{}", found.finding.text);
    assert!(found.replay.choices.list().len() <= 8, "{}", found.replay);
    let again = replay(&Config::default(), &found.replay.to_string(), scenario);
    assert_eq!(again.expect("a replay string").findings[0].key, found.finding.key);
}

#[test]
fn an_interruptible_sleep_hangs_on_older_kernels_only() {
    let scenario = |kernel: &Kernel| sleeps_unasked(kernel, TASK_INTERRUPTIBLE);
    explore(&config(Strategy::Mixed), scenario).expect_clean();
    let mut old = config(Strategy::Mixed);
    old.kernel.linux = kthreads_kernel::Linux::V5_15;
    let report = explore(&old, scenario);
    assert_eq!(report.found.first().expect("a hang").finding.kind, Kind::LostWakeup);
}

#[test]
fn two_mutexes_taken_crosswise_deadlock() {
    let scenario = |kernel: &Kernel| {
        use kthreads_kernel::wait::Mutex;
        let pair = Arc::new((Mutex::new(), Mutex::new()));
        kernel.enter(move |cx| {
            let threads: Vec<_> = [false, true]
                .into_iter()
                .map(|swapped| {
                    let pair = pair.clone();
                    cx.spawn(if swapped { "ba" } else { "ab" }, move |cx| {
                        let (a, b) = if swapped { (&pair.1, &pair.0) } else { (&pair.0, &pair.1) };
                        let _ = cx.kernel.mutex_lock(cx, a, TASK_UNINTERRUPTIBLE);
                        let _ = cx.kernel.mutex_lock(cx, b, TASK_UNINTERRUPTIBLE);
                        cx.kernel.mutex_unlock(cx, b);
                        cx.kernel.mutex_unlock(cx, a);
                    })
                    .expect("a thread")
                })
                .collect();
            for thread in threads {
                let _ = thread.join(cx);
            }
        });
    };
    let report = explore(&config(Strategy::Mixed), scenario);
    let found = report.found.first().expect("a deadlock");
    assert_eq!(found.finding.kind, Kind::Deadlock, "{}", found.finding.text);
}

#[test]
fn a_loop_that_nobody_ends_is_found() {
    let scenario = |kernel: &Kernel| {
        kernel.enter(|cx| {
            let over = AtomicBool::new(false);
            while !over.load(Ordering::SeqCst) {
                cx.task.head.relax();
            }
        });
    };
    let report = explore(&Config { schedules: 1, ..Config::default() }, scenario);
    let kind = report.found.first().map(|found| found.finding.kind);
    assert!(matches!(kind, Some(Kind::BusyLoop | Kind::Livelock)), "{kind:?}");
}

#[test]
fn a_right_hand_off_is_clean_and_can_be_covered() {
    let scenario = |kernel: &Kernel| {
        let done = Arc::new(Completion::new());
        kernel.enter(move |cx| {
            let other = done.clone();
            let thread = cx.spawn("giver", move |cx| cx.kernel.complete(&other));
            cx.kernel.wait_for_completion(cx, &done);
            let _ = thread.expect("a thread").join(cx);
        });
    };
    explore(&config(Strategy::Mixed), scenario).expect_clean();
    let bound = Strategy::Bounded { preemptions: 1 };
    let report = explore(&Config { schedules: 100_000, ..config(bound) }, scenario);
    report.expect_clean();
    assert!(report.covered_all, "{} schedules", report.schedules);
    assert_eq!(report.distinct, report.schedules);
    println!("covered by {} schedules in {:?}", report.schedules, report.elapsed);
}

#[test]
fn a_schedule_is_the_same_whenever_it_is_run() {
    let config = config(Strategy::Mixed);
    let scenario = |kernel: &Kernel| sleeps_unasked(kernel, TASK_INTERRUPTIBLE);
    let mut room = Room::new();
    let mut first = HashMap::new();
    for round in 0..3 {
        for number in 0..100 {
            let ran = schedule(&config, number, &scenario, (&mut room, Telling::Story));
            let all = all_of(&ran);
            let known = first.entry(number).or_insert_with(|| all.clone());
            assert_eq!(*known, all, "schedule {number} in round {round}");
        }
    }
}

#[test]
fn what_goes_another_way_later_on_is_noticed() {
    let runs = AtomicU32::new(0);
    let scenario = |kernel: &Kernel| {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        let naps = if run < 8 { 1 } else { run };
        kernel.enter(|cx| (0..naps).for_each(|_| cx.sleep(1)));
    };
    let strays = |schedules| {
        runs.store(0, Ordering::Relaxed);
        let config = Config { schedules, ..config(Strategy::Random) };
        let mut campaign = Campaign::new(config, &scenario).with_repeats(Repeats::Checked);
        campaign.run(&mut |_| Progress::GoOn).strays
    };
    // The first schedule, and two more runs of it to see.
    assert_eq!(strays(5), None);
    assert!(strays(10).is_some());
}

#[test]
fn what_fails_leaves_nothing_to_the_next() {
    let config = config(Strategy::Random);
    let scenario = |kernel: &Kernel| sleeps_unasked(kernel, TASK_UNINTERRUPTIBLE);
    let mut room = Room::new();
    let first: Vec<_> = (0..200)
        .map(|number| schedule(&config, number, &scenario, (&mut room, Telling::Nothing)))
        .collect();
    let failed = first.iter().filter(|ran| !ran.findings.is_empty()).count();
    assert!(failed > 0 && failed < first.len(), "{failed} failed");
    for (number, before) in first.iter().enumerate().rev() {
        let again = schedule(&config, number as u64, &scenario, (&mut room, Telling::Nothing));
        assert_eq!(all_of(&again), all_of(before), "schedule {number}");
    }
}

#[test]
fn what_a_scenario_keeps_stays_whole() {
    let kept = Mutex::new(Vec::new());
    let scenario = |kernel: &Kernel| {
        let text = kernel.enter(|cx| format!("pid {} of {}", cx.task.pid(), "a".repeat(100)));
        kept.lock().expect("nobody panics").push(text);
    };
    explore(&Config { schedules: 200, ..config(Strategy::Random) }, scenario).expect_clean();
    let kept = kept.into_inner().expect("nobody panics");
    assert_eq!(kept.len(), 200);
    assert!(kept.iter().all(|text| *text == kept[0] && text.ends_with("aaa")), "{kept:?}");
}

#[test]
fn handles_of_threads_may_outlive_their_schedule() {
    let handles = Mutex::new(Vec::new());
    let scenario = |kernel: &Kernel| {
        let thread = kernel.enter(|cx| cx.spawn("short", |_| 7).expect("a thread"));
        handles.lock().expect("nobody panics").push(thread);
    };
    explore(&Config { schedules: 50, ..config(Strategy::Random) }, scenario).expect_clean();
    let handles = handles.into_inner().expect("nobody panics");
    assert!(handles.len() == 50 && handles.iter().all(|thread| thread.pid() == handles[0].pid()));
}
