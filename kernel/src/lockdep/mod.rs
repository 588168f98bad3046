//! The lock validator's place in the kernel: who asks it, with what (Linux: lock_acquire and its
//! like).
//!
//! What it knows is kthreads-lockdep's; here is where a lock's class comes from and what the running
//! task holds. Asked are the locks of modules and of Rust's `sync`, not those of the kernel's own
//! data, which have levels. All that was found before is answered from tables that need no lock;
//! the rest is behind a lock (level 4), under which nothing else is taken.

mod ask;
mod classes;
mod context;
mod function;
mod kept;
mod notes;
mod semaphore;

use alloc::vec::Vec;
use core::panic::Location;
use core::sync::atomic::{AtomicUsize, Ordering};

use kthreads_base::held::{HeldLock, LockKind};
use kthreads_base::{SpinGuard, SpinLock};
use kthreads_lockdep::{
    Chains, ClassId, Fast, Label, NoRoom, Pool, Slot, Slots, Stats, Tag, Validator,
};

pub(crate) use kept::KeptLock;
pub use kthreads_lockdep::{How, IfHeld, Limits};

use crate::config::Config;

const ORDER: Ordering = Ordering::Relaxed;
/// How many places of Rust code are known to be known; others are looked for.
const KNOWN_PLACES: usize = 64;

/// The validator of a kernel.
pub(crate) struct Lockdep {
    fast: Fast,
    /// Places of Rust code that are known, each where its address says.
    known_places: [AtomicUsize; KNOWN_PLACES],
    slow: SpinLock<Slow>,
}

/// What is behind the lock.
struct Slow {
    validator: Validator,
    /// How many slots are used.
    locks: usize,
    /// Places of Rust code that have taken locks.
    places: Vec<&'static Location<'static>>,
}

/// A lock, as the validator is asked about it.
#[derive(Clone, Copy, Debug)]
pub struct LockAt {
    /// What it is.
    pub kind: LockKind,
    /// Where it lies.
    pub address: usize,
    /// The address that the call which takes it returns to, or that of a `Location`.
    pub place: usize,
}

impl Lockdep {
    pub(crate) fn new(config: &Config) -> Lockdep {
        const NONE: Limits = Limits { locks: 0, classes: 0, orders: 0, chains: 0 };
        let limits = config.lockdep.unwrap_or(NONE);
        let fast = Fast::new(Slots::new(limits.locks), Chains::new(limits.chains));
        if config.lockdep.is_none() {
            fast.turn_off();
        }
        let validator = Validator::new(&limits);
        let slow = SpinLock::new(Slow { validator, locks: 0, places: Vec::new() });
        Lockdep { fast, known_places: [const { AtomicUsize::new(0) }; KNOWN_PLACES], slow }
    }

    /// Takes the lock. A machine that explores finds no choice in it: it is free there always, as
    /// nobody else comes to run under it.
    fn slow(&self) -> SpinGuard<'_, Slow> {
        self.slow.try_lock().unwrap_or_else(|| self.slow.lock())
    }

    /// Whether locks are looked at (debug_locks).
    pub(crate) fn is_on(&self) -> bool {
        self.fast.is_on()
    }

    /// No lock is looked at from now on.
    pub(crate) fn turn_off(&self) {
        self.fast.turn_off();
    }

    /// How much is kept, and how many locks are known.
    pub(crate) fn stats(&self) -> (Stats, usize) {
        let slow = self.slow();
        (slow.validator.stats(), slow.locks)
    }

    /// All classes, each with those taken right under it.
    pub(crate) fn classes(&self) -> Vec<(Label, Vec<Label>)> {
        let mut all = Vec::new();
        let slow = self.slow();
        slow.validator.for_each_class(&mut |class, below| all.push((class, below.to_vec())));
        all
    }

    /// How the class of a lock is shown that a task holds.
    pub(crate) fn label_of(&self, held: &HeldLock) -> Option<Label> {
        let tag = Tag(held.tag);
        let kept = || self.fast.slots.get(held.address).map(|slot| slot.class);
        let class = Some(tag.class()).filter(|class| *class != ClassId::NONE).or_else(kept)?;
        self.slow().validator.label(class)
    }

    /// The place of Rust code at an address that was given as one.
    pub(crate) fn rust_place(&self, address: usize) -> Option<&'static Location<'static>> {
        let slow = self.slow();
        let is_it = |place: &&&'static Location<'_>| core::ptr::from_ref(**place).addr() == address;
        slow.places.iter().find(is_it).copied()
    }
}

impl Slow {
    /// Notes the class of a lock.
    fn set(&mut self, fast: &Fast, address: usize, class: ClassId) -> Result<Slot, Pool> {
        let slot = Slot { class, seen: self.validator.seen(class) };
        let set = fast.slots.set(address, slot, &mut self.locks);
        set.map(|()| slot).map_err(|NoRoom| Pool::Locks)
    }
}
