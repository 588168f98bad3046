//! Cases that hold on every machine.

extern crate alloc;

pub mod contract;
