//! By loom's threads, a mutex and a condition variable, with at most two preemptions: it goes
//! through all schedules that differ, so there are no more than those.

use std::sync::Arc as HostArc;
use std::sync::atomic::{AtomicU64, Ordering};

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::TURNS;

pub(crate) fn explore(schedules: u64) -> u64 {
    let run = HostArc::new(AtomicU64::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.max_branches = 100_000;
    // Again and again until there are as many schedules as the others have.
    while run.load(Ordering::Relaxed) < schedules {
        let count = run.clone();
        builder.max_permutations = usize::try_from(schedules - run.load(Ordering::Relaxed)).ok();
        builder.check(move || {
            count.fetch_add(1, Ordering::Relaxed);
            hand_off();
        });
    }
    run.load(Ordering::Relaxed)
}

fn hand_off() {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let threads = [0, 1].map(|me| {
        let shared = shared.clone();
        thread::spawn(move || {
            let (token, changed) = &*shared;
            for _ in 0..TURNS {
                let mut token = token.lock().expect("no thread panics");
                while *token % 2 != me {
                    token = changed.wait(token).expect("no thread panics");
                }
                *token += 1;
                changed.notify_one();
            }
        })
    });
    for thread in threads {
        thread.join().expect("no thread panics");
    }
    assert_eq!(*shared.0.lock().expect("no thread panics"), 2 * TURNS);
}
