//! Waking the host thread that follows the log.
//!
//! The word is 0 while the follower sleeps or is about to. The follower stores 0 and then looks
//! for records; a writer publishes its record and then looks at the word. Both put a full fence
//! in between, so one of the two sees the other: no record waits for the next one. While the
//! follower is busy a writer pays for a fence and a load.

use core::sync::atomic::{AtomicU32, Ordering, fence};

use kthreads_base::Machine;

use crate::Kernel;

const ASLEEP: u32 = 0;
const AWAKE: u32 = 1;

/// The follower's bell.
pub(super) struct Bell(AtomicU32);

impl Default for Bell {
    fn default() -> Self {
        Bell(AtomicU32::new(AWAKE))
    }
}

impl Bell {
    /// Wakes the follower if it sleeps; what it is to see is stored before. From any context.
    pub(super) fn ring(&self, machine: &dyn Machine) {
        fence(Ordering::SeqCst);
        if self.0.load(Ordering::Relaxed) == ASLEEP {
            machine.wake_host(&self.0);
        }
    }

    fn wait(&self, machine: &dyn Machine, is_due: impl Fn() -> bool) {
        self.0.store(ASLEEP, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if is_due() {
            self.0.store(AWAKE, Ordering::Relaxed);
            return;
        }
        machine.wait_host(&self.0);
    }
}

impl Kernel {
    /// Has the one host thread that follows the log sleep until record `next` is there, or until
    /// [`wake_log_follower`](Kernel::wake_log_follower). It may wake for nothing.
    pub fn wait_for_log(&self, next: u64) {
        self.wait_for_log_or(next, || false);
    }

    /// As [`wait_for_log`](Kernel::wait_for_log), or until `is_due` answers yes. Whoever makes it
    /// so calls [`wake_log_follower`](Kernel::wake_log_follower) after it.
    pub fn wait_for_log_or(&self, next: u64, is_due: impl Fn() -> bool) {
        self.log.bell.wait(&*self.machine, || self.log.ring.next() > next || is_due());
    }

    /// Wakes the log's follower, for instance to tell it to end. From anywhere.
    pub fn wake_log_follower(&self) {
        self.log.bell.ring(&*self.machine);
    }
}
