//! Asking about a lock that is taken: first what was found before, then the validator.

use alloc::vec::Vec;

use kthreads_base::Head;
use kthreads_base::held::{HeldLock, Newest};
use kthreads_lockdep::{Acquire, Chain, ClassId, Finding, How, Pool, Site, Tag, Usage};

use super::LockAt;
use super::context::{Snapshot, newest_of, usage_of, who};
use crate::Kernel;

impl Kernel {
    /// Whether locks are looked at (debug_locks).
    pub fn checks_locks(&self) -> bool {
        self.lockdep.is_on()
    }

    /// What is to be kept with a lock that the running task is about to take (Linux:
    /// lock_acquire). Says so if that can end in a deadlock.
    #[inline]
    pub fn lock_tag(&self, head: &Head, lock: &LockAt, how: How) -> u64 {
        let fast = &self.lockdep.fast;
        if !fast.is_on() {
            return 0;
        }
        let newest = match head.held.newest() {
            Newest::None => None,
            Newest::Tag(tag) => Some(Tag(tag)),
            Newest::Unknown => return 0,
        };
        match fast.look(lock.address, usage_of(head), how, newest) {
            Some(tag) => tag.0,
            None => self.lock_tag_slow(head, lock, how, usage_of(head)).0,
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn lock_tag_slow(&self, head: &Head, lock: &LockAt, how: How, here: Usage) -> Tag {
        self.settle(head);
        let fast = &self.lockdep.fast;
        if let Some(tag) = fast.look(lock.address, here, how, newest_of(head)) {
            return tag;
        }
        self.lock_tag_anew(head, lock, how, here)
    }

    /// Looks at a lock whatever has been found before.
    fn lock_tag_anew(&self, head: &Head, lock: &LockAt, how: How, here: Usage) -> Tag {
        match self.class_at(lock) {
            Ok(class) => self.learn(head, lock, class, how, here).0,
            Err(pool) => self.lockdep_is_full(pool),
        }
    }

    /// Asks the validator. Gives the tag, and what is known of the lock now.
    pub(super) fn learn(
        &self,
        head: &Head,
        lock: &LockAt,
        class: ClassId,
        how: How,
        here: Usage,
    ) -> (Tag, Usage) {
        let LockAt { address, place, .. } = *lock;
        let snapshot = Snapshot::of(head);
        let site = Site { place, who: who(head) };
        let new = Acquire { lock: address, class, here, how, site };
        let fast = &self.lockdep.fast;
        let mut slow = self.lockdep.slow();
        let findings = slow.validator.acquire(snapshot.held(), &new);
        let seen = slow.validator.seen(class);
        if fast.slots.get(address).is_some_and(|slot| slot.class == class) {
            // It is there, so there is room for it.
            let _ = slow.set(fast, address, class);
        }
        let makes_orders = slow.validator.is_lock(class);
        drop(slow);
        let tag = match makes_orders {
            true => fast.note(class, here, how, newest_of(head)),
            false => Tag::bare(here, how).with(class, Chain::UNKNOWN),
        };
        self.tell(findings);
        (tag, seen)
    }

    pub(super) fn tell(&self, findings: Vec<Finding>) {
        for finding in findings {
            match finding {
                Finding::Full(pool) => {
                    self.lockdep_is_full(pool);
                }
                finding => self.report_lock_finding(&self.cx(), &finding),
            }
        }
    }

    /// Works out the classes and chains of the locks that the running task holds, where nobody has
    /// done so yet.
    pub(super) fn settle(&self, head: &Head) {
        let mut before = None;
        head.held.retag(&mut |held| {
            let tag = self.settled(&held, before);
            before = Some(tag);
            tag.0
        });
    }

    fn settled(&self, held: &HeldLock, before: Option<Tag>) -> Tag {
        let tag = Tag(held.tag);
        if tag.chain() != Chain::UNKNOWN {
            return tag;
        }
        let fast = &self.lockdep.fast;
        if let Some(tag) = fast.settle(held.address, tag, before) {
            return tag;
        }
        let lock = LockAt { kind: held.kind, address: held.address, place: held.taken_at };
        let class = self.class_at(&lock).unwrap_or(ClassId::UNCHECKED);
        let tag = tag.with(class, Chain::UNKNOWN);
        fast.settle(held.address, tag, before).unwrap_or(tag)
    }

    /// Looks once more at a lock that the running task holds and takes again, as it never ends.
    /// False if it is not looked at, so that nobody has been told.
    pub fn tells_of_second_taking(&self, head: &Head, lock: &LockAt) -> bool {
        if !self.lockdep.is_on() {
            return false;
        }
        self.settle(head);
        let tag = self.lock_tag_anew(head, lock, How::PLAIN, usage_of(head));
        tag.class().is_some()
    }

    /// Nothing can be learnt any more (Linux: print_lockdep_off).
    #[cold]
    pub(super) fn lockdep_is_full(&self, pool: Pool) -> Tag {
        if self.lockdep.is_on() {
            self.lockdep.turn_off();
            self.report_lockdep_full(&self.cx(), pool);
        }
        Tag::NONE
    }
}
