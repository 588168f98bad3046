//! Kernel stacks for the whole process: one reserved range, cut into slots.
//!
//! The kernel finds the running thread from the stack pointer, so all stacks lie in one range,
//! and a process has that range once: every [`HostMachine`](crate::HostMachine) shares it. The
//! range is address space only; a slot costs memory where it was touched.
//!
//! # Free slots
//!
//! Two stacks of free slots, linked through an array beside the range, so that a link touches no
//! page of a slot. `warm` slots still have their pages and are taken first, the last freed first.
//! Beyond [`WARM_LIMIT`] a freed slot gives its pages back and becomes `cold`. Slots that were
//! never used are cut off one by one.
//!
//! A stack of free slots is one word: the number of the top slot, how many there are, and a tag
//! that counts the changes. `pop` reads the link of a slot that another CPU may take meanwhile:
//! then the tag has changed and the exchange fails, so the link it read is not used. Orders:
//! `push` releases the link (and what was written to the slot), `pop` acquires it.
//!
//! # Guard pages
//!
//! The lowest page of a slot must fault. Where the host has lightweight guards they are used;
//! else the page is protected, which costs the host two mappings a slot, so only the first
//! [`PROTECTED_LIMIT`] slots are; the rest have none.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use kthreads_base::{SLOT_SIZE, Stack, stack};

use crate::sys::{self, PAGE};

/// How many freed slots keep their pages.
const WARM_LIMIT: u64 = 1024;
/// How many slots are guarded by page protection, where that is the only way.
const PROTECTED_LIMIT: usize = 28_000;
const LARGEST_RANGE: usize = 128 << 30;
const SMALLEST_RANGE: usize = 64 << 20;
/// The host's number for a lightweight guard (MADV_GUARD_INSTALL, Linux 6.13 and later).
const ADVISE_GUARD: i32 = 102;

/// The process's stacks.
pub(crate) struct Stacks {
    base: usize,
    slots: usize,
    guard: Guard,
    links: &'static [AtomicU32],
    warm: FreeList,
    cold: FreeList,
    cut: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    Light,
    Protected,
}

static STACKS: OnceLock<Stacks> = OnceLock::new();
static RESERVING: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// The process's stacks, reserved at the first call.
pub(crate) fn reserve() -> io::Result<&'static Stacks> {
    let _one_at_a_time = RESERVING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(stacks) = STACKS.get() {
        return Ok(stacks);
    }
    let stacks = Stacks::new()?;
    Ok(STACKS.get_or_init(|| stacks))
}

impl Stacks {
    fn new() -> io::Result<Stacks> {
        let (start, length) = map_largest()?;
        let base = start.next_multiple_of(SLOT_SIZE);
        let slots = (start + length - base) / SLOT_SIZE;
        let links = sys::map(slots * size_of::<AtomicU32>())?;
        // SAFETY: fresh, zeroed and never unmapped; zero is a valid AtomicU32.
        let links = unsafe { std::slice::from_raw_parts(links.as_ptr().cast(), slots) };
        // SAFETY: nobody runs in the range yet, and code runs on a slot only after the top word
        // was set (base's `prepare`, `enter_cpu`, and this crate's fault path).
        unsafe { stack::reserve_range(base, slots * SLOT_SIZE) };
        Ok(Stacks {
            base,
            slots,
            guard: probe_guard(base),
            links,
            warm: FreeList::limited_to(WARM_LIMIT),
            cold: FreeList::unlimited(),
            cut: AtomicUsize::new(0),
        })
    }

    /// Takes a free stack.
    pub(crate) fn alloc(&self) -> Option<Stack> {
        let free = self.warm.pop(self.links).or_else(|| self.cold.pop(self.links));
        let index = free.or_else(|| self.cut_off())?;
        // SAFETY: the slot is mapped, in the range, and was taken off a free list or cut off the
        // unused part, either of which hands it to one caller.
        Some(unsafe { Stack::from_base(self.base + index as usize * SLOT_SIZE) })
    }

    /// Takes back a stack.
    pub(crate) fn free(&self, stack: Stack) {
        let index = ((stack.base() - self.base) / SLOT_SIZE) as u32;
        if self.warm.push(self.links, index) {
            return;
        }
        let first = stack.base() + PAGE;
        // SAFETY: the slot is ours until it is pushed below; its contents are of no use any more.
        unsafe { libc::madvise(first as *mut _, SLOT_SIZE - PAGE, libc::MADV_DONTNEED) };
        self.cold.push(self.links, index);
    }

    fn cut_off(&self) -> Option<u32> {
        let next = |cut| (cut < self.slots).then_some(cut + 1);
        let index = self.cut.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        self.install_guard(index);
        Some(index as u32)
    }

    fn install_guard(&self, index: usize) {
        let page = (self.base + index * SLOT_SIZE) as *mut _;
        // SAFETY: the lowest page of a slot that was just cut off; nobody uses it.
        unsafe {
            match self.guard {
                Guard::Light => libc::madvise(page, PAGE, ADVISE_GUARD),
                Guard::Protected if index < PROTECTED_LIMIT => {
                    libc::mprotect(page, PAGE, libc::PROT_NONE)
                }
                Guard::Protected => 0,
            }
        };
    }
}

fn map_largest() -> io::Result<(usize, usize)> {
    let mut length = LARGEST_RANGE;
    loop {
        match sys::map(length) {
            Ok(start) => {
                // SAFETY: our own fresh range. Whole huge pages would cost 2 MiB a stack.
                unsafe { libc::madvise(start.as_ptr().cast(), length, libc::MADV_NOHUGEPAGE) };
                return Ok((start.as_ptr() as usize, length));
            }
            Err(error) if length == SMALLEST_RANGE => return Err(error),
            Err(_) => length /= 2,
        }
    }
}

/// Tries a lightweight guard on the first slot.
fn probe_guard(base: usize) -> Guard {
    // SAFETY: nobody uses the range yet; the page is to be a guard anyway.
    match unsafe { libc::madvise(base as *mut _, PAGE, ADVISE_GUARD) } {
        0 => Guard::Light,
        _ => Guard::Protected,
    }
}

/// A stack of free slot numbers. From the lowest bit: one more than the number of the top slot (0:
/// none), how many there are if that is limited, the count of changes.
struct FreeList {
    top: AtomicU64,
    limit: u64,
}

const NUMBER_BITS: u32 = 22;
const COUNT_BITS: u32 = 11;
const ONE: u64 = 1 << NUMBER_BITS;
const CHANGE: u64 = 1 << (NUMBER_BITS + COUNT_BITS);
const NUMBER_MASK: u64 = ONE - 1;
const COUNT_MASK: u64 = CHANGE - ONE;
const _: () = assert!(LARGEST_RANGE / SLOT_SIZE < NUMBER_MASK as usize);
const _: () = assert!(WARM_LIMIT * ONE <= COUNT_MASK);

impl FreeList {
    fn limited_to(limit: u64) -> FreeList {
        FreeList { top: AtomicU64::new(0), limit }
    }

    /// One that does not count.
    fn unlimited() -> FreeList {
        FreeList { top: AtomicU64::new(0), limit: 0 }
    }

    fn replace(top: u64, number: u64, count: u64) -> u64 {
        (top & !(NUMBER_MASK | COUNT_MASK)).wrapping_add(CHANGE) | count | number
    }

    /// Puts a slot on top; false if there are too many.
    fn push(&self, links: &[AtomicU32], index: u32) -> bool {
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            let count = match self.limit {
                0 => 0,
                limit if top & COUNT_MASK == limit * ONE => return false,
                _ => (top & COUNT_MASK) + ONE,
            };
            links[index as usize].store((top & NUMBER_MASK) as u32, Ordering::Relaxed);
            let new = Self::replace(top, u64::from(index) + 1, count);
            match self.top.compare_exchange_weak(top, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => top = now,
            }
        }
    }

    fn pop(&self, links: &[AtomicU32]) -> Option<u32> {
        let mut top = self.top.load(Ordering::Acquire);
        loop {
            let index = ((top & NUMBER_MASK) as u32).checked_sub(1)?;
            let below = u64::from(links[index as usize].load(Ordering::Relaxed));
            let count = (top & COUNT_MASK).saturating_sub(ONE);
            let new = Self::replace(top, below, count);
            match self.top.compare_exchange_weak(top, new, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(index),
                Err(now) => top = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn stacks_are_distinct_and_aligned_and_in_the_range() {
        let stacks = reserve().expect("a stack range");
        let taken: Vec<Stack> = (0..3000).map(|_| stacks.alloc().expect("a stack")).collect();
        let bases: HashSet<usize> = taken.iter().map(Stack::base).collect();
        assert_eq!(bases.len(), taken.len());
        for base in bases {
            assert!(base.is_multiple_of(SLOT_SIZE) && stack::in_range(base));
        }
        taken.into_iter().for_each(|stack| stacks.free(stack));
    }

    #[test]
    fn a_limited_list_is_full_at_its_limit() {
        let links: Vec<AtomicU32> = (0..20).map(|_| AtomicU32::new(0)).collect();
        let list = FreeList::limited_to(8);
        for _ in 0..1000 {
            let taken: Vec<bool> = (0..20).map(|index| list.push(&links, index)).collect();
            assert_eq!(taken.iter().filter(|taken| **taken).count(), 8);
            let popped: Vec<u32> = std::iter::from_fn(|| list.pop(&links)).collect();
            assert_eq!(popped, [7, 6, 5, 4, 3, 2, 1, 0]);
        }
    }

    #[test]
    fn threads_never_get_the_same_stack() {
        let stacks = reserve().expect("a stack range");
        let owner = |stack: &Stack| (stack.base() + 2 * PAGE) as *mut u64;
        std::thread::scope(|scope| {
            for me in 1..=4_u64 {
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        let stack = stacks.alloc().expect("a stack");
                        // SAFETY: the stack is ours until it is freed.
                        unsafe { owner(&stack).write_volatile(me) };
                        std::hint::spin_loop();
                        // SAFETY: as above.
                        assert_eq!(unsafe { owner(&stack).read_volatile() }, me);
                        stacks.free(stack);
                    }
                });
            }
        });
    }
}
