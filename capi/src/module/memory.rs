//! Where images lie: in the machine's memory for modules.

use core::ptr::NonNull;

use kthreads_base::{Machine, Protection};
use kthreads_loader::{Access, ImageMemory};

/// A machine, as the loader sees it.
pub(super) struct MachineMemory<'m>(pub(super) &'m dyn Machine);

// SAFETY: the machine's image_alloc gives zeroed, readable and writable pages that belong to the
// caller alone until image_free.
unsafe impl ImageMemory for MachineMemory<'_> {
    fn allocate(&self, len: usize) -> Option<NonNull<u8>> {
        self.0.image_alloc(len)
    }

    unsafe fn protect(&self, start: NonNull<u8>, len: usize, access: Access) {
        let protection = match access {
            Access::None => Protection::None,
            Access::Read => Protection::Read,
            Access::ReadExecute => Protection::ReadExecute,
            Access::ReadWrite => Protection::ReadWrite,
        };
        // SAFETY: the caller gives whole pages of a block that allocate gave.
        unsafe { self.0.image_protect(start, len, protection) }
    }

    unsafe fn free(&self, start: NonNull<u8>, len: usize) {
        // SAFETY: the caller gives a whole block that allocate gave and nobody uses.
        unsafe { self.0.image_free(start, len) }
    }
}
