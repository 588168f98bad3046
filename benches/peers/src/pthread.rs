//! POSIX threads: with stacks as small as can be, semaphores, conditions.

use std::sync::Arc;
use std::time::Instant;

use crate::duel::{self, Place, Side};
use crate::posix::{Monitor, Semaphore, Thread, sched_yield, set_fifo};
use crate::{Bench, Outcome};

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
    Bench { name: "yield_pair", ops: 50_000, run: yield_pair },
    Bench { name: "yield_pair_fifo", ops: 50_000, run: yield_pair_fifo },
    Bench { name: "many_threads_10000", ops: 10_000, run: many },
];

/// The value of the word that a thread waits for.
const STOP: u32 = 1;

fn until_stop(stop: &Monitor) {
    stop.wait_for(STOP);
}

fn create_join(ops: u32) -> Option<Outcome> {
    let unused = Monitor::new();
    let start = Instant::now();
    for _ in 0..ops {
        Thread::start(|_| {}, &unused)?.join();
    }
    Outcome::new(start.elapsed(), ops)
}

fn create_stop(ops: u32) -> Option<Outcome> {
    let start = Instant::now();
    for _ in 0..ops {
        let stop = Monitor::new();
        let thread = Thread::start(until_stop, &stop)?;
        stop.set(STOP);
        thread.join();
    }
    Outcome::new(start.elapsed(), ops)
}

fn pingpong_completion(ops: u32, place: Place) -> Option<Outcome> {
    let (ping, pong) = (Semaphore::new(), Semaphore::new());
    duel::rounds(ops, place, |side| match side {
        Side::Ping => {
            pong.post();
            ping.wait();
        }
        Side::Pong => {
            pong.wait();
            ping.post();
        }
    })
}

fn pingpong_waitqueue(ops: u32, place: Place) -> Option<Outcome> {
    let turn = Monitor::new();
    duel::rounds(ops, place, |side| match side {
        Side::Ping => {
            turn.set(1);
            turn.wait_for(0);
        }
        Side::Pong => {
            turn.wait_for(1);
            turn.set(0);
        }
    })
}

pub(crate) fn yield_pair(ops: u32) -> Option<Outcome> {
    duel::rounds(ops, Place::Anywhere, |_| sched_yield()).map(Outcome::two_calls)
}

/// With real-time threads every call must switch, if both are on one CPU.
fn yield_pair_fifo(ops: u32) -> Option<Outcome> {
    duel::prepared(ops, |_| set_fifo(), |_| sched_yield()).map(Outcome::two_calls)
}

fn many(ops: u32) -> Option<Outcome> {
    let stops: Vec<Arc<Monitor>> = (0..ops).map(|_| Monitor::new()).collect();
    let start = Instant::now();
    let threads: Vec<Thread> =
        stops.iter().map_while(|stop| Thread::start(until_stop, stop)).collect();
    let (made, create) = (threads.len(), start.elapsed());
    for (stop, thread) in stops.iter().zip(threads) {
        stop.set(STOP);
        thread.join();
    }
    let is_all = made == stops.len();
    Outcome::created_and_stopped(create, start.elapsed() - create, ops).filter(|_| is_all)
}
