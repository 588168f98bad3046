//! What is said of lists that are torn (Linux: lib/list_debug.c, as Debian configures it: the
//! thread ends).

use core::fmt;

use kthreads_kernel::log::Level;
use kthreads_kernel::{Cx, log};

use crate::object::Ptr;

const FILE: &str = "lib/list_debug.c";
const LIST_POISON1: usize = 0xdead_0000_0000_0100;
const LIST_POISON2: usize = 0xdead_0000_0000_0122;

/// C's `struct list_head`.
#[repr(C)]
pub(crate) struct ListHead {
    next: usize,
    prev: usize,
}

fn at(address: usize) -> &'static ListHead {
    Ptr::<ListHead>::at(address).get()
}

fn corrupt(cx: &Cx<'_>, line: u32, what: fmt::Arguments<'_>) -> ! {
    log!(cx, Level::Error, "{what}");
    cx.kernel.bug(cx, FILE, line)
}

export_noreturn! {
    fn list_add_corrupt(cx, item: usize, prev: usize, next: usize) {
        if prev == 0 || next == 0 {
            let which = if prev == 0 { "prev" } else { "next" };
            corrupt(cx, 23, format_args!("list_add corruption. {which} is NULL."));
        }
        let (before, after) = (at(next).prev, at(prev).next);
        if before != prev {
            corrupt(cx, 27, format_args!(
                "list_add corruption. next->prev should be prev ({prev:016x}), but was \
                 {before:016x}. (next={next:016x})."
            ));
        }
        if after != next {
            corrupt(cx, 30, format_args!(
                "list_add corruption. prev->next should be next ({next:016x}), but was \
                 {after:016x}. (prev={prev:016x})."
            ));
        }
        corrupt(cx, 33, format_args!(
            "list_add double add: new={item:016x}, prev={prev:016x}, next={next:016x}."
        ))
    }

    fn list_del_corrupt(cx, item: usize) {
        let ListHead { next, prev } = *at(item);
        if next == LIST_POISON1 {
            corrupt(cx, 50, format_args!(
                "list_del corruption, {item:016x}->next is LIST_POISON1 ({LIST_POISON1:016x})"
            ));
        }
        if prev == LIST_POISON2 {
            corrupt(cx, 53, format_args!(
                "list_del corruption, {item:016x}->prev is LIST_POISON2 ({LIST_POISON2:016x})"
            ));
        }
        if next == 0 || prev == 0 {
            let which = if next == 0 { "next" } else { "prev" };
            corrupt(cx, 46, format_args!("list_del corruption, {item:016x}->{which} is NULL"));
        }
        let after = at(prev).next;
        if after != item {
            corrupt(cx, 56, format_args!(
                "list_del corruption. prev->next should be {item:016x}, but was {after:016x}. \
                 (prev={prev:016x})"
            ));
        }
        let before = at(next).prev;
        corrupt(cx, 59, format_args!(
            "list_del corruption. next->prev should be {item:016x}, but was {before:016x}. \
             (next={next:016x})"
        ))
    }
}

exports! {
    "__list_add_corrupt" => list_add_corrupt, Local;
    "__list_del_corrupt" => list_del_corrupt, Local;
}
