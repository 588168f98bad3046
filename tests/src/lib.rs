//! Cases that hold on every machine.
#![no_std]

extern crate alloc;

pub mod c_case;
pub mod cases;
pub mod contract;
pub mod plan;
pub mod stress;
mod verdict;

pub use verdict::{Verdict, judge, why};
