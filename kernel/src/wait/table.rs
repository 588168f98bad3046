//! Who waits for which address: completions, mutexes and semaphores.
//!
//! Those objects are plain data that may vanish without a word (they often lie on a stack), so
//! nothing of the kernel is linked into them. A waiter stands in a table found by the object's
//! address, and only while it waits. A shard's lock (level 1) also guards the counters of the
//! objects whose addresses fall into it.

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

use alloc::boxed::Box;
use alloc::vec::Vec;

use kthreads_base::{Current, QuietGuard, SpinGuard, SpinLock, current_head};

use crate::audit::Findings;
use crate::task::{Task, TaskLink, TaskPin};

/// How many places there are.
const PLACES: usize = 1024;
/// How many are used in a kernel that is observed: it goes back to what it was all the time, page by
/// page.
const OBSERVED_PLACES: usize = 64;
const ORDER: Ordering = Ordering::Relaxed;

/// A task's place in the table.
#[derive(Debug)]
pub struct WaitNode {
    /// What it waits for, 0 while it does not.
    address: AtomicUsize,
    next: TaskLink,
    prev: TaskLink,
    /// Whether what it waited for was handed to it (semaphores).
    granted: AtomicU32,
    /// What lies at the address: an [`Awaited`].
    kind: AtomicU32,
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Awaited {
    /// A completion.
    Completion = 0,
    /// A mutex.
    Mutex = 1,
    /// A semaphore.
    Semaphore = 2,
    /// A wait queue.
    Queue = 3,
}

impl Awaited {
    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            Awaited::Completion => "completion",
            Awaited::Mutex => "mutex",
            Awaited::Semaphore => "semaphore",
            Awaited::Queue => "wait queue",
        }
    }
}

/// An object that tasks wait for by its address.
pub(crate) trait Awaitable {
    /// What it is.
    const KIND: Awaited;
}

impl Default for WaitNode {
    fn default() -> Self {
        WaitNode {
            address: AtomicUsize::new(0),
            next: TaskLink::null(),
            prev: TaskLink::null(),
            granted: AtomicU32::new(0),
            kind: AtomicU32::new(0),
        }
    }
}

impl WaitNode {
    /// The address of the object the task waits for.
    #[inline(always)]
    pub fn waits_for(&self) -> Option<usize> {
        Some(self.address.load(ORDER)).filter(|address| *address != 0)
    }

    /// What kind of object the task waits for.
    pub(crate) fn kind(&self) -> Awaited {
        match self.kind.load(ORDER) {
            1 => Awaited::Mutex,
            2 => Awaited::Semaphore,
            _ => Awaited::Completion,
        }
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
#[derive(Debug, Default)]
pub(crate) struct Shard {
    first: TaskLink,
    last: TaskLink,
}

/// Who was the last to wake somebody by way of an object; only for reports, and forgotten when
/// another object falls into the same place.
#[derive(Debug, Default)]
struct LastWaker {
    address: AtomicUsize,
    pid: AtomicI32,
}

/// What addresses that fall together share.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Place {
    shard: SpinLock<Shard>,
    waker: LastWaker,
    /// The task that was last woken by way of a queue.
    woken: TaskLink,
}

/// The table.
pub(crate) struct WaitTable {
    places: Box<[Place; PLACES]>,
}

impl WaitTable {
    pub(crate) fn new() -> WaitTable {
        let places: Vec<Place> = (0..PLACES).map(|_| Place::default()).collect();
        let Ok(places) = places.into_boxed_slice().try_into() else {
            kthreads_base::fatal("the wait table is not of its own size")
        };
        WaitTable { places }
    }

    /// Where what is at an address has its waiters.
    #[inline(always)]
    pub(crate) fn place(&self, current: Current, address: usize) -> &Place {
        &self.places[place_of(address, current.is_observed())]
    }

    /// As [`place`](WaitTable::place), for a caller that does not know the running thread.
    fn place_at(&self, address: usize) -> &Place {
        self.place(current_head(), address)
    }

    /// Those that are used.
    fn used(&self) -> &[Place] {
        let is_observed = current_head().is_observed();
        &self.places[..if is_observed { OBSERVED_PLACES } else { PLACES }]
    }

    /// Notes that the running thread wakes by way of an object.
    #[inline(always)]
    pub(crate) fn note_waker(&self, current: Current, address: usize) {
        self.place(current, address).note_waker(current, address);
    }

    /// The pid of the last to do so, if that is known.
    pub(crate) fn last_waker(&self, address: usize) -> Option<i32> {
        let waker = &self.place_at(address).waker;
        (waker.address.load(ORDER) == address).then(|| waker.pid.load(ORDER))
    }

    /// Locks the shard of an object.
    #[inline(always)]
    pub(crate) fn lock<T>(&self, current: Current, object: &T) -> SpinGuard<'_, Shard> {
        self.place(current, core::ptr::from_ref(object) as usize).shard.lock_of(current)
    }

    /// How many tasks wait.
    pub(crate) fn waiters(&self) -> u32 {
        let mut count = 0;
        for place in self.used() {
            // Links that lead nowhere are told by `audit`.
            place.shard.lock().audit(&mut |_| count += 1);
        }
        count
    }

    /// Looks at all shards.
    pub(crate) fn audit(&self, found: &mut Findings) {
        for (place, at) in self.used().iter().enumerate() {
            let shard = at.shard.lock();
            let wrong = shard.audit(&mut |task| {
                let address = task.wait.address.load(ORDER);
                if address == 0 || !core::ptr::eq(self.place_at(address), at) {
                    let pid = task.pid();
                    found.add(format_args!("{pid} waits for {address:#x} in shard {place}"));
                }
            });
            if let Some(wrong) = wrong {
                found.add(format_args!("the waiters of shard {place}: {wrong}"));
            }
        }
    }

    /// The first task in line for the object at an address.
    pub(crate) fn first_at(&self, address: usize) -> Option<&Task> {
        self.place_at(address).shard.lock().first_at(address)
    }
}

#[inline(always)]
fn place_of(address: usize, is_observed: bool) -> usize {
    let mixed = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let place = (mixed >> 54) as usize % PLACES;
    if is_observed { place % OBSERVED_PLACES } else { place }
}

impl Place {
    /// Notes that the running thread wakes by way of the object at `address`, which is here.
    #[inline(always)]
    pub(crate) fn note_waker(&self, current: Current, address: usize) {
        self.waker.address.store(address, ORDER);
        self.waker.pid.store(current.pid.load(ORDER), ORDER);
    }

    /// The live task at an address that a queue's entry names. Mostly it is the one that was woken
    /// here before; `find` looks for it otherwise.
    #[inline(always)]
    pub(crate) fn waiter<'t>(
        &self,
        address: usize,
        find: impl FnOnce(usize) -> Option<&'t Task>,
    ) -> Option<&'t Task> {
        if let Some(task) = self.woken.get().filter(|task| task.address() == address) {
            return Some(task.get_ref()).filter(|task| task.is_live());
        }
        let task = find(address)?;
        self.woken.set(Some(task.pin()));
        Some(task)
    }

    /// Locks the shard where interrupts are off already and stay off.
    #[inline(always)]
    pub(crate) fn lock_irqs_off(&self, current: Current) -> QuietGuard<'_, Shard> {
        self.shard.lock_irqs_off(current)
    }
}

impl Shard {
    /// Puts a task that does not wait yet last in line for `object`.
    #[inline(always)]
    pub(crate) fn push<T: Awaitable>(&mut self, task: &Task, object: &T) {
        let node = &task.wait;
        debug_assert!(node.waits_for().is_none());
        node.kind.store(T::KIND as u32, ORDER);
        node.address.store(core::ptr::from_ref(object) as usize, ORDER);
        let last = self.last.get();
        node.next.set(None);
        node.prev.set(last);
        match last {
            None => self.first.set(Some(task.pin())),
            Some(last) => last.wait.next.set(Some(task.pin())),
        }
        self.last.set(Some(task.pin()));
    }

    /// Takes a task out of line, if it is in.
    #[inline(always)]
    pub(crate) fn remove(&mut self, task: &Task) {
        let node = &task.wait;
        if node.waits_for().is_none() {
            return;
        }
        node.address.store(0, ORDER);
        let (prev, next) = (node.prev.get(), node.next.get());
        match prev {
            None => self.first.set(next),
            Some(prev) => prev.wait.next.set(next),
        }
        match next {
            None => self.last.set(prev),
            Some(next) => next.wait.prev.set(prev),
        }
    }

    /// Takes the first task in line for `object` out of line.
    #[inline(always)]
    pub(crate) fn take_first<'t, T>(&mut self, object: &T) -> Option<&'t Task> {
        let address = core::ptr::from_ref(object) as usize;
        let first: TaskPin<'t> = self.first.get()?;
        if first.wait.address.load(ORDER) != address {
            return self.take_behind_others(address);
        }
        first.wait.address.store(0, ORDER);
        let next = first.wait.next.get();
        self.first.set(next);
        match next {
            None => self.last.set(None),
            Some(next) => next.wait.prev.set(None),
        }
        Some(first.get_ref())
    }

    #[cold]
    #[inline(never)]
    fn take_behind_others<'t>(&mut self, address: usize) -> Option<&'t Task> {
        let task = self.first_at(address)?;
        self.remove(task);
        Some(task)
    }

    /// Calls `see` with each task in line; tells what does not hold together.
    fn audit(&self, see: &mut dyn FnMut(&Task)) -> Option<&'static str> {
        let (mut prev, mut at): (Option<TaskPin<'_>>, Option<TaskPin<'_>>) =
            (None, self.first.get());
        while let Some(task) = at {
            let leads_back = match prev {
                None => task.wait.prev.is_null(),
                Some(prev) => task.wait.prev.is(prev.get_ref()),
            };
            if !leads_back {
                return Some("a link does not lead back");
            }
            see(task.get_ref());
            (prev, at) = (Some(task), task.wait.next.get());
        }
        let is_last = match prev {
            None => self.last.is_null(),
            Some(prev) => self.last.is(prev.get_ref()),
        };
        (!is_last).then_some("the last is not last")
    }

    /// The first task in line for `object`.
    #[inline(always)]
    pub(crate) fn first<'t, T>(&self, object: &T) -> Option<&'t Task> {
        self.first_at(core::ptr::from_ref(object) as usize)
    }

    #[inline(always)]
    fn first_at<'t>(&self, address: usize) -> Option<&'t Task> {
        let mut next = self.first.get();
        while let Some(task) = next {
            if task.wait.address.load(ORDER) == address {
                return Some(task.get_ref());
            }
            next = task.wait.next.get();
        }
        None
    }
}
