//! Kernel stacks: naturally aligned slots of one size, all in one reserved range.
//!
//! The top word of a slot points to the [`Head`](crate::Head) of the thread that runs on it, so
//! the running thread is found from the stack pointer alone, on every machine.

use core::sync::atomic::{AtomicUsize, Ordering};

/// The size of a stack slot in bytes of address space, and its alignment.
pub const SLOT_SIZE: usize = 64 * 1024;

/// Where the reserved range begins, and how long it is; zero long until a machine reserves it.
///
/// The host forces this on us: a process has other stacks too, and a safe function must be able
/// to tell that it is on one of those.
static RANGE_START: AtomicUsize = AtomicUsize::new(0);
static RANGE_LENGTH: AtomicUsize = AtomicUsize::new(0);
/// How much of the low end of a slot is never mapped.
static GUARD_SIZE: AtomicUsize = AtomicUsize::new(4096);

/// Tells where all kernel stacks lie. A machine calls it once a process (or once a boot).
///
/// # Safety
///
/// Every slot in the range that code ever runs on must have a valid top word from then on.
pub unsafe fn reserve_range(start: usize, length: usize) {
    assert!(start.is_multiple_of(SLOT_SIZE), "the stack range must be slot-aligned");
    RANGE_START.store(start, Ordering::Relaxed);
    RANGE_LENGTH.store(length, Ordering::Release);
}

/// Tells how much of the low end of a slot faults, in bytes; a page unless a machine says more.
/// Called once, before any stack is used.
pub fn set_guard_size(bytes: usize) {
    assert!(bytes < SLOT_SIZE, "a slot cannot be all guard");
    GUARD_SIZE.store(bytes, Ordering::Relaxed);
}

/// How much of the low end of a slot faults, in bytes.
#[inline]
pub fn guard_size() -> usize {
    GUARD_SIZE.load(Ordering::Relaxed)
}

/// Whether `address` lies in the range of kernel stacks.
#[inline]
pub fn in_range(address: usize) -> bool {
    address.wrapping_sub(RANGE_START.load(Ordering::Relaxed)) < RANGE_LENGTH.load(Ordering::Relaxed)
}

/// A kernel stack: one slot, owned.
///
/// Dropping one leaks it; a machine takes it back with
/// [`stack_free`](crate::Machine::stack_free).
#[derive(Debug)]
pub struct Stack {
    base: usize,
}

impl Stack {
    /// Takes ownership of the slot that begins at `base`.
    ///
    /// # Safety
    ///
    /// The slot is mapped (but for guard pages at its low end), in the reserved range, and
    /// nobody else uses it.
    pub unsafe fn from_base(base: usize) -> Stack {
        debug_assert!(base.is_multiple_of(SLOT_SIZE));
        Stack { base }
    }

    /// The lowest address of the slot.
    pub fn base(&self) -> usize {
        self.base
    }

    /// The address of the slot's top word.
    pub(crate) fn top_word(&self) -> *mut *const crate::Head {
        (self.base + SLOT_SIZE - size_of::<usize>()) as *mut *const crate::Head
    }

    /// The first stack pointer to use: below the top word, 16-byte aligned.
    pub fn top(&self) -> usize {
        Stack::top_of(self.base)
    }

    /// As [`top`](Stack::top), of the slot that begins at `base`.
    pub(crate) fn top_of(base: usize) -> usize {
        base + SLOT_SIZE - 64
    }
}
