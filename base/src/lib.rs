//! The few unsafe cells that the kernel stands on.
//!
//! Everything above this crate that is not tied to a machine or to C is safe Rust. What is kept
//! here is what cannot be: finding the running thread from the stack pointer ([`head`]), giving
//! one stack to another thread ([`switch`]), locks that know about interrupts ([`spin`]),
//! interrupts and preemption turned off for a while ([`guard`]), lists whose links lie in their
//! members ([`list`]), slots whose type never changes ([`slab`]), and the [`machine::Machine`]
//! that all of it runs on.
//!
//! # Lock levels
//!
//! A lock may be taken only while locks of a lower level are held: 0 looks at other tasks' workers
//! and at images' memory, 1 objects of modules and of subsystems (wait-queue heads, workers, the
//! wait table's shards, the module list), 2 a task's signals, 3 run queues and timer bases, 4
//! leaves (free lists, the log, the lock validator).
#![no_std]
#![warn(unreachable_pub)]

extern crate alloc;

use core::sync::atomic::{AtomicBool, Ordering};

pub mod access;
pub mod context;
pub mod cpu;
pub mod explore;
pub mod frames;
pub mod func;
pub mod guard;
pub mod head;
pub mod held;
pub mod interrupt;
pub mod job;
pub mod list;
pub mod machine;
pub mod slab;
pub mod softirq;
pub mod spare;
pub mod spin;
pub mod stack;
pub mod switch;

mod time;

pub use cpu::{CpuLocal, with_current};
pub use explore::{choose, explore_point, note};
pub use func::{AtomicFn, AtomicRef};
pub use guard::{IrqGuard, PreemptGuard};
pub use head::{Current, Head, current_head, on_kernel_stack};
pub use interrupt::{forced_point, interrupt_point, module_point, module_point_of};
pub use list::{Link, Linked, List};
pub use machine::{Fault, FaultCause, Machine, MemoryInfo, Protection, SharedMachine, Upcalls};
pub use slab::Slab;
pub use spare::run_on;
pub use spin::{QuietGuard, RawGuard, RawSpinLock, SpinGuard, SpinLock};
pub use stack::{SLOT_SIZE, Stack};
pub use time::Nanos;

/// Adds a method that reaches a field through a pinned reference, keeping it pinned.
///
/// The field must be pinned whenever the whole is: nothing may move it out of its place.
#[macro_export]
macro_rules! pin_field {
    ($(#[$meta:meta])* $vis:vis fn $type:ident :: $name:ident -> $field:ident: $field_type:ty) => {
        impl $type {
            $(#[$meta])*
            $vis fn $name(self: ::core::pin::Pin<&Self>) -> ::core::pin::Pin<&$field_type> {
                // SAFETY: the field is part of a pinned value and shared references move nothing.
                unsafe { self.map_unchecked(|whole| &whole.$field) }
            }
        }
    };
}

/// Adds a method that pins a reference to a value of the type.
///
/// Values of the type must exist only in places that they never leave while they are borrowed (the
/// slots of a [`Slab`]).
#[macro_export]
macro_rules! always_pinned {
    ($(#[$meta:meta])* $vis:vis fn $type:ident :: $name:ident) => {
        impl $type {
            $(#[$meta])*
            #[inline(always)]
            $vis fn $name(&self) -> ::core::pin::Pin<&Self> {
                // SAFETY: by this macro's contract the value never moves.
                unsafe { ::core::pin::Pin::new_unchecked(self) }
            }
        }
    };
}

/// Adds a function that finds the whole that a field is part of (C's container_of).
///
/// The function may be called only for a field that is part of such a whole: by functions that
/// are stored in those fields and nowhere else.
#[macro_export]
macro_rules! container_of {
    ($(#[$meta:meta])* $vis:vis fn $type:ident :: $name:ident <- $field:ident: $field_type:ty) => {
        impl $type {
            $(#[$meta])*
            $vis fn $name<'a>(field: &'a $field_type) -> ::core::pin::Pin<&'a $type> {
                let offset = ::core::mem::offset_of!($type, $field);
                let _: fn(&$type) -> &$field_type = |whole| &whole.$field;
                // SAFETY: by this macro's contract the field is part of a pinned whole.
                unsafe {
                    let whole = ::core::ptr::from_ref(field).cast::<u8>().sub(offset);
                    ::core::pin::Pin::new_unchecked(&*whole.cast::<$type>())
                }
            }
        }
    };
}

/// Ends the program because an invariant of this crate is broken.
///
/// Used where going on would corrupt memory, so that unwinding or an oops is no way out.
#[cold]
#[inline(never)]
pub fn fatal(what: &str) -> ! {
    /// A value whose drop during a panic ends the program.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a second panic ends the program");
        }
    }
    IS_FATAL.store(true, Ordering::Release);
    let _bomb = Bomb;
    panic!("kthreads: fatal: {what}");
}

/// Whether [`fatal`] was called, for a machine whose panic handler otherwise ends a thread only.
pub fn is_fatal() -> bool {
    IS_FATAL.load(Ordering::Acquire)
}

/// Once for the program, which ends.
static IS_FATAL: AtomicBool = AtomicBool::new(false);
