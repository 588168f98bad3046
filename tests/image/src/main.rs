//! Runs the machine's contract, the cases in Rust and in C, and the stress tests on bare metal, all
//! in one boot. The command line says which (tests/src/plan.rs), the initial RAM disk holds
//! the C cases; `cargo xtask test` starts it.
//!
//! A line tells of each test, the last one of all; the exit status is 0 if all went well.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod c_cases;
#[cfg(target_os = "none")]
mod files;
#[cfg(target_os = "none")]
mod pc;
#[cfg(target_os = "none")]
mod runner;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program is for bare metal: cargo xtask test builds and boots it");
    std::process::exit(2);
}
