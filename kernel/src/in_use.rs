//! Objects that somebody uses in a piece of memory: pending timers, held locks, wait queues and
//! completions on which somebody waits.
//!
//! Nothing is noted down when an object is used: memory is read word by word when it is about to
//! go, what looks like an object is looked up where the kernel keeps those in use (the timer
//! wheels, the table of waiters, the waiting tasks), and only what is found there counts. So
//! using objects costs nothing, and what merely looks like one is never reported.

use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use kthreads_base::{SLOT_SIZE, stack};

use crate::task::Task;
use crate::time::Timer;
use crate::wait::{Completion, Mutex, Semaphore};
use crate::{Cx, Kernel};

const WORD: usize = size_of::<usize>();
/// What new memory is filled with.
const NEVER_WRITTEN: usize = 0x5a5a_5a5a_5a5a_5a5a;
/// Where a wait queue's list begins: behind its lock.
const LIST_OFFSET: usize = 8;
/// Where an entry's links are.
const ENTRY_LINK_OFFSET: usize = 24;

/// An object in use.
#[derive(Clone, Copy)]
pub(crate) enum InUse<'k> {
    /// A timer that is pending; its function.
    Timer(usize),
    /// A mutex that a task holds.
    Mutex(&'k Task),
    /// A spin lock that a running task holds.
    SpinLock(&'k Task),
    /// An object of this name that a task waits for.
    WaitedFor(&'static str, &'k Task),
    /// A wait queue with an entry in it that is on no stack, and where that was added.
    Queue(usize),
    /// An entry that is in a wait queue, and where it was added.
    Entry(usize),
}

/// The words of a piece of memory.
#[derive(Clone, Copy)]
struct Words<'a> {
    base: usize,
    words: &'a [AtomicUsize],
}

impl Words<'_> {
    fn get(&self, index: usize) -> usize {
        self.words.get(index).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    fn address(&self, index: usize) -> usize {
        self.base + index * WORD
    }

    fn range(&self) -> Range<usize> {
        self.base..self.address(self.words.len())
    }

    /// Whether the link at an address of this memory is one of a list with other members.
    fn is_linked(&self, link: usize) -> bool {
        let next = self.get(link.wrapping_sub(self.base) / WORD);
        self.range().contains(&link) && next != 0 && next != link && next >> 48 != 0xdead
    }
}

fn halves(word: usize) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

impl Kernel {
    /// Calls `found` with each object in use in a piece of memory, and its address.
    pub(crate) fn for_each_in_use<'k>(
        &'k self,
        cx: &Cx<'k>,
        (base, words): (usize, &[AtomicUsize]),
        found: &mut dyn FnMut(usize, InUse<'k>),
    ) {
        let memory = Words { base, words };
        for index in 0..words.len() {
            let word = memory.get(index);
            // Most words are zero, or were never written.
            if word == 0 || word == NEVER_WRITTEN {
                continue;
            }
            let (low, high) = halves(word);
            if stack::in_range(word) {
                self.look_at_queue(memory, index, found);
            }
            let half = size_of::<u32>();
            let (next, _) = halves(memory.get(index + 1));
            for (word, owner, offset) in [(low, high, 0), (high, next, half)] {
                if word == 1 && owner != 0 {
                    self.look_at_spin_lock(cx, memory.address(index) + offset, owner, found);
                }
            }
            self.look_at_magic(memory, index, low, high, found);
            self.look_at_timer(memory, index, found);
        }
        self.look_at_entries(memory, found);
    }

    /// A link that points to a stack: the first of a wait queue's list, if a task on that stack
    /// waits in the queue.
    fn look_at_queue<'k>(
        &'k self,
        memory: Words<'_>,
        index: usize,
        found: &mut dyn FnMut(usize, InUse<'k>),
    ) {
        let queue = memory.address(index).wrapping_sub(LIST_OFFSET);
        let slot = memory.get(index) & !(SLOT_SIZE - 1);
        let waits = |task: &&Task| {
            task.wait_queue.load(Ordering::Relaxed) == queue
                && task.head.stack.load(Ordering::Relaxed) == slot
        };
        if let Some(task) = self.tasks.iter().find(waits) {
            found(queue, InUse::WaitedFor("wait queue head", task));
        }
    }

    /// A word that would be that of a held spin lock: one whose holder runs now with preemption
    /// off, and knows of it.
    fn look_at_spin_lock<'k>(
        &'k self,
        cx: &Cx<'k>,
        address: usize,
        owner: u32,
        found: &mut dyn FnMut(usize, InUse<'k>),
    ) {
        let Some(task) = self.tasks.by_pid(owner as i32 - 1) else { return };
        let is_me = core::ptr::eq(task, cx.task.get_ref());
        let runs = is_me || task.head.on_cpu.load(Ordering::Relaxed) != 0;
        let is_atomic = task.head.preempt_count.load(Ordering::Relaxed) != 0;
        if runs && is_atomic && task.head.held.contains(address) {
            found(address, InUse::SpinLock(task));
        }
    }

    /// A word with one of the numbers in it that initialisers store.
    fn look_at_magic<'k>(
        &'k self,
        memory: Words<'_>,
        index: usize,
        low: u32,
        high: u32,
        found: &mut dyn FnMut(usize, InUse<'k>),
    ) {
        let address = memory.address(index);
        if low == Mutex::MAGIC
            && index > 0
            && let Some(task) = self.task_at(memory.get(index - 1))
        {
            found(address - WORD, InUse::Mutex(task));
        }
        let half = size_of::<u32>();
        for (number, address) in [(low, address.wrapping_sub(half)), (high, address)] {
            let name = match number {
                Completion::MAGIC => "completion",
                Semaphore::MAGIC => "semaphore",
                _ => continue,
            };
            if let Some(task) = self.waiter_of(address) {
                found(address, InUse::WaitedFor(name, task));
            }
        }
    }

    fn look_at_timer<'k>(
        &'k self,
        memory: Words<'_>,
        index: usize,
        found: &mut dyn FnMut(usize, InUse<'k>),
    ) {
        // `word` would be the first link; behind it the second, the expiry, the function.
        let (function, (flags, bucket)) = (memory.get(index + 3), halves(memory.get(index + 4)));
        let (address, link) = (memory.address(index), memory.get(index));
        if link > 4096
            && link.is_multiple_of(WORD)
            && function > 4096
            && Timer::are_flags(flags)
            && self.timers.is_in_bucket(address, flags, bucket as usize)
        {
            found(address, InUse::Timer(function));
        }
    }

    fn look_at_entries<'k>(&'k self, memory: Words<'_>, found: &mut dyn FnMut(usize, InUse<'k>)) {
        if self.queue_entries.is_empty() {
            return;
        }
        // What is found is told without the list's lock.
        let mut objects = Vec::new();
        self.queue_entries.for_each(&mut |entry, queue, place| {
            if memory.is_linked(entry + ENTRY_LINK_OFFSET) {
                objects.push((entry, InUse::Entry(place)));
            }
            if memory.is_linked(queue + LIST_OFFSET) {
                objects.push((queue, InUse::Queue(place)));
            }
        });
        objects.into_iter().for_each(|(address, object)| found(address, object));
    }

    /// The task that waits for the completion, mutex or semaphore at an address.
    pub(crate) fn waiter_of(&self, address: usize) -> Option<&Task> {
        self.waits.first_at(address)
    }
}
