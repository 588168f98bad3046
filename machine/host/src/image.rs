//! Memory for the text and data of modules.

use std::ptr::NonNull;

use kthreads_base::Protection;

use crate::sys::{self, PAGE};
use crate::text::TEXT;

fn whole_pages(len: usize) -> Option<usize> {
    len.checked_next_multiple_of(PAGE).filter(|len| *len != 0)
}

/// Maps zeroed memory, read-write.
pub(crate) fn alloc(len: usize) -> Option<NonNull<u8>> {
    sys::map(whole_pages(len)?).ok()
}

/// Changes what a range is used for; text in it may be interrupted from when it may run until it
/// may not.
///
/// # Safety
///
/// The range is whole pages of one [`alloc`], and nobody relies on what is taken away.
pub(crate) unsafe fn protect(start: NonNull<u8>, len: usize, access: Protection) {
    let Some(len) = whole_pages(len) else { return };
    let flags = match access {
        Protection::None => libc::PROT_NONE,
        Protection::Read => libc::PROT_READ,
        Protection::ReadExecute => libc::PROT_READ | libc::PROT_EXEC,
        Protection::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
    };
    let address = start.as_ptr() as usize;
    if access != Protection::ReadExecute {
        TEXT.remove(address, len);
    }
    // SAFETY: the caller vouches for the range.
    let result = unsafe { libc::mprotect(start.as_ptr().cast(), len, flags) };
    if result != 0 {
        kthreads_base::fatal("the host does not let module memory be protected");
    }
    if access == Protection::ReadExecute {
        TEXT.add(address, len);
    }
}

/// Unmaps what [`alloc`] mapped.
///
/// # Safety
///
/// `start` and `len` are those of the allocation, and nobody uses it any more.
pub(crate) unsafe fn free(start: NonNull<u8>, len: usize) {
    let Some(len) = whole_pages(len) else { return };
    TEXT.remove(start.as_ptr() as usize, len);
    // SAFETY: the caller vouches for the range.
    unsafe { sys::unmap(start, len) };
}
