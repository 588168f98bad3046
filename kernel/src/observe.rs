//! What a machine that explores is told, and asked.
//!
//! All of it costs one look at a flag on other machines. A note has a kind, an object and a value;
//! `takes` and `gives` tell which accesses of memory are ordered, the others what the story of
//! a run is made of.

use kthreads_base::explore::{NOTE_GIVES, NOTE_SWITCHED, NOTE_TAKES};
use kthreads_base::{Current, note};

/// A CPU went from one task to another: the object is the next task's slot index, the value the
/// state that the one before is in.
pub const SWITCHED: u32 = NOTE_SWITCHED;
/// Somebody was to be woken: the object is its slot index, the value 1 if this call woke it.
pub const WOKE: u32 = 17;
/// A new task may run: the object is its slot index.
pub const NEW_TASK: u32 = 18;
/// A task came to its end: the object is its slot index, the value its exit code.
pub const EXITED: u32 = 19;
/// A thread was told to stop: the object is its slot index.
pub const TOLD_TO_STOP: u32 = 20;
/// A thread was told to park: the object is its slot index.
pub const TOLD_TO_PARK: u32 = 21;
/// A signal was sent: the object is the receiver's slot index, the value the signal.
pub const SIGNALLED: u32 = 22;
/// A completion was completed: the object is its address.
pub const COMPLETED: u32 = 23;
/// An interrupt was taken.
pub const INTERRUPTED: u32 = 24;

/// The choice of the CPU that a woken task is to run on: the waker's, or one that is idle.
pub const CHOOSE_CPU: u32 = 1;
/// The choice whether memory can be had: yes, or no.
pub const CHOOSE_MEMORY: u32 = 2;
/// The choice whether a thread can be made: yes, or no.
pub const CHOOSE_THREAD: u32 = 3;

/// The value of a note that takes or gives a mutex.
pub const MUTEX: usize = 2;
/// The value of one that is about something else than a lock.
pub const NO_LOCK: usize = 0;

/// What others did before they gave `object` is seen from here.
#[inline]
pub(crate) fn takes(current: Current, object: usize, lock: usize) {
    current.note(NOTE_TAKES, object, lock);
}

/// What the running task did so far is seen by whoever takes `object` next.
#[inline]
pub(crate) fn gives(current: Current, object: usize, lock: usize) {
    current.note(NOTE_GIVES, object, lock);
}

/// As [`gives`], for code that has no task at hand.
#[inline]
pub(crate) fn gives_here<T>(object: &T) {
    note(NOTE_GIVES, core::ptr::from_ref(object) as usize, NO_LOCK);
}

/// As [`takes`], for code that has no task at hand.
#[inline]
pub(crate) fn takes_here<T>(object: &T) {
    note(NOTE_TAKES, core::ptr::from_ref(object) as usize, NO_LOCK);
}
