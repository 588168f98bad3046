//! The script language of `kthreads run --script` and of the shell prompt.
//!
//! This crate turns text into data: [`syntax`] parses commands, [`expand`] turns words into
//! arguments, [`duration`] and [`signal`] read the arguments of `sleep`, `kill` and `pkill`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod duration;
pub mod expand;
pub mod signal;
pub mod syntax;
