//! What is kept with each lock that is held.

use crate::class::ClassId;
use crate::usage::Usage;

/// How a lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// The level of nesting within its class, below [`SUBCLASSES`](crate::SUBCLASSES) (Linux:
    /// spin_lock_nested).
    pub subclass: u8,
    /// What is done if it is not free.
    pub if_held: IfHeld,
}

/// What is done if a lock is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfHeld {
    /// It is waited for.
    Wait = 0,
    /// It is not taken.
    GiveUp = 1,
    /// It is waited for, and an outer lock sees to it that several locks of its class may be taken
    /// in any order (Linux: spin_lock_nest_lock).
    WaitUnderOuter = 2,
}

impl How {
    /// The usual way.
    pub const PLAIN: How = How { subclass: 0, if_held: IfHeld::Wait };
    /// Only if it is free.
    pub const TRY: How = How { subclass: 0, if_held: IfHeld::GiveUp };
    /// Under an outer lock that all who take several of the class have.
    pub const UNDER_OUTER: How = How { subclass: 0, if_held: IfHeld::WaitUnderOuter };

    /// As the lock of a level of nesting.
    #[inline]
    pub const fn nested(subclass: u8) -> How {
        How { subclass: subclass % crate::SUBCLASSES, if_held: IfHeld::Wait }
    }

    /// Whether it is waited for.
    #[inline]
    pub fn waits(self) -> bool {
        self.if_held != IfHeld::GiveUp
    }

    /// The states that a lock gets which is taken so where `here` holds.
    #[inline]
    pub fn usage(self, here: Usage) -> Usage {
        if self.waits() { here } else { here.of_trying() }
    }
}

/// Stands for the classes of the locks that are held on one level of interrupts, in the order and
/// way they were taken. Another sequence has another number, but for one in two thousand million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain(pub(crate) u32);

impl Chain {
    /// Not worked out yet.
    pub const UNKNOWN: Chain = Chain(0);
    /// No lock at all.
    pub const START: Chain = Chain(1);

    /// The chain with one more lock, which was taken in those states.
    #[inline]
    pub fn then(self, class: ClassId, how: How, usage: Usage) -> Chain {
        let link = u64::from(class.0)
            | u64::from(how.subclass) << 16
            | (how.if_held as u64) << 20
            | u64::from(usage.0) << 24;
        let mixed = (u64::from(self.0) << 32 | link).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        // Neither of the two above.
        Chain((mixed >> 32) as u32 | 2)
    }
}

/// What is kept with a lock that is held: its class, how it was taken, and the chain that ends with
/// it. The top eight bits are its keeper's. The low half is the chain; whoever keeps tags clears it
/// in those that follow one which is taken out of the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub u64);

const CLASS_SHIFT: u32 = 32;
const SUBCLASS_SHIFT: u32 = 46;
const LEVEL_SHIFT: u32 = 49;
const IF_HELD_SHIFT: u32 = 51;
const CLASS_MASK: u64 = ClassId::MASK as u64;

impl Tag {
    /// The tag of what nobody asked about.
    pub const NONE: Tag = Tag(0);

    /// The tag of a lock whose class is to be looked for when somebody wants to know.
    #[inline]
    pub fn bare(here: Usage, how: How) -> Tag {
        Tag(u64::from(how.subclass) << SUBCLASS_SHIFT
            | u64::from(here.level()) << LEVEL_SHIFT
            | (how.if_held as u64) << IF_HELD_SHIFT)
    }

    /// The same with a class and a chain.
    #[inline]
    pub fn with(self, class: ClassId, chain: Chain) -> Tag {
        let rest = self.0 & !(CLASS_MASK << CLASS_SHIFT | u64::from(u32::MAX));
        Tag(rest | u64::from(class.0) << CLASS_SHIFT | u64::from(chain.0))
    }

    /// The class, without the subclass.
    #[inline]
    pub fn class(self) -> ClassId {
        ClassId((self.0 >> CLASS_SHIFT & CLASS_MASK) as u16)
    }

    /// The chain that ends with the lock.
    #[inline]
    pub fn chain(self) -> Chain {
        Chain(self.0 as u32)
    }

    /// The level of interrupts on which it was taken.
    #[inline]
    pub fn level(self) -> u8 {
        (self.0 >> LEVEL_SHIFT) as u8 & 3
    }

    /// How it was taken.
    #[inline]
    pub fn how(self) -> How {
        let if_held = match self.0 >> IF_HELD_SHIFT & 3 {
            0 => IfHeld::Wait,
            1 => IfHeld::GiveUp,
            _ => IfHeld::WaitUnderOuter,
        };
        How { subclass: (self.0 >> SUBCLASS_SHIFT) as u8 & 7, if_held }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_keeps_all_of_it() {
        let how = How { subclass: 7, if_held: IfHeld::WaitUnderOuter };
        let tag = Tag::bare(Usage::IN_HARDIRQ | Usage::IN_SOFTIRQ, how);
        assert_eq!((tag.class(), tag.chain()), (ClassId::NONE, Chain::UNKNOWN));
        let tag = tag.with(ClassId::UNCHECKED, Chain(u32::MAX));
        assert_eq!((tag.class(), tag.chain()), (ClassId::UNCHECKED, Chain(u32::MAX)));
        assert_eq!((tag.how(), tag.level()), (how, 3));
        assert_eq!(tag.0 >> 56, 0);
        let tag = tag.with(ClassId(5), Chain(9));
        assert_eq!((tag.class(), tag.chain(), tag.how()), (ClassId(5), Chain(9), how));
    }

    #[test]
    fn each_difference_makes_another_chain() {
        let base = Chain::START.then(ClassId(1), How::PLAIN, Usage::NONE);
        let others = [
            Chain::START,
            Chain::START.then(ClassId(2), How::PLAIN, Usage::NONE),
            Chain::START.then(ClassId(1), How::nested(1), Usage::NONE),
            Chain::START.then(ClassId(1), How::TRY, Usage::NONE),
            Chain::START.then(ClassId(1), How::PLAIN, Usage::HARDIRQ_ON),
            base.then(ClassId(1), How::PLAIN, Usage::NONE),
        ];
        assert!(others.iter().all(|other| *other != base));
    }
}
