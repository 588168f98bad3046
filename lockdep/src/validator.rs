//! What is learnt when a lock is taken.

mod checks;

use alloc::vec::Vec;

use crate::class::{Class, ClassId, Key, Kind};
use crate::finding::{Finding, Pool, Site, Who};
use crate::graph::Graph;
use crate::label::Label;
use crate::tag::{How, Tag};
use crate::usage::Usage;
use checks::Told;

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
