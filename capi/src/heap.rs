//! Allocations of C's, with a header before each.
//!
//! A block is laid out as padding, header, memory. The header says how long the memory is and how
//! it was allocated; the mark in it tells a block from anything else, and a freed one from a live
//! one. Freed memory is filled with Linux's poison and kept back for a while
//! ([`Kernel::keep_freed`](kthreads_kernel::Kernel::keep_freed)).

use alloc::alloc::{Layout, alloc, dealloc};
use core::ptr;

use kthreads_kernel::heap::Block;
use kthreads_kernel::log::Level;
use kthreads_kernel::{Cx, log};

use crate::object::touch;

/// What kmalloc gives for no bytes at all.
pub(crate) const ZERO_SIZE_POINTER: usize = 16;
/// What freed memory is filled with (Linux: POISON_FREE).
const POISON: u8 = 0x6b;
const LIVE: u32 = 0x6b6d_616c;
const FREED: u32 = 0x6b66_7265;
/// Large blocks are poisoned in their first part only.
const POISONED_MAX: usize = 1 << 16;

/// What new memory holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Anything.
    None,
    /// Zeros.
    Zero,
}

/// What stands before the memory.
#[repr(C)]
#[derive(Clone, Copy)]
struct Header {
    len: usize,
    mark: u32,
    /// The alignment of the memory, which is also its distance from the block's start.
    align: u32,
}

const HEADER: usize = size_of::<Header>();
const _: () = assert!(HEADER == 16);

fn header_of(memory: usize) -> *mut Header {
    (memory - HEADER) as *mut Header
}

/// The header of what should be a live block.
fn header(memory: usize) -> Header {
    touch(memory);
    // SAFETY: what stands before a block of ours; before anything else it is read as numbers only.
    unsafe { header_of(memory).read_unaligned() }
}

/// Allocates `len` bytes, aligned to `align`; 0 when there is no memory.
pub(crate) fn allocate_aligned(cx: &Cx<'_>, len: usize, align: usize, fill: Fill) -> usize {
    let align = align.max(HEADER);
    let Some(total) = len.checked_add(align) else { return 0 };
    let Ok(layout) = Layout::from_size_align(total, align) else { return 0 };
    if !cx.kernel.take_memory(total + HEADER) {
        return 0;
    }
    // SAFETY: the layout is not empty: it holds the header.
    let start = unsafe { alloc(layout) };
    if start.is_null() {
        cx.kernel.give_memory(total + HEADER);
        return 0;
    }
    let memory = start as usize + align;
    // SAFETY: within the block, which is ours; the header lies in the padding of `align` bytes.
    unsafe {
        header_of(memory).write(Header { len, mark: LIVE, align: align as u32 });
        if fill == Fill::Zero {
            ptr::write_bytes(memory as *mut u8, 0, len);
        }
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
pub(crate) fn allocate(cx: &Cx<'_>, len: usize, fill: Fill) -> usize {
    const PAGE: usize = 4096;
    let len = bucket(len);
    let align = if len.is_power_of_two() { len.min(PAGE) } else { HEADER };
    allocate_aligned(cx, len, align, fill)
}

/// How long the memory is, if it is a live block.
pub(crate) fn len_of(cx: &Cx<'_>, memory: usize, who: &'static str) -> Option<usize> {
    let header = header(memory);
    if header.mark != LIVE {
        report(cx, memory, header.mark, who);
        return None;
    }
    Some(header.len)
}

/// Frees a block; anything else is reported and left alone.
pub(crate) fn free(cx: &Cx<'_>, memory: usize, who: &'static str) {
    let Some(len) = len_of(cx, memory, who) else { return };
    let align = header(memory).align as usize;
    // SAFETY: a live block, which from here on is nobody's.
    unsafe {
        (*header_of(memory)).mark = FREED;
        ptr::write_bytes(memory as *mut u8, POISON, len.min(POISONED_MAX));
    }
    let block = Block { start: memory - align, len: len + align, align };
    // The allocator's own book of a block is about as long as our header.
    cx.kernel.give_memory(block.len + HEADER);
    cx.kernel.keep_freed(block, release);
}

/// Gives a block back to the allocator.
fn release(block: Block) {
    // The mark goes: what the allocator makes of the memory must not look like a freed block.
    let Ok(layout) = Layout::from_size_align(block.len, block.align) else { return };
    // SAFETY: `free` made the block's description from the layout it was allocated with, and
    // nobody frees it twice: a freed block is not live.
    unsafe {
        (*header_of(block.start + block.align)).mark = 0;
        dealloc(block.start as *mut u8, layout);
    }
}

#[cold]
fn report(cx: &Cx<'_>, memory: usize, mark: u32, who: &'static str) {
    cx.kernel.count_bug();
    let comm = cx.task.comm();
    let what = if mark == FREED { "was freed before" } else { "was not allocated" };
    log!(cx, Level::Error, "kthreads: {comm} calls {who} of {memory:#x}, which {what}");
    cx.kernel.dump_stack(cx);
}
