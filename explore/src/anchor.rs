//! Choices by where they were made.
//!
//! The number of a decision changes when any earlier choice is taken away. Where it was made does
//! not: at which point of which thread, or as which of the choices of a kind.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use kthreads_base::current_head;
use kthreads_sim::{Next, Point};

use crate::strategy::Strategy;

/// Where a choice was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Anchor {
    /// At this point of a thread, after so many other decisions there.
    Point { thread: u32, nth: u32, before: u32 },
    /// As this one of a thread's choices of a kind.
    Choice { thread: u32, what: u32, nth: u32 },
}

/// A choice that was not the usual one, by where it was made.
pub(crate) type Anchored = (Anchor, u32);

/// Tells where each decision of a schedule is made.
#[derive(Default)]
pub(crate) struct Places {
    last: Option<(u32, u32)>,
    before: u32,
    chosen: HashMap<(u32, u32), u32>,
}

impl Places {
    /// Where the decision at a point is made.
    pub(crate) fn at(&mut self, point: &Point<'_>) -> Anchor {
        let place = point.place();
        self.before = if self.last == Some(place) { self.before + 1 } else { 0 };
        self.last = Some(place);
        Anchor::Point { thread: place.0, nth: place.1, before: self.before }
    }

    /// Where a choice of this kind is made, by the running thread.
    pub(crate) fn of_kind(&mut self, what: u32) -> Anchor {
        let thread = current_head().index.load(Ordering::Relaxed);
        let nth = self.chosen.entry((thread, what)).or_default();
        *nth += 1;
        Anchor::Choice { thread, what, nth: *nth }
    }
}

/// Makes known choices where they were made before; what does not come up is left out.
pub(crate) struct ByPlace {
    choices: HashMap<Anchor, u32>,
    places: Places,
}

impl ByPlace {
    pub(crate) fn new(choices: &[Anchored]) -> ByPlace {
        ByPlace { choices: choices.iter().copied().collect(), places: Places::default() }
    }

    fn number(&self, anchor: Anchor) -> u32 {
        self.choices.get(&anchor).copied().unwrap_or(0)
    }
}

impl Strategy for ByPlace {
    fn begin(&mut self, _: u64) -> bool {
        true
    }

    fn point(&mut self, point: &Point<'_>, _: u32) -> Next {
        let anchor = self.places.at(point);
        point.numbered(self.number(anchor))
    }

    fn choose(&mut self, what: u32, options: u32, _: u32) -> u32 {
        let anchor = self.places.of_kind(what);
        Some(self.number(anchor)).filter(|number| *number < options).unwrap_or(0)
    }

    fn decides_failures(&self) -> bool {
        true
    }
}
