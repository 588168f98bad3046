//! Wait queues (Linux: kernel/sched/wait.c).
//!
//! The head has Linux's layout, because modules walk it, unlink entries in wake functions and
//! hold its lock themselves. Entries of C and of Rust are alike: a wake function decides what a
//! wake-up does. A head's list is guarded by the lock in the head (level 1).
//!
//! # No wake-up is lost
//!
//! Who waits stores its state, then reads its condition; who wakes changes the condition, then
//! reads the state, be it by way of the queue or not (kthread_stop). A full barrier between the two
//! on both sides lets one see the other. The waiter's is the taking of the queue's lock, which on
//! x86 is one (Linux: smp_mb__after_spinlock): its state comes before, its place in line and the
//! condition after. A waker that sees the state first makes it running again, and the waiter does
//! not sleep.

use core::pin::Pin;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering, compiler_fence};

use kthreads_base::list::{List, unlink_init};
use kthreads_base::{
    AtomicFn, IrqGuard, Link, RawGuard, RawSpinLock, linked, pin_field, with_current,
};

use super::table::Place;
use crate::task::Task;
use crate::task::state::*;
use crate::{Cx, Errno, Fault, Kernel};

/// What a wake-up does to an entry: returns 0 if it woke nobody, negative to stop the walk.
/// Arguments: the entry, the state mask, the WF_ flags, the key.
pub type WakeFn = extern "C" fn(&WaitEntry, u32, i32, usize) -> i32;

/// One waiter: C's `struct wait_queue_entry`.
#[repr(C)]
#[derive(Debug)]
pub struct WaitEntry {
    flags: AtomicU32,
    private: AtomicUsize,
    func: AtomicFn<WakeFn>,
    entry: Link,
}

linked!(WaitEntry, entry);

/// How an entry stands in line (Linux: WQ_FLAG_).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitFlags(pub u32);

impl WaitFlags {
    /// First in line, woken by every wake-up.
    pub const SHARED: WaitFlags = WaitFlags(0);
    /// Last in line, woken one at a time.
    pub const EXCLUSIVE: WaitFlags = WaitFlags(1);
    /// Set by woken_wake_function.
    pub const WOKEN: WaitFlags = WaitFlags(2);
    /// Exclusive, but first in line.
    pub const PRIORITY: WaitFlags = WaitFlags(0x20);
}

impl WaitEntry {
    /// An entry for the running task that leaves the queue when it is woken (Linux: DEFINE_WAIT).
    pub fn new(cx: &Cx<'_>, flags: WaitFlags) -> WaitEntry {
        let entry = WaitEntry {
            flags: AtomicU32::new(flags.0),
            private: AtomicUsize::new(cx.task.address()),
            func: AtomicFn::null(),
            entry: Link::new(),
        };
        entry.func.set(autoremove_wake_function);
        entry
    }

    /// The flags.
    pub fn flags(&self) -> &AtomicU32 {
        &self.flags
    }

    /// Makes it an entry for `task` that leaves the queue when it is woken, whatever it was
    /// (Linux: init_wait_entry).
    #[inline(always)]
    pub fn init(self: Pin<&Self>, task: &Task, flags: WaitFlags) {
        self.flags.store(flags.0, Ordering::Relaxed);
        self.private.store(task.address(), Ordering::Relaxed);
        self.func.set(autoremove_wake_function);
        self.entry.init();
    }

    /// Forgets what queue it is in, without leaving it: for an entry of C's whose links were never
    /// initialised.
    pub fn forget_queue(&self) {
        self.entry.clear();
    }

    /// Whether it is in a queue.
    #[inline(always)]
    pub fn is_queued(&self) -> bool {
        self.entry.is_linked()
    }

    /// What its owner stored; for the common wake functions the task.
    #[inline(always)]
    pub fn private(&self) -> usize {
        self.private.load(Ordering::Relaxed)
    }

    fn wake(&self, mode: u32, flags: i32, key: usize) -> i32 {
        match self.func.get() {
            Some(func) => func(self, mode, flags, key),
            None => 0,
        }
    }

    /// Whether a wake-up of it runs code of a module.
    #[inline]
    fn runs_module(&self) -> bool {
        const OWN: [WakeFn; 3] =
            [autoremove_wake_function, default_wake_function, woken_wake_function];
        !OWN.iter().any(|own| self.func.is(*own))
    }
}

/// The head: C's `struct wait_queue_head`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct WaitQueueHead {
    lock: RawSpinLock,
    head: List<WaitEntry>,
}

pin_field!(fn WaitQueueHead::list -> head: List<WaitEntry>);

impl WaitQueueHead {
    /// An empty queue.
    pub const fn new() -> WaitQueueHead {
        WaitQueueHead { lock: RawSpinLock::new(), head: List::new() }
    }

    /// Makes the queue empty whatever it was (Linux: __init_waitqueue_head).
    pub fn init(self: Pin<&Self>) {
        self.lock.reset();
        self.list().init();
    }

    /// Whether somebody is in line; may be asked without the lock (Linux: waitqueue_active).
    pub fn is_active(&self) -> bool {
        !self.head.is_empty()
    }

    /// Where the head lies.
    #[inline(always)]
    pub fn address(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// What its list's first link holds, whatever that is.
    pub(crate) fn first_link(&self) -> usize {
        self.head.first_link()
    }

    /// The lock, for code that holds it over several calls.
    pub fn lock(&self) -> RawGuard<'_> {
        self.lock.lock()
    }

    /// Puts an entry that is in no queue last, whatever its flags say (Linux:
    /// __add_wait_queue_entry_tail).
    pub fn push_last(self: Pin<&Self>, held: &RawGuard<'_>, entry: Pin<&WaitEntry>) {
        self.list().push_back(held, entry);
    }

    #[inline(always)]
    fn check(&self, kernel: &Kernel) {
        if self.head.is_raw() {
            kernel.report_uninitialised("wait queue head", self.address());
        }
    }

    #[inline(always)]
    fn add(self: Pin<&Self>, held: &RawGuard<'_>, entry: Pin<&WaitEntry>) {
        let flags = entry.flags.load(Ordering::Relaxed);
        if flags & WaitFlags::EXCLUSIVE.0 != 0 && flags & WaitFlags::PRIORITY.0 == 0 {
            return self.list().push_back(held, entry);
        }
        if flags & WaitFlags::PRIORITY.0 != 0 {
            return self.list().push_front(held, entry);
        }
        self.add_shared(held, entry);
    }

    /// Shared entries stand first, but after those with priority.
    #[inline(always)]
    fn add_shared(self: Pin<&Self>, held: &RawGuard<'_>, entry: Pin<&WaitEntry>) {
        let priority = |e: &WaitEntry| e.flags.load(Ordering::Relaxed) & WaitFlags::PRIORITY.0 != 0;
        let mut last = None;
        let mut next = self.head.first(held);
        while let Some(ahead) = next.filter(|e| priority(e)) {
            last = Some(ahead);
            next = self.head.after(held, ahead.get_ref());
        }
        match last {
            Some(place) => self.head.insert_after(held, place.get_ref(), entry),
            None => self.list().push_front(held, entry),
        }
    }
}

/// Wakes the entry's task (Linux: default_wake_function).
pub extern "C" fn default_wake_function(entry: &WaitEntry, mode: u32, _: i32, _: usize) -> i32 {
    with_current(|kernel: &Kernel, current| match kernel.task_at(entry.private()) {
        Some(task) => i32::from(kernel.wake_by(current, task, mode)),
        None => 0,
    })
}

/// Wakes the entry's task and takes the entry out of the queue if it did (Linux:
/// autoremove_wake_function). The queue's lock is held by the walker.
pub extern "C" fn autoremove_wake_function(
    entry: &WaitEntry,
    mode: u32,
    flags: i32,
    key: usize,
) -> i32 {
    let woken = default_wake_function(entry, mode, flags, key);
    if woken != 0 {
        unlink_locked(entry);
    }
    woken
}

/// Sets WOKEN, then wakes (Linux: woken_wake_function).
pub extern "C" fn woken_wake_function(entry: &WaitEntry, mode: u32, flags: i32, key: usize) -> i32 {
    core::sync::atomic::fence(Ordering::SeqCst);
    entry.flags.fetch_or(WaitFlags::WOKEN.0, Ordering::SeqCst);
    default_wake_function(entry, mode, flags, key)
}

/// Unlinks an entry from within its wake function: whoever walks the queue holds its lock, but a
/// wake function is not given the guard, so another lock's stands for it.
#[inline(always)]
fn unlink_locked(entry: &WaitEntry) {
    let mut witness = RawSpinLock::new();
    unlink_init(&witness.exclusive(), entry);
}

const AUTOREMOVE: WakeFn = autoremove_wake_function;

impl Kernel {
    /// What [`autoremove_wake_function`] does, which most entries have.
    #[inline(always)]
    fn wake_and_remove(&self, cx: &Cx<'_>, place: &Place, entry: &WaitEntry, mode: u32) -> bool {
        let task = place.waiter(entry.private(), |address| self.task_at(address));
        let Some(task) = task else { return false };
        let woken = self.wake_irqs_off(cx.head, task, mode, || cx.here());
        if woken {
            unlink_locked(entry);
        }
        woken
    }

    /// Adds an entry: exclusive ones last, others first (Linux: add_wait_queue and its forms).
    pub fn add_wait_queue(&self, queue: Pin<&WaitQueueHead>, entry: Pin<&WaitEntry>) {
        queue.check(self);
        let held = queue.lock.lock();
        if !entry.is_queued() {
            queue.add(&held, entry);
        }
    }

    /// Takes an entry out (Linux: remove_wait_queue).
    pub fn remove_wait_queue(&self, queue: Pin<&WaitQueueHead>, entry: &WaitEntry) {
        let held = queue.get_ref().lock.lock();
        unlink_init(&held, entry);
    }

    /// Sets the task's state and takes the queue's lock: see the head of this file.
    #[inline(always)]
    fn begin_to_wait<'q>(
        &self,
        cx: &Cx<'_>,
        queue: Pin<&'q WaitQueueHead>,
        state: u32,
    ) -> RawGuard<'q> {
        queue.check(self);
        cx.task.head.state.store(state, Ordering::Relaxed);
        let held = queue.get_ref().lock.lock_of(cx.head);
        compiler_fence(Ordering::SeqCst);
        held
    }

    /// Adds the entry if it is in no queue, and sets the task's state (Linux: prepare_to_wait and
    /// prepare_to_wait_exclusive); returns whether the queue was empty.
    #[inline(always)]
    pub fn prepare_to_wait(
        &self,
        cx: &Cx<'_>,
        queue: Pin<&WaitQueueHead>,
        entry: Pin<&WaitEntry>,
        state: u32,
    ) -> bool {
        let held = self.begin_to_wait(cx, queue, state);
        let was_empty = !queue.is_active();
        if !entry.is_queued() {
            queue.add(&held, entry);
        }
        cx.task.wait_queue.store(queue.address(), Ordering::Relaxed);
        was_empty
    }

    /// As prepare_to_wait, but a signal that `state` lets through takes the entry out instead
    /// (Linux: prepare_to_wait_event), so that it cannot swallow a wake-up meant for another.
    ///
    /// # Errors
    ///
    /// ERESTARTSYS when such a signal is pending.
    #[inline(always)]
    pub fn prepare_to_wait_event(
        &self,
        cx: &Cx<'_>,
        queue: Pin<&WaitQueueHead>,
        entry: Pin<&WaitEntry>,
        state: u32,
    ) -> Result<(), Errno> {
        let held = self.begin_to_wait(cx, queue, state);
        if self.signal_pending_state(state, cx.task.get_ref()) {
            cx.task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
            unlink_init(&held, entry.get_ref());
            cx.task.wait_queue.store(0, Ordering::Relaxed);
            return Err(Errno::ERESTARTSYS);
        }
        if !entry.is_queued() {
            queue.add(&held, entry);
        }
        cx.task.wait_queue.store(queue.address(), Ordering::Relaxed);
        Ok(())
    }

    /// Ends a wait: the task runs, the entry is in no queue (Linux: finish_wait).
    #[inline(always)]
    pub fn finish_wait(&self, cx: &Cx<'_>, queue: Pin<&WaitQueueHead>, entry: &WaitEntry) {
        cx.task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
        cx.task.wait_queue.store(0, Ordering::Relaxed);
        // An entry that its waker took out needs no lock: nobody else looks at it any more.
        if entry.is_queued() {
            let held = queue.get_ref().lock.lock_of(cx.head);
            unlink_init(&held, entry);
        }
    }

    /// Wakes all shared waiters and `exclusive` exclusive ones whose tasks sleep in `mode`;
    /// `None` means all (Linux: __wake_up). Returns how many exclusive ones were woken.
    #[inline(always)]
    pub fn wake_up(
        &self,
        cx: &Cx<'_>,
        queue: Pin<&WaitQueueHead>,
        mode: u32,
        exclusive: Option<u32>,
        key: usize,
    ) -> u32 {
        self.wake_up_flags(cx, queue, mode, 0, exclusive, key)
    }

    /// As [`wake_up`](Kernel::wake_up), with WF_ flags for the wake functions (Linux:
    /// __wake_up_sync_key).
    #[inline(always)]
    pub fn wake_up_flags(
        &self,
        cx: &Cx<'_>,
        queue: Pin<&WaitQueueHead>,
        mode: u32,
        flags: i32,
        exclusive: Option<u32>,
        key: usize,
    ) -> u32 {
        queue.check(self);
        let held = queue.get_ref().lock.lock_of(cx.head);
        self.walk(cx, queue, &held, (mode, flags, key), exclusive)
    }

    /// As [`wake_up`](Kernel::wake_up), with the queue's lock held (Linux: __wake_up_locked_key).
    pub fn wake_up_locked(
        &self,
        cx: &Cx<'_>,
        queue: Pin<&WaitQueueHead>,
        held: &RawGuard<'_>,
        mode: u32,
        exclusive: Option<u32>,
        key: usize,
    ) -> u32 {
        let _irqs = IrqGuard::of(cx.head);
        self.walk(cx, queue, held, (mode, 0, key), exclusive)
    }

    /// Calls a wake function of a module, which may take locks under that of the queue.
    #[cold]
    #[inline(never)]
    fn wake_module(
        &self,
        queue: &WaitQueueHead,
        entry: &WaitEntry,
        (mode, flags, key): (u32, i32, usize),
    ) -> i32 {
        self.under_lock(queue.address(), || entry.wake(mode, flags, key))
    }

    /// Calls the entries' wake functions with those arguments. Interrupts are off.
    #[inline(always)]
    fn walk(
        &self,
        cx: &Cx<'_>,
        queue: Pin<&WaitQueueHead>,
        held: &RawGuard<'_>,
        how: (u32, i32, usize),
        exclusive: Option<u32>,
    ) -> u32 {
        let place = self.waits.place(cx.head, queue.address());
        place.note_waker(cx.head, queue.address());
        let Some(first) = queue.head.first(held) else { return 0 };
        let is_alone = queue.head.after(held, first.get_ref()).is_none();
        if !is_alone || !first.func.is(AUTOREMOVE) {
            return self.walk_from(cx, (queue.get_ref(), place), held, how, exclusive, first);
        }
        // Mostly there is one, and it is of the common kind.
        let flags = first.flags.load(Ordering::Relaxed);
        let woken = self.wake_and_remove(cx, place, first.get_ref(), how.0);
        u32::from(woken && flags & WaitFlags::EXCLUSIVE.0 != 0)
    }

    #[inline(never)]
    fn walk_from(
        &self,
        cx: &Cx<'_>,
        (queue, place): (&WaitQueueHead, &Place),
        held: &RawGuard<'_>,
        (mode, wake_flags, key): (u32, i32, usize),
        exclusive: Option<u32>,
        first: Pin<&WaitEntry>,
    ) -> u32 {
        let mut woken = 0;
        let mut next = Some(first);
        while let Some(entry) = next {
            // The wake function may take the entry out, and its frame may vanish.
            next = queue.head.after(held, entry.get_ref());
            let flags = entry.flags.load(Ordering::Relaxed);
            let result = match entry.func.is(AUTOREMOVE) {
                true => i32::from(self.wake_and_remove(cx, place, entry.get_ref(), mode)),
                false if entry.runs_module() => {
                    self.wake_module(queue, entry.get_ref(), (mode, wake_flags, key))
                }
                false => entry.wake(mode, wake_flags, key),
            };
            if result < 0 || self.has_fault_in(cx.head, Fault::WakeUpWakesFirst) {
                break;
            }
            if result > 0 && flags & WaitFlags::EXCLUSIVE.0 != 0 {
                woken += 1;
                if Some(woken) == exclusive {
                    break;
                }
            }
        }
        woken
    }
}
