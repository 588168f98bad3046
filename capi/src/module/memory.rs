//! Where images lie: in the machine's memory for modules.

use core::ptr::NonNull;

use kthreads_base::{Machine, Protection};
use kthreads_kernel::Cx;
use kthreads_loader::{Access, ImageMemory};

use super::LoadedImage;

/// A machine, as the loader sees it.
pub(super) struct MachineMemory<'m> {
    machine: &'m dyn Machine,
    /// The image that is in use.
    image: Option<&'m LoadedImage>,
}

impl<'m> MachineMemory<'m> {
    /// For an image that is being made.
    pub(super) fn new(cx: &Cx<'m>) -> MachineMemory<'m> {
        MachineMemory { machine: &**cx.kernel.machine(), image: None }
    }

    /// For an image that others may read: what is taken from it is taken when they have read.
    pub(super) fn of(cx: &Cx<'m>, image: &'m LoadedImage) -> MachineMemory<'m> {
        MachineMemory { image: Some(image), ..MachineMemory::new(cx) }
    }

    fn wait_for_readers(&self) {
        if let Some(image) = self.image {
            image.wait_for_readers();
        }
    }
}

// SAFETY: the machine's image_alloc gives zeroed, readable and writable pages that belong to the
// caller alone until image_free.
unsafe impl ImageMemory for MachineMemory<'_> {
    fn allocate(&self, len: usize) -> Option<NonNull<u8>> {
        self.machine.image_alloc(len)
    }

    unsafe fn protect(&self, start: NonNull<u8>, len: usize, access: Access) {
        let protection = match access {
            Access::None => Protection::None,
            Access::Read => Protection::Read,
            Access::ReadExecute => Protection::ReadExecute,
            Access::ReadWrite => Protection::ReadWrite,
        };
        self.wait_for_readers();
        // SAFETY: the caller gives whole pages of a block that allocate gave.
        unsafe { self.machine.image_protect(start, len, protection) }
    }

    unsafe fn free(&self, start: NonNull<u8>, len: usize) {
        self.wait_for_readers();
        // SAFETY: the caller gives a whole block that allocate gave and nobody uses.
        unsafe { self.machine.image_free(start, len) }
    }
}
