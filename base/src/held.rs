//! Which locks a thread holds, for reports.
//!
//! Only the thread itself adds and removes; interrupts on its stack do so too, but leave the list
//! as they found it. Others read, and may strike out what they have released in its place. All is
//! relaxed: whoever reads wants to explain something that has stood still for long.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

const ORDER: Ordering = Ordering::Relaxed;
/// How many locks are kept; more may be held, the last of them unnamed.
const KEPT: usize = 8;
/// How many semaphores are kept.
const KEPT_SEMAPHORES: usize = 2;
/// The bits of an entry that hold the kind: locks are at least four bytes apart.
const KIND_MASK: usize = 3;

/// What kind of lock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// A spin lock.
    Spin = 1,
    /// A mutex.
    Mutex = 2,
    /// A semaphore: it has no owner, so it is only known who took it last.
    Semaphore = 3,
}

impl LockKind {
    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            LockKind::Spin => "spin lock",
            LockKind::Mutex => "mutex",
            LockKind::Semaphore => "semaphore",
        }
    }
}

/// A lock that a thread holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldLock {
    /// Its kind.
    pub kind: LockKind,
    /// Where it lies.
    pub address: usize,
    /// The address that the call which took it returns to, 0 if that is not known.
    pub taken_at: usize,
}

#[derive(Debug, Default)]
struct Entry {
    /// The address and the kind; 0 for none.
    lock: AtomicUsize,
    taken_at: AtomicUsize,
}

impl Entry {
    fn set(&self, kind: LockKind, address: usize, taken_at: usize) {
        self.taken_at.store(taken_at, ORDER);
        self.lock.store(address & !KIND_MASK | kind as usize, ORDER);
    }

    fn copy(&self, other: &Entry) {
        self.taken_at.store(other.taken_at.load(ORDER), ORDER);
        self.lock.store(other.lock.load(ORDER), ORDER);
    }

    fn is(&self, address: usize) -> bool {
        self.lock.load(ORDER) & !KIND_MASK == address
    }

    fn get(&self) -> Option<HeldLock> {
        let lock = self.lock.load(ORDER);
        let kind = match lock & KIND_MASK {
            1 => LockKind::Spin,
            2 => LockKind::Mutex,
            3 => LockKind::Semaphore,
            _ => return None,
        };
        Some(HeldLock { kind, address: lock & !KIND_MASK, taken_at: self.taken_at.load(ORDER) })
    }
}

/// The locks that a thread holds, in the order it took them.
#[derive(Debug, Default)]
pub struct HeldLocks {
    count: AtomicU32,
    entries: [Entry; KEPT],
    semaphores: [Entry; KEPT_SEMAPHORES],
}

impl HeldLocks {
    /// Notes that the calling thread has taken a lock.
    #[inline]
    pub fn add(&self, kind: LockKind, address: usize, taken_at: usize) {
        let count = self.count.load(ORDER);
        if let Some(entry) = self.entries.get(count as usize) {
            entry.set(kind, address, taken_at);
        }
        self.count.store(count.wrapping_add(1), ORDER);
    }

    /// Notes that the calling thread has released a lock.
    #[inline]
    pub fn remove(&self, address: usize) {
        let count = self.count.load(ORDER) as usize;
        match self.entries.get(count.wrapping_sub(1)) {
            Some(entry) if entry.is(address) => self.shrink(count - 1),
            _ => self.remove_inner(address, count),
        }
    }

    #[inline]
    fn shrink(&self, mut count: usize) {
        // What others have struck out at the end is gone, too.
        while count > 0 && self.entries.get(count - 1).is_some_and(|entry| entry.is(0)) {
            count -= 1;
        }
        self.count.store(count as u32, ORDER);
    }

    #[cold]
    fn remove_inner(&self, address: usize, count: usize) {
        let kept = &self.entries[..count.min(KEPT)];
        match kept.iter().rposition(|entry| entry.is(address)) {
            Some(place) => {
                for (entry, next) in kept[place..].iter().zip(&kept[place + 1..]) {
                    entry.copy(next);
                }
                self.shrink(count - 1);
            }
            None if count > KEPT => self.shrink(count - 1),
            None => {}
        }
    }

    /// Strikes out a lock that another thread has released.
    pub fn strike(&self, address: usize) {
        for entry in &self.entries {
            let lock = entry.lock.load(ORDER);
            if lock & !KIND_MASK == address {
                let _ = entry.lock.compare_exchange(lock, 0, ORDER, ORDER);
            }
        }
    }

    /// Tells where the calling thread took the lock it took last.
    #[inline]
    pub fn set_place(&self, address: usize, taken_at: usize) {
        let count = self.count.load(ORDER) as usize;
        let last = self.entries.get(count.wrapping_sub(1));
        if let Some(entry) = last.filter(|entry| entry.is(address)) {
            entry.taken_at.store(taken_at, ORDER);
        }
    }

    /// Notes that the calling thread took a semaphore.
    pub fn add_semaphore(&self, address: usize, taken_at: usize) {
        let [newest, older] = &self.semaphores;
        if !newest.is(address) {
            older.copy(newest);
        }
        newest.set(LockKind::Semaphore, address, taken_at);
    }

    /// Notes that the calling thread gave a semaphore.
    pub fn remove_semaphore(&self, address: usize) {
        for entry in self.semaphores.iter().filter(|entry| entry.is(address)) {
            entry.lock.store(0, ORDER);
        }
    }

    /// Whether the thread holds that lock, or took that semaphore and did not give it back itself.
    pub fn contains(&self, address: usize) -> bool {
        self.iter().any(|held| held.address == address)
    }

    /// The locks that the thread holds, oldest first, then the semaphores it took.
    pub fn iter(&self) -> impl Iterator<Item = HeldLock> {
        let count = (self.count.load(ORDER) as usize).min(KEPT);
        let semaphores = self.semaphores.iter().rev();
        self.entries[..count].iter().chain(semaphores).filter_map(Entry::get)
    }

    /// How many locks are held, for [`truncate`](HeldLocks::truncate).
    pub fn mark(&self) -> u32 {
        self.count.load(ORDER)
    }

    /// Forgets the locks taken since a mark: of code that was given up.
    pub fn truncate(&self, mark: u32) {
        self.count.store(mark.min(self.mark()), ORDER);
    }

    /// Forgets everything: for a new thread, or one whose locks have been told of.
    pub fn clear(&self) {
        // Entries beyond the count mean nothing.
        self.count.store(0, ORDER);
        for entry in &self.semaphores {
            entry.lock.store(0, ORDER);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    fn addresses(locks: &HeldLocks) -> Vec<usize> {
        locks.iter().map(|held| held.address).collect()
    }

    #[test]
    fn locks_are_released_in_any_order() {
        let locks = HeldLocks::default();
        for address in [0x10, 0x20, 0x30] {
            locks.add(LockKind::Spin, address, address + 1);
        }
        locks.remove(0x20);
        assert_eq!(addresses(&locks), [0x10, 0x30]);
        locks.remove(0x40);
        locks.remove(0x30);
        locks.add(LockKind::Mutex, 0x50, 0);
        locks.set_place(0x50, 7);
        let last = HeldLock { kind: LockKind::Mutex, address: 0x50, taken_at: 7 };
        assert_eq!(locks.iter().last(), Some(last));
        assert!(locks.contains(0x10) && !locks.contains(0x30));
    }

    #[test]
    fn more_locks_than_are_kept_do_no_harm() {
        let locks = HeldLocks::default();
        let all: Vec<usize> = (1..=KEPT + 3).map(|n| n * 16).collect();
        all.iter().for_each(|address| locks.add(LockKind::Spin, *address, 0));
        assert_eq!(addresses(&locks), all[..KEPT]);
        all.iter().rev().for_each(|address| locks.remove(*address));
        assert_eq!(addresses(&locks), []);
        locks.add(LockKind::Spin, 0x10, 0);
        assert_eq!(addresses(&locks), [0x10]);
    }

    #[test]
    fn what_others_have_struck_out_is_skipped() {
        let locks = HeldLocks::default();
        locks.add(LockKind::Spin, 0x10, 0);
        locks.add(LockKind::Spin, 0x20, 0);
        locks.add(LockKind::Spin, 0x30, 0);
        locks.strike(0x20);
        assert_eq!(addresses(&locks), [0x10, 0x30]);
        locks.remove(0x30);
        locks.remove(0x10);
        assert_eq!(addresses(&locks), []);
    }

    #[test]
    fn the_last_two_semaphores_are_known() {
        let locks = HeldLocks::default();
        for address in [0x10, 0x20, 0x20, 0x30] {
            locks.add_semaphore(address, 0);
        }
        assert_eq!(addresses(&locks), [0x20, 0x30]);
        locks.remove_semaphore(0x20);
        assert_eq!(addresses(&locks), [0x30]);
    }
}
