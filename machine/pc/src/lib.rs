//! The pc machine: bare x86-64, booted by QEMU's `-kernel` or any loader of the PVH protocol.
//!
//! A program for it is a binary for the target `x86_64-unknown-none` that names its main function
//! with [`entry!`] and links by this crate's script. Its build script says so:
//!
//! ```no_run
//! if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
//!     let script = std::env::var("DEP_KTHREADS_PC_LINKER_SCRIPT").expect("kthreads-pc tells it");
//!     println!("cargo::rustc-link-arg-bins=-T{script}");
//!     println!("cargo::rustc-link-arg-bins=--no-pie");
//! }
//! ```
//!
//! # What runs where
//!
//! The program runs outside the kernel, as the first of the boot processor's strands
//! ([`spawn_outside`]). A kernel that is booted on a [`PcMachine`] runs on all processors, the boot
//! processor included, which its strands and its CPU share.
//!
//! # Interrupts
//!
//! The processor's interrupts are on nearly always; the kernel's interrupt flag is a virtual one,
//! as on every machine. A real interrupt notes that something is pending for the kernel; if the
//! virtual flag is on, the kernel takes it there and then, on the stack of who was interrupted and
//! on from there to the CPU's interrupt stack, and may preempt the thread: in text of modules and
//! in Rust alike, wherever its preemption count is zero. If the flag is off, the end of the section
//! takes it. Nothing here or above uses a red zone or floating point, so what is interrupted loses
//! nothing.
#![no_std]

extern crate alloc;

pub mod frames;

/// Declares what exists on bare metal alone.
macro_rules! bare_metal {
    ($($item:item)*) => { $(#[cfg(target_os = "none")] $item)* };
}

bare_metal! {
    mod acpi_tables;
    mod apic;
    mod clock;
    mod hard_lock;
    mod heap;
    mod image;
    mod lockup;
    mod machine;
    mod outside;
    mod paging;
    mod power;
    mod processor;
    mod pvh;
    mod rest;
    mod segments;
    pub mod serial;
    mod shootdown;
    mod stacks;
    mod start;
    mod traps;

    pub use machine::{ClockHold, PcConfig, PcError, PcMachine};
    pub use outside::spawn_outside;
    pub use power::{exit, panicked, set_last_words};
    pub use rest::Clock;
    pub use stacks::STACK_SIZE;
    pub use start::Boot;
}
