//! Points: how many each thread has come to, and those that are passed without a look.

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use kthreads_base::Head;

/// How many points each thread has come to, by its slot index.
#[derive(Default)]
pub(crate) struct ThreadPoints {
    counts: Vec<u32>,
    /// The thread that came to the last one.
    last: u32,
}

impl ThreadPoints {
    #[inline]
    pub(crate) fn count(&mut self) {
        self.last = kthreads_base::current_head().index.load(Ordering::Relaxed);
        let place = self.last as usize;
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += 1;
    }

    /// The thread that came to a point last, and how many it has come to.
    pub(crate) fn last(&self) -> (u32, u32) {
        (self.last, self.counts.get(self.last as usize).copied().unwrap_or(0))
    }
}

/// Points that are passed without a look, each counted as a step: the running thread counts them
/// down in its head.
pub(crate) struct Quiet {
    head: *const Head,
    of: u32,
}

impl Quiet {
    pub(crate) const NONE: Quiet = Quiet { head: ptr::null(), of: 0 };

    /// From here on, the running thread passes so many.
    #[inline]
    pub(crate) fn begin(of: u32) -> Quiet {
        let current = kthreads_base::current_head();
        current.points_left.store(of, Ordering::Relaxed);
        Quiet { head: &raw const *current, of }
    }

    /// No more are passed; how many were, if any could be.
    #[inline]
    pub(crate) fn end(&mut self) -> Option<u32> {
        let left = self.left()?;
        let passed = self.of - left.load(Ordering::Relaxed);
        left.store(0, Ordering::Relaxed);
        *self = Quiet::NONE;
        Some(passed)
    }

    #[inline]
    fn left(&self) -> Option<&AtomicU32> {
        // SAFETY: null, or the head of a thread of the kernel's, whose slot is never freed.
        unsafe { self.head.as_ref() }.map(|head| &head.points_left)
    }

    /// How many were passed.
    #[inline]
    pub(crate) fn passed(&self) -> u32 {
        self.left().map_or(0, |left| self.of - left.load(Ordering::Relaxed))
    }

    /// One fewer may be passed.
    #[inline]
    pub(crate) fn shorten(&mut self) {
        let Some(left) = self.left() else { return };
        let count = left.load(Ordering::Relaxed);
        if count != 0 {
            left.store(count - 1, Ordering::Relaxed);
            self.of -= 1;
        }
    }

    /// Passes a point of another thread than before, and lets that one count from here on; false
    /// if none is left to pass.
    #[inline]
    pub(crate) fn follow(&mut self) -> bool {
        let Some(left) = self.left() else { return false };
        let count = left.load(Ordering::Relaxed);
        if count == 0 {
            return false;
        }
        left.store(0, Ordering::Relaxed);
        let current = kthreads_base::current_head();
        current.points_left.store(count - 1, Ordering::Relaxed);
        self.head = &raw const *current;
        true
    }
}
