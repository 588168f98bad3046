//! Depth first, within a bound of preemptions.

use kthreads_sim::{Next, Point};

use super::Strategy;

/// A decision that was made.
#[derive(Clone, Copy)]
struct Decision {
    number: u32,
    options: u32,
    /// Whether anything but the usual counts as a preemption.
    is_costly: bool,
}

impl Decision {
    fn cost(self) -> u32 {
        u32::from(self.is_costly && self.number != 0)
    }
}

/// All schedules with at most so many preemptions. A preemption is a CPU that could go on and does
/// not, time that passes though somebody could go on, and any other choice that is not usual.
/// What a CPU that cannot go on is followed by costs nothing.
pub struct Bounded {
    bound: u32,
    made: Vec<Decision>,
    /// How many of `made` are to be made again.
    prefix: usize,
    is_over: bool,
    has_begun: bool,
}

impl Bounded {
    /// All schedules with at most `bound` preemptions.
    pub fn new(bound: u32) -> Bounded {
        Bounded { bound, made: Vec::new(), prefix: 0, is_over: false, has_begun: false }
    }

    fn decide(&mut self, decision: u32, options: u32, is_costly: bool) -> u32 {
        let index = decision as usize;
        if index < self.prefix && index < self.made.len() {
            return self.made[index].number;
        }
        self.made.truncate(index);
        // What others decide, as failures, is no decision of this strategy's.
        let other = Decision { number: 0, options: 1, is_costly: false };
        self.made.resize(index, other);
        self.made.push(Decision { number: 0, options, is_costly });
        0
    }

    /// Changes the last decision that can be changed; false if there is none.
    fn advance(&mut self) -> bool {
        let mut cost: u32 = self.made.iter().map(|made| made.cost()).sum();
        while let Some(mut last) = self.made.pop() {
            cost -= last.cost();
            last.number += 1;
            if last.number < last.options && cost + last.cost() <= self.bound {
                self.made.push(last);
                self.prefix = self.made.len();
                return true;
            }
        }
        false
    }
}

impl Strategy for Bounded {
    fn begin(&mut self, _: u64) -> bool {
        if self.is_over {
            return false;
        }
        if self.has_begun && !self.advance() {
            self.is_over = true;
            return false;
        }
        self.has_begun = true;
        true
    }

    fn point(&mut self, point: &Point<'_>, decision: u32) -> Next {
        let is_costly = point.current.is_some();
        // Time passes by itself when nobody can go on; before that it is a preemption.
        let options = if is_costly { point.options() } else { point.runnable.count_ones() };
        let number = self.decide(decision, options, is_costly);
        point.numbered(number)
    }

    fn choose(&mut self, _: u32, options: u32, decision: u32) -> u32 {
        self.decide(decision, options, true)
    }

    fn end(&mut self, decisions: u32) {
        self.made.truncate(decisions as usize);
    }

    fn has_covered_all(&self) -> bool {
        self.is_over
    }
}
