//! Text that can be struck out and written back without a system call.
//!
//! The pages of a [`Twin`] are mapped twice: where they run, and where they can be written. To
//! strike text out is to fill it with an instruction that no program may run, so whoever comes
//! there faults as if nothing were there.

use std::ptr::{self, NonNull};

use kthreads_base::Protection;

use crate::image;
use crate::sys;
use crate::text::{TEXT, TextTable};

/// The text of all twins in this process that is struck out.
pub(crate) static STRUCK: TextTable = TextTable::new();
/// Faults with a general protection exception, of one byte.
const HLT: u8 = 0xf4;

/// Pages of module text that are mapped a second time.
pub struct Twin {
    start: NonNull<u8>,
    /// Where they can be written.
    twin: NonNull<u8>,
    len: usize,
}

// SAFETY: the pages may be written by whoever may write module text, from any thread.
unsafe impl Send for Twin {}

impl Twin {
    /// Maps text a second time; None if the host does not let it.
    ///
    /// # Safety
    ///
    /// The range is whole pages of one [`image_alloc`](crate::process::image_alloc) that may be
    /// run, and nobody runs them meanwhile. No process that was forked since they were made shares
    /// them.
    pub unsafe fn of(start: NonNull<u8>, len: usize) -> Option<Twin> {
        let twin = sys::map_shared(len).ok()?;
        // SAFETY: the caller's range can be read, and the new mapping is so long.
        unsafe { twin.as_ptr().copy_from_nonoverlapping(start.as_ptr(), len) };
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        let target = start.as_ptr().cast::<libc::c_void>();
        // SAFETY: of a shared mapping, no bytes are moved: the same pages come to lie at the text's
        // address too, in place of a copy of them that nobody uses meanwhile.
        let moved = unsafe { libc::mremap(twin.as_ptr().cast(), 0, len, flags, target) };
        if moved == libc::MAP_FAILED {
            // SAFETY: mapped above; nobody knows it.
            unsafe { sys::unmap(twin, len) };
            return None;
        }
        // SAFETY: whole pages of an image, by the caller's promise.
        unsafe { image::protect(start, len, Protection::ReadExecute) };
        Some(Twin { start, twin, len })
    }

    /// Whether all of a range is among the pages.
    pub fn contains(&self, start: NonNull<u8>, len: usize) -> bool {
        let offset = start.addr().get().wrapping_sub(self.start.addr().get());
        offset < self.len && len <= self.len - offset
    }

    /// Makes a part of the text fault for whoever runs it.
    ///
    /// # Safety
    ///
    /// The range is [contained](Twin::contains), and nobody relies on it.
    pub unsafe fn strike(&self, start: NonNull<u8>, len: usize) {
        let address = start.addr().get();
        TEXT.remove(address, len);
        STRUCK.add(address, len);
        // SAFETY: the caller's range lies in the twin's.
        unsafe { ptr::write_bytes(self.twin_of(start), HLT, len) };
    }

    /// Writes text back that was struck out.
    ///
    /// # Safety
    ///
    /// The bytes are what was there, as many as were struck out from `start` on.
    pub unsafe fn write_back(&self, start: NonNull<u8>, bytes: &[u8]) {
        let address = start.addr().get();
        // SAFETY: by the caller's promise the range lies in the twin's.
        unsafe { self.twin_of(start).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        STRUCK.remove(address, bytes.len());
        TEXT.add(address, bytes.len());
    }

    fn twin_of(&self, start: NonNull<u8>) -> *mut u8 {
        let offset = start.addr().get() - self.start.addr().get();
        self.twin.as_ptr().wrapping_add(offset)
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        STRUCK.remove(self.start.addr().get(), self.len);
        // SAFETY: the second mapping is this one's alone.
        unsafe { sys::unmap(self.twin, self.len) };
    }
}
