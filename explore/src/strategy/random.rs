//! Random walks.

use kthreads_sim::{Again, Next, Point, Rng};

use super::Strategy;

/// Now and then somebody at random. How often the CPU changes, and how often time passes, is
/// drawn anew for each schedule: some bugs need many changes, some need few.
pub struct RandomWalk {
    rng: Rng,
    /// One in so many points changes the CPU.
    changes: Often,
    /// One in so many points lets time pass.
    passes: Often,
}

/// Something that happens at one in so many points, at random.
#[derive(Clone, Copy)]
struct Often {
    /// Never if it is zero.
    one_in: u32,
    /// The next point at which it does.
    next: u64,
}

impl Often {
    const NEVER: Often = Often { one_in: 0, next: u64::MAX };

    fn begin(one_in: u32, rng: &mut Rng) -> Often {
        let mut often = Often { one_in, next: u64::MAX };
        often.draw(0, rng);
        often
    }

    /// Draws the next point from `from` on: on average so many later, at most twice as many.
    fn draw(&mut self, from: u64, rng: &mut Rng) {
        if self.one_in != 0 {
            self.next = from + u64::from(rng.below(2 * self.one_in - 1));
        }
    }

    /// Whether it happens at this point.
    fn happens(&mut self, decision: u64, rng: &mut Rng) -> bool {
        let is_due = decision >= self.next;
        if is_due {
            self.draw(decision + 1, rng);
        }
        is_due
    }
}

impl Default for RandomWalk {
    fn default() -> RandomWalk {
        RandomWalk { rng: Rng::new(0), changes: Often::NEVER, passes: Often::NEVER }
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
        let changes = 1 << (1 + self.rng.below(6));
        let passes = [0, 32, 128, 512][self.rng.below(4) as usize];
        self.changes = Often::begin(changes, &mut self.rng);
        self.passes = Often::begin(passes, &mut self.rng);
        true
    }

    fn point(&mut self, point: &Point<'_>, decision: u32) -> Next {
        let decision = u64::from(decision);
        if self.passes.happens(decision, &mut self.rng) && point.may_pass {
            return Next::PassTime;
        }
        let changes = self.changes.happens(decision, &mut self.rng);
        match point.current {
            Some(cpu) if !changes => Next::Run(cpu),
            _ => {
                let nth = self.rng.below(point.runnable.count_ones());
                Next::Run(nth_of(point.runnable, nth))
            }
        }
    }

    fn again(&mut self, _: &Point<'_>, _: u32) -> Again {
        Again { at: self.changes.next.min(self.passes.next), if_changed: false }
    }

    fn choose(&mut self, _: u32, options: u32, _: u32) -> u32 {
        self.rng.below(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_happens_as_often_as_it_says() {
        let mut rng = Rng::new(7);
        for one_in in [2, 16, 512] {
            let mut often = Often::begin(one_in, &mut rng);
            let count = (0..200_000).filter(|at| often.happens(*at, &mut rng)).count();
            let expected = 200_000 / one_in as usize;
            assert!(count.abs_diff(expected) * 5 < expected, "{count} of {expected}");
        }
        assert_eq!(Often::begin(0, &mut rng).next, u64::MAX);
    }
}
