//! Strategies: how schedules are chosen.

mod bounded;
mod pct;
mod random;

use kthreads_sim::{Again, Next, Point};

pub use bounded::Bounded;
pub use pct::Pct;
pub use random::RandomWalk;

use crate::choices::Choices;

/// A way to choose schedules, one after the other.
pub trait Strategy: Send {
    /// Begins a schedule; `seed` is the schedule's own. False when there are no more schedules
    /// to try.
    fn begin(&mut self, seed: u64) -> bool;

    /// What happens next at a point; `decision` counts the decisions of this schedule.
    fn point(&mut self, point: &Point<'_>, decision: u32) -> Next;

    /// When to ask again, after [`point`](Strategy::point).
    fn again(&mut self, point: &Point<'_>, decision: u32) -> Again {
        let _ = (point, decision);
        Again::AT_ONCE
    }

    /// What happens next, and when to ask again.
    fn point_and_again(&mut self, point: &Point<'_>, decision: u32) -> (Next, Again) {
        (self.point(point, decision), self.again(point, decision))
    }

    /// Which of `options` ways to go; 0 is the usual one.
    fn choose(&mut self, what: u32, options: u32, decision: u32) -> u32;

    /// Whether it also says what fails: only what was chosen before does.
    fn decides_failures(&self) -> bool {
        false
    }

    /// How many decisions could not be made as they were to be.
    fn misfits(&self) -> u32 {
        0
    }

    /// A schedule is over after so many decisions.
    fn end(&mut self, decisions: u32) {
        let _ = decisions;
    }

    /// Whether every schedule within the strategy's bound has been tried.
    fn has_covered_all(&self) -> bool {
        false
    }
}

/// Which strategy to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Random walks and PCT in turn: finds most, soonest.
    Mixed,
    /// At each point somebody at random, more or less often.
    Random,
    /// Random priorities that change at so many points of a schedule, after Burckhardt and
    /// others, 2010: finds what needs few changes in long schedules.
    Pct {
        /// How many ordering constraints the bug needs.
        depth: u32,
    },
    /// All schedules with at most so many preemptions, depth first.
    Bounded {
        /// How many.
        preemptions: u32,
    },
}

impl Kind {
    /// Makes the strategy.
    pub fn make(self) -> Box<dyn Strategy> {
        match self {
            Kind::Mixed => Box::new(Mixed::default()),
            Kind::Random => Box::new(RandomWalk::default()),
            Kind::Pct { depth } => Box::new(Pct::new(depth)),
            Kind::Bounded { preemptions } => Box::new(Bounded::new(preemptions)),
        }
    }
}

impl core::str::FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let (name, number) = text.split_once(':').map_or((text, None), |(n, d)| (n, Some(d)));
        let number = |default: u32| match number {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| format!("'{text}' is no number")),
        };
        match name {
            "mixed" => Ok(Kind::Mixed),
            "random" => Ok(Kind::Random),
            "pct" => Ok(Kind::Pct { depth: number(3)?.max(1) }),
            "dfs" => Ok(Kind::Bounded { preemptions: number(2)? }),
            _ => Err(format!(
                "'{name}' is no strategy: choose mixed, random, pct:DEPTH or dfs:BOUND"
            )),
        }
    }
}

/// Random walks and PCT in turn.
#[derive(Default)]
struct Mixed {
    random: RandomWalk,
    pct: Pct,
    schedules: u64,
}

impl Mixed {
    fn turn(&mut self) -> &mut dyn Strategy {
        if self.schedules % 2 == 1 { &mut self.random } else { &mut self.pct }
    }
}

impl Strategy for Mixed {
    fn begin(&mut self, seed: u64) -> bool {
        // By the seed, not by a count: a schedule must not depend on those before it.
        self.schedules = seed;
        self.turn().begin(seed)
    }

    fn point(&mut self, point: &Point<'_>, decision: u32) -> Next {
        self.turn().point(point, decision)
    }

    fn again(&mut self, point: &Point<'_>, decision: u32) -> Again {
        self.turn().again(point, decision)
    }

    fn point_and_again(&mut self, point: &Point<'_>, decision: u32) -> (Next, Again) {
        self.turn().point_and_again(point, decision)
    }

    fn choose(&mut self, what: u32, options: u32, decision: u32) -> u32 {
        self.turn().choose(what, options, decision)
    }
}

/// What was chosen before, again.
pub struct Replay {
    choices: Choices,
    next: usize,
    /// Decisions at which what was chosen cannot be chosen now.
    misfits: u32,
}

impl Replay {
    /// Replays `choices`.
    pub fn new(choices: Choices) -> Replay {
        Replay { choices, next: 0, misfits: 0 }
    }

    fn number(&mut self, decision: u32, options: u32) -> u32 {
        let Some(&(at, number)) = self.choices.list().get(self.next) else { return 0 };
        if at > decision {
            return 0;
        }
        self.next += 1;
        if at < decision || number >= options {
            self.misfits += 1;
            return 0;
        }
        number
    }
}

impl Strategy for Replay {
    fn begin(&mut self, _: u64) -> bool {
        self.next = 0;
        self.misfits = 0;
        true
    }

    fn point(&mut self, point: &Point<'_>, decision: u32) -> Next {
        let options = point.runnable.count_ones() + 1;
        let number = self.number(decision, options);
        point.numbered(number)
    }

    fn again(&mut self, _: &Point<'_>, _: u32) -> Again {
        let next = self.choices.list().get(self.next);
        Again { at: next.map_or(u64::MAX, |(at, _)| u64::from(*at)), if_changed: false }
    }

    fn choose(&mut self, _: u32, options: u32, decision: u32) -> u32 {
        self.number(decision, options)
    }

    fn decides_failures(&self) -> bool {
        true
    }

    fn misfits(&self) -> u32 {
        // What did not come up could not be chosen either.
        self.misfits + (self.choices.list().len() - self.next) as u32
    }
}
