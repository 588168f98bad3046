//! Random walks.

use kthreads_sim::{Next, Point, Rng};

use super::Strategy;

/// At each point somebody at random. How often the CPU changes, and how often time passes, is
/// drawn anew for each schedule: some bugs need many changes, some need few.
pub struct RandomWalk {
    rng: Rng,
    /// One in so many points changes the CPU.
    changes: u32,
    /// One in so many points lets time pass; 0 is never.
    passes: u32,
}

impl Default for RandomWalk {
    fn default() -> RandomWalk {
        RandomWalk { rng: Rng::new(0), changes: 2, passes: 0 }
    }
}

/// The `nth` of the CPUs in `mask`.
pub(super) fn nth_of(mut mask: u64, nth: u32) -> u32 {
    for _ in 0..nth {
        mask &= mask - 1;
    }
    mask.trailing_zeros()
}

impl Strategy for RandomWalk {
    fn begin(&mut self, seed: u64) -> bool {
        self.rng = Rng::new(seed);
        self.changes = 1 << (1 + self.rng.below(6));
        self.passes = [0, 32, 128, 512][self.rng.below(4) as usize];
        true
    }

    fn point(&mut self, point: &Point<'_>, _: u32) -> Next {
        if point.may_pass && self.passes != 0 && self.rng.below(self.passes) == 0 {
            return Next::PassTime;
        }
        match point.current {
            Some(cpu) if self.rng.below(self.changes) != 0 => Next::Run(cpu),
            _ => {
                let nth = self.rng.below(point.runnable.count_ones());
                Next::Run(nth_of(point.runnable, nth))
            }
        }
    }

    fn choose(&mut self, _: u32, options: u32, _: u32) -> u32 {
        self.rng.below(options)
    }
}
