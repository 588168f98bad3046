//! Kernel stacks: slots of 64 KiB of addresses, the top 16 KiB of which are memory.
//!
//! The rest of a slot is never mapped, so an overflow faults. A freed stack keeps its memory up
//! to a limit, and is the first to be taken again; beyond the limit many give theirs back at once.

use alloc::vec::Vec;

use kthreads_base::{SLOT_SIZE, Stack, stack};

use crate::hard_lock::HardLock;
use crate::paging::{self, RANGE_LEN, STACKS};

/// How much of a slot is memory, in bytes: Linux's THREAD_SIZE on x86-64.
pub const STACK_SIZE: usize = 16 * 1024;
/// How many freed stacks keep their memory, at least.
const WARM: usize = 1024;
/// How many give it back at once, when there are so many more.
const BATCH: usize = 64;

struct Free {
    /// Slots that have their memory.
    warm: Vec<usize>,
    /// Slots that have none.
    cold: Vec<usize>,
    /// Where the slots begin that were never used.
    unused: usize,
}

static FREE: HardLock<Free> =
    HardLock::new(Free { warm: Vec::new(), cold: Vec::new(), unused: STACKS as usize });

/// Tells where the stacks are.
pub(crate) fn init() {
    stack::set_guard_size(SLOT_SIZE - STACK_SIZE);
    // SAFETY: nobody runs in the range yet, and code runs on a slot only after its top word was
    // set (base's `prepare` and `enter_cpu`, and this crate's faults).
    unsafe { stack::reserve_range(STACKS as usize, RANGE_LEN as usize) };
}

/// Takes a free stack.
pub(crate) fn alloc() -> Option<Stack> {
    let (base, is_mapped) = take()?;
    if !is_mapped && !paging::map((base + SLOT_SIZE - STACK_SIZE) as u64, STACK_SIZE as u64) {
        FREE.lock().cold.push(base);
        return None;
    }
    // SAFETY: the slot is mapped at its top and was handed out to this caller alone.
    Some(unsafe { Stack::from_base(base) })
}

fn take() -> Option<(usize, bool)> {
    let mut free = FREE.lock();
    if let Some(base) = free.warm.pop() {
        return Some((base, true));
    }
    if let Some(base) = free.cold.pop() {
        return Some((base, false));
    }
    let base = free.unused;
    if base == (STACKS + RANGE_LEN) as usize {
        return None;
    }
    free.unused += SLOT_SIZE;
    // Freeing must not need memory: there is room in both lists for every slot in use.
    let in_use = (free.unused - STACKS as usize) / SLOT_SIZE;
    let Free { warm, cold, .. } = &mut *free;
    let has_room = warm.try_reserve(in_use.min(WARM + BATCH) - warm.len()).is_ok()
        && cold.try_reserve(in_use - cold.len()).is_ok();
    has_room.then_some((base, false))
}

/// Takes back a stack.
pub(crate) fn free(stack: Stack) {
    let mut given = [0; BATCH];
    {
        let mut free = FREE.lock();
        free.warm.push(stack.base());
        let Some(kept) = free.warm.len().checked_sub(BATCH).filter(|kept| *kept >= WARM) else {
            return;
        };
        given.copy_from_slice(&free.warm[kept..]);
        free.warm.truncate(kept);
    }
    let pages = |base: usize| (base + SLOT_SIZE - STACK_SIZE..base + SLOT_SIZE).step_by(4096);
    paging::unmap_all(given.iter().flat_map(|base| pages(*base)).map(|page| page as u64));
    FREE.lock().cold.extend_from_slice(&given);
}
