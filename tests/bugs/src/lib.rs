//! The modules of modules/bugs, on every machine.
//!
//! The folders are the list (`modules/bugs/README.md` says what each file is for): a [`Module`] is
//! a bug, its repaired twin, or something that is right though it may not look so. A [`Bench`]
//! builds them once and runs them with the command `kthreads`, any number of times.

mod bench;
mod expectation;
mod machine;
mod matrix;
mod module;
mod twin;

pub use bench::Bench;
pub use expectation::{Expectation, Miss};
pub use machine::{Budget, Machine};
pub use matrix::{Failure, Matrix, Outcome};
pub use module::{Module, Role, all, root};
pub use twin::differing_lines;

/// How many lines a twin may differ by: see [`differing_lines`].
pub const MOST_DIFFERING_LINES: usize = 5;
