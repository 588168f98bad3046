//! What a machine is to be like, and why there may be none.

use std::sync::atomic::AtomicU64;
use std::{fmt, io, thread};

use crate::memory;

/// The most CPUs a machine may have: CPU sets are one word.
pub(crate) const MAX_CPUS: u32 = 64;

/// How the machine's time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// As the host's does.
    Real,
    /// As the host's does while a CPU runs; it jumps to the next timer or end of a delay when
    /// nothing else is left to do.
    FastForward,
}

/// What a CPU notes while it runs. All zero is a CPU that has noted nothing.
#[derive(Debug, Default)]
#[repr(C)]
pub struct CpuNote {
    /// The id of its host thread, 0 when it has none.
    pub thread: AtomicU64,
    /// The address in module text where it was interrupted last.
    pub last_text: AtomicU64,
}

/// What a machine is to be like.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// How many CPUs, 1 to 64.
    pub cpus: u32,
    /// How time goes.
    pub clock: Clock,
    /// How much memory the instance is told it has, in bytes.
    pub memory_bytes: u64,
    /// Where each CPU notes what it does, if somebody wants to know should the process die.
    pub notes: Option<&'static [CpuNote]>,
}

impl Default for HostConfig {
    /// As many CPUs as the host has cores for this process, the real clock, half the host's memory.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        HostConfig {
            cpus: cores.min(MAX_CPUS),
            clock: Clock::Real,
            memory_bytes: memory::default_total(),
            notes: None,
        }
    }
}

/// Why there is no machine.
#[derive(Debug)]
pub enum HostError {
    /// The number of CPUs is not in 1 to 64.
    CpuCount(u32),
    /// The host gives no address space for stacks.
    NoStacks(io::Error),
    /// The host does not let signals be handled.
    NoSignals(io::Error),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostError::CpuCount(cpus) => {
                write!(f, "{cpus} CPUs cannot be had: choose 1 to {MAX_CPUS}")
            }
            HostError::NoStacks(error) => {
                write!(f, "no address space for kernel stacks: {error} (see ulimit -v)")
            }
            HostError::NoSignals(error) => write!(f, "cannot handle signals: {error}"),
        }
    }
}

impl std::error::Error for HostError {}
