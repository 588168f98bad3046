//! Memory that goes back to what it was.
//!
//! A machine that runs one kernel many times does not boot it each time. The kernel's memory comes
//! from an [`Arena`]; after the boot, [`Arena::keep`] copies it, and [`Arena::put_back`] copies
//! back what was written since. What was allocated since then is gone.
//!
//! # Which memory
//!
//! [`Memory`] is the program's allocator, if a machine makes it so. A host thread's allocations come
//! from an arena between [`Arena::enter`] and the drop of what that returns, and from the system
//! otherwise; [`outside`] leaves the arena for a while. What is freed goes where it came from,
//! whoever frees it.
//!
//! # What was written
//!
//! After `keep`, pages are write-protected until they are written for the first time; those that
//! ever were are copied back each time. A kernel writes the same few pages in every run, so this
//! is soon a few copies and no fault.
//!
//! # Who may use it
//!
//! One host thread at a time is in an arena: whoever holds the machine. Others may only free, and
//! what they free is counted and not used again before the next `put_back`.

mod blocks;
mod pages;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::io;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use crate::sys::PAGE;
use blocks::Blocks;
use pages::Pages;

/// How much address space an arena has.
const ARENA_BYTES: usize = 2 << 30;
/// How many arenas a process may have at a time.
const ARENAS: usize = 32;
/// Where arenas are put if nobody is there: addresses then are the same in every process.
const PREFERRED: usize = 0x2000_0000_0000;

/// Where the arenas lie; zero until there is one.
static RANGE: AtomicUsize = AtomicUsize::new(0);
/// The arenas, by place.
static TABLE: [AtomicPtr<Arena>; ARENAS] = [const { AtomicPtr::new(ptr::null_mut()) }; ARENAS];
static IS_TAKEN: [AtomicBool; ARENAS] = [const { AtomicBool::new(false) }; ARENAS];

thread_local! {
    /// The arena that the calling host thread is in.
    static CURRENT: Cell<*const Arena> = const { Cell::new(ptr::null()) };
}

/// Some memory, and what it was.
pub struct Arena {
    place: usize,
    blocks: UnsafeCell<Blocks>,
    pages: UnsafeCell<Pages>,
    /// Where the blocks begin that were allocated since all before was kept.
    new: AtomicUsize,
    /// How many of these were freed by who was not in the arena.
    freed_outside: AtomicUsize,
    /// Whether somebody may use memory of the arena for ever.
    is_lost: AtomicBool,
}

// SAFETY: `blocks` is used by the host thread that is in the arena, of which there is one at a time
// by the contract of `enter`; `pages` by it, and by its fault handler, which only marks pages.
unsafe impl Sync for Arena {}
// SAFETY: as above; nothing is tied to a host thread.
unsafe impl Send for Arena {}

/// What was allocated since [`Arena::keep`] and not freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// Something that somebody may still use.
    Something,
}

impl Arena {
    /// Makes an arena.
    ///
    /// # Errors
    ///
    /// When there is no address space, or there are too many arenas.
    pub fn new() -> io::Result<Box<Arena>> {
        let range = reserve()?;
        let free = |taken: &AtomicBool| !taken.swap(true, Ordering::AcqRel);
        let Some(place) = IS_TAKEN.iter().position(free) else {
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        let start = range + place * ARENA_BYTES;
        let arena = Box::new(Arena {
            place,
            blocks: UnsafeCell::new(Blocks::new(start, ARENA_BYTES)),
            pages: UnsafeCell::new(Pages::new(start)),
            new: AtomicUsize::new(start),
            freed_outside: AtomicUsize::new(0),
            is_lost: AtomicBool::new(false),
        });
        TABLE[place].store(ptr::from_ref(&*arena).cast_mut(), Ordering::Release);
        Ok(arena)
    }

    /// Lets the calling host thread's allocations come from here until what this returns is
    /// dropped.
    ///
    /// # Safety
    ///
    /// No other host thread is in this arena meanwhile.
    pub unsafe fn enter(&self) -> Inside {
        Inside { before: CURRENT.replace(self) }
    }

    /// Remembers all memory as it is now.
    ///
    /// # Safety
    ///
    /// Nobody writes to memory of the arena meanwhile.
    pub unsafe fn keep(&self) {
        outside(|| {
            // SAFETY: nobody else uses the arena, as the caller promises.
            let (blocks, pages) = unsafe { (&mut *self.blocks.get(), &mut *self.pages.get()) };
            let end = blocks.keep();
            self.new.store(end, Ordering::Relaxed);
            // SAFETY: as above.
            unsafe { pages.keep(end) };
        });
    }

    /// What was allocated since [`keep`](Arena::keep) and not freed.
    pub fn left(&self) -> Left {
        // SAFETY: a number is read; the caller holds the machine.
        let live = unsafe { (*self.blocks.get()).live() };
        if live > self.freed_outside.load(Ordering::Relaxed) {
            Left::Something
        } else {
            Left::Nothing
        }
    }

    /// Makes all memory what it was when it was kept. What was allocated since is gone, unless it
    /// may still be used: then its memory is never used again. False if there is hardly any left.
    ///
    /// # Safety
    ///
    /// Nobody uses memory of the arena meanwhile; whoever has a pointer into it finds there what
    /// was there when it was kept. With `Left::Nothing` nobody uses what was allocated since, ever.
    pub unsafe fn put_back(&self, left: Left) -> bool {
        self.freed_outside.store(0, Ordering::Relaxed);
        if left == Left::Something {
            self.is_lost.store(true, Ordering::Relaxed);
        }
        // SAFETY: nobody else uses the arena, as the caller promises.
        let (blocks, pages) = unsafe { (&mut *self.blocks.get(), &mut *self.pages.get()) };
        // SAFETY: as above.
        unsafe { pages.put_back() };
        let has_room = blocks.put_back(left);
        self.new.store(blocks.new_from(), Ordering::Relaxed);
        has_room
    }

    /// Whether a write to `address`, which faulted, may be tried again.
    fn has_unlocked(&self, address: usize) -> bool {
        // SAFETY: the handler runs on the thread that is in the arena, in the midst of a write to
        // it, so not in `keep` or `put_back`, which write to kept pages that are unlocked only.
        unsafe { (*self.pages.get()).unlock(address) }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if *self.is_lost.get_mut() || self.left() == Left::Something {
            // What is there may be used, so its place is never given to another.
            return;
        }
        TABLE[self.place].store(ptr::null_mut(), Ordering::Release);
        self.pages.get_mut().release();
        self.blocks.get_mut().release();
        IS_TAKEN[self.place].store(false, Ordering::Release);
    }
}

/// The calling host thread's stay in an arena, until dropped.
#[must_use]
pub struct Inside {
    before: *const Arena,
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// Calls `body` in no arena: what it allocates may be kept.
#[inline]
pub fn outside<R>(body: impl FnOnce() -> R) -> R {
    let _no_arena = Inside { before: CURRENT.replace(ptr::null()) };
    body()
}

/// Reserves the address space of all arenas, once.
fn reserve() -> io::Result<usize> {
    static RESERVING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = RESERVING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match RANGE.load(Ordering::Acquire) {
        0 => {}
        range => return Ok(range),
    }
    let start = pages::reserve(PREFERRED, ARENAS * ARENA_BYTES)?;
    RANGE.store(start, Ordering::Release);
    Ok(start)
}

/// The arena that an address lies in.
fn arena_at(address: usize) -> Option<&'static Arena> {
    let range = RANGE.load(Ordering::Relaxed);
    let offset = address.wrapping_sub(range);
    if range == 0 || offset >= ARENAS * ARENA_BYTES {
        return None;
    }
    // SAFETY: null, or an arena that is there: whoever has memory of it keeps it.
    unsafe { TABLE[offset / ARENA_BYTES].load(Ordering::Acquire).as_ref() }
}

/// Whether a fault was a write to a page of an arena, which may now be tried again.
pub(crate) fn has_unlocked(address: usize) -> bool {
    arena_at(address).is_some_and(|arena| arena.has_unlocked(address & !(PAGE - 1)))
}

/// The allocator that knows of arenas.
pub struct Memory;

// SAFETY: blocks come from `Blocks`, which hands out each once until it is freed, or from the
// system's allocator, and go back where they came from.
unsafe impl GlobalAlloc for Memory {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let arena = CURRENT.get();
        if arena.is_null() {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc(layout) };
        }
        // SAFETY: the thread is in the arena, so it is there and nobody else is in it.
        unsafe { (*(*arena).blocks.get()).alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let range = RANGE.load(Ordering::Relaxed);
        if range == 0 || (block as usize).wrapping_sub(range) >= ARENAS * ARENA_BYTES {
            // SAFETY: the caller's promise: it is not an arena's, so it is the system's.
            return unsafe { System.dealloc(block, layout) };
        }
        let Some(arena) = arena_at(block as usize) else { return };
        if ptr::eq(arena, CURRENT.get()) {
            // SAFETY: as in `alloc`; the block is the arena's.
            return unsafe { (*arena.blocks.get()).free(block, layout) };
        }
        if block as usize >= arena.new.load(Ordering::Relaxed) {
            arena.freed_outside.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if CURRENT.get().is_null() {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: the caller's promise.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() {
            // SAFETY: the block is new and so long.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_len: usize) -> *mut u8 {
        let range = RANGE.load(Ordering::Relaxed);
        let is_system = range == 0 || (block as usize).wrapping_sub(range) >= ARENAS * ARENA_BYTES;
        if is_system && CURRENT.get().is_null() {
            // SAFETY: the caller's promise: it is the system's.
            return unsafe { System.realloc(block, layout, new_len) };
        }
        // SAFETY: the alignment is that of a layout, and the caller vouches for the length; the new
        // block is another than the old one, which is freed with its layout.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(new_len, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, layout.size().min(new_len));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests;
