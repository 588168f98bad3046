//! What a machine that explores is told, and asked. All of it costs a look at one flag on others.

use core::sync::atomic::Ordering;

use crate::head::{Head, current_head};

impl Head {
    /// Whether a machine explores what the running thread does, for its own head.
    #[inline(always)]
    pub fn is_explored(&self) -> bool {
        self.local().explored.load(Ordering::Relaxed)
    }

    /// A point where a simulator may let another CPU go on, for the running thread's own head.
    #[inline(always)]
    pub fn step(&self) {
        let local = self.local();
        if local.explored.load(Ordering::Relaxed) {
            local.attached().machine().step();
        }
    }

    /// As [`note`], for the running thread's own head.
    #[inline(always)]
    pub fn note(&self, kind: u32, object: usize, value: usize) {
        let local = self.local();
        if local.explored.load(Ordering::Relaxed) {
            local.attached().machine().note(kind, object, value);
        }
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
/// The value of the first two for a spin lock.
pub const NOTE_SPIN_LOCK: usize = 1;

/// Tells a machine that explores what happened; nothing on other machines. Kinds from 16 on are
/// the kernel's.
#[inline]
pub fn note(kind: u32, object: usize, value: usize) {
    current_head().note(kind, object, value);
}

/// Whether a machine explores what the running thread does.
#[inline]
pub fn is_explored() -> bool {
    current_head().local().explored.load(Ordering::Relaxed)
}

/// Asks a machine that explores which of `options` ways to go; 0, the usual one, on others.
#[inline]
pub fn choose(what: u32, options: u32) -> u32 {
    let head = current_head();
    let local = head.local();
    if options < 2 || !local.explored.load(Ordering::Relaxed) {
        return 0;
    }
    local.attached().machine().choose(what, options).min(options - 1)
}
