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
const CHUNKS: usize = 22;

/// A table of slots that only grows. Chunk `n` holds `64 << n` slots.
pub struct Slab<T> {
    chunks: [AtomicPtr<T>; CHUNKS],
    made: AtomicU32,
    owns: PhantomData<T>,
}

/// There was no memory for more slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

const fn place(index: u32) -> (usize, usize) {
    let shifted = index as u64 + (1 << FIRST_CHUNK_BITS);
    let chunk = shifted.ilog2() - FIRST_CHUNK_BITS;
    (chunk as usize, (shifted - (1 << (chunk + FIRST_CHUNK_BITS))) as usize)
}

const fn chunk_len(chunk: usize) -> usize {
    1 << (FIRST_CHUNK_BITS as usize + chunk)
}

impl<T> Slab<T> {
    /// An empty slab.
    pub const fn new() -> Slab<T> {
        Slab {
            chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
            made: AtomicU32::new(0),
            owns: PhantomData,
        }
    }

    /// How many slots there are.
    pub fn len(&self) -> u32 {
        self.made.load(Ordering::Acquire)
    }

    /// Whether there are no slots.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slot with that index, if it has been made.
    #[inline]
    pub fn get(&self, index: u32) -> Option<&T> {
        let (chunk, offset) = place(index);
        let start = self.chunks.get(chunk)?.load(Ordering::Acquire);
        if start.is_null() {
            return None;
        }
        // SAFETY: a published chunk has all its slots made, and `offset` is below its length.
        Some(unsafe { &*start.add(offset) })
    }

    /// The slot as a pinned reference: slots never move.
    #[inline]
    pub fn get_pinned(&self, index: u32) -> Option<Pin<&T>> {
        // SAFETY: slots are never moved, and dropped only with the slab.
        self.get(index).map(|slot| unsafe { Pin::new_unchecked(slot) })
    }

    /// The index of the slot that begins at `address`, if one does.
    pub fn index_of(&self, address: usize) -> Option<u32> {
        for (number, chunk) in self.chunks.iter().enumerate() {
            let start = chunk.load(Ordering::Acquire) as usize;
            if start == 0 {
                return None;
            }
            let offset = address.wrapping_sub(start);
            if offset < chunk_len(number) * size_of::<T>() {
                let first = chunk_len(number) - (1 << FIRST_CHUNK_BITS);
                return offset
                    .is_multiple_of(size_of::<T>())
                    .then(|| (first + offset / size_of::<T>()) as u32);
            }
        }
        None
    }

    /// Adds one chunk of slots, each made by `make` from its index; returns the first new index
    /// and how many there are. The caller lets one grower in at a time.
    pub fn grow(&self, mut make: impl FnMut(u32) -> T) -> Result<(u32, u32), NoMemory> {
        let first = self.made.load(Ordering::Acquire);
        let (chunk, _) = place(first);
        let len = chunk_len(chunk);
        let slot = self.chunks.get(chunk).ok_or(NoMemory)?;
        let layout = Layout::array::<T>(len).map_err(|_| NoMemory)?;
        // SAFETY: the layout is not empty: len is at least 64 and T has a size.
        let start = unsafe { alloc(layout) } as *mut T;
        if start.is_null() {
            return Err(NoMemory);
        }
        for offset in 0..len {
            // SAFETY: within the allocation, which nobody else knows of yet.
            unsafe { start.add(offset).write(make(first + offset as u32)) };
        }
        slot.store(start, Ordering::Release);
        self.made.store(first + len as u32, Ordering::Release);
        Ok((first, len as u32))
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Slab<T> {
    fn drop(&mut self) {
        for (number, chunk) in self.chunks.iter().enumerate() {
            let start = chunk.load(Ordering::Acquire);
            if start.is_null() {
                return;
            }
            let len = chunk_len(number);
            // SAFETY: all slots of a published chunk are made; nobody borrows them any more.
            unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(start, len)) };
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
    use super::*;
    use core::cell::Cell;

    #[test]
    fn slots_are_found_by_index_and_by_address() {
        let slab = Slab::<u64>::new();
        assert!(slab.get(0).is_none());
        for _ in 0..4 {
            let count = slab.len();
            assert_eq!(slab.grow(u64::from), Ok((count, 64 << (count / 64).ilog2_or_zero())));
        }
        for index in 0..slab.len() {
            let slot = slab.get(index).expect("made");
            assert_eq!(*slot, u64::from(index));
            assert_eq!(slab.index_of(slot as *const u64 as usize), Some(index));
            assert_eq!(slab.index_of(slot as *const u64 as usize + 1), None);
        }
        assert!(slab.get(slab.len()).is_none());
        assert_eq!(slab.index_of(8), None);
    }

    trait Ilog2OrZero {
        fn ilog2_or_zero(self) -> u32;
    }
    impl Ilog2OrZero for u32 {
        fn ilog2_or_zero(self) -> u32 {
            (self + 1).ilog2()
        }
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
        slab.grow(|_| Counted(&drops)).expect("memory");
        slab.grow(|_| Counted(&drops)).expect("memory");
        drop(slab);
        assert_eq!(drops.get(), 64 + 128);
    }
}
