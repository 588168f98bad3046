//! The book of memory that was given to C: each block with its size, who allocated it and who
//! freed it.
//!
//! The records lie in a table of their own, away from the memory they describe, so that a module
//! that writes past its memory does not damage them; what stands beside a block is only the
//! number of its record. Taking a record and giving it back takes one short lock of one CPU.
//!
//! Freed blocks stay for a while, filled with a pattern, before they go back to the allocator: so
//! a use after free meets the pattern, and a second free of the same block is told from a wild
//! one. Allocating, filling and looking at memory is the C side's business ([`Memory`]).

mod fault;
mod left;
mod owner;
mod record;
mod report;
mod table;
mod used;

pub use record::{Block, Kind, Record, Track};
pub use report::{Damage, Zone};
pub(crate) use table::HeapBook;
pub use table::NewBlock;
pub(crate) use used::Going;

use alloc::string::String;
use core::sync::atomic::AtomicUsize;

/// The C side's access to the memory of blocks.
pub trait Memory: Send + Sync {
    /// Looks whether something was written where nothing may be: beside a live block, or into a
    /// freed one. What is found is put right, so that it is found once.
    fn find_damage(&self, block: &Block) -> Option<Damage>;
    /// The name of the kmem_cache at `block.cache`, which is there, or has been and is kept.
    fn cache_name(&self, block: &Block) -> String;
    /// Gives a block back to the allocator.
    fn release(&self, block: &Block);
    /// The words of a block's memory, for as long as it is kept.
    fn words(&self, block: &Block) -> &'static [AtomicUsize];
}
