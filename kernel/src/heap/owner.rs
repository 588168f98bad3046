//! Whose memory a block is: that of the module whose text asked for it, unless another module has
//! been given it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::{Block, Record};
use crate::Kernel;
use crate::module::Image;

impl Kernel {
    /// How many blocks of memory modules have left behind, and how many bytes they have.
    pub fn memory_left_behind(&self) -> (usize, usize) {
        let left = self.heap.iter().filter(|record| record.is_left());
        left.fold((0, 0), |(blocks, bytes), record| (blocks + 1, bytes + record.len()))
    }

    /// The live blocks that a module's text has allocated, each with its record.
    pub(super) fn blocks_of(&self, image: &dyn Image) -> Vec<(&Record, Block)> {
        let live = self.heap.iter().filter(|record| record.is_fresh());
        let theirs = live.map(|record| (record, record.block()));
        theirs.filter(|(_, block)| image.contains(block.allocated.place)).collect()
    }

    /// Takes out the blocks to which another module, or a block of another module, holds a
    /// pointer: they have been handed over, and are not left behind.
    pub(super) fn drop_handed_over(&self, image: &dyn Image, blocks: &mut Vec<(&Record, Block)>) {
        let mut forget = |word: usize| {
            blocks.retain(|(_, block)| !(block.memory..block.memory + block.len).contains(&word));
        };
        let others = self.modules().into_iter().filter_map(|module| module.image());
        let others: Vec<_> = others.filter(|other| other.base() != image.base()).collect();
        for other in &others {
            other.with_variables(&mut |_, words| {
                words.iter().for_each(|word| forget(word.load(Ordering::Relaxed)));
            });
        }
        let Some(memory) = self.heap.memory() else { return };
        for record in self.heap.iter().filter(|record| record.is_live()) {
            self.heap.with_block(record, |block| {
                let is_theirs = |other: &Arc<dyn Image>| other.contains(block.allocated.place);
                let words = others.iter().any(is_theirs).then(|| memory.words(block))?;
                words.iter().for_each(|word| forget(word.load(Ordering::Relaxed)));
                Some(())
            });
        }
    }
}
