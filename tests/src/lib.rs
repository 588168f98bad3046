//! Cases that hold on every machine.

extern crate alloc;

pub mod cases;
pub mod contract;
