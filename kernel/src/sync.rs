//! Waiting for Rust code: wait queues, completions and workers that need no unsafe and cannot be
//! used before they are initialised.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::pin::Pin;

use kthreads_base::{SpinLock, container_of, pin_field, with_current};

use crate::kthread::{DelayedWork, Work, Worker};
use crate::task::state::*;
use crate::thread::Thread;
use crate::time::{Jiffies, msecs_to_jiffies};
use crate::wait::{Completion, Limit, Sleep, WaitFlags, WaitQueueHead, Waited};
use crate::{Cx, Errno, Kernel};

/// A wait queue.
///
/// # Examples
///
/// ```
/// # use kthreads_host::HostMachine;
/// # use kthreads_kernel::{Config, Errno, Kernel, sync::WaitQueue};
/// # use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
/// # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
/// let seen = kernel.enter(|cx| -> Result<u32, Errno> {
///     let shared = Arc::new((WaitQueue::new(), AtomicU32::new(0)));
///     let theirs = shared.clone();
///     let reader = cx.spawn("reader", move |cx| {
///         let (queue, count) = &*theirs;
///         queue.wait(cx, || Some(count.load(Ordering::SeqCst)).filter(|count| *count == 10))
///     })?;
///     for _ in 0..10 {
///         shared.1.fetch_add(1, Ordering::SeqCst);
///         shared.0.wake_all(cx);
///     }
///     while reader.is_alive(cx) {
///         cx.sleep(1);
///     }
///     reader.stop(cx)
/// })?;
/// assert_eq!(seen, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WaitQueue {
    head: Pin<Box<WaitQueueHead>>,
}

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl WaitQueue {
    /// An empty queue.
    pub fn new() -> WaitQueue {
        let head = Box::pin(WaitQueueHead::new());
        head.as_ref().init();
        WaitQueue { head }
    }

    fn event<R>(
        &self,
        cx: &Cx<'_>,
        sleep: Sleep,
        limit: Limit,
        mut condition: impl FnMut() -> Option<R>,
    ) -> (Waited, Option<R>) {
        let mut value = None;
        let holds = || {
            value = condition();
            value.is_some()
        };
        let queue = self.head.as_ref();
        let waited = cx.kernel.wait_event(cx, queue, sleep, WaitFlags::SHARED, limit, holds);
        (waited, value)
    }

    /// Sleeps until `condition` gives something; nothing else ends the wait (Linux: wait_event).
    pub fn wait<R>(&self, cx: &Cx<'_>, mut condition: impl FnMut() -> Option<R>) -> R {
        loop {
            let (_, value) = self.event(cx, Sleep::Uninterruptible, Limit::Never, &mut condition);
            if let Some(value) = value {
                return value;
            }
        }
    }

    /// Sleeps until `condition` gives something, a signal comes, or the thread is told to stop
    /// (Linux: wait_event_interruptible).
    ///
    /// # Errors
    ///
    /// ERESTARTSYS when a signal or kthread_stop came first.
    pub fn wait_interruptible<R>(
        &self,
        cx: &Cx<'_>,
        condition: impl FnMut() -> Option<R>,
    ) -> Result<R, Errno> {
        self.event(cx, Sleep::Interruptible, Limit::Never, condition).1.ok_or(Errno::ERESTARTSYS)
    }

    /// Sleeps until `condition` gives something, at most `ms` milliseconds (Linux:
    /// wait_event_timeout).
    ///
    /// # Errors
    ///
    /// ETIMEDOUT when it gave nothing in time.
    pub fn wait_timeout<R>(
        &self,
        cx: &Cx<'_>,
        ms: u32,
        condition: impl FnMut() -> Option<R>,
    ) -> Result<R, Errno> {
        let limit = Limit::At(msecs_to_jiffies(ms));
        self.event(cx, Sleep::Uninterruptible, limit, condition).1.ok_or(Errno::ETIMEDOUT)
    }

    /// Wakes all sleepers, so that each looks at its condition (Linux: wake_up_all).
    pub fn wake_all(&self, cx: &Cx<'_>) {
        cx.kernel.wake_up(self.head.as_ref(), TASK_NORMAL, None, 0);
    }

    /// Whether somebody sleeps here; may be out of date at once (Linux: waitqueue_active).
    pub fn is_active(&self) -> bool {
        self.head.is_active()
    }
}

impl Completion {
    /// Lets one waiter pass, now or later (Linux: complete).
    pub fn complete(&self, cx: &Cx<'_>) {
        cx.kernel.complete(self);
    }

    /// Lets everybody pass from now on (Linux: complete_all).
    pub fn complete_all(&self, cx: &Cx<'_>) {
        cx.kernel.complete_all(self);
    }

    /// Waits until it is this caller's turn to pass (Linux: wait_for_completion).
    pub fn wait(&self, cx: &Cx<'_>) {
        cx.kernel.wait_for_completion(cx, self);
    }

    /// Waits at most `ms` milliseconds (Linux: wait_for_completion_timeout).
    ///
    /// # Errors
    ///
    /// ETIMEDOUT when it was not completed in time.
    pub fn wait_timeout(&self, cx: &Cx<'_>, ms: u32) -> Result<(), Errno> {
        let limit = Limit::At(msecs_to_jiffies(ms));
        let state = TASK_UNINTERRUPTIBLE;
        match cx.kernel.wait_for_completion_state(cx, self, state, limit) {
            Waited::TimedOut => Err(Errno::ETIMEDOUT),
            _ => Ok(()),
        }
    }
}

/// What a Rust work does; it may be called many times.
type WorkBody = Box<dyn Fn(&Cx<'_>) + Send + Sync>;

/// A work with its closure.
struct RustWork {
    delayed: DelayedWork,
    body: WorkBody,
}

pin_field!(fn RustWork::delayed -> delayed: DelayedWork);
container_of!(fn RustWork::of_delayed <- delayed: DelayedWork);

extern "C" fn run_rust_work(work: &Work) {
    let delayed = DelayedWork::of_work(work).get_ref();
    let body = &RustWork::of_delayed(delayed).get_ref().body;
    with_current(|kernel: &Kernel, _| body(&kernel.cx()));
}

/// What a worker's thread and its handles share. Works live as long as this, so that none can
/// vanish while it waits.
struct Shared {
    worker: Worker,
    works: SpinLock<Vec<Pin<Arc<RustWork>>>>,
}

pin_field!(fn Shared::worker -> worker: Worker);

/// A thread that runs works one after another (Linux: kthread_worker).
///
/// # Examples
///
/// ```
/// # use kthreads_host::HostMachine;
/// # use kthreads_kernel::{Config, Errno, Kernel, sync::WorkerThread};
/// # use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
/// # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
/// let done = Arc::new(AtomicU32::new(0));
/// let count = done.clone();
/// kernel.enter(|cx| -> Result<(), Errno> {
///     let worker = WorkerThread::new(cx, "worker")?;
///     let work = worker.work(cx, move |_| {
///         count.fetch_add(1, Ordering::Relaxed);
///     });
///     assert!(work.queue(cx));
///     work.flush(cx);
///     worker.destroy(cx)
/// })?;
/// assert_eq!(done.load(Ordering::Relaxed), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WorkerThread {
    shared: Pin<Arc<Shared>>,
    thread: Thread<i32>,
}

/// A work of a [`WorkerThread`].
pub struct WorkItem {
    shared: Pin<Arc<Shared>>,
    work: Pin<Arc<RustWork>>,
}

impl WorkerThread {
    /// Makes a worker and its thread (Linux: kthread_create_worker).
    ///
    /// # Errors
    ///
    /// As [`Cx::create`].
    pub fn new(cx: &Cx<'_>, name: &str) -> Result<WorkerThread, Errno> {
        let works = SpinLock::new(Vec::new());
        let shared = Arc::pin(Shared { worker: Worker::new(0), works });
        shared.as_ref().worker().init(0);
        let theirs = shared.clone();
        let thread =
            cx.create(name, move |cx| cx.kernel.worker_main(cx, theirs.as_ref().worker()))?;
        if let Some(task) = cx.kernel.hold_task(thread.id()) {
            shared.worker.set_task(task.address());
        }
        Ok(WorkerThread { shared, thread: thread.wake(cx) })
    }

    /// Makes a work that does `body` each time it is queued.
    pub fn work(&self, _cx: &Cx<'_>, body: impl Fn(&Cx<'_>) + Send + Sync + 'static) -> WorkItem {
        let work = RustWork { delayed: DelayedWork::default(), body: Box::new(body) };
        let work = Arc::pin(work);
        work.as_ref().delayed().init(run_rust_work);
        self.shared.works.lock().push(work.clone());
        WorkItem { shared: self.shared.clone(), work }
    }

    /// Waits for all that is queued by now (Linux: kthread_flush_worker).
    pub fn flush(&self, cx: &Cx<'_>) {
        cx.kernel.flush_worker(cx, self.shared.as_ref().worker());
    }

    /// Does what is queued, then ends the thread (Linux: kthread_destroy_worker). Works on their
    /// timers are cancelled first.
    ///
    /// # Errors
    ///
    /// EINTR when the thread had been killed.
    pub fn destroy(self, cx: &Cx<'_>) -> Result<(), Errno> {
        let works = self.shared.works.lock().clone();
        for work in &works {
            let delayed = work.as_ref().delayed();
            if delayed.timer().is_pending() {
                cx.kernel.cancel_delayed_work_sync(cx, delayed);
            }
        }
        cx.kernel.flush_worker(cx, self.shared.as_ref().worker());
        self.thread.stop(cx).map(|_| ())
    }
}

impl WorkItem {
    fn delayed(&self) -> Pin<&DelayedWork> {
        self.work.as_ref().delayed()
    }

    /// Queues the work; false if it waits already (Linux: kthread_queue_work).
    pub fn queue(&self, cx: &Cx<'_>) -> bool {
        cx.kernel.queue_work(self.shared.as_ref().worker(), self.delayed().work())
    }

    /// Queues the work after that many jiffies; false if it waits already (Linux:
    /// kthread_queue_delayed_work).
    pub fn queue_after(&self, cx: &Cx<'_>, delay: Jiffies) -> bool {
        cx.kernel.queue_delayed_work(self.shared.as_ref().worker(), self.delayed(), delay.0)
    }

    /// Waits for the instance that waits or runs now (Linux: kthread_flush_work); a work on its
    /// timer is queued at once first, as otherwise this would wait for ever.
    pub fn flush(&self, cx: &Cx<'_>) {
        if self.delayed().timer().is_pending() {
            cx.kernel.mod_delayed_work(self.shared.as_ref().worker(), self.delayed(), 0);
        }
        cx.kernel.flush_work(cx, self.delayed().work());
    }

    /// Takes the work out of line or off its timer and waits if it runs; true if it waited
    /// (Linux: kthread_cancel_delayed_work_sync).
    pub fn cancel(&self, cx: &Cx<'_>) -> bool {
        cx.kernel.cancel_delayed_work_sync(cx, self.delayed())
    }
}
