//! Which class a lock is of, and when that is forgotten.

use alloc::string::{String, ToString};
use core::fmt::Display;
use core::ops::Range;

use kthreads_base::held::LockKind;
use kthreads_base::stack;
use kthreads_lockdep::{ClassId, Key, Kind, Pool, SUBCLASSES, Slot, Usage};

use super::LockAt;
use crate::Kernel;

const UNCHECKED: Slot = Slot { class: ClassId::UNCHECKED, seen: Usage::ALL };

fn kind_of(kind: LockKind) -> Kind {
    match kind {
        LockKind::Spin => Kind::Spinning,
        LockKind::Mutex => Kind::Sleeping,
        LockKind::Semaphore => Kind::Semaphore,
        LockKind::Function => Kind::Function,
    }
}

impl Kernel {
    /// The class of a lock; it is made if it is not there.
    pub(super) fn class_at(&self, lock: &LockAt) -> Result<ClassId, Pool> {
        if let Some(slot) = self.lockdep.fast.slots.get(lock.address) {
            return Ok(slot.class);
        }
        let Some((key, name)) = self.key_of(lock) else {
            self.set_lock_unchecked(lock.address);
            return Ok(ClassId::UNCHECKED);
        };
        let mut slow = self.lockdep.slow();
        let class = slow.validator.class(key, kind_of(lock.kind), &name)?;
        // What lies on a stack vanishes without a word.
        if !stack::in_range(lock.address) {
            slow.set(&self.lockdep.fast, lock.address, class)?;
        }
        Ok(class)
    }

    /// What tells a lock without a key from others: the variable that it is, or else the place
    /// where it is first taken. A timer or work that is no variable, and was not set up as others
    /// are, is the kernel's own or Rust's.
    fn key_of(&self, lock: &LockAt) -> Option<(Key, String)> {
        let LockAt { kind, address, place } = *lock;
        let is_function = kind == LockKind::Function;
        if let Some(first) = self.static_object(address) {
            let name = self.variable_name(first);
            return Some((
                Key::of(first),
                if is_function { alloc::format!("({name})") } else { name },
            ));
        }
        if is_function {
            return None;
        }
        let name = self.name_of(place.wrapping_sub(1));
        let name = name.as_ref().map_or("?", |name| name.as_str());
        let function = name.split('+').next().unwrap_or(name);
        Some((Key::of_place(place), alloc::format!("lock of {function}")))
    }

    /// The first copy of an object in a module, if one lies at an address.
    fn static_object(&self, address: usize) -> Option<usize> {
        let mut images = self.modules().into_iter().filter_map(|module| module.image());
        let image = images.find(|image| image.contains(address))?;
        Some(image.first_copy(address))
    }

    /// A lock is initialised at an address: from now on its class is that of `key` (Linux:
    /// lockdep_init_map, lockdep_set_class). Its name is made only for a class that is new.
    pub fn set_lock_class(&self, kind: LockKind, address: usize, key: usize, name: &dyn Display) {
        if !self.lockdep.is_on() {
            return;
        }
        let key = Key::of(key);
        let known = self.lockdep.slow().validator.find_class(key);
        // A name may be a bad pointer: it is read while no lock is held.
        let name = known.map_or_else(|| name.to_string(), |_| String::new());
        let mut slow = self.lockdep.slow();
        let class = slow.validator.class(key, kind_of(kind), &name);
        let set = class.and_then(|class| slow.set(&self.lockdep.fast, address, class));
        drop(slow);
        if let Err(pool) = set {
            self.lockdep_is_full(pool);
        }
    }

    /// The lock at an address is of a subclass of its class (Linux: lockdep_set_subclass).
    pub fn set_lock_subclass(&self, address: usize, subclass: u8) {
        let slot = self.lockdep.fast.slots.get(address).filter(|slot| slot.class.is_some());
        let Some(slot) = slot.filter(|_| self.lockdep.is_on() && subclass < SUBCLASSES) else {
            return;
        };
        let mut slow = self.lockdep.slow();
        let class = slow.validator.subclass(slot.class, subclass);
        let set = class.and_then(|class| slow.set(&self.lockdep.fast, address, class));
        drop(slow);
        if let Err(pool) = set {
            self.lockdep_is_full(pool);
        }
    }

    /// The lock at an address is never looked at (Linux: lockdep_set_novalidate_class).
    pub fn set_lock_unchecked(&self, address: usize) {
        if !self.lockdep.is_on() {
            return;
        }
        let mut slow = self.lockdep.slow();
        let set = self.lockdep.fast.slots.set(address, UNCHECKED, &mut slow.locks);
        drop(slow);
        if set.is_err() {
            self.lockdep_is_full(Pool::Locks);
        }
    }

    /// No lock of a class is looked at any more.
    pub(super) fn dismiss_class(&self, class: ClassId) {
        let mut slow = self.lockdep.slow();
        slow.validator.dismiss(class);
        self.lockdep.fast.slots.replace(class, UNCHECKED);
        self.lockdep.fast.forget_chains();
        drop(slow);
    }

    /// Memory goes: what was known of locks in it does, too.
    #[inline]
    pub fn forget_locks_in(&self, memory: &Range<usize>) {
        if self.lockdep.fast.slots.may_be_in(memory) {
            let mut slow = self.lockdep.slow();
            self.lockdep.fast.slots.forget(memory, &mut slow.locks);
            drop(slow);
        }
    }

    /// A module's memory goes, or that of keys: classes whose keys lie there go, with all that is
    /// known of them (Linux: lockdep_free_key_range, lockdep_unregister_key).
    pub fn forget_lock_keys_in(&self, memory: &Range<usize>) {
        if !self.lockdep.is_on() {
            return;
        }
        self.forget_locks_in(memory);
        let fast = &self.lockdep.fast;
        let mut slow = self.lockdep.slow();
        let gone = slow.validator.forget(&|key| memory.contains(&key.address));
        if !gone.is_empty() {
            fast.slots.forget_where(&|_, class| gone.contains(&class), &mut slow.locks);
            fast.forget_chains();
        }
        drop(slow);
    }
}
