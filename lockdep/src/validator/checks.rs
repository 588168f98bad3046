//! What is wrong with a lock that is taken.

use alloc::vec::Vec;

use super::{Acquire, Held, TOLD, Validator};
use crate::class::{Class, ClassId, Kind};
use crate::finding::{Certainty, Finding, Pool, Site, Taken};
use crate::graph::Way;
use crate::tag::IfHeld;
use crate::usage::Usage;

/// What has been told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Recursion(ClassId, Certainty),
    Circle(ClassId, ClassId),
    Inconsistent(ClassId, Usage),
    Inversion(ClassId, ClassId, Usage),
    SafeToUnsafe(ClassId, ClassId, Usage),
}

impl Told {
    pub(super) fn is_about(&self, class: ClassId) -> bool {
        match *self {
            Told::Recursion(a, _) | Told::Inconsistent(a, _) => a == class,
            Told::Circle(a, b) | Told::Inversion(a, b, _) | Told::SafeToUnsafe(a, b, _) => {
                a == class || b == class
            }
        }
    }
}

impl Validator {
    fn taken(&self, class: ClassId, lock: usize, place: usize) -> Taken {
        Taken { lock, label: self.graph.classes.get(class).label(), place }
    }

    /// Whether something has not been told of yet; it counts as told from now on.
    fn tells(&mut self, what: Told) -> bool {
        let is_new = self.told.len() < TOLD && !self.told.contains(&what);
        if is_new {
            self.told.push(what);
        }
        is_new
    }

    /// A lock of a class that is held already (Linux: check_deadlock).
    pub(super) fn check_recursion(
        &mut self,
        class: ClassId,
        other: &Held,
        new: &Acquire,
    ) -> Option<Finding> {
        let is_same = other.lock == new.lock;
        let Class { kind, key, .. } = *self.graph.classes.get(class);
        // Who takes a semaphore twice may wait for somebody else to give it.
        let is_fine =
            new.how.if_held == IfHeld::WaitUnderOuter || key.is_place() || kind == Kind::Function;
        if kind == Kind::Semaphore || !is_same && is_fine {
            return None;
        }
        let certainty = if is_same { Certainty::SameLock } else { Certainty::SameClass };
        self.tells(Told::Recursion(class, certainty)).then(|| Finding::Recursion {
            new: self.taken(class, new.lock, new.site.place),
            held: self.taken(class, other.lock, other.place),
            certainty,
        })
    }

    /// A class was taken while another was held (Linux: check_prev_add). Tells whether there can be
    /// more to learn from locks that are held longer.
    pub(super) fn enter_order(
        &mut self,
        other: &Held,
        class: ClassId,
        new: &Acquire,
        findings: &mut Vec<Finding>,
    ) -> Result<bool, Pool> {
        if !other.tag.class().is_some() {
            return Ok(true);
        }
        let from = self.class_of(other)?;
        let is_order = from != class && self.graph.classes.get(from).is_lock;
        if !is_order || self.graph.leads(from, class) {
            return Ok(true);
        }
        if self.graph.leads(class, from) {
            findings.extend(self.circle(from, other, class, new));
            return Ok(false);
        }
        if let Some(wrong) = self.check_states(from, other, class, new) {
            findings.extend(wrong);
            return Ok(true);
        }
        let added = self.graph.add(from, class, other.place, new.site);
        added.map(|()| true).map_err(|_| Pool::Orders)
    }

    /// The last search found the way back from the new class to the other.
    fn circle(
        &mut self,
        from: ClassId,
        other: &Held,
        class: ClassId,
        new: &Acquire,
    ) -> Option<Finding> {
        let back = self.graph.links(from, Way::Down);
        let is_known = self.graph.mark_told(from);
        (self.tells(Told::Circle(from, class)) && !is_known).then(|| Finding::Circle {
            new: self.taken(class, new.lock, new.site.place),
            held: self.taken(from, other.lock, other.place),
            back,
        })
    }

    /// Whether an order would lead from a class that is used in interrupts to one that is used
    /// where they may come (Linux: check_irq_usage). `Some(None)` if that has been told of.
    fn check_states(
        &mut self,
        from: ClassId,
        other: &Held,
        class: ClassId,
        new: &Acquire,
    ) -> Option<Option<Finding>> {
        [Usage::IN_HARDIRQ, Usage::IN_SOFTIRQ].into_iter().find_map(|inside| {
            let opposite = inside.opposite();
            let safe = self.graph.find(from, Way::Up, |_, above| above.usage.has(inside))?;
            let before = self.graph.links(safe, Way::Up);
            let other_end = self.graph.find(class, Way::Down, |_, below| below.usage.has(opposite));
            let unsafe_ = other_end?;
            let behind = self.graph.links(unsafe_, Way::Down);
            if !self.tells(Told::SafeToUnsafe(safe, unsafe_, inside)) {
                return Some(None);
            }
            let end = |class: ClassId, state: Usage| {
                let class = self.graph.classes.get(class);
                (class.label(), class.since[state.index()])
            };
            Some(Some(Finding::SafeToUnsafe {
                new: self.taken(class, new.lock, new.site.place),
                held: self.taken(from, other.lock, other.place),
                inside,
                safe: end(safe, inside),
                unsafe_: end(unsafe_, opposite),
                before,
                behind,
            }))
        })
    }

    /// A lock of a class is or was taken in a state (Linux: mark_lock).
    pub(super) fn enter_state(
        &mut self,
        class: ClassId,
        state: Usage,
        lock: usize,
        site: Site,
    ) -> Option<Finding> {
        let entry = self.graph.classes.get_mut(class);
        if entry.seen.has(state) {
            return None;
        }
        entry.seen |= state;
        let opposite = state.opposite();
        if entry.usage.has(opposite) {
            let since = entry.since[opposite.index()];
            let lock = self.taken(class, lock, site.place);
            let is_new = self.tells(Told::Inconsistent(class, state));
            return is_new.then_some(Finding::Inconsistent { lock, now: state, since });
        }
        let way = if state.is_in() { Way::Down } else { Way::Up };
        let other = self.graph.find(class, way, |_, other| other.usage.has(opposite));
        if let Some(other) = other {
            return self.inversion(class, other, state, lock, site);
        }
        let entry = self.graph.classes.get_mut(class);
        entry.usage |= state;
        entry.since[state.index()] = site;
        None
    }

    /// The last search found the class whose state does not go with the new one.
    fn inversion(
        &mut self,
        class: ClassId,
        other: ClassId,
        now: Usage,
        lock: usize,
        site: Site,
    ) -> Option<Finding> {
        let way = self.graph.links(other, if now.is_in() { Way::Down } else { Way::Up });
        self.tells(Told::Inversion(class, other, now)).then(|| {
            let end = self.graph.classes.get(other);
            Finding::Inversion {
                lock: self.taken(class, lock, site.place),
                now,
                other: end.label(),
                since: end.since[now.opposite().index()],
                way,
            }
        })
    }
}
