//! Which locks a thread holds, for reports and for a lock validator.
//!
//! Only the thread itself adds and removes; interrupts on its stack do so too, but leave the list
//! as they found it: an entry counts before it is filled in, and until after it was emptied, so
//! that none of them can come to lie in its place. Others read, and may strike out what they have
//! released in its place. All is relaxed: whoever reads wants to explain something that has stood
//! still for long.

mod overflow;

use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence};

use overflow::Overflow;

const ORDER: Ordering = Ordering::Relaxed;
/// How many locks are kept; more may be held, the last of them unnamed.
pub const KEPT: usize = KEPT_HERE + overflow::KEPT;
/// How many locks every thread has room for. There may be a million threads, and few hold more.
const KEPT_HERE: usize = 2;
/// The address of an entry that is not filled in yet.
const EMPTY: usize = 0;
/// The address of an entry that was struck out.
const STRUCK: usize = 1;
/// Where the kind stands beside a tag.
const KIND_SHIFT: u32 = 56;
/// The part of a tag that is cleared when something beneath is released.
const CHAIN_MASK: u64 = 0xffff_ffff;

/// What kind of lock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// A spin lock.
    Spin = 1,
    /// A mutex.
    Mutex = 2,
    /// A semaphore: it has no owner, so it is only known who took it last.
    Semaphore = 3,
    /// No lock, but a function for whose end others may wait.
    Function = 4,
}

impl LockKind {
    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            LockKind::Spin => "spin lock",
            LockKind::Mutex => "mutex",
            LockKind::Semaphore => "semaphore",
            LockKind::Function => "function",
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
    /// What a validator keeps with it, 56 bits.
    pub tag: u64,
}

#[derive(Debug, Default)]
struct Entry {
    address: AtomicUsize,
    taken_at: AtomicUsize,
    /// The tag, and the kind above it.
    tag: AtomicU64,
}

fn with_kind(tag: u64, kind: LockKind) -> u64 {
    tag | (kind as u64) << KIND_SHIFT
}

impl Entry {
    #[inline]
    fn set(&self, kind: LockKind, address: usize, taken_at: usize, tag: u64) {
        self.taken_at.store(taken_at, ORDER);
        self.tag.store(with_kind(tag, kind), ORDER);
        compiler_fence(Ordering::SeqCst);
        self.address.store(address, ORDER);
    }

    fn copy(&self, other: &Entry) {
        self.taken_at.store(other.taken_at.load(ORDER), ORDER);
        self.tag.store(other.tag.load(ORDER), ORDER);
        self.address.store(other.address.load(ORDER), ORDER);
    }

    #[inline]
    fn is(&self, address: usize) -> bool {
        self.address.load(ORDER) == address
    }

    #[inline]
    fn is_filled(&self) -> bool {
        self.address.load(ORDER) > STRUCK
    }

    fn forget_chain(&self) {
        self.tag.fetch_and(!CHAIN_MASK, ORDER);
    }

    fn get(&self) -> Option<HeldLock> {
        let tag = self.tag.load(ORDER);
        let kind = match tag >> KIND_SHIFT {
            1 => LockKind::Spin,
            2 => LockKind::Mutex,
            3 => LockKind::Semaphore,
            _ => LockKind::Function,
        };
        let tag = tag & !(u64::MAX << KIND_SHIFT);
        let (address, taken_at) = (self.address.load(ORDER), self.taken_at.load(ORDER));
        (address > STRUCK).then_some(HeldLock { kind, address, taken_at, tag })
    }
}

/// The locks that a thread holds, in the order it took them.
#[derive(Debug, Default)]
pub struct HeldLocks {
    count: AtomicU32,
    first: [Entry; KEPT_HERE],
    others: Overflow,
}

impl HeldLocks {
    /// Notes that the calling thread has taken a lock.
    #[inline]
    pub fn add(&self, kind: LockKind, address: usize, taken_at: usize) {
        self.add_tagged(kind, address, taken_at, 0);
    }

    /// As [`add`](HeldLocks::add), with what a validator keeps.
    #[inline]
    pub fn add_tagged(&self, kind: LockKind, address: usize, taken_at: usize, tag: u64) {
        let count = self.count.load(ORDER);
        self.count.store(count.wrapping_add(1), ORDER);
        compiler_fence(Ordering::SeqCst);
        let entry = self.first.get(count as usize);
        if let Some(entry) = entry.or_else(|| self.make_other(count as usize)) {
            entry.set(kind, address, taken_at, tag);
        }
    }

    #[cold]
    #[inline(never)]
    fn make_other(&self, place: usize) -> Option<&Entry> {
        self.others.make();
        self.entry(place)
    }

    /// The entry at a place, if it is kept.
    #[inline]
    fn entry(&self, place: usize) -> Option<&Entry> {
        self.first.get(place).or_else(|| self.others.get(place.wrapping_sub(KEPT_HERE)))
    }

    /// All entries from the oldest on, filled in or not.
    fn kept(&self) -> impl DoubleEndedIterator<Item = &Entry> + Clone {
        self.first.iter().chain(self.others.locks())
    }

    /// Notes that the calling thread has released a lock; false if it is known not to hold it.
    #[inline]
    pub fn remove(&self, address: usize) -> bool {
        let count = self.count.load(ORDER) as usize;
        match self.entry(count.wrapping_sub(1)) {
            Some(entry) if entry.is(address) => {
                entry.address.store(EMPTY, ORDER);
                compiler_fence(Ordering::SeqCst);
                self.shrink(count - 1);
                true
            }
            _ => self.remove_inner(address, count),
        }
    }

    #[inline]
    fn shrink(&self, mut count: usize) {
        // What others have struck out at the end is gone, too.
        while count > 0
            && let Some(last) = self.entry(count - 1).filter(|e| e.is(STRUCK))
        {
            last.address.store(EMPTY, ORDER);
            count -= 1;
        }
        self.count.store(count as u32, ORDER);
    }

    #[cold]
    fn remove_inner(&self, address: usize, count: usize) -> bool {
        let kept = self.kept().take(count);
        let place = kept.clone().enumerate().filter(|(_, entry)| entry.is(address)).last();
        match place {
            Some((place, _)) => {
                let above = kept.clone().skip(place + 1);
                for (entry, next) in kept.clone().skip(place).zip(above) {
                    entry.copy(next);
                    entry.forget_chain();
                }
                kept.last().inspect(|entry| entry.address.store(EMPTY, ORDER));
                self.shrink(count - 1);
                true
            }
            // It may be one that was not kept.
            None if kept.clone().count() < count || kept.clone().any(|entry| entry.is(EMPTY)) => {
                self.shrink(count - 1);
                true
            }
            None => false,
        }
    }

    /// Strikes out a lock that another thread has released.
    pub fn strike(&self, address: usize) {
        for (nth, entry) in self.kept().enumerate() {
            let struck = entry.address.compare_exchange(address, STRUCK, ORDER, ORDER);
            if struck.is_ok() {
                self.kept().skip(nth).for_each(Entry::forget_chain);
            }
        }
    }

    /// Tells where the calling thread took the lock it took last.
    #[inline]
    pub fn set_place(&self, address: usize, taken_at: usize) {
        if let Some(entry) = self.last().filter(|entry| entry.is(address)) {
            entry.taken_at.store(taken_at, ORDER);
        }
    }

    /// Keeps a tag with the lock that the calling thread took last.
    #[inline]
    pub fn set_tag(&self, address: usize, tag: u64) {
        if let Some(entry) = self.last().filter(|entry| entry.is(address)) {
            let kind = entry.tag.load(ORDER) >> KIND_SHIFT << KIND_SHIFT;
            entry.tag.store(kind | tag, ORDER);
        }
    }

    #[inline]
    fn last(&self) -> Option<&Entry> {
        let count = self.count.load(ORDER) as usize;
        self.entry(count.wrapping_sub(1))
    }

    /// The tag of the lock that the calling thread took last.
    #[inline]
    pub fn newest(&self) -> Newest {
        let count = self.count.load(ORDER) as usize;
        let Some(last) = self.entry(count.wrapping_sub(1)) else {
            return if count == 0 { Newest::None } else { Newest::Unknown };
        };
        let found = if last.is_filled() { Some(last) } else { self.filled_below(count) };
        let tag = found.map(|entry| entry.tag.load(ORDER) & !(u64::MAX << KIND_SHIFT));
        tag.map_or(Newest::None, Newest::Tag)
    }

    #[cold]
    fn filled_below(&self, count: usize) -> Option<&Entry> {
        self.kept().take(count).filter(|entry| entry.is_filled()).last()
    }

    /// Gives the locks that the calling thread holds other tags, oldest first: `tag_of` gets each
    /// lock as it is.
    pub fn retag(&self, tag_of: &mut dyn FnMut(HeldLock) -> u64) {
        for entry in self.kept().take(self.mark() as usize) {
            if let Some(held) = entry.get() {
                entry.tag.store(with_kind(tag_of(held), held.kind), ORDER);
            }
        }
    }

    /// Notes that the calling thread took a semaphore.
    pub fn add_semaphore(&self, address: usize, taken_at: usize) {
        self.others.make();
        let [newest, older] = self.others.semaphores() else { return };
        if !newest.is(address) {
            older.copy(newest);
        }
        newest.set(LockKind::Semaphore, address, taken_at, 0);
    }

    /// Notes that the calling thread gave a semaphore.
    pub fn remove_semaphore(&self, address: usize) {
        for entry in self.others.semaphores().iter().filter(|entry| entry.is(address)) {
            entry.address.store(EMPTY, ORDER);
        }
    }

    /// Whether the thread holds that lock, or took that semaphore and did not give it back itself.
    pub fn contains(&self, address: usize) -> bool {
        self.iter().any(|held| held.address == address)
    }

    /// Whether the thread holds more locks than are kept.
    pub fn has_more(&self) -> bool {
        self.mark() as usize > self.kept().count()
    }

    /// The locks that the thread holds, oldest first, then the semaphores it took.
    pub fn iter(&self) -> impl Iterator<Item = HeldLock> {
        let locks = self.entries().filter(|held| held.kind != LockKind::Function);
        locks.chain(self.others.semaphores().iter().rev().filter_map(Entry::get))
    }

    /// The locks that the thread holds and the functions it is in, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = HeldLock> {
        self.kept().take(self.mark() as usize).filter_map(Entry::get)
    }

    /// How many locks are held, for [`truncate`](HeldLocks::truncate).
    #[inline]
    pub fn mark(&self) -> u32 {
        self.count.load(ORDER)
    }

    /// Forgets the locks taken since a mark: of code that was given up.
    pub fn truncate(&self, mark: u32) {
        let count = self.mark();
        let mark = mark.min(count);
        let gone = self.kept().take(count as usize).skip(mark as usize);
        gone.for_each(|entry| entry.address.store(EMPTY, ORDER));
        self.count.store(mark, ORDER);
    }

    /// Forgets everything: for a new thread, or one whose locks have been told of.
    pub fn clear(&self) {
        self.truncate(0);
        for entry in self.others.semaphores() {
            entry.address.store(EMPTY, ORDER);
        }
    }
}

/// The tag of a thread's newest lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newest {
    /// It holds none.
    None,
    /// It holds one with this tag.
    Tag(u64),
    /// It holds more than are kept.
    Unknown,
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
        assert!(!locks.remove(0x40) && locks.remove(0x30));
        locks.add(LockKind::Mutex, 0x50, 0);
        locks.set_place(0x50, 7);
        locks.set_tag(0x50, 9);
        let last = HeldLock { kind: LockKind::Mutex, address: 0x50, taken_at: 7, tag: 9 };
        assert_eq!(locks.iter().last(), Some(last));
        assert!(locks.contains(0x10) && !locks.contains(0x30));
    }

    #[test]
    fn more_locks_than_are_kept_do_no_harm() {
        let locks = HeldLocks::default();
        let all: Vec<usize> = (1..=KEPT + 3).map(|n| n * 16).collect();
        all.iter().for_each(|address| locks.add(LockKind::Spin, *address, 0));
        assert!(locks.has_more() && locks.newest() == Newest::Unknown);
        assert_eq!(addresses(&locks), all[..KEPT]);
        assert!(all.iter().all(|address| locks.remove(*address)));
        assert_eq!((addresses(&locks), locks.mark()), (std::vec![], 0));
        locks.add(LockKind::Spin, 0x10, 0);
        assert_eq!(addresses(&locks), [0x10]);
    }

    #[test]
    fn many_locks_are_released_in_any_order() {
        let locks = HeldLocks::default();
        let all: Vec<usize> = (1..=KEPT).map(|n| n * 16).collect();
        all.iter().for_each(|address| locks.add(LockKind::Spin, *address, 0));
        let (odd, even): (Vec<usize>, Vec<usize>) = all.iter().partition(|n| *n / 16 % 2 == 1);
        assert!(odd.iter().all(|address| locks.remove(*address)));
        assert_eq!((addresses(&locks), locks.has_more()), (even.clone(), false));
        locks.strike(even[2]);
        locks.truncate(4);
        assert_eq!(addresses(&locks), [even[0], even[1], even[3]]);
        assert!(even[..2].iter().rev().all(|address| locks.remove(*address)));
        assert_eq!((addresses(&locks), locks.mark()), (std::vec![even[3]], 2));
    }

    #[test]
    fn what_others_have_struck_out_is_skipped() {
        let locks = HeldLocks::default();
        locks.add(LockKind::Spin, 0x10, 0);
        locks.add(LockKind::Spin, 0x20, 0);
        locks.add(LockKind::Spin, 0x30, 0);
        locks.strike(0x20);
        assert_eq!(addresses(&locks), [0x10, 0x30]);
        locks.strike(0x30);
        assert_eq!(locks.newest(), Newest::Tag(0));
        assert!(locks.remove(0x10));
        assert_eq!((addresses(&locks), locks.mark()), (std::vec![], 0));
    }

    #[test]
    fn tags_are_kept_and_chains_end_where_something_beneath_goes() {
        let locks = HeldLocks::default();
        assert_eq!(locks.newest(), Newest::None);
        let tag = |n: u64| n << 32 | n;
        for n in 1..=4 {
            locks.add_tagged(LockKind::Spin, 0x10 * n, 0, tag(n as u64));
        }
        assert_eq!(locks.newest(), Newest::Tag(tag(4)));
        assert!(locks.remove(0x20));
        let tags: Vec<u64> = locks.iter().map(|held| held.tag).collect();
        assert_eq!(tags, [tag(1), 3 << 32, 4 << 32]);
        locks.retag(&mut |held| held.tag | held.address as u64);
        assert_eq!(locks.newest(), Newest::Tag(4 << 32 | 0x40));
        locks.strike(0x10);
        assert_eq!(locks.newest(), Newest::Tag(4 << 32));
    }

    #[test]
    fn functions_are_no_locks() {
        let locks = HeldLocks::default();
        locks.add_tagged(LockKind::Function, 0x11, 0, 1);
        assert_eq!((addresses(&locks), locks.entries().count()), (std::vec![], 1));
        assert_eq!(locks.newest(), Newest::Tag(1));
        locks.add(LockKind::Spin, 0x20, 0);
        locks.truncate(1);
        assert_eq!(locks.newest(), Newest::Tag(1));
        assert!(locks.remove(0x11));
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
