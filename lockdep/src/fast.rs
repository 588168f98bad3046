//! What is answered without a lock: that everything about a lock that is taken has been looked at
//! before.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::class::ClassId;
use crate::slots::{Slot, Slots};
use crate::tag::{Chain, How, Tag};
use crate::usage::Usage;

const ORDER: Ordering = Ordering::Relaxed;
/// How many places a chain may stand in.
const PLACES: usize = 4;

/// Chains that have been looked at (Linux: chainhash_table). A small cache: what is not found is
/// looked at anew.
#[derive(Debug)]
pub struct Chains(Box<[AtomicU32]>);

impl Chains {
    /// A cache for about so many.
    pub fn new(chains: usize) -> Chains {
        let len = chains.next_power_of_two().max(PLACES);
        Chains((0..len).map(|_| AtomicU32::new(0)).collect())
    }

    #[inline]
    fn places(&self, chain: Chain) -> &[AtomicU32] {
        let first = (chain.0 >> 8) as usize & (self.0.len() - 1) & !(PLACES - 1);
        self.0.get(first..first + PLACES).unwrap_or_default()
    }

    #[inline]
    fn has(&self, chain: Chain) -> bool {
        self.places(chain).iter().any(|place| place.load(ORDER) == chain.0)
    }

    /// Puts a chain first and what stood there one place further.
    fn add(&self, chain: Chain) {
        let mut chain = chain.0;
        for place in self.places(Chain(chain)) {
            let old = place.swap(chain, ORDER);
            if old == 0 {
                break;
            }
            chain = old;
        }
    }

    fn clear(&self) {
        self.0.iter().for_each(|place| place.store(0, ORDER));
    }
}

/// What is known without a lock.
#[derive(Debug)]
pub struct Fast {
    is_on: AtomicBool,
    /// The classes of locks.
    pub slots: Slots,
    chains: Chains,
}

impl Fast {
    /// Knows nothing yet.
    pub fn new(slots: Slots, chains: Chains) -> Fast {
        Fast { is_on: AtomicBool::new(true), slots, chains }
    }

    /// Whether locks are looked at.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on.load(ORDER)
    }

    /// From now on no lock is looked at any more.
    pub fn turn_off(&self) {
        self.is_on.store(false, ORDER);
    }

    /// The tag for a lock that is taken `here`, if all about that is known; `newest` is that of the
    /// lock taken last of those that are held. None: ask the validator.
    #[inline]
    pub fn look(&self, lock: usize, here: Usage, how: How, newest: Option<Tag>) -> Option<Tag> {
        let before = chain_of(newest, here.level());
        if before == Chain::START && how.subclass == 0 && how.usage(here).is_empty() {
            return Some(Tag::bare(here, how));
        }
        self.look_at(self.slots.get(lock)?, here, how, before)
    }

    /// As [`look`](Fast::look), for a lock of which all that is known is kept elsewhere.
    #[inline]
    pub fn look_kept(&self, slot: Slot, here: Usage, how: How, newest: Option<Tag>) -> Option<Tag> {
        self.look_at(slot, here, how, chain_of(newest, here.level()))
    }

    #[inline]
    fn look_at(&self, slot: Slot, here: Usage, how: How, before: Chain) -> Option<Tag> {
        let bare = Tag::bare(here, how);
        if slot.class == ClassId::UNCHECKED {
            return Some(bare.with(slot.class, before));
        }
        let usage = how.usage(here);
        let chain = before.then(slot.class, how, usage);
        let makes_no_order = how.subclass == 0 && (before == Chain::START || !how.waits());
        let is_known = makes_no_order && slot.seen.has(usage) || self.chains.has(chain);
        (is_known && before != Chain::UNKNOWN).then(|| bare.with(slot.class, chain))
    }

    /// Works out the tag of a lock that is held, from that of the one taken before it; None if its
    /// class is not known.
    pub fn settle(&self, lock: usize, tag: Tag, before: Option<Tag>) -> Option<Tag> {
        let class =
            if tag.class() == ClassId::NONE { self.slots.get(lock)?.class } else { tag.class() };
        let before = chain_of(before, tag.level());
        Some(tag.with(class, extend(before, class, tag.how(), Usage::NONE)))
    }

    /// Notes that a lock of a class was looked at when it was taken `here`; gives its tag.
    pub fn note(&self, class: ClassId, here: Usage, how: How, newest: Option<Tag>) -> Tag {
        let chain = extend(chain_of(newest, here.level()), class, how, how.usage(here));
        self.chains.add(chain);
        Tag::bare(here, how).with(class, chain)
    }

    /// Forgets which chains have been looked at: classes have gone or changed.
    pub fn forget_chains(&self) {
        self.chains.clear();
    }
}

/// The chain that a lock on a level continues, if `newest` is the one before it.
#[inline]
fn chain_of(newest: Option<Tag>, level: u8) -> Chain {
    match newest {
        Some(tag) if tag.level() == level => tag.chain(),
        _ => Chain::START,
    }
}

/// The chain with one more lock; those that are not looked at do not count.
fn extend(before: Chain, class: ClassId, how: How, usage: Usage) -> Chain {
    if class.is_some() { before.then(class, how, usage) } else { before }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: Usage = Usage(12);

    fn fast() -> Fast {
        let (fast, mut used) = (Fast::new(Slots::new(16), Chains::new(64)), 0);
        for (lock, class) in [(0x10, 1), (0x20, 2), (0x30, ClassId::MASK)] {
            let slot = Slot { class: ClassId(class), seen: TASK };
            assert_eq!(fast.slots.set(lock, slot, &mut used), Ok(()));
        }
        fast
    }

    #[test]
    fn a_single_lock_needs_its_states_only() {
        let fast = fast();
        let look = |lock, here| fast.look(lock, here, How::PLAIN, None).map(Tag::class);
        assert_eq!(look(0x10, TASK), Some(ClassId(1)));
        assert_eq!(look(0x10, Usage::IN_SOFTIRQ), None);
        assert_eq!(look(0x40, TASK), None);
        assert_eq!(look(0x40, Usage::NONE), Some(ClassId::NONE));
        assert_eq!(fast.look(0x10, TASK, How::nested(1), None), None);
        let tried = fast.look(0x10, Usage::IN_SOFTIRQ, How::TRY, None);
        assert_eq!(tried.map(Tag::class), Some(ClassId::NONE));
    }

    #[test]
    fn an_order_is_known_once_it_was_looked_at() {
        let fast = fast();
        let outer = fast.look(0x10, TASK, How::PLAIN, None);
        assert_eq!(fast.look(0x20, TASK, How::PLAIN, outer), None);
        let noted = fast.note(ClassId(2), TASK, How::PLAIN, outer);
        assert_eq!(fast.look(0x20, TASK, How::PLAIN, outer), Some(noted));
        assert_eq!(fast.look(0x20, Usage::NONE, How::PLAIN, outer), None);
        assert_eq!(fast.look(0x10, TASK, How::PLAIN, Some(noted)), None);
        // In an interrupt what lies beneath does not count.
        let above = fast.look(0x20, Usage::IN_SOFTIRQ, How::PLAIN, outer);
        assert_eq!(above, None);
        fast.forget_chains();
        assert_eq!(fast.look(0x20, TASK, How::PLAIN, outer), None);
        // Trying makes no order.
        assert!(fast.look(0x20, TASK, How::TRY, outer).is_some());
    }

    #[test]
    fn what_is_not_looked_at_changes_no_chain() {
        let fast = fast();
        let outer = fast.look(0x10, TASK, How::PLAIN, None);
        let unchecked = fast.look(0x30, TASK, How::PLAIN, outer);
        assert_eq!(unchecked.map(Tag::class), Some(ClassId::UNCHECKED));
        assert_eq!(unchecked.map(Tag::chain), outer.map(Tag::chain));
        assert_eq!(fast.look(0x20, TASK, How::PLAIN, unchecked), None);
    }

    #[test]
    fn bare_tags_are_settled() {
        let fast = fast();
        let bare = fast.look(0x10, Usage::NONE, How::PLAIN, None).expect("nothing to know");
        assert_eq!(bare.chain(), Chain::UNKNOWN);
        assert_eq!(fast.look(0x20, Usage::NONE, How::PLAIN, Some(bare)), None);
        let settled = fast.settle(0x10, bare, None).expect("a known class");
        assert_eq!((settled.class(), settled.how()), (ClassId(1), How::PLAIN));
        let noted = fast.note(ClassId(2), Usage::NONE, How::PLAIN, Some(settled));
        assert_eq!(fast.look(0x20, Usage::NONE, How::PLAIN, Some(settled)), Some(noted));
        assert_eq!(fast.settle(0x70, bare, None), None);
    }

    #[test]
    fn chains_that_meet_push_each_other_out() {
        let chains = Chains::new(4);
        let chain = |n: u32| Chain(n << 1 | 2);
        (1..=5).for_each(|n| chains.add(chain(n * 2)));
        assert!(!chains.has(chain(2)));
        assert!((2..=5).all(|n| chains.has(chain(n * 2))));
    }
}
