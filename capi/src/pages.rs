//! Whole pages (Linux: linux/gfp.h).

use kthreads_kernel::heap::Kind;
use kthreads_kernel::log::Level;
use kthreads_kernel::{Cx, log};

use crate::heap::{self, Freeing, Request};
use crate::memory::{check_context, fill};

const PAGE: usize = 4096;
/// The largest run has 2^10 pages.
const ORDER_MAX: u32 = 10;

#[cold]
fn report_order(cx: &Cx<'_>, address: usize, order: u32, real: u32) {
    cx.kernel.count_bug();
    let comm = cx.task.comm();
    log!(
        cx,
        Level::Error,
        "kthreads: {comm} frees pages at {address:#x} with order {order}: it is {real}"
    );
    cx.kernel.dump_stack(cx);
}

export! {
    fn get_free_pages_from(cx, flags: u32, order: u32, place: usize) -> usize {
        check_context(cx, flags);
        if order > ORDER_MAX {
            return 0;
        }
        let (kind, len) = (Kind::Pages, PAGE << order);
        let fill = fill(flags);
        // A run of pages is aligned to its size.
        let request = Request { kind, len, room: len, align: len, fill, cache: 0, place };
        heap::allocate_block(cx, &request)
    }

    fn free_pages_from(cx, address: usize, order: u32, place: usize) {
        let how = Freeing { who: "free_pages", place };
        if address == 0 {
            return;
        }
        let Some((index, record)) = heap::find_live(cx, address, how.who) else { return };
        let block = record.block();
        if block.kind != Kind::Pages {
            heap::is_right(cx, &block, how);
            return;
        }
        let real = (block.len / PAGE).ilog2();
        if real != order {
            report_order(cx, address, order, real);
        }
        heap::free_block(cx, index, record, how);
    }
}

with_caller! {
    get_free_pages, "rdx" => get_free_pages_from;
    free_pages, "rdx" => free_pages_from;
}

exports! {
    "__get_free_pages" => get_free_pages, Any;
    "free_pages" => free_pages, Any;
}
