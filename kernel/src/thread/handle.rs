//! What handles of threads can do.

use super::{NewThread, TaskGuard, Thread};
use crate::sched::Policy;
use crate::task::state::PF_EXITING;
use crate::task::{Task, TaskId};
use crate::{Cx, Errno};

impl<T> NewThread<'_, T> {
    /// The task, for as long as it lives.
    pub fn id(&self) -> TaskId {
        self.thread.id
    }

    fn with<R>(self, cx: &Cx<'_>, change: impl FnOnce(&Task) -> R) -> Self {
        if let Some(task) = self.thread.task(cx) {
            change(&task);
        }
        self
    }

    /// Binds the thread to one CPU for good (Linux: kthread_bind).
    ///
    /// # Panics
    ///
    /// When there is no such CPU.
    pub fn bind(self, cx: &Cx<'_>, cpu: u32) -> Self {
        assert!(cpu < cx.kernel.nr_cpus(), "there is no CPU {cpu}");
        self.with(cx, |task| cx.kernel.kthread_bind(cx, task, cpu))
    }

    /// Sets the nice value, -20 to 19 (Linux: set_user_nice).
    pub fn nice(self, cx: &Cx<'_>, nice: i32) -> Self {
        self.with(cx, |task| cx.kernel.set_user_nice(task, i64::from(nice)))
    }

    /// Sets the policy (Linux: sched_setscheduler).
    pub fn policy(self, cx: &Cx<'_>, policy: Policy) -> Self {
        self.with(cx, |task| cx.kernel.set_policy(task, policy))
    }

    /// Lets the thread run (Linux: wake_up_process).
    pub fn wake(self, cx: &Cx<'_>) -> Thread<T> {
        let new = self.with(cx, |task| cx.kernel.wake_up_process(task));
        core::mem::forget(new.unwoken);
        cx.point();
        new.thread
    }

    /// Ends the thread and waits for its end; its function never runs. Its name in the errno
    /// world is EINTR.
    pub fn stop(self, cx: &Cx<'_>) -> Errno {
        core::mem::forget(self.unwoken);
        match self.thread.stop(cx) {
            Ok(_) => Errno::EINTR,
            Err(errno) => errno,
        }
    }
}

impl<T> Thread<T> {
    fn task<'k>(&self, cx: &Cx<'k>) -> Option<TaskGuard<'k>> {
        if !self.home.is(cx.kernel) {
            return None;
        }
        cx.kernel.hold_task(self.id)
    }

    /// The thread's pid. When the thread is gone another may get it.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether the thread has not ended.
    pub fn is_alive(&self, cx: &Cx<'_>) -> bool {
        self.task(cx).is_some_and(|task| task.flags() & PF_EXITING == 0)
    }

    /// Wakes the thread; returns whether it slept (Linux: wake_up_process).
    pub fn wake(&self, cx: &Cx<'_>) -> bool {
        let woken = self.task(cx).is_some_and(|task| cx.kernel.wake_up_process(&task));
        cx.point();
        woken
    }

    /// Tells the thread to park and waits until it has (Linux: kthread_park). A thread that never
    /// parks keeps the caller waiting until it ends. Asked of oneself it does not wait.
    ///
    /// # Errors
    ///
    /// ESRCH when it is gone, ENOSYS when it is ending, EBUSY when it was told before.
    pub fn park(&self, cx: &Cx<'_>) -> Result<(), Errno> {
        let task = self.task(cx).ok_or(Errno::ESRCH)?;
        cx.kernel.park_thread(cx, &task)
    }

    /// Lets a parked thread go on (Linux: kthread_unpark).
    pub fn unpark(&self, cx: &Cx<'_>) {
        if let Some(task) = self.task(cx) {
            cx.kernel.kthread_unpark(&task);
            cx.point();
        }
    }

    /// Tells the thread to stop, waits for its end and returns what its function returned
    /// (Linux: kthread_stop). A thread that has ended by itself is no mistake here.
    ///
    /// # Errors
    ///
    /// EINTR when the function never ran, panicked, or was killed before it returned; ESRCH when
    /// the thread is another kernel's. EDEADLK when it is the caller's own: it is told to stop,
    /// and its result is lost.
    pub fn stop(self, cx: &Cx<'_>) -> Result<T, Errno> {
        if !self.home.is(cx.kernel) {
            return Err(Errno::ESRCH);
        }
        if let Some(task) = self.task(cx) {
            if core::ptr::eq(&*task, cx.task.get_ref()) {
                cx.kernel.ask_to_stop(&task);
                return Err(Errno::EDEADLK);
            }
            cx.kernel.kthread_stop(cx, &task);
        }
        self.result.lock().take().ok_or(Errno::EINTR)
    }

    /// Waits for the thread's own end, without telling it to stop, and returns what its function
    /// returned.
    ///
    /// # Errors
    ///
    /// As [`stop`](Thread::stop), but that a thread that waits for itself is not told anything.
    pub fn join(self, cx: &Cx<'_>) -> Result<T, Errno> {
        if !self.home.is(cx.kernel) {
            return Err(Errno::ESRCH);
        }
        if let Some(task) = self.task(cx) {
            if core::ptr::eq(&*task, cx.task.get_ref()) {
                return Err(Errno::EDEADLK);
            }
            cx.kernel.kthread_wait_for_end(cx, &task);
        }
        self.result.lock().take().ok_or(Errno::EINTR)
    }
}
