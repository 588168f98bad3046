//! kthread_worker: a thread that runs works one after another (Linux: kthread_worker_fn and
//! what is around it).
//!
//! A worker's lock (level 1) guards its two lists, `current_work`, and the `worker` and
//! `canceling` fields of every work that was last queued on it. A work is detached before its
//! function runs, so the function may free or queue it again; it is never touched after that
//! except by its address.

use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

use kthreads_base::list::{is_linked, unlink_init};
use kthreads_base::{
    AtomicFn, AtomicRef, Link, List, RawGuard, RawSpinLock, container_of, linked, pin_field,
    with_current,
};

use crate::proc::WaitsIn;
use crate::report::{AtomicState, Left};
use crate::task::Task;
use crate::task::state::*;
use crate::time::{Jiffies, Timer};
use crate::wait::Completion;
use crate::{Cx, Fault, Kernel};

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

/// A work that tells that all before it is done.
#[repr(C)]
struct FlushWork {
    work: Work,
    done: Completion,
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
pin_field!(fn FlushWork::work -> work: Work);
container_of!(pub(crate) fn DelayedWork::of_timer <- timer: Timer);
container_of!(
    /// The delayed work that a work is part of; only for works that are.
    pub(crate) fn DelayedWork::of_work <- work: Work
);
container_of!(fn FlushWork::of_work <- work: Work);

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

    fn is_closed(&self) -> bool {
        self.flags.load(ORDER) & CLOSED != 0
    }

    /// Whether works wait.
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

    fn address(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Linux: queuing_blocked.
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

/// Queues a delayed work whose time has come (Linux: kthread_delayed_work_timer_fn).
pub extern "C" fn delayed_work_timer_fn(timer: &Timer) {
    with_current(|kernel: &Kernel, _| kernel.delayed_work_is_due(DelayedWork::of_timer(timer)));
}

extern "C" fn tell_flushed(work: &Work) {
    with_current(|kernel: &Kernel, _| kernel.complete(&FlushWork::of_work(work).done));
}

/// Where a work goes among those that wait.
#[derive(Clone, Copy)]
enum Place<'a> {
    Last,
    First,
    After(&'a Work),
}

impl Kernel {
    /// What a worker's thread does until it is told to stop; what waits then stays (Linux:
    /// kthread_worker_fn).
    pub fn worker_main(&self, cx: &Cx<'_>, worker: Pin<&Worker>) -> i32 {
        let task = cx.task.get_ref();
        worker.set_task(task.address());
        task.worker.set(Some(worker));
        loop {
            if self.kthread_should_stop(cx) || task.is_to_end() {
                let held = worker.get_ref().lock.lock();
                worker.set_task(0);
                drop(held);
                self.leave_worker(task);
                return 0;
            }
            match self.take_work(cx, worker) {
                Some((func, work)) => {
                    let before = AtomicState::now(cx);
                    self.call_work(&task.head, work.address(), || func(work));
                    if let Some(left) = before.restore(cx) {
                        self.report_work_left(cx, func, &left);
                    }
                }
                None => self.sleep_for_work(cx, worker),
            }
            self.cond_resched(cx);
        }
    }

    /// A task lets go of the worker whose works it has done, which may be freed then.
    pub(crate) fn leave_worker(&self, task: &Task) {
        let _nobody_looks = self.worker_looks.lock();
        task.worker.set(None);
    }

    /// Sleeps until there is something to do. What came since it was looked for is seen after the
    /// state is set, or wakes the sleeper.
    fn sleep_for_work(&self, cx: &Cx<'_>, worker: Pin<&Worker>) {
        let task = cx.task.get_ref();
        let looked = self.has_fault(Fault::WorkerLooksFirst);
        if looked {
            cx.head.step();
        }
        task.set_state(TASK_INTERRUPTIBLE);
        if looked || !(worker.has_works() || self.kthread_should_stop(cx)) {
            let _waits = cx.waits_in(WaitsIn::KthreadWorkerFn);
            self.schedule(cx);
        }
        task.head.state.store(TASK_RUNNING, ORDER);
    }

    #[cold]
    fn report_work_left(&self, cx: &Cx<'_>, func: WorkFn, left: &Left) {
        let name = self.variable_name(func as usize);
        self.report_left(cx, format_args!("work {name}"), left);
    }

    #[inline(always)]
    fn take_work<'w>(&self, cx: &Cx<'_>, worker: Pin<&'w Worker>) -> Option<(WorkFn, &'w Work)> {
        let worker = worker.get_ref();
        let held = worker.lock.lock_of(cx.head);
        let work = worker.work_list.take_first(&held).map(Pin::get_ref);
        worker.current_work.store(work.map_or(0, Work::address), ORDER);
        let work = work?;
        Some((work.func.get()?, work))
    }

    /// Queues a work; returns false if it waits already or is being cancelled (Linux:
    /// kthread_queue_work). From any context.
    pub fn queue_work(&self, worker: Pin<&Worker>, work: Pin<&Work>) -> bool {
        let is_set_up = self.check_queued(worker, &work);
        let held = worker.get_ref().lock.lock();
        let queued = is_set_up && !work.is_blocked() && !worker.is_closed();
        if queued {
            self.insert_work(worker, &held, work, Place::Last);
        }
        queued
    }

    fn insert_work(
        &self,
        worker: Pin<&Worker>,
        held: &RawGuard<'_>,
        work: Pin<&Work>,
        place: Place<'_>,
    ) {
        self.check_work(worker, &work);
        match place {
            Place::Last => worker.works().push_back(held, work),
            Place::First => worker.works().push_front(held, work),
            Place::After(other) => worker.get_ref().work_list.insert_after(held, other, work),
        }
        work.worker.set(Some(worker));
        if worker.current_work.load(ORDER) == 0
            && !self.has_fault(Fault::QueueForgetsWake)
            && let Some(task) = self.task_at(worker.task())
        {
            self.wake_up_process(task);
        }
    }

    /// Says so if one of the two was never initialised. A work that was not is never queued: it
    /// looks as if it were in line already, to Linux too.
    fn check_queued(&self, worker: Pin<&Worker>, work: &Work) -> bool {
        let is_set_up = work.func.address() != 0;
        if !is_set_up {
            self.report_uninitialised("kthread_work", work.address());
        }
        if worker.work_list.is_raw() {
            self.report_uninitialised("kthread_worker", address_of(worker));
        }
        is_set_up
    }

    /// One work must not be used with two workers (Linux: kthread_insert_work_sanity_check).
    fn check_work(&self, worker: Pin<&Worker>, work: &Work) {
        let other = work.worker.address();
        if other != 0 && other != address_of(worker) {
            self.warn_once(&self.cx(), "a kthread_work is used with two workers");
        }
    }

    /// Waits for the instance of a work that waits or runs now (Linux: kthread_flush_work). For a
    /// delayed work whose timer still runs it waits for ever.
    pub fn flush_work(&self, cx: &Cx<'_>, work: Pin<&Work>) {
        self.might_sleep(cx);
        let Some(worker) = work.worker.get() else { return };
        let held = worker.get_ref().lock.lock();
        self.flush_locked(cx, worker, held, work);
    }

    /// As [`flush_work`](Kernel::flush_work), but a work whose timer still runs is queued at once.
    pub(crate) fn flush_delayed_work(&self, cx: &Cx<'_>, delayed: Pin<&DelayedWork>) {
        self.might_sleep(cx);
        let Some(worker) = delayed.work.worker.get() else { return };
        let (work, timer) = (delayed.work(), &delayed.get_ref().timer);
        loop {
            let held = worker.get_ref().lock.lock();
            if is_linked(work.get_ref()) {
                if self.timers.delete(timer) {
                    unlink_init(&held, work.get_ref());
                    self.insert_work(worker, &held, work, Place::Last);
                } else if self.timers.is_running(timer) {
                    // The work may be where it was until the timer's function has the lock.
                    drop(held);
                    cx.head.relax();
                    continue;
                }
            }
            return self.flush_locked(cx, worker, held, work);
        }
    }

    fn flush_locked(
        &self,
        cx: &Cx<'_>,
        worker: Pin<&Worker>,
        held: RawGuard<'_>,
        work: Pin<&Work>,
    ) {
        let flush = pin!(new_flush());
        let flush = flush.as_ref();
        let place = if is_linked(work.get_ref()) {
            match self.config.fault {
                Some(Fault::FlushWaitsTooShort) => Place::First,
                _ => Place::After(work.get_ref()),
            }
        } else if worker.current_work.load(ORDER) == work.address() {
            Place::First
        } else {
            return;
        };
        self.insert_work(worker, &held, flush.work(), place);
        drop(held);
        let _waits = cx.waits_in(WaitsIn::KthreadFlushWork);
        self.wait_for_completion(cx, &flush.done);
    }

    /// Waits for all that is queued before this call; not for delayed works whose timers run
    /// (Linux: kthread_flush_worker).
    pub fn flush_worker(&self, cx: &Cx<'_>, worker: Pin<&Worker>) {
        let flush = pin!(new_flush());
        let flush = flush.as_ref();
        if !self.queue_work(worker, flush.work()) {
            return;
        }
        let _waits = cx.waits_in(WaitsIn::KthreadFlushWorker);
        self.wait_for_completion(cx, &flush.done);
    }

    /// Queues a work after `delay` jiffies; returns false if it waits already or is being
    /// cancelled (Linux: kthread_queue_delayed_work).
    pub fn queue_delayed_work(
        &self,
        worker: Pin<&Worker>,
        delayed: Pin<&DelayedWork>,
        delay: u64,
    ) -> bool {
        let is_set_up = self.check_queued(worker, &delayed.work);
        let held = worker.get_ref().lock.lock();
        let queued = is_set_up && !delayed.work.is_blocked() && !worker.is_closed();
        if queued {
            self.arm_delayed(worker, &held, delayed, delay);
        }
        queued
    }

    fn arm_delayed(
        &self,
        worker: Pin<&Worker>,
        held: &RawGuard<'_>,
        delayed: Pin<&DelayedWork>,
        delay: u64,
    ) {
        let work = delayed.work();
        if delay == 0 {
            return self.insert_work(worker, held, work, Place::Last);
        }
        self.check_work(worker, &work);
        worker.delayed_works().push_front(held, work);
        work.worker.set(Some(worker));
        let here = self.here();
        let expires = Jiffies(here.now.0.wrapping_add(delay));
        self.timer_armed(self.timers.modify(delayed.timer(), expires, here));
    }

    /// The timer of a delayed work has run out.
    fn delayed_work_is_due(&self, delayed: Pin<&DelayedWork>) {
        let Some(worker) = delayed.work.worker.get() else { return };
        let held = worker.get_ref().lock.lock();
        unlink_init(&held, &delayed.get_ref().work);
        if delayed.work.canceling.load(ORDER) == 0 && !worker.is_closed() {
            self.insert_work(worker, &held, delayed.work(), Place::Last);
        }
    }

    /// Queues a delayed work anew: true if it waited (its timer is replaced) or is being
    /// cancelled (it is left alone), false if it was idle (Linux: kthread_mod_delayed_work).
    pub fn mod_delayed_work(
        &self,
        worker: Pin<&Worker>,
        delayed: Pin<&DelayedWork>,
        delay: u64,
    ) -> bool {
        let work = &delayed.get_ref().work;
        let mut held = worker.get_ref().lock.lock();
        let mut was_waiting = false;
        if work.worker.address() != 0 {
            held = self.cancel_timer(worker, held, delayed);
            if work.canceling.load(ORDER) != 0 {
                return true;
            }
            was_waiting = is_linked(work) && unlink_init(&held, work);
        }
        if !worker.is_closed() {
            self.arm_delayed(worker, &held, delayed, delay);
        }
        was_waiting
    }

    /// Takes a delayed work out of line or off its timer; does not wait if it runs. True if it
    /// waited.
    pub(crate) fn take_delayed_work(&self, delayed: Pin<&DelayedWork>) -> bool {
        let Some(worker) = delayed.work.worker.get() else { return false };
        let held = worker.get_ref().lock.lock();
        let held = self.cancel_timer(worker, held, delayed);
        is_linked(&delayed.work) && unlink_init(&held, &delayed.get_ref().work)
    }

    /// Closes a worker at the end of its thread: works that still wait are taken out of line, and
    /// whoever waits for them goes on.
    pub(crate) fn close_worker(&self, worker: Pin<&Worker>) {
        let worker = worker.get_ref();
        loop {
            let held = worker.lock.lock();
            worker.flags.fetch_or(CLOSED, ORDER);
            worker.current_work.store(0, ORDER);
            let Some(work) = worker.work_list.take_first(&held) else { return };
            let work = work.get_ref();
            let is_flush = work.func.address() == tell_flushed as *const () as usize;
            drop(held);
            if is_flush {
                tell_flushed(work);
            }
        }
    }

    /// Stops the timer; the lock is dropped meanwhile, and queueing is blocked.
    fn cancel_timer<'w>(
        &self,
        worker: Pin<&'w Worker>,
        held: RawGuard<'w>,
        delayed: Pin<&DelayedWork>,
    ) -> RawGuard<'w> {
        let work = &delayed.get_ref().work;
        work.canceling.fetch_add(1, ORDER);
        drop(held);
        let relax = &mut || kthreads_base::current_head().relax();
        self.timers.delete_sync(&delayed.get_ref().timer, relax);
        let held = worker.get_ref().lock.lock();
        work.canceling.fetch_sub(1, ORDER);
        held
    }

    /// Takes a work out of line and waits if it runs; true if it waited in line (Linux:
    /// kthread_cancel_work_sync). Queueing it meanwhile returns false.
    pub fn cancel_work_sync(&self, cx: &Cx<'_>, work: Pin<&Work>) -> bool {
        let Some(worker) = work.worker.get() else { return false };
        let held = worker.get_ref().lock.lock();
        self.cancel_locked(cx, worker, held, work)
    }

    /// As [`cancel_work_sync`](Kernel::cancel_work_sync), with its timer (Linux:
    /// kthread_cancel_delayed_work_sync).
    pub fn cancel_delayed_work_sync(&self, cx: &Cx<'_>, delayed: Pin<&DelayedWork>) -> bool {
        let Some(worker) = delayed.work.worker.get() else { return false };
        let held = worker.get_ref().lock.lock();
        let held = self.cancel_timer(worker, held, delayed);
        self.cancel_locked(cx, worker, held, delayed.work())
    }

    fn cancel_locked(
        &self,
        cx: &Cx<'_>,
        worker: Pin<&Worker>,
        held: RawGuard<'_>,
        work: Pin<&Work>,
    ) -> bool {
        let waited = is_linked(work.get_ref()) && unlink_init(&held, work.get_ref());
        if worker.current_work.load(ORDER) != work.address() {
            return waited;
        }
        work.canceling.fetch_add(1, ORDER);
        drop(held);
        self.flush_work(cx, work);
        let held = worker.get_ref().lock.lock();
        work.canceling.fetch_sub(1, ORDER);
        drop(held);
        waited
    }

    /// Has the worker do what waits, then stops its thread (Linux: kthread_destroy_worker, which
    /// also frees the worker). Works must no longer queue themselves.
    pub fn stop_worker(&self, cx: &Cx<'_>, worker: Pin<&Worker>) {
        let Some(task) = self.task_at(worker.task()) else {
            return self.warn(cx, "kthread_destroy_worker of a worker without a thread");
        };
        self.flush_worker(cx, worker);
        self.kthread_stop(cx, task);
        if worker.has_works() {
            self.warn(cx, "kthread_destroy_worker leaves works behind");
        }
    }
}

fn new_flush() -> FlushWork {
    let flush = FlushWork { work: Work::new(), done: Completion::new() };
    flush.work.func.set(tell_flushed);
    flush
}

fn address_of(worker: Pin<&Worker>) -> usize {
    core::ptr::from_ref(worker.get_ref()) as usize
}
