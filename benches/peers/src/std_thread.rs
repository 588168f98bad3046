//! Rust's own threads: parking, Mutex with Condvar, channels.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Instant;

use crate::duel::{self, Place, Side};
use crate::{Bench, Outcome, pthread};

pub(crate) const BENCHES: &[Bench] = &[
    Bench { name: "create_join", ops: 2000, run: create_join },
    Bench { name: "create_stop", ops: 2000, run: create_stop },
    Bench {
        name: "pingpong_completion",
        ops: 20_000,
        run: |ops| pingpong_completion(ops, Place::Anywhere),
    },
    Bench {
        name: "pingpong_completion_cross_cpu",
        ops: 20_000,
        run: |ops| pingpong_completion(ops, Place::Apart),
    },
    Bench {
        name: "pingpong_waitqueue",
        ops: 20_000,
        run: |ops| pingpong_waitqueue(ops, Place::Anywhere),
    },
    Bench {
        name: "pingpong_waitqueue_cross_cpu",
        ops: 20_000,
        run: |ops| pingpong_waitqueue(ops, Place::Apart),
    },
    Bench { name: "pingpong_channel", ops: 20_000, run: pingpong_channel },
    Bench { name: "yield_pair", ops: 50_000, run: yield_pair },
    Bench { name: "worker_queue_flush", ops: 20_000, run: worker_queue_flush },
    Bench { name: "worker_throughput", ops: 100_000, run: worker_throughput },
    Bench { name: "many_threads_10000", ops: 10_000, run: many },
];

/// Is a thread that parks until it shall stop.
pub(crate) struct Sleeper {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Sleeper {
    /// Starts one; none if there can be no more.
    fn start() -> Option<Sleeper> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = thread::Builder::new().spawn(move || park_until(&seen)).ok()?;
        Some(Sleeper { stop, thread })
    }

    /// The same; it counts itself before it parks.
    pub(crate) fn start_counted(count: &Arc<AtomicUsize>) -> Option<Sleeper> {
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, count) = (stop.clone(), count.clone());
        let body = move || {
            count.fetch_add(1, Ordering::Relaxed);
            park_until(&seen);
        };
        let thread = thread::Builder::new().spawn(body).ok()?;
        Some(Sleeper { stop, thread })
    }

    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // It cannot panic.
        let _ = self.thread.join();
    }
}

fn park_until(stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        thread::park();
    }
}

fn create_join(ops: u32) -> Option<Outcome> {
    let start = Instant::now();
    for _ in 0..ops {
        thread::Builder::new().spawn(|| {}).ok()?.join().ok()?;
    }
    Outcome::new(start.elapsed(), ops)
}

fn create_stop(ops: u32) -> Option<Outcome> {
    let start = Instant::now();
    for _ in 0..ops {
        Sleeper::start()?.stop();
    }
    Outcome::new(start.elapsed(), ops)
}

/// Counts what is done, for one thread that waits for it.
#[derive(Default)]
struct Completion {
    done: AtomicU32,
    waiter: OnceLock<Thread>,
}

impl Completion {
    /// The calling thread is the one that will wait.
    fn attach(&self) -> bool {
        self.waiter.set(thread::current()).is_ok()
    }

    fn complete(&self) {
        self.done.fetch_add(1, Ordering::Release);
        if let Some(waiter) = self.waiter.get() {
            waiter.unpark();
        }
    }

    fn wait(&self) {
        while self.done.load(Ordering::Acquire) == 0 {
            thread::park();
        }
        self.done.fetch_sub(1, Ordering::Relaxed);
    }
}

fn pingpong_completion(ops: u32, place: Place) -> Option<Outcome> {
    let (ping, pong) = (Completion::default(), Completion::default());
    let attach = |side| {
        let me = if side == Side::Ping { &ping } else { &pong };
        place.take(side) && me.attach()
    };
    duel::prepared(ops, attach, |side| match side {
        Side::Ping => {
            pong.complete();
            ping.wait();
        }
        Side::Pong => {
            pong.wait();
            ping.complete();
        }
    })
}

fn pingpong_waitqueue(ops: u32, place: Place) -> Option<Outcome> {
    let (turn, changed) = (Mutex::new(0), Condvar::new());
    let set = |value: u32| {
        *turn.lock().unwrap_or_else(PoisonError::into_inner) = value;
        changed.notify_one();
    };
    let wait_for = |value: u32| {
        let guard = turn.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(guard, |turn| *turn != value));
    };
    duel::rounds(ops, place, |side| match side {
        Side::Ping => {
            set(1);
            wait_for(0);
        }
        Side::Pong => {
            wait_for(1);
            set(0);
        }
    })
}

fn pingpong_channel(ops: u32) -> Option<Outcome> {
    let (to_pong, from_ping) = mpsc::channel::<()>();
    let (to_ping, from_pong) = mpsc::channel::<()>();
    let (from_ping, from_pong) = (Mutex::new(from_ping), Mutex::new(from_pong));
    // Each receiver has one user: its mutex is never waited for.
    let receive = |channel: &Mutex<Receiver<()>>| {
        channel.lock().unwrap_or_else(PoisonError::into_inner).recv().is_ok()
    };
    duel::rounds(ops, Place::Anywhere, |side| match side {
        Side::Ping => {
            let _ = to_pong.send(());
            receive(&from_pong);
        }
        Side::Pong => {
            receive(&from_ping);
            let _ = to_ping.send(());
        }
    })
}

fn yield_pair(ops: u32) -> Option<Outcome> {
    pthread::yield_pair(ops)
}

/// Is what a worker is sent.
enum Work {
    /// Something to do.
    Count,
    /// Somebody waits until all before this is done.
    Flush,
}

/// Starts a worker, lets `body` send work and wait for what comes back, and ends the worker.
fn with_worker<R>(body: impl FnOnce(&Sender<Work>, &Receiver<u32>) -> R) -> R {
    let (queue, works) = mpsc::channel();
    let (reply, flushed) = mpsc::channel();
    let worker = thread::spawn(move || {
        let mut done = 0;
        for work in works {
            match work {
                Work::Count => done += 1,
                Work::Flush => drop(reply.send(done)),
            }
        }
    });
    let result = body(&queue, &flushed);
    drop(queue);
    // It cannot panic.
    let _ = worker.join();
    result
}

fn worker_queue_flush(ops: u32) -> Option<Outcome> {
    with_worker(|queue, flushed| {
        let start = Instant::now();
        for _ in 0..ops {
            queue.send(Work::Count).ok()?;
            queue.send(Work::Flush).ok()?;
            flushed.recv().ok()?;
        }
        Outcome::new(start.elapsed(), ops)
    })
}

fn worker_throughput(ops: u32) -> Option<Outcome> {
    with_worker(|queue, flushed| {
        let start = Instant::now();
        for _ in 0..ops {
            queue.send(Work::Count).ok()?;
        }
        queue.send(Work::Flush).ok()?;
        flushed.recv().ok().filter(|done| *done == ops)?;
        Outcome::new(start.elapsed(), ops)
    })
}

fn many(ops: u32) -> Option<Outcome> {
    let start = Instant::now();
    let sleepers: Vec<Sleeper> = (0..ops).map_while(|_| Sleeper::start()).collect();
    let (made, create) = (sleepers.len(), start.elapsed());
    sleepers.into_iter().for_each(Sleeper::stop);
    let is_all = made == ops as usize;
    Outcome::created_and_stopped(create, start.elapsed() - create, ops).filter(|_| is_all)
}
