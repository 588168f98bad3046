//! The blocks of an arena: cut off its end, and used again by size.

use std::alloc::Layout;
use std::ptr;

use super::Left;
use crate::sys::PAGE;

/// What every length is rounded up to a multiple of, and the alignment of every block.
const GRAIN: usize = 16;
/// Lengths up to this one have a list for each multiple of [`GRAIN`], larger ones one for each
/// power of two.
const SMALL: usize = 1024;
const SMALL_LISTS: usize = SMALL / GRAIN + 1;
/// So many bytes that were used in one run stay with the process for the next.
const MOST_RESIDENT: usize = 16 << 20;
const LISTS: usize = SMALL_LISTS + usize::BITS as usize;

/// A free block begins with the next one of its list.
struct Free {
    next: *mut Free,
}

pub(super) struct Blocks {
    start: usize,
    end: usize,
    /// Where the next block is cut off.
    next: usize,
    /// Where the first block was cut off after all before was kept.
    kept: usize,
    free: [*mut Free; LISTS],
    /// How many blocks were handed out since, and not taken back.
    live: usize,
}

/// The length that a block of this layout has, and its list.
fn size_class(layout: Layout) -> (usize, usize) {
    let len = layout.size().max(layout.align()).max(1);
    if len <= SMALL && layout.align() <= GRAIN {
        let len = len.next_multiple_of(GRAIN);
        return (len, len / GRAIN);
    }
    let len = len.next_power_of_two();
    (len, SMALL_LISTS + len.trailing_zeros() as usize)
}

impl Blocks {
    pub(super) fn new(start: usize, len: usize) -> Blocks {
        Blocks {
            start,
            end: start + len,
            next: start,
            kept: start,
            free: [ptr::null_mut(); LISTS],
            live: 0,
        }
    }

    /// Where the blocks begin that were cut off since all before was kept.
    pub(super) fn new_from(&self) -> usize {
        self.kept
    }

    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// A block, or null.
    #[inline]
    pub(super) fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let (len, list) = size_class(layout);
        let free = self.free[list];
        if !free.is_null() {
            // SAFETY: free blocks are this arena's, nobody uses them, and they begin so.
            self.free[list] = unsafe { (*free).next };
            self.live += 1;
            return free.cast();
        }
        self.cut_off(len, layout.align())
    }

    #[cold]
    fn cut_off(&mut self, len: usize, align: usize) -> *mut u8 {
        // Blocks of one list fit whoever is given them: large ones are aligned as they are long.
        let align = if len > SMALL { len.min(PAGE).max(align) } else { align.max(GRAIN) };
        let block = self.next.next_multiple_of(align);
        match block.checked_add(len).filter(|end| *end <= self.end) {
            Some(end) => {
                self.next = end;
                self.live += 1;
                block as *mut u8
            }
            None => ptr::null_mut(),
        }
    }

    /// Takes a block back. What was there when all was kept is not used again: who still has
    /// it finds it where it was.
    #[inline]
    pub(super) fn free(&mut self, block: *mut u8, layout: Layout) {
        if (block as usize) < self.kept {
            return;
        }
        let (_, list) = size_class(layout);
        let block = block.cast::<Free>();
        // SAFETY: the block is the arena's and its user gave it up; every block has room for this.
        unsafe { block.write(Free { next: self.free[list] }) };
        self.free[list] = block;
        self.live -= 1;
    }

    /// From now on, all blocks are new ones; returns where they begin.
    pub(super) fn keep(&mut self) -> usize {
        self.next = self.next.next_multiple_of(PAGE);
        self.begin_anew();
        self.kept
    }

    /// Forgets the blocks since then. False if there is hardly room for more.
    pub(super) fn put_back(&mut self, left: Left) -> bool {
        if left == Left::Nothing {
            self.give_back(self.kept + MOST_RESIDENT);
            self.next = self.kept;
        }
        self.next = self.next.next_multiple_of(PAGE);
        self.begin_anew();
        self.end - self.next > (self.end - self.start) / 2
    }

    /// Gives the host back what lies beyond an address and was used.
    fn give_back(&self, from: usize) {
        let from = from.next_multiple_of(PAGE);
        if self.next > from {
            // SAFETY: whole pages of the arena, of which nobody uses anything any more.
            unsafe { libc::madvise(from as *mut _, self.next - from, libc::MADV_DONTNEED) };
        }
    }

    fn begin_anew(&mut self) {
        self.kept = self.next;
        self.free = [ptr::null_mut(); LISTS];
        self.live = 0;
    }

    /// Gives all memory back to the host.
    pub(super) fn release(&mut self) {
        let len = self.end - self.start;
        // SAFETY: the whole arena, which nobody uses any more.
        unsafe {
            libc::mprotect(self.start as *mut _, len, libc::PROT_READ | libc::PROT_WRITE);
            libc::madvise(self.start as *mut _, len, libc::MADV_DONTNEED);
        }
    }
}
