//! The log: printk and who reads it.

mod follow;
mod memory;
mod printk;
mod ratelimit;
mod ring;

pub use printk::{CONSOLE_LOGLEVEL, Level, LogLine};
pub use ratelimit::RateLimit;
pub use ring::{Caller, Info, LOG_LINE_MAX, Read, Reader, Ring, log_memory_words};

use alloc::sync::Arc;

use kthreads_base::SpinLock;
use ring::{Capacity, Writer};

use crate::config::Config;

/// The log of a kernel.
pub(crate) struct Log {
    writer: SpinLock<Writer>,
    ring: Arc<Ring>,
    /// The limit that all users of printk_ratelimit share.
    limit: RateLimit,
    bell: follow::Bell,
}

impl Log {
    pub(crate) fn new(config: &Config) -> Log {
        let capacity = Capacity::of(config.log_bytes);
        let writer = match config.log_memory {
            Some(words) => Writer::new_in(words, capacity),
            None => Writer::new(capacity),
        };
        let ring = writer.ring().clone();
        let writer = SpinLock::new(writer);
        Log { writer, ring, limit: RateLimit::default(), bell: follow::Bell::default() }
    }
}
