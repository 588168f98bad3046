//! Where the memory of an image comes from.

use crate::error::LoadError;
use core::ptr::NonNull;

/// Says what may be done with a range of an image's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing; the contents are not needed again, so the machine may take the pages back.
    None,
    /// Read only.
    Read,
    /// Read and execute.
    ReadExecute,
    /// Read and write.
    ReadWrite,
}

/// Gives and protects the memory of images; a machine implements it.
///
/// # Safety
///
/// A block from [`allocate`](Self::allocate) must start at a page boundary, hold at least `len`
/// zeroed bytes that can be read and written, and belong to the caller alone until it is freed.
pub unsafe trait ImageMemory {
    /// Allocates a page-aligned block of zeroed, readable and writable bytes.
    ///
    /// `len` is a multiple of [`PAGE_BYTES`](crate::PAGE_BYTES) and not zero. Returns `None` if
    /// there is no room.
    fn allocate(&self, len: usize) -> Option<NonNull<u8>>;

    /// Changes the access to a page-aligned part of a block.
    ///
    /// It must not return without having done so: the loader's promise that no page is both
    /// writable and executable rests on it.
    ///
    /// # Safety
    ///
    /// The range must lie in one block that [`allocate`](Self::allocate) gave and that is not
    /// freed, and nobody may still need the access that is taken away.
    unsafe fn protect(&self, start: NonNull<u8>, len: usize, access: Access);

    /// Frees a whole block, whatever its access is now.
    ///
    /// # Safety
    ///
    /// `start` and `len` must be those of one [`allocate`](Self::allocate), and nothing may point
    /// into the block or run in it any more.
    unsafe fn free(&self, start: NonNull<u8>, len: usize);
}

/// A block that is given back unless it is kept.
pub(crate) struct Block<'m> {
    memory: &'m dyn ImageMemory,
    start: NonNull<u8>,
    len: usize,
}

impl<'m> Block<'m> {
    pub(crate) fn allocate(memory: &'m dyn ImageMemory, len: usize) -> Result<Self, LoadError> {
        let start = memory.allocate(len).ok_or(LoadError::OutOfMemory { bytes: len })?;
        Ok(Self { memory, start, len })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Gives the block as plain bytes; only right while all of it can be written.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the trait promises `len` initialised bytes that belong to this block alone, and
        // the borrow of self keeps the block from being protected or freed meanwhile.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    pub(crate) fn protect(&mut self, offset: usize, len: usize, access: Access) {
        if len == 0 {
            return;
        }
        debug_assert!(offset + len <= self.len);
        // SAFETY: callers give a page-aligned range inside the block, and nothing runs in the
        // module yet, so nobody needs the access that goes away.
        unsafe { self.memory.protect(self.start.add(offset), len, access) }
    }

    /// Hands the block over: from here on somebody else frees it.
    pub(crate) fn keep(self) -> (NonNull<u8>, usize) {
        let kept = (self.start, self.len);
        core::mem::forget(self);
        kept
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        // SAFETY: the block was allocated with this start and length, and an image that failed to
        // load was never handed out, so nothing points into it.
        unsafe { self.memory.free(self.start, self.len) }
    }
}
