//! Allocations of C's, with zones around each in which nobody may write.
//!
//! A block is laid out as padding, header, red zone, memory, red zone. The header holds the number
//! of the block's record in the kernel's book; it is only a short cut, and a damaged one costs a
//! search. What is freed is filled with Linux's poison and kept back for a while
//! ([`Kernel::keep_freed`](kthreads_kernel::Kernel::keep_freed)).

mod misuse;
mod zones;

use alloc::alloc::{Layout, alloc, dealloc};
use alloc::string::String;
use core::sync::atomic::AtomicUsize;

use kthreads_base::explore::{NOTE_FREED_MEMORY, NOTE_NEW_MEMORY, freed};
use kthreads_base::{choose, note};
use kthreads_kernel::Cx;
use kthreads_kernel::heap::{Block, Damage, Kind, Memory, NewBlock, Record};
use kthreads_kernel::observe::CHOOSE_MEMORY;

use crate::object::touch;

pub(crate) use misuse::{Freeing, is_right};

/// What kmalloc gives for no bytes at all.
pub(crate) const ZERO_SIZE_POINTER: usize = 16;
const PAGE: usize = 4096;
/// A freed block is searched for objects in use in its first part only.
const SEARCHED_BYTES: usize = 4096;

/// What new memory holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Anything.
    None,
    /// Zeros.
    Zero,
}

/// What is to be allocated, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    /// How many bytes were asked for.
    pub(crate) len: usize,
    /// How many there are to be.
    pub(crate) room: usize,
    pub(crate) align: usize,
    pub(crate) fill: Fill,
    /// The kmem_cache of an object.
    pub(crate) cache: usize,
    /// Where the call returns to.
    pub(crate) place: usize,
}

/// What stands before the left red zone.
#[repr(C)]
#[derive(Clone, Copy)]
struct Header {
    /// The address of the memory, mixed.
    check: usize,
    record: u32,
    _padding: u32,
}

const HEADER: usize = size_of::<Header>();
/// The least that stands before the memory: the header and the red zone.
const FRONT: usize = HEADER + zones::RED_BYTES;
const ALIGN_MIN: usize = 16;
/// About what the kernel's book and the allocator's take for a block.
const BOOK_BYTES: usize = 80;
const CHECK: usize = 0x6b6d_616c_6c6f_6321;
const _: () = assert!(FRONT == 32);

/// The C side's access to memory, for the kernel's book.
struct CMemory;

static MEMORY: CMemory = CMemory;

impl Memory for CMemory {
    fn find_damage(&self, block: &Block) -> Option<Damage> {
        zones::find_damage(block)
    }

    fn cache_name(&self, block: &Block) -> String {
        crate::cache::name_of(block.cache)
    }

    fn release(&self, block: &Block) {
        match block.kind {
            Kind::PerCpu => {}
            Kind::Cache => crate::cache::release(block.memory),
            _ => release(block),
        }
    }

    fn words(&self, block: &Block) -> &'static [AtomicUsize] {
        words(block, block.len)
    }
}

/// The words of the first `max` bytes of a block's memory.
fn words(block: &Block, max: usize) -> &'static [AtomicUsize] {
    let len = block.len.min(max).div_ceil(size_of::<usize>());
    // SAFETY: the memory of a block that the book holds, aligned to 8 bytes, and what lies behind
    // it up to the next such address: of the block or its red zone. C may write to it at
    // any time, so it is looked at as atomics; whoever looks does so before the block goes.
    unsafe { core::slice::from_raw_parts(block.memory as *const AtomicUsize, len) }
}

fn header_of(memory: usize) -> *mut Header {
    (memory - FRONT) as *mut Header
}

/// Enters what is no memory of its own in the book; false when there is no memory for that.
pub(crate) fn enter(cx: &Cx<'_>, kind: Kind, memory: usize, len: usize, place: usize) -> bool {
    let (start, total, room, cache) = (memory, len, len, memory);
    let block = NewBlock { kind, memory, len, room, start, total, align: PAGE, cache };
    cx.kernel.record_block(cx, &MEMORY, &block, place).is_some()
}

/// Allocates memory; its address, or 0 when there is none.
pub(crate) fn allocate_block(cx: &Cx<'_>, request: &Request) -> usize {
    if choose(CHOOSE_MEMORY, 2) != 0 {
        return 0;
    }
    let align = request.align.max(ALIGN_MIN);
    let front = if request.kind == Kind::Pages { 0 } else { FRONT.next_multiple_of(align) };
    let behind = if request.kind == Kind::Pages { 0 } else { zones::RED_BYTES };
    let total = request.room.checked_add(front + behind);
    let Some(layout) = total.and_then(|total| Layout::from_size_align(total, align).ok()) else {
        return 0;
    };
    if !cx.kernel.take_memory(layout.size() + BOOK_BYTES) {
        return 0;
    }
    // SAFETY: the layout is not empty: nobody asks for no bytes.
    let start = unsafe { alloc(layout) } as usize;
    if start == 0 {
        cx.kernel.give_memory(layout.size() + BOOK_BYTES);
        return 0;
    }
    let Request { kind, len, room, cache, .. } = *request;
    let memory = start + front;
    let block = NewBlock { kind, memory, len, room, start, total: layout.size(), align, cache };
    let Some(record) = cx.kernel.record_block(cx, &MEMORY, &block, request.place) else {
        // SAFETY: allocated just now with this layout.
        unsafe { dealloc(start as *mut u8, layout) };
        cx.kernel.give_memory(layout.size() + BOOK_BYTES);
        return 0;
    };
    zones::fill_new(&block, request.fill);
    note(NOTE_NEW_MEMORY, memory, len);
    if front != 0 {
        let header = Header { check: memory ^ CHECK, record, _padding: 0 };
        // SAFETY: within the block, which is ours, before its memory.
        unsafe { header_of(memory).write(header) };
    }
    memory
}

/// The size that kmalloc gives for a request, as Linux's caches have them.
fn bucket(len: usize) -> usize {
    match len {
        0..=8 => 8,
        65..=96 => 96,
        129..=192 => 192,
        _ => len.next_power_of_two(),
    }
}

/// Allocates as kmalloc does: the size of the smallest cache that fits, aligned to it where it is
/// a power of two (up to a page).
pub(crate) fn allocate(cx: &Cx<'_>, kind: Kind, len: usize, fill: Fill, place: usize) -> usize {
    let room = bucket(len);
    let align = if room.is_power_of_two() { room.min(PAGE) } else { ALIGN_MIN };
    allocate_block(cx, &Request { kind, len, room, align, fill, cache: 0, place })
}

/// The record of the block whose memory begins there, live or freed, and its number.
pub(crate) fn find<'k>(cx: &Cx<'k>, memory: usize) -> Option<(u32, &'k Record)> {
    touch(memory);
    if memory.is_multiple_of(PAGE)
        && let Some(found) = cx.kernel.block_at(memory)
    {
        return Some(found);
    }
    // What stands before the first page of a module's memory cannot be read.
    let is_at_edge = memory % PAGE < FRONT && cx.kernel.is_in_module(memory);
    if memory.is_multiple_of(ALIGN_MIN) && !is_at_edge {
        // SAFETY: what stands before a block of ours; before anything else it is read as numbers.
        let header = unsafe { header_of(memory).read() };
        if header.check == memory ^ CHECK
            && let Some(record) = cx.kernel.block_record(header.record, memory)
        {
            return Some((header.record, record));
        }
    }
    cx.kernel.find_block(memory).filter(|(_, record)| record.memory() == memory)
}

/// The record of a live block; anything else is reported.
pub(crate) fn find_live<'k>(
    cx: &Cx<'k>,
    memory: usize,
    who: &'static str,
) -> Option<(u32, &'k Record)> {
    match find(cx, memory) {
        Some((index, record)) if record.is_live() => Some((index, record)),
        Some((_, record)) => {
            misuse::report_freed_before(cx, &record.block(), who);
            None
        }
        None => {
            misuse::report_wrong_pointer(cx, memory, who);
            None
        }
    }
}

/// How long the memory is that C may use, if it is a live block: all of its room from now on.
pub(crate) fn take_room(cx: &Cx<'_>, memory: usize, who: &'static str) -> Option<usize> {
    let (_, record) = find_live(cx, memory, who)?;
    let room = record.block().room;
    resize(cx, record, room);
    Some(room)
}

/// Changes how long a live block's memory is, within its room.
pub(crate) fn resize(cx: &Cx<'_>, record: &Record, len: usize) {
    let old = record.block();
    if let Some(damage) = zones::find_damage(&old) {
        cx.kernel.report_damage(cx, &old, &damage);
    }
    if old.len != len {
        record.set_len(len);
        zones::move_right(&record.block(), old.len);
    }
}

/// Frees a block; anything else is reported and left alone.
pub(crate) fn free(cx: &Cx<'_>, memory: usize, how: Freeing) {
    let Some((index, record)) = find_live(cx, memory, how.who) else { return };
    let block = record.block();
    if is_right(cx, &block, how) {
        if block.kind == Kind::CacheObject {
            crate::cache::forget_object(block.cache);
        }
        free_block(cx, index, record, how);
    }
}

/// Frees a live block: looks at it for the last time, fills it and keeps it back.
pub(crate) fn free_block(cx: &Cx<'_>, index: u32, record: &Record, how: Freeing) {
    let block = record.block();
    if let Some(damage) = zones::find_damage(&block) {
        cx.kernel.report_damage(cx, &block, &damage);
    }
    cx.kernel.check_freed(cx, &block, words(&block, SEARCHED_BYTES), how.who);
    if !cx.kernel.retire_block(cx, record, how.place) {
        return misuse::report_freed_before(cx, &record.block(), how.who);
    }
    // What was only entered in the book has taken nothing.
    if !matches!(block.kind, Kind::Cache | Kind::PerCpu) {
        cx.kernel.give_memory(block.total + BOOK_BYTES);
    }
    zones::fill_freed(&block);
    note(NOTE_FREED_MEMORY, block.memory, freed::value(block.len, how.place));
    cx.kernel.keep_freed(cx, index, record);
}

/// Gives a block back to the allocator.
fn release(block: &Block) {
    let Ok(layout) = Layout::from_size_align(block.total, block.align) else { return };
    if block.kind != Kind::Pages {
        // What the allocator makes of the memory must not look like a block of ours.
        // SAFETY: within the block.
        unsafe { (*header_of(block.memory)).check = 0 };
    }
    // SAFETY: the book had the block with the layout it was allocated with, and strikes it out
    // before it asks for this.
    unsafe { dealloc(block.start as *mut u8, layout) };
}
