//! The host machine: virtual CPUs in an ordinary process.
//!
//! A virtual CPU is a thread of the host; the kernel switches its own threads on it without the
//! host's help. A CPU with nothing to do sleeps in the host. Interrupts are a flag that the CPU
//! reads where the kernel lets it; code of modules is interrupted by a signal. A fault of a kernel
//! thread is told to the kernel; the rest of the process goes on.
//!
//! What a process has only once is shared by all machines in it: the range of stacks, the table
//! of module text, the handlers of SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGURG, the panic hook.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

pub mod arena;
mod away;
mod clock;
mod config;
mod cpu;
mod fast_forward;
mod fault;
mod image;
mod machine;
mod memory;
mod monitor;
mod panics;
mod preempt;
pub mod process;
mod rest;
mod sample;
mod signals;
mod stacks;
mod sys;
mod text;
pub mod twin;

pub use config::{Clock, CpuNote, HostConfig, HostError};
pub use machine::{ClockHold, HostMachine};
