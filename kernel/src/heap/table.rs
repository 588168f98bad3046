//! All records: which are free, which wait, and how one is found.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::sync::atomic::Ordering;

use kthreads_base::{Slab, SpinLock};

use super::record::{NO_RECORD, State};
use super::{Block, Kind, Memory, Record};
use crate::audit::Findings;
use crate::{Cx, Kernel};

const ORDER: Ordering = Ordering::Relaxed;
/// How many freed blocks each CPU keeps back.
const KEPT_BLOCKS: usize = 512;
/// How many bytes they may have together on all CPUs, and on one of many.
const KEPT_BYTES: usize = 4 << 20;
const KEPT_BYTES_MIN: usize = 1 << 20;

/// A block to be entered in the book.
pub struct NewBlock {
    /// Which functions it belongs to.
    pub kind: Kind,
    /// Where the memory begins that the caller gets.
    pub memory: usize,
    /// How many bytes the caller asked for.
    pub len: usize,
    /// How many bytes it may use after ksize.
    pub room: usize,
    /// Where the allocation begins.
    pub start: usize,
    /// How long it is.
    pub total: usize,
    /// Its alignment.
    pub align: usize,
    /// The kmem_cache that an object is of.
    pub cache: usize,
}

/// The records of one CPU: those that are unused, and those of freed blocks, oldest first.
#[repr(align(64))]
struct Shard {
    unused: u32,
    first_kept: u32,
    last_kept: u32,
    kept_blocks: usize,
    kept_bytes: usize,
    /// How to get at memory; known once a block was allocated.
    memory: Option<&'static dyn Memory>,
}

/// The book.
pub(crate) struct HeapBook {
    records: Slab<Record>,
    /// Held while the slab grows.
    growth: SpinLock<()>,
    shards: Box<[SpinLock<Shard>]>,
    kept_bytes_max: usize,
    /// The records of blocks that have nothing beside them which tells: by their memory.
    by_address: SpinLock<BTreeMap<usize, u32>>,
}

impl HeapBook {
    pub(crate) fn new(cpus: u32) -> HeapBook {
        let shard = || Shard {
            unused: NO_RECORD,
            first_kept: NO_RECORD,
            last_kept: NO_RECORD,
            kept_blocks: 0,
            kept_bytes: 0,
            memory: None,
        };
        HeapBook {
            records: Slab::new(),
            growth: SpinLock::new(()),
            shards: (0..cpus).map(|_| SpinLock::new(shard())).collect(),
            kept_bytes_max: (KEPT_BYTES / cpus as usize).max(KEPT_BYTES_MIN),
            by_address: SpinLock::new(BTreeMap::new()),
        }
    }

    pub(super) fn memory(&self) -> Option<&'static dyn Memory> {
        self.shards.iter().find_map(|shard| shard.lock().memory)
    }

    /// All records that stand for a block.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        let all = (0..self.records.len()).filter_map(|index| self.records.get(index));
        all.filter(|record| record.state() != State::Unused)
    }

    /// How many blocks modules have.
    pub(crate) fn live_blocks(&self) -> u32 {
        self.iter().filter(|record| record.is_live()).count() as u32
    }

    /// Looks at the records of all CPUs.
    pub(crate) fn audit(&self, found: &mut Findings) {
        for (cpu, shard) in self.shards.iter().enumerate() {
            let shard = shard.lock();
            let mut in_line = |first: u32, state: State| {
                let (mut at, mut blocks, mut bytes) = (first, 0, 0);
                while let Some(record) = self.records.get(at) {
                    let seen = record.state();
                    if seen != state || blocks > self.records.len() as usize {
                        found.add(format_args!(
                            "block {at} of CPU {cpu} is {seen:?} in a line of {state:?}"
                        ));
                        break;
                    }
                    (blocks, bytes) = (blocks + 1, bytes + record.block().total);
                    at = record.next.load(ORDER);
                }
                (blocks, bytes)
            };
            in_line(shard.unused, State::Unused);
            let (kept, noted) =
                (in_line(shard.first_kept, State::Kept), (shard.kept_blocks, shard.kept_bytes));
            if kept != noted {
                found.add(format_args!(
                    "CPU {cpu} keeps {kept:?} blocks and bytes, {noted:?} noted"
                ));
            }
        }
    }

    /// Calls `look` with a block whose memory stays where it is meanwhile, if the record still stands
    /// for one.
    pub(super) fn with_block<R>(
        &self,
        record: &Record,
        look: impl FnOnce(&Block) -> Option<R>,
    ) -> Option<R> {
        let _stays = self.shard_of(record).lock();
        (record.state() != State::Unused).then(|| look(&record.block())).flatten()
    }

    fn shard_of(&self, record: &Record) -> &SpinLock<Shard> {
        &self.shards[record.shard.load(ORDER) as usize % self.shards.len()]
    }

    /// Takes an unused record of a CPU. Which CPU is no matter, so the number may be stale.
    fn take(&self, cpu: u32, memory: &'static dyn Memory) -> Option<(u32, &Record)> {
        let mut shard = self.shards[cpu as usize % self.shards.len()].lock();
        shard.memory = Some(memory);
        if shard.unused == NO_RECORD {
            self.grow(&mut shard, cpu)?;
        }
        let index = shard.unused;
        let record = self.records.get(index)?;
        shard.unused = record.next.load(ORDER);
        Some((index, record))
    }

    fn grow(&self, shard: &mut Shard, cpu: u32) -> Option<()> {
        let growth = self.growth.lock();
        let (first, count) = self.records.grow(Record::new).ok()?;
        drop(growth);
        for index in first..first + count {
            let record = self.records.get(index)?;
            record.shard.store(cpu, ORDER);
            record.next.store(if index + 1 < first + count { index + 1 } else { NO_RECORD }, ORDER);
        }
        shard.unused = first;
        Some(())
    }

    /// Makes a record unused; its shard is locked.
    fn give_back(&self, shard: &mut Shard, index: u32, record: &Record) {
        record.set_state(State::Unused);
        record.next.store(shard.unused, ORDER);
        shard.unused = index;
    }

    /// Puts a freed block last among those that are kept; its shard is locked.
    fn keep(&self, shard: &mut Shard, index: u32, record: &Record) {
        record.next.store(NO_RECORD, ORDER);
        record.set_state(State::Kept);
        match self.records.get(shard.last_kept) {
            Some(last) => last.next.store(index, ORDER),
            None => shard.first_kept = index,
        }
        shard.last_kept = index;
        shard.kept_blocks += 1;
        shard.kept_bytes += record.block().total;
    }

    /// Takes the oldest kept block if there are too many; its record is unused then.
    fn take_oldest(&self, shard: &mut Shard) -> Option<Block> {
        if shard.kept_blocks <= KEPT_BLOCKS && shard.kept_bytes <= self.kept_bytes_max {
            return None;
        }
        let index = shard.first_kept;
        let record = self.records.get(index)?;
        let block = record.block();
        shard.first_kept = record.next.load(ORDER);
        if shard.first_kept == NO_RECORD {
            shard.last_kept = NO_RECORD;
        }
        shard.kept_blocks -= 1;
        shard.kept_bytes -= block.total;
        self.give_back(shard, index, record);
        Some(block)
    }
}

impl Drop for HeapBook {
    /// Nobody runs any more: what modules have not freed, and what is kept back, goes.
    fn drop(&mut self) {
        let memory = self.shards.iter_mut().find_map(|shard| shard.get_mut().memory);
        let Some(memory) = memory else { return };
        for record in self.iter() {
            memory.release(&record.block());
        }
    }
}

impl Kernel {
    /// Enters a block that a call which returns to `place` allocates; the number of its record.
    /// None when there is no memory for one.
    pub fn record_block(
        &self,
        cx: &Cx<'_>,
        memory: &'static dyn Memory,
        block: &NewBlock,
        place: usize,
    ) -> Option<u32> {
        let (index, record) = self.heap.take(cx.cpu(), memory)?;
        record.begin(cx, block, place);
        if block.kind.is_found_by_address() {
            self.heap.by_address.lock().insert(block.memory, index);
        }
        Some(index)
    }

    /// The record with that number, if it stands for the block whose memory begins there.
    #[inline]
    pub fn block_record(&self, index: u32, memory: usize) -> Option<&Record> {
        let record = self.heap.records.get(index)?;
        (record.memory() == memory && record.state() != State::Unused).then_some(record)
    }

    /// Finds the block whose memory begins there, among those that are found by address.
    pub fn block_at(&self, memory: usize) -> Option<(u32, &Record)> {
        let index = *self.heap.by_address.lock().get(&memory)?;
        Some((index, self.block_record(index, memory)?))
    }

    /// Finds the block that an address lies in, live or freed, with its number. This looks through
    /// all of them: it is for reports.
    pub fn find_block(&self, address: usize) -> Option<(u32, &Record)> {
        let all = (0..self.heap.records.len()).filter_map(|index| {
            let record = self.heap.records.get(index)?;
            (record.state() != State::Unused && record.block().covers(address))
                .then_some((index, record))
        });
        // A live one before a freed one that lay there before.
        all.max_by_key(|(_, record)| record.is_live())
    }

    /// Keeps back a block that has been retired and filled, and gives the oldest ones that are
    /// kept to the allocator, after a look whether somebody wrote to them.
    pub fn keep_freed(&self, cx: &Cx<'_>, index: u32, record: &Record) {
        let shard = self.heap.shard_of(record);
        let mut kept = shard.lock();
        let memory = kept.memory;
        self.heap.keep(&mut kept, index, record);
        while let Some(oldest) = self.heap.take_oldest(&mut kept) {
            drop(kept);
            if let Some(memory) = memory {
                self.let_go(cx, memory, &oldest);
            }
            kept = shard.lock();
        }
    }

    fn let_go(&self, cx: &Cx<'_>, memory: &'static dyn Memory, block: &Block) {
        if block.kind.is_found_by_address() {
            self.heap.by_address.lock().remove(&block.memory);
        }
        if let Some(damage) = memory.find_damage(block) {
            self.report_damage(cx, block, &damage);
        }
        memory.release(block);
    }

    /// Strikes a block out at once, without keeping it: for what is no memory of its own.
    pub fn strike_block(&self, index: u32, record: &Record) {
        self.heap.by_address.lock().remove(&record.memory());
        let mut shard = self.heap.shard_of(record).lock();
        self.heap.give_back(&mut shard, index, record);
    }
}
