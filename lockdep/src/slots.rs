//! Which class the lock at an address is of.
//!
//! A table that is read without a lock: each slot is one word with address, class and the states
//! that the class is known to have been taken in. Who writes has a lock of the caller's. A reader
//! may miss an entry that is being moved, and then asks under that lock; it never sees a wrong one.

use alloc::boxed::Box;
use core::ops::Range;
use core::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use crate::class::ClassId;
use crate::usage::Usage;

const ORDER: Ordering = Ordering::Relaxed;
/// Locks lie at multiples of four bytes, at addresses of 48 bits.
const ALIGN_SHIFT: u32 = 2;
const ADDRESS_BITS: u32 = 46;
const SEEN_BITS: u32 = 4;
const REST_BITS: u32 = 64 - ADDRESS_BITS;
/// How many bytes are counted together, so that freeing memory without locks is cheap.
const GRANULE_SHIFT: u32 = 9;
/// A longer piece of memory is looked for by going through all slots.
const FEW_GRANULES: usize = 64;

/// What is known of the lock at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its class, without subclass.
    pub class: ClassId,
    /// States that need no more looking into.
    pub seen: Usage,
}

impl Slot {
    /// How many bits it takes.
    pub const BITS: u32 = REST_BITS;

    /// As a number of [`BITS`](Slot::BITS) bits.
    #[inline]
    pub fn to_bits(self) -> u64 {
        u64::from(self.class.0) << SEEN_BITS | u64::from(self.seen.0)
    }

    /// From the lower bits of a number.
    #[inline]
    pub fn from_bits(bits: u64) -> Slot {
        let class = ClassId((bits >> SEEN_BITS) as u16 & ClassId::MASK);
        Slot { class, seen: Usage(bits as u8 & Usage::ALL.0) }
    }
}

/// The table.
#[derive(Debug)]
pub struct Slots {
    words: Box<[AtomicU64]>,
    /// How many entries there are in each group of granules; a granule's group is that of its hash.
    granules: Box<[AtomicU16]>,
}

/// There is no room for another entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

fn cut(address: usize) -> u64 {
    address as u64 >> ALIGN_SHIFT & ((1 << ADDRESS_BITS) - 1)
}

fn mix(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

fn pack(address: usize, slot: Slot) -> u64 {
    cut(address) << REST_BITS | slot.to_bits()
}

fn is_of(word: u64, address: usize) -> bool {
    word >> REST_BITS == cut(address)
}

impl Slots {
    /// A table for that many locks.
    pub fn new(locks: usize) -> Slots {
        // At most three quarters are used, so that what is not there is soon known.
        let words = (locks + locks / 3 + 1).next_power_of_two();
        let granules = (words / 16).clamp(64, 4096);
        Slots {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            granules: (0..granules).map(|_| AtomicU16::new(0)).collect(),
        }
    }

    #[inline]
    fn mask(&self) -> usize {
        self.words.len() - 1
    }

    #[inline]
    fn home(&self, address: usize) -> usize {
        mix(cut(address)) as usize & self.mask()
    }

    fn granule(&self, address: usize) -> &AtomicU16 {
        let hash = mix(address as u64 >> GRANULE_SHIFT) as usize;
        &self.granules[hash & (self.granules.len() - 1)]
    }

    /// What is known of the lock at an address, if it is known.
    #[inline]
    pub fn get(&self, address: usize) -> Option<Slot> {
        self.find(address).map(|(_, word)| Slot::from_bits(word))
    }

    #[inline]
    fn find(&self, address: usize) -> Option<(usize, u64)> {
        let mut at = self.home(address);
        loop {
            let word = self.words.get(at)?.load(ORDER);
            if is_of(word, address) {
                return Some((at, word));
            }
            if word == 0 {
                return None;
            }
            at = (at + 1) & self.mask();
        }
    }

    /// Enters what is known of the lock at an address, in place of what was. Under the caller's
    /// lock, as all that follow.
    ///
    /// # Errors
    ///
    /// When all slots that may be used are.
    pub fn set(&self, address: usize, slot: Slot, used: &mut usize) -> Result<(), NoRoom> {
        let word = pack(address, slot);
        if let Some((at, _)) = self.find(address) {
            self.words[at].store(word, ORDER);
            return Ok(());
        }
        if *used >= self.words.len() / 4 * 3 {
            return Err(NoRoom);
        }
        let mut at = self.home(address);
        while self.words[at].load(ORDER) != 0 {
            at = (at + 1) & self.mask();
        }
        self.words[at].store(word, ORDER);
        *used += 1;
        self.granule(address).fetch_add(1, ORDER);
        Ok(())
    }

    /// Whether there may be locks in a piece of memory; needs no lock.
    #[inline]
    pub fn may_be_in(&self, range: &Range<usize>) -> bool {
        let last = range.end.wrapping_sub(1) >> GRANULE_SHIFT;
        let first = range.start >> GRANULE_SHIFT;
        last.wrapping_sub(first) >= FEW_GRANULES
            || (first..=last).any(|at| self.granule(at << GRANULE_SHIFT).load(ORDER) != 0)
    }

    /// Forgets the locks in a piece of memory.
    pub fn forget(&self, range: &Range<usize>, used: &mut usize) {
        if range.len() >> GRANULE_SHIFT >= FEW_GRANULES {
            return self.forget_where(&|address, _| range.contains(&address), used);
        }
        let align = 1 << ALIGN_SHIFT;
        let mut address = range.start.next_multiple_of(align);
        while address < range.end {
            let next = ((address >> GRANULE_SHIFT) + 1) << GRANULE_SHIFT;
            if self.granule(address).load(ORDER) == 0 {
                address = next;
                continue;
            }
            for address in (address..next.min(range.end)).step_by(align) {
                if let Some((at, _)) = self.find(address) {
                    self.remove(at, used);
                }
            }
            address = next;
        }
    }

    /// Forgets the locks of which `picks` says so, by their addresses and classes.
    pub fn forget_where(&self, picks: &dyn Fn(usize, ClassId) -> bool, used: &mut usize) {
        let mut at = 0;
        while at < self.words.len() {
            let word = self.words[at].load(ORDER);
            if word != 0 && picks(address_in(word), Slot::from_bits(word).class) {
                // Another may have come to this place, so it is looked at again.
                self.remove(at, used);
            } else {
                at += 1;
            }
        }
    }

    /// Gives every lock of a class another one.
    pub fn replace(&self, class: ClassId, slot: Slot) {
        for word in &self.words {
            let old = word.load(ORDER);
            if old != 0 && Slot::from_bits(old).class == class {
                word.store(pack(address_in(old), slot), ORDER);
            }
        }
    }

    /// Empties a slot, and moves up those that stand behind it because of it.
    fn remove(&self, at: usize, used: &mut usize) {
        let gone = address_in(self.words[at].load(ORDER));
        let mut hole = at;
        let mut next = at;
        loop {
            next = (next + 1) & self.mask();
            let word = self.words[next].load(ORDER);
            if word == 0 {
                break;
            }
            let home = self.home(address_in(word));
            let (to_hole, to_next) = (hole.wrapping_sub(home), next.wrapping_sub(home));
            if to_hole & self.mask() < to_next & self.mask() {
                self.words[hole].store(word, ORDER);
                hole = next;
            }
        }
        self.words[hole].store(0, ORDER);
        *used -= 1;
        self.granule(gone).fetch_sub(1, ORDER);
    }
}

/// The address in a word, as a canonical one.
fn address_in(word: u64) -> usize {
    let shifted = (word >> REST_BITS << ALIGN_SHIFT) as i64;
    let unused = 64 - ADDRESS_BITS - ALIGN_SHIFT;
    (shifted << unused >> unused) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// How many sequences of how many steps there are; where each is interpreted, few.
    const CASES: u32 = if cfg!(miri) { 2 } else { 256 };
    const STEPS: usize = if cfg!(miri) { 10 } else { 200 };

    const SLOT: Slot = Slot { class: ClassId(7), seen: Usage(5) };

    #[test]
    fn words_keep_addresses_of_both_halves() {
        for address in [4, 0x7fff_ffff_fffc, 0xffff_8000_0000_1004] {
            let word = pack(address, SLOT);
            assert_eq!((address_in(word), Slot::from_bits(word)), (address, SLOT));
            assert!(is_of(word, address) && !is_of(word, address + 4));
        }
    }

    #[test]
    fn a_full_table_says_so() {
        let (slots, mut used) = (Slots::new(10), 0);
        let set = (1..100).map(|n| slots.set(n * 8, SLOT, &mut used));
        let done = set.take_while(Result::is_ok).count();
        assert!((10..16).contains(&done), "{done}");
        assert_eq!(slots.get(done * 8), Some(SLOT));
        assert_eq!(slots.get(done * 8 + 8), None);
    }

    #[test]
    fn memory_without_locks_is_known() {
        let (slots, mut used) = (Slots::new(10), 0);
        assert!(!slots.may_be_in(&(0x1000..0x1800)));
        assert_eq!(slots.set(0x1400, SLOT, &mut used), Ok(()));
        assert!(slots.may_be_in(&(0x1000..0x1800)));
        slots.forget(&(0x1000..0x1400), &mut used);
        assert_eq!((slots.get(0x1400), used), (Some(SLOT), 1));
        slots.forget(&(0x1001..0x1401), &mut used);
        assert_eq!((slots.get(0x1400), used), (None, 0));
        assert!(!slots.may_be_in(&(0x1000..0x1800)));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Set(usize, u16),
        Forget(usize, usize),
        Replace(u16, u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        let address = || (0_usize..400).prop_map(|n| 0x7000 + n * 4);
        let len = prop_oneof![4 => 0_usize..200, 1 => 40_000_usize..80_000];
        prop_oneof![
            5 => (address(), 1_u16..9).prop_map(|(address, class)| Step::Set(address, class)),
            2 => (address(), len).prop_map(|(address, len)| Step::Forget(address, len)),
            1 => (1_u16..9, 1_u16..9).prop_map(|(old, new)| Step::Replace(old, new)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() })]

        #[test]
        fn the_table_is_a_map(steps in proptest::collection::vec(step(), 1..STEPS)) {
            let (slots, mut used, mut model) = (Slots::new(150), 0, BTreeMap::new());
            for step in steps {
                match step {
                    Step::Set(address, class) => {
                        let slot = Slot { class: ClassId(class), seen: Usage::NONE };
                        if slots.set(address, slot, &mut used).is_ok() {
                            model.insert(address, class);
                        }
                    }
                    Step::Forget(address, len) => {
                        let range = address..address + len;
                        slots.forget(&range, &mut used);
                        model.retain(|address, _| !range.contains(address));
                    }
                    Step::Replace(old, new) => {
                        let slot = Slot { class: ClassId(new), seen: Usage::NONE };
                        slots.replace(ClassId(old), slot);
                        model.values_mut().filter(|class| **class == old).for_each(|class| *class = new);
                    }
                }
                prop_assert_eq!(used, model.len());
                for n in 0..400 {
                    let address = 0x7000 + n * 4;
                    let class = slots.get(address).map(|slot| slot.class.0);
                    prop_assert_eq!(class, model.get(&address).copied());
                }
            }
        }
    }
}
