//! What can be chosen at boot.

/// The kernel's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The highest pid plus one (kernel.pid_max).
    pub pid_max: i32,
    /// How many tasks there may be at once (kernel.threads-max).
    pub threads_max: u32,
    /// The size of the log's text in bytes (log_buf_len).
    pub log_bytes: usize,
    /// How long an uninterruptible sleep may last before it counts as a hang, in seconds
    /// (hung_task_timeout_secs).
    pub hung_task_seconds: u64,
    /// For how long a CPU may take no interrupt, in seconds; it may run one thing for twice that
    /// (watchdog_thresh). 0 for ever.
    pub watchdog_seconds: u64,
    /// What an oops does to the kernel (panic_on_oops).
    pub oops: OopsPolicy,
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
            hung_task_seconds: 120,
            oops: OopsPolicy::Kill,
            watchdog_seconds: 10,
        }
    }
}
