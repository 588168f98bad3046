//! Semaphores (Linux: kernel/locking/semaphore.c). A count that is given while somebody waits is
//! handed to the first waiter; it never shows in `count`.

use core::sync::atomic::{AtomicU32, Ordering};

use kthreads_base::current_head;

use super::Limit;
use super::table::{Awaitable, Awaited, Grant};
use crate::task::state::*;
use crate::time::Jiffies;
use crate::{Cx, Errno, Fault, Kernel, observe};

const ORDER: Ordering = Ordering::Relaxed;

/// A counting lock without an owner: C's `struct semaphore`.
#[repr(C)]
#[derive(Debug)]
pub struct Semaphore {
    count: AtomicU32,
    magic: AtomicU32,
}

impl Awaitable for Semaphore {
    const KIND: Awaited = Awaited::Semaphore;
}

impl Semaphore {
    /// What every initialiser stores.
    pub const MAGIC: u32 = 0x7365_6d61;

    /// A semaphore with that many counts.
    pub const fn new(count: u32) -> Semaphore {
        Semaphore { count: AtomicU32::new(count), magic: AtomicU32::new(Semaphore::MAGIC) }
    }

    /// How many counts there are now.
    pub fn count(&self) -> u32 {
        self.count.load(ORDER)
    }

    /// Initialises the object whatever it was (Linux: sema_init).
    pub fn init(&self, count: u32) {
        self.count.store(count, ORDER);
        self.magic.store(Semaphore::MAGIC, ORDER);
    }
}

impl Kernel {
    /// Takes a count, sleeping in `state` at most until the limit (Linux: down and its forms).
    ///
    /// # Errors
    ///
    /// EINTR when `state` lets a signal through and one is pending, ETIME at the limit.
    pub fn down(
        &self,
        cx: &Cx<'_>,
        semaphore: &Semaphore,
        state: u32,
        limit: Limit,
    ) -> Result<(), Errno> {
        self.might_sleep(cx);
        self.check_semaphore(semaphore);
        let task = cx.task.get_ref();
        let mut shard = self.waits.lock(cx.head, semaphore);
        let count = semaphore.count.load(ORDER);
        if count > 0 {
            semaphore.count.store(count - 1, ORDER);
            observe::takes_here(semaphore);
            return Ok(());
        }
        shard.push(task, semaphore);
        task.wait.grant(Grant::NotYet);
        let mut left = limit;
        loop {
            let failed = if self.signal_pending_state(state, task) {
                Some(Errno::EINTR)
            } else if left == Limit::At(Jiffies(0)) {
                Some(Errno::ETIME)
            } else {
                None
            };
            if let Some(errno) = failed {
                shard.remove(task);
                return Err(errno);
            }
            task.head.state.store(state, ORDER);
            drop(shard);
            left = self.schedule_limit(cx, left);
            shard = self.waits.lock(cx.head, semaphore);
            if task.wait.is_granted() {
                observe::takes_here(semaphore);
                return Ok(());
            }
        }
    }

    /// Takes a count if there is one; never sleeps. True when it was taken (C's down_trylock
    /// returns the opposite).
    pub fn down_trylock(&self, semaphore: &Semaphore) -> bool {
        self.check_semaphore(semaphore);
        let current = current_head();
        let _shard = self.waits.lock(current, semaphore);
        let count = semaphore.count.load(ORDER);
        if count > 0 {
            semaphore.count.store(count - 1, ORDER);
            observe::takes_here(semaphore);
        }
        count > 0
    }

    /// Gives a count (Linux: up). From any context, by anybody.
    pub fn up(&self, semaphore: &Semaphore) {
        self.check_semaphore(semaphore);
        let current = current_head();
        let address = core::ptr::from_ref(semaphore) as usize;
        observe::gives(current, address, observe::NO_LOCK);
        self.waits.note_waker(current, address);
        let mut shard = self.waits.lock(current, semaphore);
        let Some(task) = shard.first(semaphore) else {
            semaphore.count.store(semaphore.count.load(ORDER) + 1, ORDER);
            return;
        };
        shard.remove(task);
        if !self.has_fault(Fault::UpForgetsGrant) {
            task.wait.grant(Grant::Given);
        }
        if !self.has_fault(Fault::UpForgetsWake) {
            self.wake_up_state(task, TASK_NORMAL);
        }
    }

    fn check_semaphore(&self, semaphore: &Semaphore) {
        if semaphore.magic.load(ORDER) != Semaphore::MAGIC {
            self.report_uninitialised("semaphore", core::ptr::from_ref(semaphore) as usize);
            semaphore.magic.store(Semaphore::MAGIC, ORDER);
        }
    }
}
