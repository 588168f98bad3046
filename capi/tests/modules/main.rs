//! Loading, using and unloading real modules.

mod common;
mod exports;
mod lifecycle;
mod memory;
mod parameters;
mod programs;
