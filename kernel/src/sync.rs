//! Waiting for Rust code: wait queues, completions, locks and workers that need no unsafe and cannot
//! be used before they are initialised.

mod lock;
mod worker;

use alloc::boxed::Box;
use core::pin::Pin;

pub use crate::wait::Completion;
pub use lock::{Mutex, MutexGuard, SpinGuard, SpinLock};
pub use worker::{ThisWork, WorkItem, WorkerThread};

use crate::home::Home;
use crate::task::state::*;
use crate::time::msecs_to_jiffies;
use crate::wait::{Limit, Sleep, WaitFlags, WaitQueueHead, Waited};
use crate::{Cx, Errno};

/// A wait queue. It belongs to the first kernel that uses it: another one's use panics.
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
///     reader.join(cx)
/// })?;
/// assert_eq!(seen, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WaitQueue {
    head: Pin<Box<WaitQueueHead>>,
    home: Home,
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
        WaitQueue { head, home: Home::default() }
    }

    fn event<R>(
        &self,
        cx: &Cx<'_>,
        sleep: Sleep,
        limit: Limit,
        mut condition: impl FnMut() -> Option<R>,
    ) -> (Waited, Option<R>) {
        self.home.check(cx.kernel);
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

    /// Sleeps until `condition` gives something, a signal comes, or the thread is told to stop, at
    /// most `ms` milliseconds (Linux: wait_event_interruptible_timeout).
    ///
    /// # Errors
    ///
    /// ETIMEDOUT when it gave nothing in time, ERESTARTSYS when a signal or kthread_stop came
    /// first.
    pub fn wait_interruptible_timeout<R>(
        &self,
        cx: &Cx<'_>,
        ms: u32,
        condition: impl FnMut() -> Option<R>,
    ) -> Result<R, Errno> {
        let limit = Limit::At(msecs_to_jiffies(ms));
        match self.event(cx, Sleep::Interruptible, limit, condition) {
            (_, Some(value)) => Ok(value),
            (Waited::Interrupted, None) => Err(Errno::ERESTARTSYS),
            (_, None) => Err(Errno::ETIMEDOUT),
        }
    }

    /// Wakes all sleepers, so that each looks at its condition (Linux: wake_up_all).
    pub fn wake_all(&self, cx: &Cx<'_>) {
        self.home.check(cx.kernel);
        cx.kernel.wake_up(cx, self.head.as_ref(), TASK_NORMAL, None, 0);
        cx.point();
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
        cx.point();
    }

    /// Lets everybody pass from now on (Linux: complete_all).
    pub fn complete_all(&self, cx: &Cx<'_>) {
        cx.kernel.complete_all(self);
        cx.point();
    }

    /// Waits until it is this caller's turn to pass (Linux: wait_for_completion).
    pub fn wait(&self, cx: &Cx<'_>) {
        cx.kernel.wait_for_completion(cx, self);
    }

    /// Passes if that needs no waiting (Linux: try_wait_for_completion).
    pub fn try_wait(&self, cx: &Cx<'_>) -> bool {
        cx.kernel.try_wait_for_completion(self)
    }

    /// Waits until it is this caller's turn to pass, a signal comes, or the thread is told to stop
    /// (Linux: wait_for_completion_interruptible).
    ///
    /// # Errors
    ///
    /// ERESTARTSYS when a signal or kthread_stop came first.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kthreads_host::HostMachine;
    /// # use kthreads_kernel::{Config, Errno, Kernel, sync::Completion};
    /// # use std::sync::Arc;
    /// # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
    /// let passed = kernel.enter(|cx| -> Result<u32, Errno> {
    ///     let ready = Arc::new(Completion::new());
    ///     let theirs = ready.clone();
    ///     let thread = cx.spawn("waiter", move |cx| {
    ///         let mut passed = 0;
    ///         while theirs.wait_interruptible(cx).is_ok() {
    ///             passed += 1;
    ///         }
    ///         passed
    ///     })?;
    ///     ready.complete(cx);
    ///     ready.complete(cx);
    ///     cx.sleep(20);
    ///     thread.stop(cx)
    /// })?;
    /// assert_eq!(passed, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_interruptible(&self, cx: &Cx<'_>) -> Result<(), Errno> {
        let state = TASK_INTERRUPTIBLE;
        match cx.kernel.wait_for_completion_state(cx, self, state, Limit::Never) {
            Waited::Interrupted => Err(Errno::ERESTARTSYS),
            _ => Ok(()),
        }
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
