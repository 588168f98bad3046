//! The C side: every function that a module links to.
//!
//! A module is compiled against `include/` and linked to nothing; the loader asks [`resolve`] for
//! each of its undefined symbols. What stands behind one is an `extern "C"` function of this
//! crate that finds the running kernel and calls it. Names, results and corner cases are those of
//! Linux 6.1; `exports.txt` lists them all with their contracts.
//!
//! The files follow Linux's headers: one subject, one file, with a table of its exports at the
//! end. How an export is made is told in `export`, what C memory is to Rust in `object`, and
//! how arguments after `...` are read in `va_list`.
#![no_std]
#![warn(unreachable_pub)]

extern crate alloc;
#[cfg(feature = "unwind")]
extern crate std;

#[macro_use]
mod export;
#[macro_use]
mod va_list;

mod cache;
mod compiler;
mod completion;
mod env;
mod heap;
mod hexdump;
mod instrument;
mod irq;
mod kthread;
mod list;
mod lock;
mod lockdep;
mod memory;
pub mod module;
mod mutex;
mod number;
mod object;
mod pages;
mod pid;
mod print;
mod random;
mod report;
mod sched;
mod signal;
mod sprintf;
mod string;
mod strings;
mod symbols;
mod task;
mod time;
mod timer;
mod wait;
mod worker;

pub use export::{Export, License, Symbol};
pub use symbols::{all, instrumented, resolve};
