//! What a machine that explores is told, and asked. All of it costs a look at one flag on others,
//! which whoever knows the running thread has in a register.

use core::sync::atomic::Ordering;

use crate::head::{Current, current_head};

impl Current {
    /// A point where a simulator may let another CPU go on.
    #[inline(always)]
    pub fn step(self) {
        if self.is_observed() {
            step(self);
        }
    }

    /// As [`note`], for a caller that knows the running thread.
    #[inline(always)]
    pub fn note(self, kind: u32, object: usize, value: usize) {
        if self.is_observed() {
            tell(self, kind, object, value);
        }
    }
}

#[cold]
#[inline(never)]
fn step(current: Current) {
    let left = current.points_left.load(Ordering::Relaxed);
    if left != 0 {
        return current.points_left.store(left - 1, Ordering::Relaxed);
    }
    current.local().attached().machine().step();
}

#[cold]
#[inline(never)]
fn tell(current: Current, kind: u32, object: usize, value: usize) {
    let local = current.local();
    if local.notes.load(Ordering::Relaxed) & (1 << kind) != 0 {
        local.attached().machine().note(kind, object, value);
    }
}

/// A point where a simulator may let another CPU go on; nothing on other machines.
#[inline]
pub fn explore_point() {
    current_head().step();
}

/// The kind of [`note`] that says: what others did before they gave `object` is seen from here.
pub const NOTE_TAKES: u32 = 1;
/// The kind of [`note`] that says: what was done so far is seen by whoever takes `object` next.
pub const NOTE_GIVES: u32 = 2;
/// The kind of [`note`] that says: memory begins a new life; the object is its address, the value
/// its length.
pub const NOTE_NEW_MEMORY: u32 = 3;
/// The kind of [`note`] that tells of an access of memory; see [`access`](crate::access).
pub const NOTE_ACCESS: u32 = 4;
/// The kind of [`note`] that tells of a memory barrier; the object is its order, as C's.
pub const NOTE_FENCE: u32 = 5;
/// The kind of [`note`] that says: memory of C's was freed; the object is its address, the value is
/// made by [`freed::value`].
pub const NOTE_FREED_MEMORY: u32 = 6;
/// The first kind of [`note`] of the kernel's own: the CPU goes from one thread to another.
pub const NOTE_SWITCHED: u32 = 16;
/// The value of the first two for a spin lock.
pub const NOTE_SPIN_LOCK: usize = 1;

/// Tells a machine that explores what happened; nothing on other machines. Kinds from
/// [`NOTE_SWITCHED`] on are the kernel's; all are below 32.
#[inline]
pub fn note(kind: u32, object: usize, value: usize) {
    current_head().note(kind, object, value);
}

/// Whether a machine explores what the running thread does.
#[inline]
pub fn is_observed() -> bool {
    current_head().is_observed()
}

/// Asks a machine that explores which of `options` ways to go; 0, the usual one, on others.
#[inline]
pub fn choose(what: u32, options: u32) -> u32 {
    let head = current_head();
    if options < 2 || !head.is_observed() {
        return 0;
    }
    head.local().attached().machine().choose(what, options).min(options - 1)
}

/// How [`NOTE_FREED_MEMORY`] is packed.
pub mod freed {
    const LEN_MASK: usize = 0xffff;
    const PLACE_SHIFT: u32 = 16;

    /// A block of so many bytes was freed at `place`. Of a long one the beginning is told of.
    pub fn value(len: usize, place: usize) -> usize {
        place << PLACE_SHIFT | len.min(LEN_MASK)
    }

    /// The length and the place.
    pub fn read(value: usize) -> (usize, usize) {
        (value & LEN_MASK, value >> PLACE_SHIFT)
    }
}
