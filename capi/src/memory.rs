//! Memory (Linux: linux/slab.h, linux/vmalloc.h).

use kthreads_kernel::Cx;
use kthreads_kernel::heap::Kind;

use crate::heap::{self, Fill, Freeing, Request, ZERO_SIZE_POINTER};
use crate::object::{Ptr, text};

const GFP_ZERO: u32 = 0x100;
const GFP_DIRECT_RECLAIM: u32 = 0x400;
/// The largest block that kmalloc gives.
const KMALLOC_MAX: usize = 1 << 22;
const PAGE: usize = 4096;

pub(crate) fn fill(flags: u32) -> Fill {
    if flags & GFP_ZERO != 0 { Fill::Zero } else { Fill::None }
}

/// Says so if an allocation that may sleep is made where nothing may.
pub(crate) fn check_context(cx: &Cx<'_>, flags: u32) {
    if flags & GFP_DIRECT_RECLAIM != 0 {
        cx.kernel.might_sleep(cx);
    }
}

/// Whether there is nothing to free: NULL, or what an allocation of no bytes gave.
fn is_nothing(memory: usize) -> bool {
    memory <= ZERO_SIZE_POINTER
}

pub(crate) fn allocate(cx: &Cx<'_>, len: usize, flags: u32, place: usize) -> usize {
    check_context(cx, flags);
    match len {
        0 => ZERO_SIZE_POINTER,
        1..=KMALLOC_MAX => heap::allocate(cx, Kind::Kmalloc, len, fill(flags), place),
        _ => 0,
    }
}

fn allocate_virtual(cx: &Cx<'_>, len: usize, fill: Fill, place: usize) -> usize {
    cx.kernel.might_sleep(cx);
    if len == 0 {
        return 0;
    }
    let (kind, align, cache) = (Kind::Virtual, PAGE, 0);
    heap::allocate_block(cx, &Request { kind, len, room: len, align, fill, cache, place })
}

fn free(cx: &Cx<'_>, memory: usize, how: Freeing) {
    if !is_nothing(memory) {
        heap::free(cx, memory, how);
    }
}

/// A copy of `source` with `extra` zeros behind it; 0 when there is no memory.
fn copy_of(cx: &Cx<'_>, source: &[u8], extra: usize, flags: u32, place: usize) -> usize {
    let copy = allocate(cx, source.len() + extra, flags, place);
    if copy <= ZERO_SIZE_POINTER {
        return copy;
    }
    // SAFETY: freshly allocated with that length.
    unsafe {
        core::ptr::copy_nonoverlapping(source.as_ptr(), copy as *mut u8, source.len());
        core::ptr::write_bytes((copy + source.len()) as *mut u8, 0, extra);
    }
    copy
}

/// Gives a block another length; within its room it stays where it is (Linux: krealloc).
fn reallocate(cx: &Cx<'_>, memory: usize, len: usize, flags: u32, place: usize) -> usize {
    let how = Freeing { who: "krealloc", place };
    let Some((_, record)) = heap::find_live(cx, memory, how.who) else { return 0 };
    let block = record.block();
    if len <= block.room {
        heap::resize(cx, record, len);
        return memory;
    }
    let new = allocate(cx, len, flags, place);
    if new != 0 {
        let kept = bytes(Ptr::at(memory), block.len);
        // SAFETY: the new block is longer than the old one.
        unsafe { core::ptr::copy_nonoverlapping(kept.as_ptr(), new as *mut u8, block.len) };
        heap::free(cx, memory, how);
    }
    new
}

/// The memory that C names, as bytes.
pub(crate) fn bytes<'a>(start: Ptr<u8>, len: usize) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    // SAFETY: C gives that much memory, and leaves it alone during the call.
    unsafe { core::slice::from_raw_parts(start.get(), len) }
}

/// The start of a C string, at most `max` bytes.
pub(crate) fn text_up_to<'a>(string: Ptr<u8>, max: usize) -> &'a [u8] {
    let mut len = 0;
    // SAFETY: C's string ends with a NUL or is at least `max` bytes long.
    while len < max && unsafe { (string.address() as *const u8).add(len).read() } != 0 {
        len += 1;
    }
    bytes(string, len)
}

export! {
    fn kmalloc_from(cx, len: usize, flags: u32, place: usize) -> usize {
        allocate(cx, len, flags, place)
    }

    fn kfree_from(cx, memory: usize, place: usize) {
        free(cx, memory, Freeing { who: "kfree", place });
    }

    fn kfree_sensitive_from(cx, memory: usize, place: usize) {
        // All of it is overwritten by the poison or here.
        let how = Freeing { who: "kfree_sensitive", place };
        if !is_nothing(memory) && let Some((_, record)) = heap::find_live(cx, memory, how.who) {
            // SAFETY: a live block of that length.
            unsafe { core::ptr::write_bytes(memory as *mut u8, 0, record.len()) };
            heap::free(cx, memory, how);
        }
    }

    fn krealloc_from(cx, memory: usize, len: usize, flags: u32, place: usize) -> usize {
        if len == 0 {
            free(cx, memory, Freeing { who: "krealloc", place });
            return ZERO_SIZE_POINTER;
        }
        if is_nothing(memory) {
            return allocate(cx, len, flags, place);
        }
        reallocate(cx, memory, len, flags, place)
    }

    fn ksize(cx, memory: usize) -> usize {
        if is_nothing(memory) {
            return 0;
        }
        heap::take_room(cx, memory, "ksize").unwrap_or(0)
    }

    fn kvmalloc_node_from(cx, len: usize, flags: u32, _node: i32, place: usize) -> usize {
        if len <= KMALLOC_MAX {
            return allocate(cx, len, flags, place);
        }
        allocate_virtual(cx, len, fill(flags), place)
    }

    fn kvfree_from(cx, memory: usize, place: usize) {
        free(cx, memory, Freeing { who: "kvfree", place });
    }

    fn vmalloc_from(cx, len: usize, place: usize) -> usize {
        allocate_virtual(cx, len, Fill::None, place)
    }

    fn vzalloc_from(cx, len: usize, place: usize) -> usize {
        allocate_virtual(cx, len, Fill::Zero, place)
    }

    fn vfree_from(cx, memory: usize, place: usize) {
        free(cx, memory, Freeing { who: "vfree", place });
    }

    fn kstrdup_from(cx, string: Ptr<u8>, flags: u32, place: usize) -> usize {
        string.option().map_or(0, |_| copy_of(cx, text(string), 1, flags, place))
    }

    fn kstrndup_from(cx, string: Ptr<u8>, max: usize, flags: u32, place: usize) -> usize {
        string.option().map_or(0, |_| copy_of(cx, text_up_to(string, max), 1, flags, place))
    }

    fn kmemdup_from(cx, source: Ptr<u8>, len: usize, flags: u32, place: usize) -> usize {
        copy_of(cx, bytes(source, len), 0, flags, place)
    }

    fn kmemdup_nul_from(cx, source: Ptr<u8>, len: usize, flags: u32, place: usize) -> usize {
        source.option().map_or(0, |_| copy_of(cx, bytes(source, len), 1, flags, place))
    }
}

with_caller! {
    kmalloc, "rdx" => kmalloc_from;
    kfree, "rsi" => kfree_from;
    kfree_sensitive, "rsi" => kfree_sensitive_from;
    krealloc, "rcx" => krealloc_from;
    kvmalloc_node, "rcx" => kvmalloc_node_from;
    kvfree, "rsi" => kvfree_from;
    vmalloc, "rsi" => vmalloc_from;
    vzalloc, "rsi" => vzalloc_from;
    vfree, "rsi" => vfree_from;
    kstrdup, "rdx" => kstrdup_from;
    kstrndup, "rcx" => kstrndup_from;
    kmemdup, "rcx" => kmemdup_from;
    kmemdup_nul, "rcx" => kmemdup_nul_from;
}

exports! {
    "__kmalloc" => kmalloc, Any;
    "kfree" => kfree, Any;
    "kfree_sensitive" => kfree_sensitive, Any;
    "krealloc" => krealloc, Any;
    "ksize" => ksize, Any;
    "kvmalloc_node" => kvmalloc_node, Any;
    "kvfree" => kvfree, Any;
    "vmalloc" => vmalloc, Any;
    "vzalloc" => vzalloc, Any;
    "vfree" => vfree, Any;
    "kstrdup" => kstrdup, Any;
    "kstrndup" => kstrndup, Any;
    "kmemdup" => kmemdup, Any;
    "kmemdup_nul" => kmemdup_nul, Any;
}
