//! The book of memory that was given to C: what was freed last, and which pages are out.
//!
//! Freed blocks stay for a while, filled with a pattern, before they go back to the allocator: so
//! a use after free meets the pattern, and a second free of the same block is told from a wild
//! one. Allocating and freeing itself is the C side's business.

use alloc::collections::{BTreeMap, VecDeque};

use kthreads_base::SpinLock;

use crate::Kernel;

/// How many freed blocks are kept back.
const KEPT_BLOCKS: usize = 512;
/// How many bytes they may have together.
const KEPT_BYTES: usize = 4 << 20;

/// A freed block: where the allocation begins, and its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The first address.
    pub start: usize,
    /// The length in bytes.
    pub len: usize,
    /// The alignment in bytes.
    pub align: usize,
}

#[derive(Default)]
struct Kept {
    blocks: VecDeque<Block>,
    bytes: usize,
}

/// The book.
#[derive(Default)]
pub(crate) struct HeapBook {
    kept: SpinLock<Kept>,
    /// The order of each run of pages that is out, by its address.
    pages: SpinLock<BTreeMap<usize, u32>>,
}

impl Kernel {
    /// Keeps a freed block back. The caller gives the blocks that `release` is called with back
    /// to the allocator.
    pub fn keep_freed(&self, block: Block, mut release: impl FnMut(Block)) {
        let mut kept = self.heap.kept.lock();
        kept.blocks.push_back(block);
        kept.bytes += block.len;
        while kept.blocks.len() > KEPT_BLOCKS || kept.bytes > KEPT_BYTES {
            let Some(oldest) = kept.blocks.pop_front() else { return };
            kept.bytes -= oldest.len;
            release(oldest);
        }
    }

    /// Notes that pages were given out.
    pub fn note_pages(&self, start: usize, order: u32) {
        self.heap.pages.lock().insert(start, order);
    }

    /// Strikes pages out; returns their order if they were out.
    pub fn forget_pages(&self, start: usize) -> Option<u32> {
        self.heap.pages.lock().remove(&start)
    }
}
