//! Whole pages (Linux: linux/gfp.h).

use alloc::alloc::{Layout, alloc, dealloc};

use kthreads_kernel::log::Level;
use kthreads_kernel::{Cx, log};

use crate::heap::Fill;
use crate::memory::{check_context, fill};

const PAGE: usize = 4096;
/// The largest run has 2^10 pages.
const ORDER_MAX: u32 = 10;

/// The layout of a run of pages: aligned to its size.
fn layout(order: u32) -> Option<Layout> {
    let len = (order <= ORDER_MAX).then(|| PAGE << order)?;
    Layout::from_size_align(len, len).ok()
}

#[cold]
fn report(cx: &Cx<'_>, address: usize, order: u32, real: Option<u32>) {
    cx.kernel.count_bug();
    let comm = cx.task.comm();
    match real {
        Some(real) => log!(
            cx,
            Level::Error,
            "kthreads: {comm} frees pages at {address:#x} with order {order}: it is {real}"
        ),
        None => log!(cx, Level::Error, "kthreads: {comm} frees {address:#x}: no pages are there"),
    }
    cx.kernel.dump_stack(cx);
}

export! {
    fn get_free_pages(cx, flags: u32, order: u32) -> usize {
        check_context(cx, flags);
        let Some(layout) = layout(order) else { return 0 };
        // SAFETY: the layout is at least a page long.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            return 0;
        }
        if fill(flags) == Fill::Zero {
            // SAFETY: freshly allocated with that length.
            unsafe { start.write_bytes(0, layout.size()) };
        }
        cx.kernel.note_pages(start as usize, order);
        start as usize
    }

    fn free_pages(cx, address: usize, order: u32) {
        if address == 0 {
            return;
        }
        let real = cx.kernel.forget_pages(address);
        if real != Some(order) {
            report(cx, address, order, real);
        }
        let Some(layout) = real.and_then(layout) else { return };
        // SAFETY: these pages were out with this layout, and are struck out now.
        unsafe { dealloc(address as *mut u8, layout) };
    }
}

exports! {
    "__get_free_pages" => get_free_pages, Any;
    "free_pages" => free_pages, Any;
}
