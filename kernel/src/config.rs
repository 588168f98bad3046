//! What can be chosen at boot.

use core::sync::atomic::AtomicU64;

use crate::{Linux, LockLimits};

/// The kernel's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The highest pid plus one (kernel.pid_max).
    pub pid_max: i32,
    /// How many tasks there may be at once (kernel.threads-max).
    pub threads_max: u32,
    /// The size of the log's text in bytes (log_buf_len).
    pub log_bytes: usize,
    /// Zeroed memory for the log that outlives the kernel, of `log_memory_words(log_bytes)` words
    /// or more; the log lies in the kernel's own memory without.
    pub log_memory: Option<&'static [AtomicU64]>,
    /// How long an uninterruptible sleep may last before it counts as a hang, in seconds
    /// (hung_task_timeout_secs).
    pub hung_task_seconds: u64,
    /// For how long a CPU may take no interrupt, in seconds; it may run one thing for twice that
    /// (watchdog_thresh). 0 for ever.
    pub watchdog_seconds: u64,
    /// What an oops does to the kernel (panic_on_oops).
    pub oops: OopsPolicy,
    /// How much the lock validator may keep; without, locks are not looked at (prove_locking).
    pub lockdep: Option<LockLimits>,
    /// A deliberate fault, to see whether testing notices.
    pub fault: Option<crate::Fault>,
    /// Which Linux it behaves as, where they differ.
    pub linux: Linux,
}

/// What an oops does to the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OopsPolicy {
    /// The thread is killed and the rest goes on.
    #[default]
    Kill,
    /// The kernel stops.
    Panic,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            pid_max: 4_194_304,
            threads_max: 2_000_000,
            log_bytes: 1 << 20,
            log_memory: None,
            hung_task_seconds: 120,
            oops: OopsPolicy::Kill,
            watchdog_seconds: 10,
            lockdep: Some(LockLimits::USUAL),
            fault: None,
            linux: Linux::default(),
        }
    }
}
