//! A lock validator (Linux: kernel/locking/lockdep.c): it learns in which order and in which
//! contexts locks are taken, and tells as soon as an order or a context could end in a deadlock,
//! whether or not it did.
//!
//! It knows locks by number (an address), puts them into classes, and knows nothing of those who
//! take them. Whoever uses it asks twice: [`Fast`] answers, without a lock, from what was found
//! before; what it does not know goes to the [`Validator`], which needs a lock of its user's around
//! it. What is wrong are [`Finding`]s. Nothing wrong becomes part of what is known, so that the
//! orders never form a circle, and nothing is told of twice.
//!
//! Everything is kept in pools whose sizes are fixed when it is made ([`Limits`]): taking a lock
//! allocates nothing unless there is something to tell. Nothing depends on how addresses compare.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod class;
mod fast;
mod finding;
mod graph;
mod label;
mod slots;
mod tag;
mod usage;
mod validator;

pub use class::{ClassId, Key, Kind};
pub use fast::{Chains, Fast};
pub use finding::{Certainty, Finding, Link, Pool, Site, Taken, Who};
pub use label::Label;
pub use slots::{NoRoom, Slot, Slots};
pub use tag::{Chain, How, IfHeld, Tag};
pub use usage::Usage;
pub use validator::{Acquire, Held, Limits, Stats, Validator};

/// How many levels of nesting within a class there are (Linux: MAX_LOCKDEP_SUBCLASSES).
pub const SUBCLASSES: u8 = 8;
