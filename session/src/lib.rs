//! A run of a kernel, from boot to the last module's end: the same on every machine.
//!
//! A [`Session`] is a running kernel with its shell and its modules. A [`Plan`] loads, runs a
//! script, unloads and sums up; a [`Prompt`] does so line by line. What differs between an
//! ordinary process and a kernel on bare metal comes through [`Outside`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod complete;
mod library;
pub mod link;
mod log_text;
mod outside;
mod plan;
mod prompt;
mod session;
pub mod status;
mod summary;
mod unload;
pub mod words;

pub use complete::{Place, place};
pub use library::{Library, Object, Prepared, identifier};
pub use log_text::{Level, LogText, More, Show};
pub use outside::Outside;
pub use plan::{Plan, wrong_script};
pub use prompt::{Next, Prompt};
pub use session::Session;
