//! Limits on how often a message may be printed (Linux: lib/ratelimit.c).

use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use kthreads_base::RawSpinLock;

use super::Level;
use crate::time::{HZ, Jiffies};
use crate::{Cx, Kernel, log};

const ORDER: Ordering = Ordering::Relaxed;
/// Nothing is said when the interval is over; whoever has the state says it in the end.
const MESSAGE_ON_RELEASE: u64 = 1;

/// So many messages in each interval: C's `struct ratelimit_state`. The lock guards all of it.
#[repr(C)]
#[derive(Debug)]
pub struct RateLimit {
    lock: RawSpinLock,
    interval: AtomicI32,
    burst: AtomicI32,
    printed: AtomicI32,
    missed: AtomicI32,
    begin: AtomicU64,
    flags: AtomicU64,
}

impl RateLimit {
    /// A limit of `burst` messages in `interval` jiffies.
    pub const fn new(interval: i32, burst: i32) -> RateLimit {
        RateLimit {
            lock: RawSpinLock::new(),
            interval: AtomicI32::new(interval),
            burst: AtomicI32::new(burst),
            printed: AtomicI32::new(0),
            missed: AtomicI32::new(0),
            begin: AtomicU64::new(0),
            flags: AtomicU64::new(0),
        }
    }

    /// Begins a new interval if the last one is over; returns how many messages it had dropped
    /// and nobody has told of.
    fn renew(&self, now: Jiffies) -> i32 {
        if self.begin.load(ORDER) == 0 {
            self.begin.store(now.0, ORDER);
        }
        let end = Jiffies(self.begin.load(ORDER)) + Jiffies(self.interval.load(ORDER) as u64);
        if !end.is_before(now) {
            return 0;
        }
        self.begin.store(now.0, ORDER);
        self.printed.store(0, ORDER);
        let tells = self.flags.load(ORDER) & MESSAGE_ON_RELEASE == 0;
        if tells { self.missed.swap(0, ORDER) } else { 0 }
    }

    fn take(&self) -> bool {
        let printed = self.printed.load(ORDER);
        let may = self.burst.load(ORDER) > printed;
        let counter = if may { &self.printed } else { &self.missed };
        counter.fetch_add(1, ORDER);
        may
    }
}

impl Default for RateLimit {
    /// Ten in five seconds, as printk_ratelimit allows.
    fn default() -> Self {
        RateLimit::new(5 * HZ as i32, 10)
    }
}

impl Kernel {
    /// Whether a message of `who` may be printed now (Linux: ___ratelimit). When an interval is
    /// over, tells how many were dropped in it.
    pub fn rate_limit(&self, cx: &Cx<'_>, limit: &RateLimit, who: &str) -> bool {
        if limit.interval.load(ORDER) == 0 {
            return true;
        }
        // As on Linux: whoever comes while another decides is taken for one too many.
        let Some(held) = limit.lock.try_lock() else { return false };
        let missed = limit.renew(self.jiffies());
        let may = limit.take();
        drop(held);
        if missed > 0 {
            log!(cx, Level::Warning, "{who}: {missed} callbacks suppressed");
        }
        may
    }

    /// Whether a message of `who` may be printed, by the one limit that all share (Linux:
    /// printk_ratelimit).
    pub fn printk_ratelimit(&self, cx: &Cx<'_>, who: &str) -> bool {
        self.rate_limit(cx, &self.log.limit, who)
    }
}
