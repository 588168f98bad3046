//! Who decides what happens next.

use std::any::Any;

use kthreads_base::Nanos;

use crate::core::Core;
use crate::points::ThreadPoints;

/// What is to happen at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This CPU goes on.
    Run(u32),
    /// Time passes until the next timer is due.
    PassTime,
}

/// When a chooser is to be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// At the point with this number, or the next after it.
    pub at: u64,
    /// Or before, when other CPUs can go on than now, or the one that goes on runs another thread.
    pub if_changed: bool,
}

impl Again {
    /// At the next point.
    pub const AT_ONCE: Again = Again { at: 0, if_changed: false };
}

/// A point: somebody must go on.
pub struct Point<'a> {
    /// The CPU that has come here, if it can go on.
    pub current: Option<u32>,
    /// The CPUs that can go on, one a bit; the current one is among them.
    pub runnable: u64,
    /// Whether there is a timer, so that time may pass.
    pub may_pass: bool,
    core: &'a Core,
}

impl<'a> Point<'a> {
    pub(crate) fn new(core: &'a Core, current: Option<u32>, runnable: u64) -> Point<'a> {
        Point { current, runnable, may_pass: core.may_hold(), core }
    }

    /// Its number: points and choices are counted together, those at which nobody is asked too.
    pub fn number(&self) -> u64 {
        self.core.number
    }

    /// The time.
    pub fn now(&self) -> Nanos {
        Nanos(self.core.now)
    }

    /// Where this is, if points are counted: the slot index of the thread that came to the last
    /// point, and how many it has come to. That does not depend on what others do meanwhile.
    pub fn place(&self) -> (u32, u32) {
        self.core.points.as_ref().map_or((0, 0), ThreadPoints::last)
    }

    /// How many steps in a row the current CPU has made.
    pub fn turn(&self) -> u32 {
        self.core.turn
    }

    /// How many ways to go on there are.
    pub fn options(&self) -> u32 {
        self.runnable.count_ones() + u32::from(self.may_pass)
    }

    /// The number of a way to go on: 0 is the usual one, then come the other CPUs in order, then
    /// letting time pass.
    pub fn number_of(&self, next: Next) -> u32 {
        let usual = self.usual();
        match next {
            Next::Run(cpu) if cpu == usual => 0,
            Next::Run(cpu) => {
                let below = self.runnable & !(1 << usual) & ((1 << cpu) - 1);
                below.count_ones() + 1
            }
            Next::PassTime => self.runnable.count_ones(),
        }
    }

    /// The way to go on that has this number; the usual one if none has.
    pub fn numbered(&self, number: u32) -> Next {
        let usual = self.usual();
        if number == 0 || number > self.runnable.count_ones() {
            return Next::Run(usual);
        }
        if number == self.runnable.count_ones() {
            return if self.may_pass { Next::PassTime } else { Next::Run(usual) };
        }
        let mut others = self.runnable & !(1 << usual);
        for _ in 1..number {
            others &= others - 1;
        }
        Next::Run(others.trailing_zeros())
    }

    /// The slot index of the thread that a CPU runs: what a strategy that ranks threads goes by.
    pub fn thread(&self, cpu: u32) -> u32 {
        self.core.thread_of(cpu)
    }

    /// The CPU that goes on if nothing speaks for another: the current one, or else the next one
    /// in turn.
    pub fn usual(&self) -> u32 {
        match self.current {
            Some(cpu) => cpu,
            None => self.core.next_in_turn(self.runnable),
        }
    }
}

/// Who decides. A machine asks for each decision once, in the order they come up.
pub trait Chooser: Any + Send {
    /// What happens next at a point with more than one way to go on. Must name a CPU that can go
    /// on, or let time pass only if it may.
    fn next(&mut self, point: &Point<'_>) -> Next;

    /// When to ask again, after [`next`](Chooser::next): until then the CPU that goes on passes its
    /// points. When it rests, whoever is asked for the next one is asked anyway.
    fn again(&mut self, point: &Point<'_>) -> Again {
        let _ = point;
        Again::AT_ONCE
    }

    /// What happens next, and when to ask again.
    fn next_and_again(&mut self, point: &Point<'_>) -> (Next, Again) {
        (self.next(point), self.again(point))
    }

    /// Which of `options` ways to go, 0 being the usual one; `what` says what it is about, `number`
    /// counts points and choices together.
    fn choose(&mut self, what: u32, options: u32, number: u64) -> u32;

    /// The kinds of notes that it is to be told of, one a bit.
    fn heeds(&self) -> u32 {
        u32::MAX
    }

    /// Takes note of what a kernel tells, on which CPU and when.
    fn note(&mut self, now: Nanos, cpu: u32, kind: u32, object: usize, value: usize) {
        let _ = (now, cpu, kind, object, value);
    }
}

/// Chooses what is usual: no CPU is interrupted before its turn is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct InOrder;

impl Chooser for InOrder {
    fn next(&mut self, point: &Point<'_>) -> Next {
        Next::Run(point.usual())
    }

    fn choose(&mut self, _: u32, _: u32, _: u64) -> u32 {
        0
    }
}
