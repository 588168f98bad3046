//! Tasks of tokio: on the current thread's runtime if there is one CPU, else on a worker for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Barrier, Notify, mpsc};
use tokio::task::{self, JoinHandle};

use crate::duel::Side;
use crate::{Bench, Outcome};

pub(crate) const BENCHES: &[Bench] = &[
    Bench { name: "create_join", ops: 2000, run: |ops| on_worker(create_join(ops)) },
    Bench { name: "create_stop", ops: 2000, run: |ops| on_worker(create_stop(ops)) },
    Bench {
        name: "pingpong_completion",
        ops: 20_000,
        run: |ops| on_worker(pingpong_completion(ops)),
    },
    Bench {
        name: "pingpong_waitqueue",
        ops: 20_000,
        run: |ops| on_worker(pingpong_waitqueue(ops)),
    },
    Bench { name: "pingpong_channel", ops: 20_000, run: |ops| on_worker(pingpong_channel(ops)) },
    Bench { name: "yield_pair", ops: 50_000, run: |ops| on_worker(yield_pair(ops)) },
    Bench {
        name: "worker_queue_flush",
        ops: 20_000,
        run: |ops| on_worker(worker_queue_flush(ops)),
    },
    Bench { name: "worker_throughput", ops: 100_000, run: |ops| on_worker(worker_throughput(ops)) },
    Bench { name: "many_threads_10000", ops: 10_000, run: |ops| on_worker(many(ops)) },
];

/// The runtime that somebody with so many CPUs would take.
fn runtime() -> Option<Runtime> {
    match std::thread::available_parallelism().map_or(1, usize::from) {
        1 => Builder::new_current_thread().build().ok(),
        cpus => Builder::new_multi_thread().worker_threads(cpus).build().ok(),
    }
}

/// Runs a benchmark as a task: from outside the runtime everything is slower.
pub(crate) fn on_worker<R: Send + 'static>(
    bench: impl Future<Output = Option<R>> + Send + 'static,
) -> Option<R> {
    let runtime = runtime()?;
    runtime.block_on(runtime.spawn(bench)).ok()?
}

/// Is a task that waits until it shall stop.
pub(crate) struct Sleeper {
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Sleeper {
    /// Starts one, on the current runtime.
    pub(crate) fn start() -> Sleeper {
        let stop = Arc::new(Notify::new());
        let seen = stop.clone();
        Sleeper { stop, task: task::spawn(async move { seen.notified().await }) }
    }

    pub(crate) async fn stop(self) {
        self.stop.notify_one();
        // It cannot panic.
        let _ = self.task.await;
    }
}

async fn create_join(ops: u32) -> Option<Outcome> {
    let start = Instant::now();
    for _ in 0..ops {
        task::spawn(async {}).await.ok()?;
    }
    Outcome::new(start.elapsed(), ops)
}

async fn create_stop(ops: u32) -> Option<Outcome> {
    let start = Instant::now();
    for _ in 0..ops {
        Sleeper::start().stop().await;
    }
    Outcome::new(start.elapsed(), ops)
}

/// Runs two tasks, `side` once on each; the time is from the first start to the last end.
async fn duel<F>(ops: u32, side: impl Fn(Side) -> F) -> Option<Outcome>
where
    F: Future<Output = ()> + Send + 'static,
{
    let ready = Arc::new(Barrier::new(2));
    let start = |which| {
        let (ready, body) = (ready.clone(), side(which));
        task::spawn(async move {
            ready.wait().await;
            let start = Instant::now();
            body.await;
            (start, Instant::now())
        })
    };
    let (ping, pong) = (start(Side::Ping), start(Side::Pong));
    let (ping, pong) = (ping.await.ok()?, pong.await.ok()?);
    Outcome::new(ping.1.max(pong.1) - ping.0.min(pong.0), ops)
}

async fn pingpong_completion(ops: u32) -> Option<Outcome> {
    let both = Arc::new((Notify::new(), Notify::new()));
    let side = move |which| {
        let both = both.clone();
        async move {
            let (ping, pong) = &*both;
            for _ in 0..ops {
                match which {
                    Side::Ping => {
                        pong.notify_one();
                        ping.notified().await;
                    }
                    Side::Pong => {
                        pong.notified().await;
                        ping.notify_one();
                    }
                }
            }
        }
    };
    duel(ops, side).await
}

/// Is a word that tasks wait for.
#[derive(Default)]
struct Turn {
    word: AtomicU32,
    changed: [Notify; 2],
}

impl Turn {
    fn set(&self, word: u32) {
        self.word.store(word, Ordering::Release);
        self.changed[word as usize].notify_one();
    }

    async fn wait_for(&self, word: u32) {
        while self.word.load(Ordering::Acquire) != word {
            self.changed[word as usize].notified().await;
        }
    }
}

async fn pingpong_waitqueue(ops: u32) -> Option<Outcome> {
    let turn = Arc::new(Turn::default());
    let side = move |which| {
        let turn = turn.clone();
        async move {
            for _ in 0..ops {
                match which {
                    Side::Ping => {
                        turn.set(1);
                        turn.wait_for(0).await;
                    }
                    Side::Pong => {
                        turn.wait_for(1).await;
                        turn.set(0);
                    }
                }
            }
        }
    };
    duel(ops, side).await
}

async fn pingpong_channel(ops: u32) -> Option<Outcome> {
    let (to_pong, mut from_ping) = mpsc::channel(1);
    let (to_ping, mut from_pong) = mpsc::channel(1);
    let echo = task::spawn(async move {
        while from_ping.recv().await.is_some() {
            let _ = to_ping.send(()).await;
        }
    });
    let start = Instant::now();
    for _ in 0..ops {
        to_pong.send(()).await.ok()?;
        from_pong.recv().await?;
    }
    let time = start.elapsed();
    drop(to_pong);
    echo.await.ok()?;
    Outcome::new(time, ops)
}

async fn yield_pair(ops: u32) -> Option<Outcome> {
    let side = move |_| async move {
        for _ in 0..ops {
            task::yield_now().await;
        }
    };
    duel(ops, side).await.map(Outcome::two_calls)
}

/// A piece of work is a task of its own: that is what a user of tokio would write.
async fn worker_queue_flush(ops: u32) -> Option<Outcome> {
    let done = Arc::new(AtomicU32::new(0));
    let start = Instant::now();
    for _ in 0..ops {
        let done = done.clone();
        task::spawn(async move { done.fetch_add(1, Ordering::Relaxed) }).await.ok()?;
    }
    Outcome::new(start.elapsed(), ops).filter(|_| done.load(Ordering::Relaxed) == ops)
}

/// Many pieces go to one task by a channel.
async fn worker_throughput(ops: u32) -> Option<Outcome> {
    let (queue, mut works) = mpsc::unbounded_channel();
    let worker = task::spawn(async move {
        let mut done = 0;
        while works.recv().await.is_some() {
            done += 1;
        }
        done
    });
    let start = Instant::now();
    for _ in 0..ops {
        queue.send(()).ok()?;
    }
    drop(queue);
    let done: u32 = worker.await.ok()?;
    Outcome::new(start.elapsed(), ops).filter(|_| done == ops)
}

async fn many(ops: u32) -> Option<Outcome> {
    let start = Instant::now();
    let sleepers: Vec<Sleeper> = (0..ops).map(|_| Sleeper::start()).collect();
    // All come to their wait before the first is stopped.
    task::yield_now().await;
    let create = start.elapsed();
    for sleeper in sleepers {
        sleeper.stop().await;
    }
    Outcome::created_and_stopped(create, start.elapsed() - create, ops)
}
