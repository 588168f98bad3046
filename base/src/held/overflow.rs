//! Room for the locks of a thread that holds many: made when it is needed first, kept as long as
//! what it belongs to.

use alloc::alloc::{Layout, alloc_zeroed};
use alloc::boxed::Box;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::Entry;

/// How many locks there is room for.
pub(super) const KEPT: usize = 10;
/// How many semaphores are kept, newest first.
const KEPT_SEMAPHORES: usize = 2;

#[derive(Debug, Default)]
struct Room {
    locks: [Entry; KEPT],
    semaphores: [Entry; KEPT_SEMAPHORES],
}

/// Entries that are there when somebody has asked for them.
#[derive(Debug, Default)]
pub(super) struct Overflow {
    /// Null, or a room of its own; changes once. Whoever sees it sees it empty, at least.
    room: AtomicPtr<Room>,
}

impl Overflow {
    /// Makes the entries, if there is memory. The thread that they belong to is the only one that
    /// does so; a call may interrupt another.
    pub(super) fn make(&self) {
        if !self.room.load(Ordering::Relaxed).is_null() {
            return;
        }
        // SAFETY: the layout is not of size 0.
        let new = unsafe { alloc_zeroed(Layout::new::<Room>()) }.cast::<Room>();
        let null = ptr::null_mut();
        let set = self.room.compare_exchange(null, new, Ordering::Release, Ordering::Relaxed);
        if set.is_err() && !new.is_null() {
            // SAFETY: it came from the allocator just now, with a box's layout, nobody else has
            // it, and entries of zeroes are valid ones.
            drop(unsafe { Box::from_raw(new) });
        }
    }

    #[inline]
    fn room(&self) -> Option<&Room> {
        // SAFETY: it is null, or a room made above, of valid entries, which lives as long as
        // `self`; an entry changes by atomic operations only.
        unsafe { self.room.load(Ordering::Acquire).as_ref() }
    }

    /// The entries for locks, or none.
    #[inline]
    pub(super) fn locks(&self) -> &[Entry] {
        self.room().map_or(&[], |room| &room.locks[..])
    }

    /// The entries for semaphores, newest first, or none.
    pub(super) fn semaphores(&self) -> &[Entry] {
        self.room().map_or(&[], |room| &room.semaphores[..])
    }

    /// The entry for a lock at a place, if there is one.
    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<&Entry> {
        self.locks().get(place)
    }
}

impl Drop for Overflow {
    fn drop(&mut self) {
        let room = *self.room.get_mut();
        if !room.is_null() {
            // SAFETY: it was made above with a box's layout, and nobody can have it any more.
            drop(unsafe { Box::from_raw(room) });
        }
    }
}
