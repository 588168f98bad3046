//! Memory of which each CPU has a copy (Linux: mm/percpu.c).
//!
//! What is allocated is the first CPU's copy; the others follow at a fixed distance. The memory
//! comes in chunks as long as that distance for each CPU, so that the copies of one chunk's
//! allocations never meet.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::Kernel;

/// The distance from one CPU's copy to the next in bytes: C's `__per_cpu_stride`.
pub const PER_CPU_STRIDE: usize = 32 * 1024;

const WORD_BYTES: usize = size_of::<u64>();
const PAGE_BYTES: usize = 4096;

struct Chunk {
    memory: Box<[AtomicU64]>,
    /// The first byte, at the beginning of a page.
    base: usize,
    /// What is allocated of the first copy, as offsets from `base`, in order.
    used: Vec<Range<usize>>,
}

impl Chunk {
    fn new(copies: usize) -> Option<Chunk> {
        let words = (copies * PER_CPU_STRIDE + PAGE_BYTES) / WORD_BYTES;
        let mut memory = Vec::new();
        memory.try_reserve_exact(words).ok()?;
        memory.resize_with(words, || AtomicU64::new(0));
        let memory = memory.into_boxed_slice();
        let base = (memory.as_ptr() as usize).next_multiple_of(PAGE_BYTES);
        Some(Chunk { memory, base, used: Vec::new() })
    }

    fn alloc(&mut self, size: usize, align: usize) -> Option<usize> {
        let mut start = 0usize;
        let mut index = 0;
        for (nth, used) in self.used.iter().enumerate() {
            if start + size <= used.start {
                break;
            }
            start = used.end.next_multiple_of(align);
            index = nth + 1;
        }
        if start + size > PER_CPU_STRIDE {
            return None;
        }
        self.used.try_reserve(1).ok()?;
        self.used.insert(index, start..start + size);
        self.clear(start..start + size);
        Some(self.base + start)
    }

    /// Makes all copies of a range zero.
    fn clear(&self, range: Range<usize>) {
        let skipped = self.base - self.memory.as_ptr() as usize;
        let copies = (self.memory.len() * WORD_BYTES - skipped) / PER_CPU_STRIDE;
        for copy in 0..copies {
            let first = skipped + copy * PER_CPU_STRIDE + range.start;
            let words = first / WORD_BYTES..(first + range.len()).div_ceil(WORD_BYTES);
            self.memory[words].iter().for_each(|word| word.store(0, Ordering::Relaxed));
        }
    }

    fn free(&mut self, address: usize) -> bool {
        let Some(offset) = address.checked_sub(self.base) else { return false };
        let found = self.used.iter().position(|used| used.start == offset);
        found.map(|index| self.used.remove(index)).is_some()
    }
}

/// All per-CPU memory that is allocated.
#[derive(Default)]
pub(super) struct PerCpuMemory {
    chunks: Vec<Chunk>,
}

impl Kernel {
    /// Allocates zeroed memory for each CPU and returns the address of the first CPU's (Linux:
    /// __alloc_percpu); that of CPU n lies n times [`PER_CPU_STRIDE`] further. None when there is
    /// no memory, when `size` is 0 or larger than the stride, or when `align` is no power of two
    /// up to a page.
    pub fn alloc_per_cpu(&self, size: usize, align: usize) -> Option<usize> {
        let is_legal =
            (1..=PER_CPU_STRIDE).contains(&size) && align.is_power_of_two() && align <= PAGE_BYTES;
        if !is_legal {
            return None;
        }
        let (size, align) = (size.next_multiple_of(WORD_BYTES), align.max(WORD_BYTES));
        let mut memory = self.modules.per_cpu.lock();
        let old = memory.chunks.iter_mut().find_map(|chunk| chunk.alloc(size, align));
        drop(memory);
        if old.is_some() {
            return old;
        }
        let mut chunk = Chunk::new(self.nr_cpus() as usize)?;
        let address = chunk.alloc(size, align);
        self.modules.per_cpu.lock().chunks.push(chunk);
        address
    }

    /// Frees per-CPU memory (Linux: free_percpu); false if nothing is allocated at that address.
    pub fn free_per_cpu(&self, address: usize) -> bool {
        self.modules.per_cpu.lock().chunks.iter_mut().any(|chunk| chunk.free(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_reused_and_never_overlap() {
        let mut chunk = Chunk::new(2).expect("memory");
        let base = chunk.base;
        assert_eq!(base % PAGE_BYTES, 0);
        let offset = |address: Option<usize>| address.map(|address| address - base);
        assert_eq!(offset(chunk.alloc(24, 8)), Some(0));
        assert_eq!(offset(chunk.alloc(8, 64)), Some(64));
        assert_eq!(offset(chunk.alloc(40, 8)), Some(24));
        assert_eq!(offset(chunk.alloc(8, 8)), Some(72));
        assert!(chunk.free(base + 24) && !chunk.free(base + 24) && !chunk.free(base + 8));
        assert_eq!(offset(chunk.alloc(32, 8)), Some(24));
        assert_eq!(chunk.alloc(PER_CPU_STRIDE - 72, 8), None);
        assert_eq!(offset(chunk.alloc(PER_CPU_STRIDE - 80, 8)), Some(80));
    }

    #[test]
    fn all_copies_are_zero_again() {
        let mut chunk = Chunk::new(3).expect("memory");
        let address = chunk.alloc(16, 8).expect("room");
        chunk.memory.iter().for_each(|word| word.store(7, Ordering::Relaxed));
        assert!(chunk.free(address));
        chunk.alloc(16, 8).expect("room");
        let cleared = chunk.memory.iter().filter(|word| word.load(Ordering::Relaxed) == 0);
        assert_eq!(cleared.count(), 3 * 2);
    }
}
