//! The sim machine: simulated CPUs on one host thread, virtual time, every choice taken by a
//! [`Chooser`].
//!
//! Each CPU is a context of its own. Only one goes on at a time, until it comes to a *point*: a
//! lock, a wait, the end of a call from a module, an access to memory that an instrumented module
//! makes. There the chooser says which CPU goes on, and whether time passes until the next timer
//! is due. Nothing else decides anything, so the same choices give the same run.
//!
//! # Who can go on
//!
//! A CPU that rests can when an interrupt is pending; one in a busy delay, when its time has come
//! too; one that waits for a lock, when the lock is free; one that spins, when another has moved.
//! When none can, time passes until the next timer; when there is no timer, nothing ever happens
//! again unless somebody outside does something ([`Stuck::Deadlock`]).
//!
//! # Who is outside
//!
//! The host thread that waits for the kernel runs the CPUs meanwhile. When what it waits for has
//! come, it goes on at once, and the CPUs stand until it waits again. Time stands with them.
//!
//! # Code that comes to no point
//!
//! A loop in module text that was not instrumented comes to none. A thread of the process watches
//! for that and sends the driver a signal, as on the host machine; such a run cannot be repeated
//! ([`SimMachine::was_forced`]).
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod chooser;
mod config;
mod core;
mod cpu;
mod images;
mod keep;
mod machine;
mod points;
mod rng;
mod run;
mod stacks;
mod watch;

pub use chooser::{Again, Chooser, InOrder, Next, Point};
pub use config::{OnStuck, Reaction, SimConfig, Stuck};
pub use keep::Kept;
pub use kthreads_host::arena::{Arena, Left, outside};
pub use machine::SimMachine;
pub use rng::Rng;
pub use stacks::StackPool;

/// Lets machines go back to what they were: see [`SimMachine::keep`].
#[global_allocator]
static MEMORY: kthreads_host::arena::Memory = kthreads_host::arena::Memory;
