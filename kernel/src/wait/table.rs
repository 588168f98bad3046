//! Who waits for which address: completions, mutexes and semaphores.
//!
//! Those objects are plain data that may vanish without a word (they often lie on a stack), so
//! nothing of the kernel is linked into them. A waiter stands in a table found by the object's
//! address, and only while it waits. A shard's lock (level 1) also guards the counters of the
//! objects whose addresses fall into it.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use alloc::boxed::Box;

use kthreads_base::{SpinGuard, SpinLock};

use crate::task::{NO_TASK, Task, TaskTable};

const SHARDS: usize = 1024;
const ORDER: Ordering = Ordering::Relaxed;

/// A task's place in the table.
#[derive(Debug)]
pub struct WaitNode {
    /// What it waits for, 0 while it does not.
    address: AtomicUsize,
    next: AtomicU32,
    prev: AtomicU32,
    /// Whether what it waited for was handed to it (semaphores).
    granted: AtomicU32,
}

impl Default for WaitNode {
    fn default() -> Self {
        WaitNode {
            address: AtomicUsize::new(0),
            next: AtomicU32::new(NO_TASK),
            prev: AtomicU32::new(NO_TASK),
            granted: AtomicU32::new(0),
        }
    }
}

impl WaitNode {
    /// The address of the object the task waits for.
    pub fn waits_for(&self) -> Option<usize> {
        Some(self.address.load(ORDER)).filter(|address| *address != 0)
    }

    pub(crate) fn grant(&self, granted: Grant) {
        self.granted.store(granted as u32, ORDER);
    }

    pub(crate) fn is_granted(&self) -> bool {
        self.granted.load(ORDER) == Grant::Given as u32
    }
}

/// Whether a waiter has been handed what it waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    NotYet = 0,
    Given = 1,
}

/// The waiters of the addresses that fall together, in the order they came.
#[derive(Debug)]
pub(crate) struct Shard {
    first: u32,
    last: u32,
}

/// The table.
pub(crate) struct WaitTable {
    shards: Box<[SpinLock<Shard>]>,
}

impl WaitTable {
    pub(crate) fn new() -> WaitTable {
        let shard = |_| SpinLock::new(Shard { first: NO_TASK, last: NO_TASK });
        WaitTable { shards: (0..SHARDS).map(shard).collect() }
    }

    /// Locks the shard of an object.
    #[inline]
    pub(crate) fn lock<T>(&self, object: &T) -> SpinGuard<'_, Shard> {
        self.lock_at(core::ptr::from_ref(object) as usize)
    }

    /// The first task in line for the object at an address.
    pub(crate) fn first_at<'t>(&self, tasks: &'t TaskTable, address: usize) -> Option<&'t Task> {
        self.lock_at(address).first_at(tasks, address)
    }

    #[inline]
    fn lock_at(&self, address: usize) -> SpinGuard<'_, Shard> {
        let mixed = (address as u64 >> 2).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.shards[(mixed >> 54) as usize % SHARDS].lock()
    }
}

impl Shard {
    /// Puts a task that does not wait yet last in line for `object`.
    pub(crate) fn push<T>(&mut self, tasks: &TaskTable, task: &Task, object: &T) {
        let node = &task.wait;
        debug_assert!(node.waits_for().is_none());
        node.address.store(core::ptr::from_ref(object) as usize, ORDER);
        node.next.store(NO_TASK, ORDER);
        node.prev.store(self.last, ORDER);
        match self.last {
            NO_TASK => self.first = task.index(),
            last => tasks.get(last).wait.next.store(task.index(), ORDER),
        }
        self.last = task.index();
    }

    /// Takes a task out of line, if it is in.
    pub(crate) fn remove(&mut self, tasks: &TaskTable, task: &Task) {
        let node = &task.wait;
        if node.address.swap(0, ORDER) == 0 {
            return;
        }
        let (prev, next) = (node.prev.load(ORDER), node.next.load(ORDER));
        match prev {
            NO_TASK => self.first = next,
            prev => tasks.get(prev).wait.next.store(next, ORDER),
        }
        match next {
            NO_TASK => self.last = prev,
            next => tasks.get(next).wait.prev.store(prev, ORDER),
        }
    }

    /// The first task in line for `object`.
    pub(crate) fn first<'t, T>(&self, tasks: &'t TaskTable, object: &T) -> Option<&'t Task> {
        self.first_at(tasks, core::ptr::from_ref(object) as usize)
    }

    fn first_at<'t>(&self, tasks: &'t TaskTable, address: usize) -> Option<&'t Task> {
        let mut index = self.first;
        while index != NO_TASK {
            let task = tasks.get(index);
            if task.wait.address.load(ORDER) == address {
                return Some(task);
            }
            index = task.wait.next.load(ORDER);
        }
        None
    }
}
