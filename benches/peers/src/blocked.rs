//! So many blocked threads, until standard input ends: somebody else looks how much memory they
//! take.

use std::io::{self, Read};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::posix::{Monitor, Thread};
use crate::std_thread::Sleeper;
use crate::tokio_task;

/// Says that it is there, waits for a line, makes the threads, says how many there are and how
/// long that took, waits for the end of its input, stops them and says how long that took.
pub(crate) fn block(peer: &str, count: usize) -> ExitCode {
    println!("BLOCK ready");
    let mut line = String::new();
    if io::stdin().read_line(&mut line).is_err() {
        return ExitCode::FAILURE;
    }
    let made = match peer {
        "std" => block_std(count),
        "pthread" => block_pthread(count),
        "tokio" => block_tokio(count),
        _ => None,
    };
    match made {
        Some(made) if made == count => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Says how many there are, and waits; returns when the end begins.
fn hold(made: usize, start: Instant) -> Instant {
    println!("BLOCK blocked n={made} ns={}", start.elapsed().as_nanos());
    // The end is all that counts.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    Instant::now()
}

fn stopped(made: usize, start: Instant) -> Option<usize> {
    println!("BLOCK stopped n={made} ns={}", start.elapsed().as_nanos());
    Some(made)
}

fn block_std(count: usize) -> Option<usize> {
    let waiting = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let sleepers: Vec<Sleeper> =
        (0..count).map_while(|_| Sleeper::start_counted(&waiting)).collect();
    let made = sleepers.len();
    wait_for(&waiting, made);
    let start = hold(made, start);
    sleepers.into_iter().for_each(Sleeper::stop);
    stopped(made, start)
}

fn block_pthread(count: usize) -> Option<usize> {
    static WAITING: AtomicUsize = AtomicUsize::new(0);
    let body = |stop: &Monitor| {
        WAITING.fetch_add(1, Ordering::Relaxed);
        stop.wait_for(1);
    };
    let start = Instant::now();
    let stops: Vec<Arc<Monitor>> = (0..count).map(|_| Monitor::new()).collect();
    let threads: Vec<Thread> = stops.iter().map_while(|stop| Thread::start(body, stop)).collect();
    let made = threads.len();
    wait_for(&WAITING, made);
    let start = hold(made, start);
    for (stop, thread) in stops.iter().zip(threads) {
        stop.set(1);
        thread.join();
    }
    stopped(made, start)
}

/// Waits until all threads have got to their wait.
fn wait_for(waiting: &AtomicUsize, made: usize) {
    while waiting.load(Ordering::Relaxed) < made {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn block_tokio(count: usize) -> Option<usize> {
    use tokio_task::Sleeper;
    tokio_task::on_worker(async move {
        let start = Instant::now();
        let sleepers: Vec<Sleeper> = (0..count).map(|_| Sleeper::start()).collect();
        // Tasks that were made before this one have come to their wait.
        tokio::task::spawn(async {}).await.ok()?;
        let made = sleepers.len();
        let start = hold(made, start);
        for sleeper in sleepers {
            sleeper.stop().await;
        }
        stopped(made, start)
    })
}
