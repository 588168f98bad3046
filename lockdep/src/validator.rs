//! What is learnt when a lock is taken, and what of it is wrong.

use alloc::vec::Vec;

use crate::class::{Class, ClassId, Key, Kind, Label};
use crate::finding::{Certainty, Finding, Pool, Site, Taken, Who};
use crate::graph::{Graph, Way};
use crate::tag::{How, IfHeld, Tag};
use crate::usage::Usage;

/// How many different things are told of.
const TOLD: usize = 256;

/// How much can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Locks that were initialised or taken and have not gone.
    pub locks: usize,
    /// Classes (Linux: MAX_LOCKDEP_KEYS).
    pub classes: usize,
    /// Orders of two classes (Linux: MAX_LOCKDEP_ENTRIES).
    pub orders: usize,
    /// Sequences of held locks that are known at once; more take more time, and no harm is done.
    pub chains: usize,
}

impl Limits {
    /// Enough for a system.
    pub const USUAL: Limits = Limits { locks: 48_000, classes: 1024, orders: 8192, chains: 4096 };
    /// Enough for a small test, and soon made.
    pub const SMALL: Limits = Limits { locks: 700, classes: 128, orders: 512, chains: 512 };
}

/// A lock that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its address.
    pub lock: usize,
    /// Where it was taken.
    pub place: usize,
    /// What is kept with it: with a class, if it has one.
    pub tag: Tag,
}

/// A lock that is about to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquire {
    /// Its address.
    pub lock: usize,
    /// Its class, without subclass.
    pub class: ClassId,
    /// The states that hold where it is taken.
    pub here: Usage,
    /// How it is taken.
    pub how: How,
    /// Where, and by whom.
    pub site: Site,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Classes, of which there can be at most so many.
    pub classes: (usize, usize),
    /// Orders, of which there can be at most so many.
    pub orders: (usize, usize),
    /// Findings so far.
    pub findings: usize,
}

/// What has been told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Recursion(ClassId, Certainty),
    Circle(ClassId, ClassId),
    Inconsistent(ClassId, Usage),
    Inversion(ClassId, ClassId, Usage),
    SafeToUnsafe(ClassId, ClassId, Usage),
}

impl Told {
    fn is_about(&self, class: ClassId) -> bool {
        match *self {
            Told::Recursion(a, _) | Told::Inconsistent(a, _) => a == class,
            Told::Circle(a, b) | Told::Inversion(a, b, _) | Told::SafeToUnsafe(a, b, _) => {
                a == class || b == class
            }
        }
    }
}

/// What has been learnt. What is wrong does not become part of it.
#[derive(Debug)]
pub struct Validator {
    graph: Graph,
    told: Vec<Told>,
    findings: usize,
}

impl Validator {
    /// Knows nothing yet.
    pub fn new(limits: &Limits) -> Validator {
        let graph = Graph::new(limits.classes, limits.orders);
        Validator { graph, told: Vec::with_capacity(TOLD), findings: 0 }
    }

    /// How much is kept.
    pub fn stats(&self) -> Stats {
        let classes = &self.graph.classes;
        Stats {
            classes: (classes.len(), classes.limit()),
            orders: (self.graph.order_count(), self.graph.order_limit()),
            findings: self.findings,
        }
    }

    /// The class with that key; it is made, with a name from `name`, if it is not there.
    ///
    /// # Errors
    ///
    /// When there is no room for another class.
    pub fn class(&mut self, key: Key, kind: Kind, name: &str) -> Result<ClassId, Pool> {
        match self.graph.classes.find(key, 0) {
            Some(class) => Ok(class),
            None => self.graph.classes.add(key, 0, kind, name).map_err(|_| Pool::Classes),
        }
    }

    /// The class with that key, if it is there.
    pub fn find_class(&self, key: Key) -> Option<ClassId> {
        self.graph.classes.find(key, 0)
    }

    /// How a class is shown.
    pub fn label(&self, class: ClassId) -> Option<Label> {
        class.is_some().then(|| self.graph.classes.get(class).label())
    }

    /// The states that locks of a class may be taken in without asking again: none as long as it
    /// may be no class of locks.
    pub fn seen(&self, class: ClassId) -> Usage {
        match class.is_some().then(|| self.graph.classes.get(class)) {
            Some(class) if class.is_lock || class.is_dismissed() => class.seen,
            Some(_) => Usage::NONE,
            None => Usage::ALL,
        }
    }

    /// Whether a class makes orders, so that what was learnt of one need not be learnt again.
    pub fn is_lock(&self, class: ClassId) -> bool {
        !class.is_some() || self.graph.classes.get(class).is_lock
    }

    /// Calls `show` with each class, and with those that were taken right under it.
    pub fn for_each_class(&self, show: &mut dyn FnMut(Label, &[Label])) {
        for (id, class) in self.graph.classes.iter() {
            let label = |id| self.graph.classes.get(id).label();
            let below: Vec<Label> = self.graph.below(id).into_iter().map(label).collect();
            show(class.label(), &below);
        }
    }

    /// The subclass of a class; it is made if it is not there. Subclass 0 is the class itself.
    ///
    /// # Errors
    ///
    /// When there is no room for another class.
    pub fn subclass(&mut self, class: ClassId, subclass: u8) -> Result<ClassId, Pool> {
        let base = class;
        if subclass == 0 {
            return Ok(base);
        }
        let Class { key, kind, .. } = *self.graph.classes.get(base);
        if let Some(class) = self.graph.classes.find(key, subclass) {
            return Ok(class);
        }
        let name = self.graph.classes.get(base).name();
        self.graph.classes.add(key, subclass, kind, name.as_str()).map_err(|_| Pool::Classes)
    }

    /// Learns from a lock that is about to be taken while others are held, oldest first.
    pub fn acquire(&mut self, held: &[Held], new: &Acquire) -> Vec<Finding> {
        if !new.class.is_some() {
            return Vec::new();
        }
        let mut findings = Vec::new();
        if let Err(pool) = self.learn(held, new, &mut findings) {
            findings.push(Finding::Full(pool));
        }
        self.findings += findings.len();
        findings
    }

    fn learn(
        &mut self,
        held: &[Held],
        new: &Acquire,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Pool> {
        let class = self.subclass(new.class, new.how.subclass)?;
        let usage = new.how.usage(new.here);
        for state in Usage::EACH.into_iter().filter(|state| usage.has(*state)) {
            findings.extend(self.enter_state(class, state, new.lock, new.site));
        }
        if !new.how.waits() || !self.graph.classes.get(class).is_lock {
            return Ok(());
        }
        // Who has just been told that an interrupt may find the lock held knows of this, too.
        let is_told = !findings.is_empty();
        if let Some(other) = self.same_class(held, class, new.lock)?.filter(|_| !is_told) {
            findings.extend(self.check_recursion(class, other, new));
        }
        for other in held.iter().rev() {
            if other.tag.level() != new.here.level() {
                break;
            }
            if !self.enter_order(other, class, new, findings)? {
                break;
            }
        }
        Ok(())
    }

    /// The lock of a class that is held: the same one, or the one taken last.
    fn same_class<'h>(
        &mut self,
        held: &'h [Held],
        class: ClassId,
        lock: usize,
    ) -> Result<Option<&'h Held>, Pool> {
        let mut found = None;
        for other in held.iter().filter(|other| other.tag.class().is_some()) {
            if self.class_of(other)? != class {
                continue;
            }
            if other.lock == lock {
                return Ok(Some(other));
            }
            found = Some(other);
        }
        Ok(found)
    }

    fn class_of(&mut self, held: &Held) -> Result<ClassId, Pool> {
        self.subclass(held.tag.class(), held.tag.how().subclass)
    }

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
    fn check_recursion(&mut self, class: ClassId, other: &Held, new: &Acquire) -> Option<Finding> {
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
    fn enter_order(
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
    fn enter_state(
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

    /// Learns that interrupts may come from now on while locks are held (Linux: mark_held_locks).
    pub fn states_on(&mut self, held: &[Held], states: Usage, who: Who) -> Vec<Finding> {
        let mut findings = Vec::new();
        for held in held.iter().filter(|held| held.tag.class().is_some()) {
            let Ok(class) = self.class_of(held) else { continue };
            let site = Site { place: held.place, who };
            for state in Usage::EACH.into_iter().filter(|state| states.has(*state)) {
                findings.extend(self.enter_state(class, state, held.lock, site));
            }
        }
        self.findings += findings.len();
        findings
    }

    /// Says that a semaphore was given back by who took it: its class makes orders from now on.
    /// Returns whether that is new, so that known chains must be looked at again.
    pub fn confirm(&mut self, class: ClassId) -> bool {
        let entry = self.graph.classes.get_mut(class);
        !core::mem::replace(&mut entry.is_lock, true)
    }

    /// Says that a class is none of locks after all: nothing of it counts any more.
    pub fn dismiss(&mut self, class: ClassId) {
        self.graph.isolate(class);
        let entry = self.graph.classes.get_mut(class);
        (entry.is_lock, entry.usage, entry.seen) = (false, Usage::NONE, Usage::ALL);
        self.told.retain(|told| !told.is_about(class));
    }

    /// Forgets the classes that `picks` picks by their keys (Linux: lockdep_free_key_range); returns
    /// them.
    pub fn forget(&mut self, picks: &dyn Fn(Key) -> bool) -> Vec<ClassId> {
        let gone = self.graph.classes.iter().filter(|(_, class)| picks(class.key));
        let gone: Vec<ClassId> = gone.map(|(id, _)| id).collect();
        for class in &gone {
            self.graph.isolate(*class);
            self.graph.classes.remove(*class);
            self.told.retain(|told| !told.is_about(*class));
        }
        gone
    }
}

#[cfg(test)]
mod tests;
