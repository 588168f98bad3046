//! Memory (Linux: linux/slab.h, linux/vmalloc.h).

use kthreads_kernel::Cx;

use crate::heap::{self, Fill, ZERO_SIZE_POINTER};
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

pub(crate) fn allocate(cx: &Cx<'_>, len: usize, flags: u32) -> usize {
    check_context(cx, flags);
    match len {
        0 => ZERO_SIZE_POINTER,
        1..=KMALLOC_MAX => heap::allocate(cx, len, fill(flags)),
        _ => 0,
    }
}

fn allocate_virtual(cx: &Cx<'_>, len: usize, fill: Fill) -> usize {
    cx.kernel.might_sleep(cx);
    if len == 0 {
        return 0;
    }
    heap::allocate_aligned(cx, len, PAGE, fill)
}

fn free(cx: &Cx<'_>, memory: usize, who: &'static str) {
    if !is_nothing(memory) {
        heap::free(cx, memory, who);
    }
}

/// A copy of `source` with `extra` zeros behind it; 0 when there is no memory.
pub(crate) fn copy_of(cx: &Cx<'_>, source: &[u8], extra: usize, flags: u32) -> usize {
    let copy = allocate(cx, source.len() + extra, flags);
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
    fn kmalloc(cx, len: usize, flags: u32) -> usize {
        allocate(cx, len, flags)
    }

    fn kfree(cx, memory: usize) {
        free(cx, memory, "kfree");
    }

    fn kfree_sensitive(cx, memory: usize) {
        // All of it is overwritten by the poison or here.
        if !is_nothing(memory) && let Some(len) = heap::len_of(cx, memory, "kfree_sensitive") {
            // SAFETY: a live block of that length.
            unsafe { core::ptr::write_bytes(memory as *mut u8, 0, len) };
            heap::free(cx, memory, "kfree_sensitive");
        }
    }

    fn krealloc(cx, memory: usize, len: usize, flags: u32) -> usize {
        if len == 0 {
            free(cx, memory, "krealloc");
            return ZERO_SIZE_POINTER;
        }
        if is_nothing(memory) {
            return allocate(cx, len, flags);
        }
        let Some(old) = heap::len_of(cx, memory, "krealloc") else { return 0 };
        if len <= old {
            return memory;
        }
        let new = allocate(cx, len, flags);
        if new != 0 {
            let kept = bytes(Ptr::at(memory), old);
            // SAFETY: the new block is longer than the old one.
            unsafe { core::ptr::copy_nonoverlapping(kept.as_ptr(), new as *mut u8, old) };
            heap::free(cx, memory, "krealloc");
        }
        new
    }

    fn ksize(cx, memory: usize) -> usize {
        if is_nothing(memory) {
            return 0;
        }
        heap::len_of(cx, memory, "ksize").unwrap_or(0)
    }

    fn kvmalloc_node(cx, len: usize, flags: u32, _node: i32) -> usize {
        if len <= KMALLOC_MAX {
            return allocate(cx, len, flags);
        }
        allocate_virtual(cx, len, fill(flags))
    }

    fn kvfree(cx, memory: usize) {
        free(cx, memory, "kvfree");
    }

    fn vmalloc(cx, len: usize) -> usize {
        allocate_virtual(cx, len, Fill::None)
    }

    fn vzalloc(cx, len: usize) -> usize {
        allocate_virtual(cx, len, Fill::Zero)
    }

    fn vfree(cx, memory: usize) {
        free(cx, memory, "vfree");
    }

    fn kstrdup(cx, string: Ptr<u8>, flags: u32) -> usize {
        string.option().map_or(0, |_| copy_of(cx, text(string), 1, flags))
    }

    fn kstrndup(cx, string: Ptr<u8>, max: usize, flags: u32) -> usize {
        string.option().map_or(0, |_| copy_of(cx, text_up_to(string, max), 1, flags))
    }

    fn kmemdup(cx, source: Ptr<u8>, len: usize, flags: u32) -> usize {
        copy_of(cx, bytes(source, len), 0, flags)
    }

    fn kmemdup_nul(cx, source: Ptr<u8>, len: usize, flags: u32) -> usize {
        source.option().map_or(0, |_| copy_of(cx, bytes(source, len), 1, flags))
    }
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
