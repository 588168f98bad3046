//! Slots whose type never changes: made in growing chunks, freed only with the whole slab.
//!
//! A slot once made is a valid `T` for as long as the slab lives, so an index or an address that
//! has gone stale reads a `T` that means something else, never freed memory.
//!
//! Orders: a chunk's pointer is released when published and acquired by readers.

use alloc::alloc::{Layout, alloc, dealloc};
use core::marker::PhantomData;
use core::pin::Pin;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const FIRST_CHUNK_BITS: u32 = 6;
const FIRST_CHUNK: usize = 1 << FIRST_CHUNK_BITS;
/// As many as there can be indices.
const CHUNKS: usize = (u32::BITS - FIRST_CHUNK_BITS) as usize;
const PLACES: usize = u64::BITS as usize;

/// A table of slots that only grows. Chunk `n` has room for `64 << n` slots; they are made 64 at a
/// time, so that where memory costs nothing before it is used, room does not.
///
/// The slot with index `i` is in the chunk that the highest bit of `i + 64` names. A chunk's
/// pointer stands at that bit's number, and points so far before the chunk that `i + 64` slots
/// after it lies the slot: a look-up is one shift less, and it is at the bottom of all that the
/// kernel does.
pub struct Slab<T> {
    biased: [AtomicPtr<T>; PLACES],
    made: AtomicU32,
    owns: PhantomData<T>,
}

/// There was no memory for more slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

/// The number that a slot is looked up by.
const fn key_of(index: u32) -> u64 {
    index as u64 + FIRST_CHUNK as u64
}

#[cold]
#[inline(never)]
fn not_made() -> ! {
    panic!("a slot's index is only ever taken from a slot");
}

const fn chunk_len(chunk: usize) -> usize {
    FIRST_CHUNK << chunk
}

impl<T> Slab<T> {
    /// An empty slab.
    pub const fn new() -> Slab<T> {
        Slab {
            biased: [const { AtomicPtr::new(ptr::null_mut()) }; PLACES],
            made: AtomicU32::new(0),
            owns: PhantomData,
        }
    }

    /// How many slots there are.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        self.made.load(Ordering::Acquire)
    }

    /// Whether there are no slots.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slot with that index, if it has been made.
    #[inline(always)]
    pub fn get(&self, index: u32) -> Option<&T> {
        if index >= self.len() {
            return None;
        }
        // SAFETY: the slot has been made.
        Some(unsafe { self.slot(index) })
    }

    /// The slot with that index.
    ///
    /// # Safety
    ///
    /// It has been made.
    #[inline(always)]
    unsafe fn slot(&self, index: u32) -> &T {
        let key = key_of(index);
        let biased = self.biased[key.ilog2() as usize].load(Ordering::Relaxed);
        // SAFETY: a chunk is published before any of its slots, and the key's highest bit says
        // that the slot is in this one.
        unsafe { &*biased.wrapping_add(key as usize) }
    }

    /// As [`get`](Slab::get), pinned: slots never move.
    #[inline]
    pub fn get_pinned(&self, index: u32) -> Option<Pin<&T>> {
        // SAFETY: slots are never moved, and dropped only with the slab.
        self.get(index).map(|slot| unsafe { Pin::new_unchecked(slot) })
    }

    /// As [`get_pinned`](Slab::get_pinned), for an index that was taken from a slot.
    ///
    /// # Panics
    ///
    /// When the slot has not been made.
    #[inline(always)]
    pub fn made(&self, index: u32) -> Pin<&T> {
        if index >= self.len() {
            not_made();
        }
        // SAFETY: the slot has been made; slots are never moved, and dropped only with the slab.
        unsafe { Pin::new_unchecked(self.slot(index)) }
    }

    /// The slot that begins at `address`, if one does.
    #[inline]
    pub fn at(&self, address: usize) -> Option<&T> {
        for number in 0..CHUNKS {
            let chunk = self.chunk(number)?;
            let offset = address.wrapping_sub(chunk as usize);
            if offset < chunk_len(number) * size_of::<T>() {
                let place = offset / size_of::<T>();
                let index = (chunk_len(number) - FIRST_CHUNK + place) as u32;
                let is_one = offset.is_multiple_of(size_of::<T>()) && index < self.len();
                // SAFETY: the slot has been made.
                return is_one.then(|| unsafe { &*chunk.add(place) });
            }
        }
        None
    }

    /// Where a chunk that has been made begins.
    fn chunk(&self, number: usize) -> Option<*mut T> {
        let biased = self.biased[number + FIRST_CHUNK_BITS as usize].load(Ordering::Acquire);
        (!biased.is_null()).then(|| biased.wrapping_add(chunk_len(number)))
    }

    /// Adds some slots, each made by `make` from its index; returns the first new index and how
    /// many there are. The caller lets one grower in at a time.
    pub fn grow(&self, mut make: impl FnMut(u32) -> T) -> Result<(u32, u32), NoMemory> {
        let first = self.made.load(Ordering::Acquire);
        let place = key_of(first).ilog2();
        if key_of(first).is_power_of_two() {
            self.add_chunk(place)?;
        }
        let biased = self.biased[place as usize].load(Ordering::Relaxed);
        for index in first..first + FIRST_CHUNK as u32 {
            // SAFETY: chunks are whole batches of 64 slots, so this one lies in the chunk; nobody
            // else uses it yet.
            unsafe { biased.wrapping_add(key_of(index) as usize).write(make(index)) };
        }
        self.made.store(first + FIRST_CHUNK as u32, Ordering::Release);
        Ok((first, FIRST_CHUNK as u32))
    }

    /// Makes room for the slots whose keys have that highest bit.
    fn add_chunk(&self, place: u32) -> Result<(), NoMemory> {
        let len = 1 << place;
        if place >= u32::BITS {
            return Err(NoMemory);
        }
        let layout = Layout::array::<T>(len).map_err(|_| NoMemory)?;
        // SAFETY: the layout is not empty: len is at least 64 and T has a size.
        let start = unsafe { alloc(layout) } as *mut T;
        if start.is_null() {
            return Err(NoMemory);
        }
        self.biased[place as usize].store(start.wrapping_sub(len), Ordering::Release);
        Ok(())
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Slab<T> {
    fn drop(&mut self) {
        for number in 0..CHUNKS {
            let Some(start) = self.chunk(number) else { return };
            let len = chunk_len(number);
            let first = len - FIRST_CHUNK;
            let made = (self.len() as usize).saturating_sub(first).min(len);
            // SAFETY: so many slots of the chunk are made; nobody borrows them any more.
            unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(start, made)) };
            let Ok(layout) = Layout::array::<T>(len) else { return };
            // SAFETY: this is the layout it was allocated with.
            unsafe { dealloc(start as *mut u8, layout) };
        }
    }
}

// SAFETY: the slab owns its slots and hands out shared references only.
unsafe impl<T: Send + Sync> Sync for Slab<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Slab<T> {}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use alloc::boxed::Box;
    use core::cell::Cell;

    #[test]
    fn slots_are_found_by_index_and_by_address() {
        let slab = Slab::<u64>::new();
        assert!(slab.get(0).is_none());
        for count in (0..10).map(|batch| 64 * batch) {
            assert_eq!(slab.grow(u64::from), Ok((count, 64)));
        }
        for index in 0..slab.len() {
            let slot = slab.get(index).expect("made");
            assert_eq!(*slot, u64::from(index));
            let address = slot as *const u64 as usize;
            assert!(slab.at(address).is_some_and(|found| ptr::eq(found, slot)));
            assert_eq!(slab.at(address + 1), None);
        }
        assert!(slab.get(slab.len()).is_none());
        let last = slab.get(slab.len() - 1).expect("made");
        let beyond = last as *const u64 as usize + size_of::<u64>();
        assert_eq!(slab.at(beyond), None, "there is room, but no slot");
        assert_eq!(slab.at(8), None);
    }

    #[test]
    fn slots_are_read_while_others_are_made() {
        const BATCHES: u32 = if cfg!(miri) { 2 } else { 200 };
        let slab = Slab::<Box<u32>>::new();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut seen = 0;
                    while seen < BATCHES * FIRST_CHUNK as u32 {
                        let len = slab.len();
                        assert!((seen..len).all(|index| **slab.made(index) == index));
                        seen = len;
                        std::thread::yield_now();
                    }
                });
            }
            (0..BATCHES).for_each(|_| assert!(slab.grow(Box::new).is_ok()));
        });
    }

    #[test]
    fn every_slot_is_dropped_once() {
        struct Counted<'a>(&'a Cell<u32>);
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        let drops = Cell::new(0);
        let slab = Slab::new();
        for _ in 0..4 {
            slab.grow(|_| Counted(&drops)).expect("memory");
        }
        drop(slab);
        assert_eq!(drops.get(), 4 * 64);
    }
}
