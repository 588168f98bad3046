//! What is said of pointers that are not to be freed, or not by that function.

use kthreads_kernel::heap::{Block, Kind};
use kthreads_kernel::log::Level;
use kthreads_kernel::{Cx, log};

/// A call that frees memory.
#[derive(Clone, Copy)]
pub(crate) struct Freeing {
    /// The function that is called.
    pub(crate) who: &'static str,
    /// Where the call returns to.
    pub(crate) place: usize,
}

/// Whether a function may free a block of that kind: if not, says which one may. The block is then
/// freed all the same where Linux does that.
pub(crate) fn is_right(cx: &Cx<'_>, block: &Block, how: Freeing) -> bool {
    let (right, goes_on) = match (how.who, block.kind) {
        ("kvfree", Kind::Kmalloc | Kind::Virtual) => return true,
        ("vfree", Kind::Virtual) => return true,
        ("kmem_cache_free", Kind::CacheObject) => return true,
        ("kthread_destroy_worker" | "kthread_create_worker", Kind::Worker) => return true,
        ("kfree" | "kfree_sensitive" | "krealloc", Kind::Kmalloc) => return true,
        // SLUB finds the cache by the page.
        ("kfree" | "kfree_sensitive", Kind::CacheObject) => (block.kind.ending(), true),
        ("kmem_cache_free", Kind::Kmalloc) => ("kfree", true),
        _ => (block.kind.ending(), false),
    };
    let Freeing { who, .. } = how;
    let (memory, origin) = (block.memory, block.kind.origin());
    let what = format_args!("{who} of {memory:#x}, which is of {origin}: use {right}");
    cx.kernel.count_bug();
    log!(cx, Level::Error, "kthreads: {what}");
    cx.kernel.log_block(cx, block);
    cx.kernel.dump_stack(cx);
    goes_on
}

/// Reports a second free, with who freed it first.
#[cold]
pub(super) fn report_freed_before(cx: &Cx<'_>, block: &Block, who: &'static str) {
    cx.kernel.report_block(cx, block, format_args!("Object already free"));
    let (memory, comm) = (block.memory, cx.task.comm());
    let first = block.freed.map_or(0, |track| track.place);
    let first = cx.kernel.place_name(first);
    log!(
        cx,
        Level::Error,
        "kthreads: {comm} calls {who} of {memory:#x}, which was freed before, in {first}"
    );
}

/// Reports a pointer that is none of a block.
#[cold]
pub(super) fn report_wrong_pointer(cx: &Cx<'_>, memory: usize, who: &'static str) {
    let comm = cx.task.comm();
    if let Some((_, record)) = cx.kernel.find_block(memory) {
        let block = record.block();
        let offset = memory.wrapping_sub(block.memory) as isize;
        let what = format_args!("Invalid object pointer {memory:#x}");
        cx.kernel.report_block(cx, &block, what);
        log!(
            cx,
            Level::Error,
            "kthreads: {comm} calls {who} of {memory:#x}, which is {offset} bytes into an object"
        );
        return;
    }
    cx.kernel.count_bug();
    let name = cx.kernel.name_of(memory);
    let owner = cx.kernel.stack_owner(memory);
    match (name, owner) {
        (Some(name), _) => {
            let name = name.as_str();
            log!(
                cx,
                Level::Error,
                "kthreads: {comm} calls {who} of {memory:#x}, which is a module's own: {name}"
            );
        }
        (None, Some(owner)) => log!(
            cx,
            Level::Error,
            "kthreads: {comm} calls {who} of {memory:#x}, which is on the stack of {} (pid {})",
            owner.comm(),
            owner.pid()
        ),
        (None, None) => log!(
            cx,
            Level::Error,
            "kthreads: {comm} calls {who} of {memory:#x}, which was not allocated"
        ),
    }
    cx.kernel.dump_stack(cx);
}
