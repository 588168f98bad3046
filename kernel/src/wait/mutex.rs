//! Mutexes (Linux: kernel/locking/mutex.c).
//!
//! A waiter raises `waiters` before it looks at the owner for the last time; an unlocker clears
//! the owner before it looks at `waiters`. Both are sequentially consistent, so one of the two
//! sees the other and no wake-up is lost.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use kthreads_base::held::LockKind;

use super::table::{Awaitable, Awaited};
use crate::task::state::*;
use crate::{Cx, Errno, Fault, Kernel, observe};

/// A sleeping lock with an owner: C's `struct mutex`.
#[repr(C)]
#[derive(Debug)]
pub struct Mutex {
    owner: AtomicUsize,
    magic: AtomicU32,
    waiters: AtomicU32,
}

impl Awaitable for Mutex {
    const KIND: Awaited = Awaited::Mutex;
}

impl Default for Mutex {
    fn default() -> Self {
        Self::new()
    }
}

impl Mutex {
    /// What every initialiser stores.
    pub const MAGIC: u32 = 0x6d75_7478;

    /// A free mutex.
    pub const fn new() -> Mutex {
        Mutex {
            owner: AtomicUsize::new(0),
            magic: AtomicU32::new(Mutex::MAGIC),
            waiters: AtomicU32::new(0),
        }
    }

    /// Initialises the object whatever it was.
    pub fn init(&self) {
        self.owner.store(0, Ordering::Relaxed);
        self.magic.store(Mutex::MAGIC, Ordering::Relaxed);
        self.waiters.store(0, Ordering::Relaxed);
    }

    /// Whether the object has been initialised, or looks so.
    pub(crate) fn is_initialised(&self) -> bool {
        self.magic.load(Ordering::Relaxed) == Mutex::MAGIC
    }

    /// Whether somebody holds it (Linux: mutex_is_locked).
    pub fn is_locked(&self) -> bool {
        self.owner.load(Ordering::Relaxed) != 0
    }

    /// The address of the owner's task_struct, 0 when it is free.
    pub fn owner(&self) -> usize {
        self.owner.load(Ordering::Relaxed)
    }

    fn try_take(&self, cx: &Cx<'_>) -> bool {
        let task = cx.task.get_ref();
        let me = task.address();
        cx.head.step();
        let order = Ordering::SeqCst;
        let taken = self.owner.compare_exchange(0, me, order, order).is_ok();
        if taken {
            task.head.held.add(LockKind::Mutex, core::ptr::from_ref(self) as usize, 0);
            observe::takes(cx.head, core::ptr::from_ref(self) as usize, observe::MUTEX);
        }
        taken
    }
}

impl Kernel {
    /// Takes the mutex, sleeping in `state` (Linux: mutex_lock and its _interruptible and
    /// _killable forms).
    ///
    /// # Errors
    ///
    /// EINTR when `state` lets a signal through and one is pending while it would sleep.
    pub fn mutex_lock(&self, cx: &Cx<'_>, mutex: &Mutex, state: u32) -> Result<(), Errno> {
        self.might_sleep(cx);
        self.check_mutex(mutex);
        let task = cx.task.get_ref();
        if mutex.try_take(cx) {
            return Ok(());
        }
        if mutex.owner() == task.address() {
            self.report_self_deadlock(cx, "mutex", core::ptr::from_ref(mutex) as usize);
        }
        self.mutex_lock_slow(cx, mutex, state)
    }

    fn mutex_lock_slow(&self, cx: &Cx<'_>, mutex: &Mutex, state: u32) -> Result<(), Errno> {
        let task = cx.task.get_ref();
        let mut shard = self.waits.lock(cx.head, mutex);
        mutex.waiters.fetch_add(1, Ordering::SeqCst);
        let result = loop {
            if mutex.try_take(cx) {
                break Ok(());
            }
            if self.signal_pending_state(state, task) {
                break Err(Errno::EINTR);
            }
            if task.wait.waits_for().is_none() {
                shard.push(task, mutex);
            }
            task.head.state.store(state, Ordering::Relaxed);
            drop(shard);
            self.schedule(cx);
            shard = self.waits.lock(cx.head, mutex);
        };
        task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
        shard.remove(task);
        mutex.waiters.fetch_sub(1, Ordering::SeqCst);
        // A wake-up that came with the signal belongs to the next in line.
        if result.is_err() && !mutex.is_locked() {
            self.wake_first(&mut shard, mutex);
        }
        result
    }

    fn wake_first(&self, shard: &mut super::table::Shard, mutex: &Mutex) {
        if let Some(next) = shard.first(mutex) {
            shard.remove(next);
            self.wake_up_state(next, TASK_NORMAL);
        }
    }

    /// Takes the mutex if it is free (Linux: mutex_trylock).
    pub fn mutex_trylock(&self, cx: &Cx<'_>, mutex: &Mutex) -> bool {
        self.check_mutex(mutex);
        mutex.try_take(cx)
    }

    /// Frees the mutex (Linux: mutex_unlock).
    pub fn mutex_unlock(&self, cx: &Cx<'_>, mutex: &Mutex) {
        self.check_mutex(mutex);
        if mutex.owner() != cx.task.address() {
            let address = core::ptr::from_ref(mutex) as usize;
            return self.report_unlock_by_stranger(cx, "mutex", address, mutex.owner());
        }
        cx.task.head.held.remove(core::ptr::from_ref(mutex) as usize);
        observe::gives(cx.head, core::ptr::from_ref(mutex) as usize, observe::MUTEX);
        let had_waiters = mutex.waiters.load(Ordering::SeqCst) != 0;
        if self.has_fault(Fault::MutexLooksFirst) {
            cx.head.step();
        }
        mutex.owner.store(0, Ordering::SeqCst);
        cx.head.step();
        let wakes = match self.config.fault {
            Some(Fault::MutexLooksFirst) => had_waiters,
            Some(Fault::MutexForgetsWake) => false,
            _ => mutex.waiters.load(Ordering::SeqCst) != 0,
        };
        if wakes {
            let mut shard = self.waits.lock(cx.head, mutex);
            self.wake_first(&mut shard, mutex);
        }
    }

    fn check_mutex(&self, mutex: &Mutex) {
        if mutex.magic.load(Ordering::Relaxed) != Mutex::MAGIC {
            self.report_uninitialised("mutex", core::ptr::from_ref(mutex) as usize);
            mutex.magic.store(Mutex::MAGIC, Ordering::Relaxed);
        }
    }
}
