//! Semaphores. Many are locks, others tell somebody something: those are taken by one and given by
//! another, and no order of theirs means anything.
//!
//! So only a semaphore that begins with one count may be a lock, and its class makes orders once it
//! was given back by who took it. As soon as one of the class is given by another, or taken again by
//! who has it, none of the class is looked at any more. (Linux does not look at semaphores.)

use core::fmt::Display;

use kthreads_base::Head;
use kthreads_base::held::LockKind;
use kthreads_lockdep::{ClassId, How, Tag};

use super::LockAt;
use super::context::usage_of;
use crate::Kernel;
use crate::task::Task;

/// The counts of a semaphore that may be a lock.
const COUNTS_OF_LOCK: u32 = 1;

impl Kernel {
    /// A semaphore with that many counts is initialised at an address.
    pub fn set_semaphore_class(&self, address: usize, count: u32, key: usize, name: &dyn Display) {
        match count {
            COUNTS_OF_LOCK => self.set_lock_class(LockKind::Semaphore, address, key, name),
            _ => self.set_lock_unchecked(address),
        }
    }

    /// What is to be kept with a semaphore, of now `count` counts, that the running task is about to
    /// take.
    pub fn semaphore_tag(&self, head: &Head, lock: &LockAt, count: u32, how: How) -> u64 {
        if !self.lockdep.is_on() || head.held.has_more() {
            return 0;
        }
        let slot = self.lockdep.fast.slots.get(lock.address);
        if slot.is_none() && count != COUNTS_OF_LOCK {
            self.set_lock_unchecked(lock.address);
        }
        if let Some(slot) = slot.filter(|slot| slot.class.is_some())
            && head.held.entries().any(|held| held.address == lock.address)
        {
            self.dismiss_class(slot.class);
        }
        self.lock_tag(head, lock, how)
    }

    /// Notes that the running task has taken a semaphore with such a tag.
    pub fn semaphore_taken(&self, head: &Head, lock: &LockAt, tag: u64) {
        let class = match Tag(tag).class() {
            ClassId::NONE => self.lockdep.fast.slots.get(lock.address).map(|slot| slot.class),
            class => Some(class),
        };
        if class.is_some_and(ClassId::is_some) {
            let tag = Tag(tag).with(class.unwrap_or(ClassId::NONE), Tag(tag).chain());
            head.held.add_tagged(LockKind::Semaphore, lock.address, lock.place, tag.0);
        } else {
            head.held.add_semaphore(lock.address, lock.place);
        }
    }

    /// Notes that the running task has given a semaphore.
    pub fn semaphore_given(&self, head: &Head, address: usize) {
        head.held.remove_semaphore(address);
        if !self.lockdep.is_on() {
            head.held.remove(address);
            return;
        }
        let slot = match self.lockdep.fast.slots.get(address) {
            Some(slot) if slot.class.is_some() => slot,
            Some(_) => {
                head.held.remove(address);
                return;
            }
            // Nobody has taken it yet, and it can be taken by others now.
            None => return self.set_lock_unchecked(address),
        };
        let mine = head.held.entries().find(|held| held.address == address);
        match mine.filter(|_| usage_of(head).level() == 0) {
            Some(_) => {
                head.held.remove(address);
                if slot.seen.is_empty() {
                    self.confirm_class(slot.class, address);
                }
            }
            None => self.given_by_stranger(slot.class, address),
        }
    }

    /// A semaphore was given back by who took it.
    fn confirm_class(&self, class: ClassId, address: usize) {
        let fast = &self.lockdep.fast;
        let mut slow = self.lockdep.slow();
        if slow.validator.confirm(class) {
            fast.forget_chains();
        }
        // It is there, so there is room for it.
        let _ = slow.set(fast, address, class);
    }

    #[cold]
    fn given_by_stranger(&self, class: ClassId, address: usize) {
        self.dismiss_class(class);
        let holds = |task: &&Task| task.head.held.entries().any(|held| held.address == address);
        for task in self.tasks.iter().filter(holds) {
            task.head.held.strike(address);
        }
    }
}
