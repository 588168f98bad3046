//! kthread_worker: a thread that runs works one after another (Linux: kthread_worker_fn and
//! what is around it).
//!
//! A worker's lock (level 1) guards its two lists, `current_work`, and the `worker` and
//! `canceling` fields of every work that was last queued on it. A work is detached before its
//! function runs, so the function may free or queue it again; it is never touched after that
//! except by its address.

mod delayed;
mod flush;
mod queue;
mod thread;

use core::pin::Pin;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

use kthreads_base::list::{is_linked, unlink_init};
use kthreads_base::{
    AtomicFn, AtomicRef, Link, List, RawGuard, RawSpinLock, container_of, linked, pin_field,
};

pub use delayed::delayed_work_timer_fn;

use crate::time::Timer;

const ORDER: Ordering = Ordering::Relaxed;

/// A flag of a worker whose thread has ended for good: no work waits, none can be queued. Only
/// Rust workers get it; C's flags are low bits.
const CLOSED: u32 = 1 << 31;

/// What a work does.
pub type WorkFn = extern "C" fn(&Work);

/// A thread that runs works, in the order they are queued: C's `struct kthread_worker`.
#[repr(C)]
#[derive(Debug)]
pub struct Worker {
    flags: AtomicU32,
    lock: RawSpinLock,
    work_list: List<Work>,
    delayed_work_list: List<Work>,
    task: AtomicUsize,
    current_work: AtomicUsize,
}

/// Something to do: C's `struct kthread_work`.
#[repr(C)]
#[derive(Debug)]
pub struct Work {
    node: Link,
    func: AtomicFn<WorkFn>,
    worker: AtomicRef<Worker>,
    canceling: AtomicI32,
}

/// Something to do later: C's `struct kthread_delayed_work`.
#[repr(C)]
#[derive(Default)]
pub struct DelayedWork {
    work: Work,
    timer: Timer,
}

linked!(Work, node);
pin_field!(fn Worker::works -> work_list: List<Work>);
pin_field!(fn Worker::delayed_works -> delayed_work_list: List<Work>);
pin_field!(
    /// The work that is done.
    pub fn DelayedWork::work -> work: Work
);
pin_field!(
    /// The timer that queues it.
    pub fn DelayedWork::timer -> timer: Timer
);
container_of!(pub(crate) fn DelayedWork::of_timer <- timer: Timer);
container_of!(
    /// The delayed work that a work is part of; only for works that are.
    pub(crate) fn DelayedWork::of_work <- work: Work
);

impl Worker {
    /// A worker without works or thread.
    pub const fn new(flags: u32) -> Worker {
        Worker {
            flags: AtomicU32::new(flags),
            lock: RawSpinLock::new(),
            work_list: List::new(),
            delayed_work_list: List::new(),
            task: AtomicUsize::new(0),
            current_work: AtomicUsize::new(0),
        }
    }

    /// Initialises the object whatever it was (Linux: kthread_init_worker).
    pub fn init(self: Pin<&Self>, flags: u32) {
        self.flags.store(flags, ORDER);
        self.lock.reset();
        self.works().init();
        self.delayed_works().init();
        self.task.store(0, ORDER);
        self.current_work.store(0, ORDER);
    }

    /// The address of its thread's task_struct, 0 while it has none.
    #[inline(always)]
    pub fn task(&self) -> usize {
        self.task.load(Ordering::Acquire)
    }

    /// Names its thread.
    pub fn set_task(&self, address: usize) {
        self.task.store(address, Ordering::Release);
    }

    /// Takes the works out of line that `picks` wants, by their addresses and those of their
    /// functions.
    pub(crate) fn take_works(&self, picks: &mut dyn FnMut(usize, usize) -> bool) {
        let held = self.lock.lock();
        let mut next = self.work_list.first(&held);
        while let Some(work) = next {
            next = self.work_list.after(&held, work.get_ref());
            if picks(work.address(), work.func.address()) {
                unlink_init(&held, work.get_ref());
            }
        }
    }

    /// Whether a work is in line; it is not while its timer runs. Looks at all that wait.
    fn is_in_line(&self, held: &RawGuard<'_>, work: &Work) -> bool {
        let first = self.work_list.first(held);
        let mut all =
            core::iter::successors(first, |one| self.work_list.after(held, one.get_ref()));
        all.any(|one| one.address() == work.address())
    }

    #[inline(always)]
    fn is_closed(&self) -> bool {
        self.flags.load(ORDER) & CLOSED != 0
    }

    /// Whether works wait.
    #[inline(always)]
    pub fn has_works(&self) -> bool {
        !self.work_list.is_empty()
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::new()
    }
}

impl Work {
    /// A work that does nothing yet.
    pub const fn new() -> Work {
        Work {
            node: Link::new(),
            func: AtomicFn::null(),
            worker: AtomicRef::null(),
            canceling: AtomicI32::new(0),
        }
    }

    /// Initialises the object whatever it was (Linux: kthread_init_work).
    pub fn init(self: Pin<&Self>, func: WorkFn) {
        self.node.init();
        self.func.set(func);
        self.worker.set(None);
        self.canceling.store(0, ORDER);
    }

    /// The worker it was last queued on.
    pub(crate) fn worker(&self) -> Option<Pin<&Worker>> {
        self.worker.get()
    }

    #[inline(always)]
    fn address(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Linux: queuing_blocked.
    #[inline(always)]
    fn is_blocked(&self) -> bool {
        is_linked(self) || self.canceling.load(ORDER) != 0
    }
}

impl DelayedWork {
    /// The address of the work's function.
    pub(crate) fn function_address(&self) -> usize {
        self.work.func.address()
    }

    /// Initialises the object whatever it was (Linux: kthread_init_delayed_work).
    pub fn init(self: Pin<&Self>, func: WorkFn) {
        self.work().init(func);
        self.timer.init(delayed_work_timer_fn, Timer::IRQSAFE, 0);
    }
}

#[inline(always)]
fn address_of(worker: Pin<&Worker>) -> usize {
    core::ptr::from_ref(worker.get_ref()) as usize
}
