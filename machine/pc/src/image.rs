//! Memory for the text and data of modules, and other ranges of mapped pages.
//!
//! Addresses are not used twice, so that a jump to text that was unloaded faults for good and is
//! told from any other.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::Protection;

use crate::frames::PAGE;
use crate::paging::{self, MODULES, RANGE_LEN, Use};
use crate::shootdown;

static NEXT: AtomicU64 = AtomicU64::new(MODULES);

fn reserve(len: u64) -> Option<u64> {
    let fits = |next: u64| next.checked_add(len).filter(|end| *end <= MODULES + RANGE_LEN);
    NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()
}

/// Maps `len` bytes (whole pages) above a page that is not mapped; returns the upper end.
pub(crate) fn map_with_guard(len: u64) -> Option<usize> {
    let start = reserve(len + PAGE)? + PAGE;
    paging::map(start, len).then_some((start + len) as usize)
}

/// Maps zeroed memory, read-write.
pub(crate) fn alloc(len: usize) -> Option<NonNull<u8>> {
    let len = (len as u64).checked_next_multiple_of(PAGE).filter(|len| *len != 0)?;
    // A page that is not mapped lies between two images.
    let start = reserve(len + PAGE)?;
    paging::map(start, len).then(|| NonNull::new(start as *mut u8)).flatten()
}

/// Whether an address lies where modules are, loaded or not.
pub(crate) fn contains(address: usize) -> bool {
    (MODULES..MODULES + RANGE_LEN).contains(&(address as u64))
}

/// Changes what a range is used for.
pub(crate) fn protect(start: NonNull<u8>, len: usize, access: Protection) {
    let usage = match access {
        Protection::None => Use::Nothing,
        Protection::Read => Use::Read,
        Protection::ReadExecute => Use::Run,
        Protection::ReadWrite => Use::Write,
    };
    let len = (len as u64).next_multiple_of(PAGE);
    paging::set_use(start.as_ptr() as u64, len, usage);
    shootdown::flush_everywhere();
}

/// Unmaps what [`alloc`] mapped.
pub(crate) fn free(start: NonNull<u8>, len: usize) {
    paging::unmap(start.as_ptr() as u64, (len as u64).next_multiple_of(PAGE));
}
