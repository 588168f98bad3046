//! Choices by where they were made.
//!
//! The number of a decision changes when any earlier choice is taken away. Where it was made does
//! not: at which point of which thread, or as which of the choices of a kind.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

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

impl Anchor {
    /// So many points of the thread later, or earlier.
    pub(crate) fn moved(self, by: i64) -> Option<Anchor> {
        let Anchor::Point { thread, nth, .. } = self else { return None };
        let nth = u32::try_from(i64::from(nth) + by).ok()?;
        Some(Anchor::Point { thread, nth, before: 0 })
    }
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

/// Where decisions were made, with how many ways to go there were.
#[derive(Clone, Default)]
pub(crate) struct Decisions(Arc<Mutex<Vec<(Anchor, u32)>>>);

impl Decisions {
    fn add(&self, anchor: Anchor, options: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((anchor, options));
    }

    /// All of them, in their order.
    pub(crate) fn take(&self) -> Vec<(Anchor, u32)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Makes known choices where they were made before; what does not come up is left out.
pub(crate) struct ByPlace {
    choices: HashMap<Anchor, u32>,
    places: Places,
    decisions: Option<Decisions>,
}

impl ByPlace {
    /// Makes these choices; tells of all decisions, if somebody wants to know.
    pub(crate) fn new(choices: &[Anchored], decisions: Option<Decisions>) -> ByPlace {
        let choices = choices.iter().copied().collect();
        ByPlace { choices, places: Places::default(), decisions }
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
        if let Some(decisions) = &self.decisions {
            decisions.add(anchor, point.options());
        }
        point.numbered(self.number(anchor))
    }

    fn choose(&mut self, what: u32, options: u32, _: u32) -> u32 {
        let anchor = self.places.of_kind(what);
        if let Some(decisions) = &self.decisions {
            decisions.add(anchor, options);
        }
        Some(self.number(anchor)).filter(|number| *number < options).unwrap_or(0)
    }

    fn decides_failures(&self) -> bool {
        true
    }
}
