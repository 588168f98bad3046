//! The kernel-thread system: tasks, kthreadd, scheduling, waiting, signals, time and modules.
//!
//! Names, results and corner cases are those of Linux 6.1. The crate is portable and safe: it
//! runs on anything that implements [`Machine`](kthreads_base::Machine), and several kernels may
//! live side by side. Everything here acts on a [`Kernel`]; what acts on the caller takes a
//! [`Cx`], which is what C calls `current`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod audit;
mod backtrace;
mod bits;
mod budget;
mod config;
mod cx;
mod doorbell;
mod errno;
mod fault;
pub mod format;
pub mod heap;
mod home;
mod in_use;
mod kernel;
pub mod kthread;
mod linux;
mod lockdep;
pub mod log;
pub mod module;
pub mod observe;
pub mod proc;
mod reinit;
pub mod report;
pub mod sched;
pub mod signal;
pub mod stats;
pub mod sync;
pub mod task;
pub mod thread;
pub mod time;
pub mod trace;
mod upcalls;
pub mod wait;
mod watch;

pub use config::{Config, OopsPolicy};
pub use cx::*;
pub use errno::{Errno, to_c};
pub use fault::Fault;
pub use kernel::{Booted, EnterError, Kernel};
pub use linux::{Linux, UnknownLinux};
pub use lockdep::{How, IfHeld, Limits as LockLimits, LockAt};
