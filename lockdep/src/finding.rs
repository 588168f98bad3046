//! What is wrong.

use alloc::vec::Vec;

use crate::label::Label;
use crate::usage::Usage;

/// Who took a lock: a number and a name, as of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// The number.
    pub id: i32,
    /// The name, with zeros behind it.
    pub name: [u8; 16],
}

impl Who {
    /// Nobody.
    pub const NOBODY: Who = Who { id: 0, name: [0; 16] };
}

/// Where something was done, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The place, 0 if it is not known.
    pub place: usize,
    /// Who did it.
    pub who: Who,
}

impl Site {
    pub(crate) const NOWHERE: Site = Site { place: 0, who: Who::NOBODY };
}

/// A lock that is or was to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its address.
    pub lock: usize,
    /// Its class.
    pub label: Label,
    /// Where it is taken.
    pub place: usize,
}

/// An order: locks of one class were held when one of another was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The class that was held.
    pub from: Label,
    /// The class that was taken.
    pub to: Label,
    /// Where the first was taken.
    pub from_place: usize,
    /// Where the second was taken, and by whom.
    pub site: Site,
}

/// How sure it is that a lock is taken twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It is the same lock: its holder waits for itself.
    SameLock,
    /// It is one of the same class.
    SameClass,
}

/// A pool that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// That of locks.
    Locks,
    /// That of classes.
    Classes,
    /// That of orders.
    Orders,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A lock is taken while one of its class is held.
    Recursion {
        /// The lock to be taken.
        new: Taken,
        /// The lock that is held.
        held: Taken,
        /// Whether they are the same.
        certainty: Certainty,
    },
    /// The order of two locks closes a circle.
    Circle {
        /// The lock to be taken.
        new: Taken,
        /// The lock that is held.
        held: Taken,
        /// The orders that lead from the class of `new` to that of `held`.
        back: Vec<Link>,
    },
    /// A class is used in interrupts, and where these may come.
    Inconsistent {
        /// The lock.
        lock: Taken,
        /// The state that it has now, too.
        now: Usage,
        /// Since when it has had the opposite state.
        since: Site,
    },
    /// A class got a state that does not go with that of another, behind or before it.
    Inversion {
        /// The lock whose state has changed.
        lock: Taken,
        /// The state that it has now.
        now: Usage,
        /// The other class, which has the opposite state.
        other: Label,
        /// Since when it has that.
        since: Site,
        /// The orders between them: from `lock` to `other` if `now` is that of being in an
        /// interrupt, else the other way.
        way: Vec<Link>,
    },
    /// The order of two locks leads from a class that is used in interrupts to one that is used
    /// where these may come.
    SafeToUnsafe {
        /// The lock to be taken.
        new: Taken,
        /// The lock that is held.
        held: Taken,
        /// The state of being in an interrupt that it is about.
        inside: Usage,
        /// The class used in interrupts, and since when.
        safe: (Label, Site),
        /// The class used where they may come, and since when.
        unsafe_: (Label, Site),
        /// The orders from `safe` to the class of `held`.
        before: Vec<Link>,
        /// The orders from the class of `new` to `unsafe_`.
        behind: Vec<Link>,
    },
    /// A pool is used up: nothing can be learnt any more.
    Full(Pool),
}
