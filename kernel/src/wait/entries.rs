//! Wait-queue entries that lie on no stack: who added them, and to which queue.
//!
//! An entry on its task's stack goes with the task, which notes its queue itself. One in a
//! module's own memory is noted here when it is added, so that it can be found when that memory
//! goes while the entry is still in line. There are few of these.

use alloc::vec::Vec;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};

use kthreads_base::{AtomicRef, SpinLock, stack};

use super::{WaitEntry, WaitQueueHead};
use crate::{Cx, Kernel};

struct Added {
    entry: AtomicRef<WaitEntry>,
    queue: AtomicRef<WaitQueueHead>,
    place: usize,
}

/// All of them.
#[derive(Default)]
pub(crate) struct QueueEntries {
    list: SpinLock<Vec<Added>>,
    /// How many there are, for who needs to know only whether there are any.
    count: AtomicUsize,
}

impl QueueEntries {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn change(&self, body: &mut dyn FnMut(&mut Vec<Added>)) {
        let mut list = self.list.lock();
        body(&mut list);
        self.count.store(list.len(), Ordering::Relaxed);
    }

    /// Calls `see` with the addresses of each entry and its queue, and where it was added.
    pub(crate) fn for_each(&self, see: &mut dyn FnMut(usize, usize, usize)) {
        let list = self.list.lock();
        list.iter()
            .for_each(|added| see(added.entry.address(), added.queue.address(), added.place));
    }
}

impl Kernel {
    /// Notes that an entry of C's has been put in a queue by a call that returns to `place`.
    pub fn note_queue_entry(
        &self,
        cx: &Cx<'_>,
        queue: Pin<&WaitQueueHead>,
        entry: Pin<&WaitEntry>,
        place: usize,
    ) {
        let address = core::ptr::from_ref(entry.get_ref()) as usize;
        if stack::in_range(address) {
            return cx.task.wait_queue.store(queue.address(), Ordering::Relaxed);
        }
        let added = Added { entry: AtomicRef::null(), queue: AtomicRef::null(), place };
        added.entry.set(Some(entry));
        added.queue.set(Some(queue));
        let mut added = Some(added);
        self.queue_entries.change(&mut |list| {
            list.retain(|old| old.entry.address() != address);
        });
        self.queue_entries.change(&mut |list| list.extend(added.take()));
    }

    /// Forgets an entry that has left its queue.
    pub fn forget_queue_entry(&self, cx: &Cx<'_>, entry: &WaitEntry) {
        let address = core::ptr::from_ref(entry) as usize;
        if stack::in_range(address) {
            return cx.task.wait_queue.store(0, Ordering::Relaxed);
        }
        if !self.queue_entries.is_empty() {
            self.queue_entries.change(&mut |list| {
                list.retain(|old| old.entry.address() != address);
            });
        }
    }

    /// Takes the entries that lie in memory that goes out of their queues, and forgets those whose
    /// queues go.
    pub(crate) fn drop_queue_entries(&self, goes: &dyn Fn(usize) -> bool) {
        let mut gone = Vec::new();
        self.queue_entries.change(&mut |list| {
            list.retain(|old| {
                let (entry, queue) = (goes(old.entry.address()), goes(old.queue.address()));
                if entry && !queue {
                    gone.push((old.entry.get(), old.queue.get()));
                }
                !entry && !queue
            });
        });
        for (entry, queue) in gone {
            if let (Some(entry), Some(queue)) = (entry, queue) {
                self.remove_wait_queue(queue, entry.get_ref());
            }
        }
    }
}
