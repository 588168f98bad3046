//! Workers for Rust code.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::pin::Pin;

use kthreads_base::{SpinLock, container_of, pin_field, with_current};

use crate::home::Home;
use crate::kthread::{DelayedWork, Work, Worker};
use crate::thread::Thread;
use crate::time::Jiffies;
use crate::{Cx, Errno, Kernel};

/// What a Rust work does; it may be called many times.
type WorkBody = Box<dyn Fn(&Cx<'_>, &ThisWork<'_>) + Send + Sync>;

/// A work with its closure.
struct RustWork {
    delayed: DelayedWork,
    body: WorkBody,
}

pin_field!(fn RustWork::delayed -> delayed: DelayedWork);
container_of!(fn RustWork::of_delayed <- delayed: DelayedWork);

extern "C" fn run_rust_work(work: &Work) {
    let delayed = DelayedWork::of_work(work).get_ref();
    let this = ThisWork { work: RustWork::of_delayed(delayed) };
    with_current(|kernel: &Kernel, _| {
        let cx = kernel.cx();
        // Whoever queued other works waits for them: a panic ends this one, not the worker.
        let caught = kernel.machine.catch(&mut || (this.work.body)(&cx, &this));
        if let Err(message) = caught {
            kernel.report_work_panic(&cx, &message);
        }
    });
}

/// What a worker's thread and its handles share. Works live as long as this, so that none can
/// vanish while it waits.
struct Shared {
    worker: Worker,
    works: SpinLock<Vec<Pin<Arc<RustWork>>>>,
    home: Home,
}

pin_field!(fn Shared::worker -> worker: Worker);

/// Whose timers to cancel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timers {
    /// Of works that wait for theirs: those in line stay there.
    Pending,
    /// Of all works. The function of one that has just run out has returned then.
    All,
}

impl Shared {
    fn cancel_timers(&self, cx: &Cx<'_>, which: Timers) {
        let works = self.works.lock().clone();
        for work in &works {
            let delayed = work.as_ref().delayed();
            if which == Timers::All || delayed.timer().is_pending() {
                cx.kernel.take_delayed_work(delayed);
            }
        }
    }

    fn is_run_by(&self, cx: &Cx<'_>) -> bool {
        self.worker.task() == cx.task.address()
    }

    fn expect_other_thread(&self, cx: &Cx<'_>) {
        self.home.check(cx.kernel);
        assert!(!self.is_run_by(cx), "a work that waits for its own worker waits for ever");
    }
}

/// A thread that runs works one after another (Linux: kthread_worker).
///
/// Dropping it leaves the thread alone. After [`destroy`](WorkerThread::destroy) its works can
/// still be asked to do something and do nothing. A panic in a work is reported and ends that work
/// only. It belongs to the kernel that made it: use in another one panics.
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

/// A work of a [`WorkerThread`]. Dropping it leaves the work where it is: it runs if it is queued.
pub struct WorkItem {
    shared: Pin<Arc<Shared>>,
    work: Pin<Arc<RustWork>>,
}

/// A work that runs, as its own closure sees it.
pub struct ThisWork<'a> {
    work: Pin<&'a RustWork>,
}

impl ThisWork<'_> {
    /// Queues the work anew; false if it waits already, is being cancelled, or its worker has
    /// ended.
    pub fn queue(&self, cx: &Cx<'_>) -> bool {
        self.queue_after(cx, Jiffies(0))
    }

    /// As [`queue`](ThisWork::queue), after that many jiffies.
    pub fn queue_after(&self, cx: &Cx<'_>, delay: Jiffies) -> bool {
        let delayed = self.work.delayed();
        let work = delayed.work();
        let queue = |worker| cx.kernel.queue_delayed_work(worker, delayed, delay.0);
        let queued = work.worker().is_some_and(queue);
        cx.point();
        queued
    }
}

impl WorkerThread {
    /// Makes a worker and its thread (Linux: kthread_create_worker).
    ///
    /// # Errors
    ///
    /// As [`Cx::create`].
    pub fn new(cx: &Cx<'_>, name: &str) -> Result<WorkerThread, Errno> {
        let works = SpinLock::new(Vec::new());
        let shared = Arc::pin(Shared { worker: Worker::new(0), works, home: Home::default() });
        shared.home.check(cx.kernel);
        shared.as_ref().worker().init(0);
        let theirs = shared.clone();
        let thread = cx.create(name, move |cx| {
            let code = cx.kernel.worker_main(cx, theirs.as_ref().worker());
            cx.kernel.close_worker(theirs.as_ref().worker());
            theirs.cancel_timers(cx, Timers::All);
            code
        })?;
        if let Some(task) = cx.kernel.hold_task(thread.id()) {
            shared.worker.set_task(task.address());
        }
        Ok(WorkerThread { shared, thread: thread.wake(cx) })
    }

    /// Makes a work that does `body` each time it is queued. It is kept as long as the worker.
    pub fn work(&self, cx: &Cx<'_>, body: impl Fn(&Cx<'_>) + Send + Sync + 'static) -> WorkItem {
        self.work_with(cx, move |cx, _| body(cx))
    }

    /// As [`work`](WorkerThread::work), for a closure that may queue its own work anew.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kthreads_host::HostMachine;
    /// # use kthreads_kernel::{Config, Errno, Kernel, sync::WorkerThread, time::Jiffies};
    /// # use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
    /// # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
    /// let reports = Arc::new(AtomicU32::new(0));
    /// let count = reports.clone();
    /// kernel.enter(|cx| -> Result<(), Errno> {
    ///     let worker = WorkerThread::new(cx, "reporter")?;
    ///     let report = worker.work_with(cx, move |cx, this| {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///         this.queue_after(cx, Jiffies(1));
    ///     });
    ///     report.queue(cx);
    ///     cx.sleep(50);
    ///     report.cancel(cx);
    ///     worker.destroy(cx)
    /// })?;
    /// assert!(reports.load(Ordering::Relaxed) > 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn work_with(
        &self,
        _cx: &Cx<'_>,
        body: impl Fn(&Cx<'_>, &ThisWork<'_>) + Send + Sync + 'static,
    ) -> WorkItem {
        let work = RustWork { delayed: DelayedWork::default(), body: Box::new(body) };
        let work = Arc::pin(work);
        work.as_ref().delayed().init(run_rust_work);
        self.shared.works.lock().push(work.clone());
        WorkItem { shared: self.shared.clone(), work }
    }

    /// Waits for all that is queued by now (Linux: kthread_flush_worker).
    ///
    /// # Panics
    ///
    /// When a work of this worker calls it: it would wait for itself.
    pub fn flush(&self, cx: &Cx<'_>) {
        self.shared.expect_other_thread(cx);
        cx.kernel.flush_worker(cx, self.shared.as_ref().worker());
    }

    /// Does what is queued, then ends the thread (Linux: kthread_destroy_worker). Works on their
    /// timers are cancelled first.
    ///
    /// # Errors
    ///
    /// EINTR when the thread had been killed. EDEADLK when a work of this worker calls it: the
    /// thread ends after that work, and what is queued then is not done.
    pub fn destroy(self, cx: &Cx<'_>) -> Result<(), Errno> {
        self.shared.home.check(cx.kernel);
        self.shared.cancel_timers(cx, Timers::Pending);
        if !self.shared.is_run_by(cx) {
            cx.kernel.flush_worker(cx, self.shared.as_ref().worker());
        }
        self.thread.stop(cx).map(|_| ())
    }
}

impl WorkItem {
    fn delayed(&self) -> Pin<&DelayedWork> {
        self.work.as_ref().delayed()
    }

    /// Queues the work; false if it waits already, is being cancelled, or its worker has ended
    /// (Linux: kthread_queue_work).
    pub fn queue(&self, cx: &Cx<'_>) -> bool {
        self.shared.home.check(cx.kernel);
        let queued = cx.kernel.queue_work(self.shared.as_ref().worker(), self.delayed().work());
        cx.point();
        queued
    }

    /// As [`queue`](WorkItem::queue), after that many jiffies (Linux: kthread_queue_delayed_work).
    pub fn queue_after(&self, cx: &Cx<'_>, delay: Jiffies) -> bool {
        self.shared.home.check(cx.kernel);
        cx.kernel.queue_delayed_work(self.shared.as_ref().worker(), self.delayed(), delay.0)
    }

    /// Waits for the instance that waits or runs now (Linux: kthread_flush_work); a work on its
    /// timer is queued at once first, as otherwise this would wait for ever.
    ///
    /// # Panics
    ///
    /// When a work of the same worker calls it: it would wait for itself.
    pub fn flush(&self, cx: &Cx<'_>) {
        self.shared.expect_other_thread(cx);
        cx.kernel.flush_delayed_work(cx, self.delayed());
    }

    /// Takes the work out of line or off its timer and waits if it runs; true if it waited
    /// (Linux: kthread_cancel_delayed_work_sync). Called by a work of the same worker it does not
    /// wait: of these works only the caller runs.
    pub fn cancel(&self, cx: &Cx<'_>) -> bool {
        self.shared.home.check(cx.kernel);
        if self.shared.is_run_by(cx) {
            return cx.kernel.take_delayed_work(self.delayed());
        }
        cx.kernel.cancel_delayed_work_sync(cx, self.delayed())
    }
}
