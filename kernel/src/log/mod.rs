//! The log: printk and who reads it.

mod follow;
mod printk;
mod ratelimit;
mod ring;

pub use printk::{CONSOLE_LOGLEVEL, Level, LogLine};
pub use ratelimit::RateLimit;
pub use ring::{Caller, Info, LOG_LINE_MAX, Read, Reader, Ring};

use alloc::sync::Arc;

use kthreads_base::SpinLock;
use ring::{Capacity, Writer};

/// The log of a kernel.
pub(crate) struct Log {
    writer: SpinLock<Writer>,
    ring: Arc<Ring>,
    /// The limit that all users of printk_ratelimit share.
    limit: RateLimit,
    bell: follow::Bell,
}

impl Log {
    pub(crate) fn new(text_bytes: usize) -> Log {
        let writer = Writer::new(Capacity { text_bytes, records: (text_bytes / 64).max(16) });
        let ring = writer.ring().clone();
        let writer = SpinLock::new(writer);
        Log { writer, ring, limit: RateLimit::default(), bell: follow::Bell::default() }
    }
}
