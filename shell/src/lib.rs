//! The script language of `kthreads run --script` and of the shell prompt, and its commands.
//!
//! [`syntax`] parses commands, [`expand`] turns words into arguments, [`duration`] and [`signal`]
//! read the arguments of `sleep`, `kill` and `pkill`. A [`Shell`] runs scripts as a task of the
//! kernel; what it needs from outside comes through [`Host`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod commands;
pub mod duration;
pub mod expand;
mod files;
mod host;
mod interpreter;
mod log;
mod pattern;
pub mod signal;
pub mod syntax;

pub use commands::{insert_error, names as command_names};
pub use host::{CommandError, Host, Stream};
pub use interpreter::{Ended, Job, JobEnd, Shell};
