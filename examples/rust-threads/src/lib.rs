//! Kernel threads in safe Rust: programs of `modules/` once more, with the same log.
//!
//! What the C modules keep right by care is kept right by types here. A handle is taken by `stop`,
//! so no thread is stopped twice; it names a thread and not a piece of memory, so a thread may end
//! before it is stopped, with no reference to hold; a queue cannot be used before it is
//! initialised; a condition that holds hands its value out, so nobody looks first and takes later.
#![forbid(unsafe_code)]

mod handoff_completion;
mod handoff_waitqueue;
mod killable;
mod log;
mod pauser;
mod worker;

pub use handoff_completion::{Batches, handoff_completion};
pub use handoff_waitqueue::{Frames, handoff_waitqueue};
pub use killable::killable;
pub use log::LogLines;
pub use pauser::pauser;
pub use worker::worker;

use kthreads_kernel::{Errno, Kernel};

/// The page about this API: what it shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust-api.md")]
struct Page;

/// A program that can be run by name.
pub struct Program {
    /// The name, which is that of the C module with the same log.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Runs it to its end; what it has to say goes to the kernel's log.
    pub run: fn(&Kernel) -> Result<(), Errno>,
}

/// All programs.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "handoff_waitqueue",
        about: "two threads and a wait queue",
        run: |kernel| handoff_waitqueue(kernel).map(drop),
    },
    Program {
        name: "handoff_completion",
        about: "two threads and a completion",
        run: |kernel| handoff_completion(kernel).map(drop),
    },
    Program {
        name: "killable",
        about: "a thread that kill -9 ends",
        run: |kernel| killable(kernel).map(drop),
    },
    Program {
        name: "worker",
        about: "works on a worker, one of them delayed",
        run: |kernel| worker(kernel).map(drop),
    },
    Program {
        name: "pauser",
        about: "a thread that is parked and let go on",
        run: |kernel| pauser(kernel).map(drop),
    },
];
