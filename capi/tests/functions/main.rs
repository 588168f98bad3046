//! The exported functions, called as C calls them, from closures in the kernel.

#[macro_use]
mod common;
mod context;
mod list;
mod memory;
mod text;
mod thread;
