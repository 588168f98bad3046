//! The machine's time: the host's monotonic clock, moved.
//!
//! One word says how: *running*, time is the host's plus an offset; *standing*, time is a fixed
//! value. A real clock runs from start to end. Under fast-forward the clock stands while no CPU
//! runs, and whoever brings everything to rest may move it on (see `fast_forward`).
//!
//! A reader takes the word, the host's clock, and the word again, until both words are the same:
//! so it never adds an old offset to a new host time, and time does not go back on any thread.

use std::sync::atomic::{AtomicI64, Ordering};

use kthreads_base::Nanos;

use crate::sys;

const STANDING: i64 = 1;

/// A clock that can be stopped and moved on.
pub(crate) struct MachineClock {
    /// What the host's clock showed at the start.
    origin: u64,
    /// The offset, or the fixed time with the lowest bit set; shifted left by one.
    word: AtomicI64,
}

impl MachineClock {
    /// A running clock that shows zero.
    pub(crate) fn new() -> MachineClock {
        MachineClock { origin: sys::host_clock(libc::CLOCK_MONOTONIC), word: AtomicI64::new(0) }
    }

    /// The host's time since the machine's start.
    #[inline]
    pub(crate) fn host_now(&self) -> Nanos {
        Nanos(sys::host_clock(libc::CLOCK_MONOTONIC).saturating_sub(self.origin))
    }

    /// The machine's time.
    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            let time = match word & STANDING {
                0 => self.host_now().0.saturating_add_signed(word >> 1),
                _ => (word >> 1) as u64,
            };
            let again = self.word.load(Ordering::Acquire);
            if again == word {
                return Nanos(time);
            }
            word = again;
        }
    }

    /// Whether the clock stands.
    pub(crate) fn is_standing(&self) -> bool {
        self.word.load(Ordering::Acquire) & STANDING != 0
    }

    /// The host's time, as `host_now` counts, at which a running clock will show `time`.
    pub(crate) fn to_host(&self, time: Nanos) -> Nanos {
        match self.word.load(Ordering::Acquire) {
            _ if time == Nanos::NEVER => Nanos::NEVER,
            word if word & STANDING == 0 => Nanos(time.0.saturating_add_signed(-(word >> 1))),
            word => self.host_now() + (time - Nanos((word >> 1) as u64)),
        }
    }

    /// Stops the clock, or moves a standing one on; `time` is not before what it shows.
    pub(crate) fn stand_at(&self, time: Nanos) {
        self.word.store(((time.0 as i64) << 1) | STANDING, Ordering::Release);
    }

    /// Lets a standing clock run on from what it shows.
    pub(crate) fn run_on(&self) {
        let word = self.word.load(Ordering::Relaxed);
        if word & STANDING != 0 {
            let offset = (word >> 1) - self.host_now().0 as i64;
            self.word.store(offset << 1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_stands_and_a_running_one_goes_on() {
        let clock = MachineClock::new();
        let before = clock.now();
        clock.stand_at(before + Nanos::SECOND);
        assert_eq!(clock.now(), before + Nanos::SECOND);
        std::thread::yield_now();
        assert_eq!(clock.now(), before + Nanos::SECOND);
        clock.run_on();
        let then = clock.now();
        assert!(then >= before + Nanos::SECOND);
        while clock.now() == then {}
        assert!(clock.now() > then);
    }

    #[test]
    fn the_host_time_of_a_machine_time_follows_the_offset() {
        let clock = MachineClock::new();
        clock.stand_at(Nanos::SECOND);
        clock.run_on();
        let soon = clock.now() + Nanos::SECOND;
        assert!(clock.to_host(soon) <= clock.host_now() + Nanos::SECOND);
        assert_eq!(clock.to_host(Nanos::NEVER), Nanos::NEVER);
    }
}
