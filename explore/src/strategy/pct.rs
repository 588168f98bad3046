//! Probabilistic concurrency testing: random priorities, changed at a few points.

use kthreads_sim::{Again, Next, Point, Rng};

use super::Strategy;

/// How many steps a thread may make in a row before it is taken to wait for another.
const PATIENCE: u32 = 300;
/// What a schedule's length is taken for before one was seen.
const FIRST_LENGTH: u32 = 400;

/// The thread with the highest priority goes on, always. Priorities are drawn when a thread is
/// first seen; at `depth - 1` points of a schedule the running thread falls behind all others, or
/// time passes.
pub struct Pct {
    depth: u32,
    rng: Rng,
    /// By the slot index of the thread; 0 is not drawn yet.
    priorities: Vec<u64>,
    /// The decisions at which something changes, ascending.
    changes: Vec<u32>,
    /// The next priority below all others.
    lowest: u64,
}

impl Default for Pct {
    fn default() -> Pct {
        Pct::new(3)
    }
}

impl Pct {
    /// A strategy for bugs that need `depth` ordering constraints.
    pub fn new(depth: u32) -> Pct {
        Pct { depth, rng: Rng::new(0), priorities: Vec::new(), changes: Vec::new(), lowest: 0 }
    }

    fn priority(&mut self, thread: u32) -> &mut u64 {
        let index = thread as usize % 4096;
        if index >= self.priorities.len() {
            self.priorities.resize(index + 1, 0);
        }
        let priority = &mut self.priorities[index];
        if *priority == 0 {
            *priority = self.rng.next_u64() | (1 << 63);
        }
        priority
    }

    fn demote(&mut self, thread: u32) {
        self.lowest -= 1;
        *self.priority(thread) = self.lowest;
    }
}

impl Strategy for Pct {
    fn begin(&mut self, seed: u64) -> bool {
        self.rng = Rng::new(seed);
        self.priorities.clear();
        self.lowest = 1 << 62;
        // The length must not be learnt from other schedules, or one could not be had alone: so
        // it is drawn.
        let length = FIRST_LENGTH << self.rng.below(6) >> 2;
        let rng = &mut self.rng;
        self.changes.clear();
        self.changes.extend((1..self.depth).map(|_| rng.below(length)));
        self.changes.sort_unstable();
        true
    }

    fn point(&mut self, point: &Point<'_>, decision: u32) -> Next {
        let due = self.changes.partition_point(|at| *at <= decision);
        if due > 0 {
            self.changes.drain(..due);
            if point.may_pass && self.rng.below(2) == 0 {
                return Next::PassTime;
            }
            if let Some(cpu) = point.current {
                self.demote(point.thread(cpu));
            }
        }
        if let Some(cpu) = point.current
            && point.turn() > PATIENCE
        {
            self.demote(point.thread(cpu));
        }
        let (mut left, mut best) = (point.runnable, (0, point.usual()));
        while left != 0 {
            let cpu = left.trailing_zeros();
            left &= left - 1;
            let priority = *self.priority(point.thread(cpu));
            if priority > best.0 {
                best = (priority, cpu);
            }
        }
        Next::Run(best.1)
    }

    fn again(&mut self, point: &Point<'_>, decision: u32) -> Again {
        let at = self.changes.first().copied().unwrap_or(u32::MAX);
        let patience = decision.saturating_add(PATIENCE.saturating_sub(point.turn()) + 1);
        Again { at: u64::from(at.min(patience)), if_changed: true }
    }

    fn choose(&mut self, _: u32, options: u32, _: u32) -> u32 {
        self.rng.below(options)
    }
}
