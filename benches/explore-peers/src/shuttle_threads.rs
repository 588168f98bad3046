//! By shuttle's threads, a mutex and a condition variable: it has nothing like a completion.

use std::sync::Arc as HostArc;
use std::sync::atomic::{AtomicU64, Ordering};

use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;

use crate::TURNS;

pub(crate) fn explore(schedules: u64) -> u64 {
    let run = HostArc::new(AtomicU64::new(0));
    let count = run.clone();
    let schedules = usize::try_from(schedules).unwrap_or(usize::MAX);
    let test = move || {
        count.fetch_add(1, Ordering::Relaxed);
        hand_off();
    };
    shuttle::check_random(test, schedules);
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
