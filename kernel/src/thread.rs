//! Kernel threads for Rust code: handles that cannot be misused.
//!
//! A handle names a thread by its slot and its life, so it can outlive the thread; stopping takes
//! the handle, so it happens once.

use alloc::boxed::Box;
use alloc::sync::Arc;

use kthreads_base::{Nanos, SpinLock};

use crate::sched::Policy;
use crate::task::state::*;
use crate::task::{Task, TaskId};
use crate::{Cx, Errno, Kernel};

/// Where a thread leaves its result.
type Slot<T> = Arc<SpinLock<Option<T>>>;

/// A kernel thread that has been made and not yet woken.
#[must_use = "a thread that is never woken stays in state D: wake it or stop it"]
pub struct NewThread<T> {
    thread: Thread<T>,
}

/// A kernel thread, whose function returns a `T`.
///
/// Dropping the handle leaves the thread alone.
///
/// # Examples
///
/// ```
/// # use kthreads_host::HostMachine;
/// # use kthreads_kernel::{Config, Errno, Kernel};
/// # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
/// let beats = kernel.enter(|cx| -> Result<u32, Errno> {
///     let thread = cx.spawn("heart", |cx| {
///         let mut beats = 0;
///         while !cx.should_stop() {
///             beats += 1;
///             cx.sleep_interruptible(5);
///         }
///         beats
///     })?;
///     cx.sleep(20);
///     thread.stop(cx)
/// })?;
/// assert!(beats >= 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Thread<T> {
    id: TaskId,
    pid: i32,
    result: Slot<T>,
}

impl<'k> Cx<'k> {
    /// Makes a kernel thread that will run `body` once it is woken (Linux: kthread_create).
    ///
    /// # Errors
    ///
    /// ENOMEM, EAGAIN when there are too many tasks, EINTR when the caller is fatally signalled.
    pub fn create<T: Send + 'static>(
        &self,
        name: &str,
        body: impl FnOnce(&Cx<'_>) -> T + Send + 'static,
    ) -> Result<NewThread<T>, Errno> {
        let result: Slot<T> = Arc::new(SpinLock::new(None));
        let slot = result.clone();
        let body = Box::new(move |cx: &Cx<'_>| {
            let value = body(cx);
            *slot.lock() = Some(value);
            0
        });
        let task = self.kernel.kthread_create_rust(self, name, body)?;
        let thread = Thread { id: task.id(), pid: task.pid(), result };
        Ok(NewThread { thread })
    }

    /// Makes a kernel thread and wakes it (Linux: kthread_run).
    ///
    /// # Errors
    ///
    /// As [`create`](Cx::create).
    pub fn spawn<T: Send + 'static>(
        &self,
        name: &str,
        body: impl FnOnce(&Cx<'_>) -> T + Send + 'static,
    ) -> Result<Thread<T>, Errno> {
        Ok(self.create(name, body)?.wake(self))
    }

    /// Whether this kernel thread has been told to stop (Linux: kthread_should_stop).
    pub fn should_stop(&self) -> bool {
        self.kernel.kthread_should_stop(self)
    }

    /// Whether this kernel thread has been told to park (Linux: kthread_should_park).
    pub fn should_park(&self) -> bool {
        self.kernel.kthread_should_park(self)
    }

    /// Rests for as long as this thread is told to be parked (Linux: kthread_parkme).
    pub fn park(&self) {
        self.kernel.kthread_parkme(self);
    }

    /// Sleeps until this thread is told to stop; wake-ups for other reasons are slept through.
    pub fn sleep_until_stopped(&self) {
        loop {
            self.task.set_state(TASK_INTERRUPTIBLE);
            if self.should_stop() {
                break;
            }
            self.kernel.schedule(self);
        }
        self.task.set_state(TASK_RUNNING);
    }

    /// Sleeps at least that many milliseconds (Linux: msleep).
    pub fn sleep(&self, ms: u32) {
        self.kernel.msleep(self, ms);
    }

    /// Sleeps that many milliseconds or until a signal or a stop; returns the milliseconds left
    /// (Linux: msleep_interruptible).
    pub fn sleep_interruptible(&self, ms: u32) -> u32 {
        self.kernel.msleep_interruptible(self, ms)
    }

    /// Lets other threads run (Linux: yield).
    pub fn yield_now(&self) {
        self.kernel.yield_now(self);
    }

    /// Lets other threads run if they should (Linux: cond_resched).
    pub fn cond_resched(&self) -> bool {
        self.kernel.cond_resched(self)
    }

    /// Time since boot.
    pub fn now(&self) -> Nanos {
        self.kernel.uptime()
    }
}

/// A reference that keeps a task's slot from being used again.
pub struct TaskGuard<'k> {
    kernel: &'k Kernel,
    task: &'k Task,
}

impl core::ops::Deref for TaskGuard<'_> {
    type Target = Task;
    fn deref(&self) -> &Task {
        self.task
    }
}

impl Drop for TaskGuard<'_> {
    fn drop(&mut self) {
        self.kernel.put_task(self.task);
    }
}

impl Kernel {
    /// Takes a reference to the task that `id` names, if it is still there.
    pub fn hold_task(&self, id: TaskId) -> Option<TaskGuard<'_>> {
        let task = self.task_by_id(id)?;
        if !self.try_get_task(task) {
            return None;
        }
        let guard = TaskGuard { kernel: self, task };
        // The slot may have changed hands between the look and the hold.
        (task.id() == id).then_some(guard)
    }
}

impl<T> NewThread<T> {
    /// The task, for as long as it lives.
    pub fn id(&self) -> TaskId {
        self.thread.id
    }

    fn with<R>(self, cx: &Cx<'_>, change: impl FnOnce(&Task) -> R) -> Self {
        if let Some(task) = cx.kernel.hold_task(self.thread.id) {
            change(&task);
        }
        self
    }

    /// Binds the thread to one CPU for good (Linux: kthread_bind).
    pub fn bind(self, cx: &Cx<'_>, cpu: u32) -> Self {
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
        self.with(cx, |task| cx.kernel.wake_up_process(task)).thread
    }

    /// Ends the thread; its function never runs. Its name in the errno world is EINTR.
    pub fn stop(self, cx: &Cx<'_>) -> Errno {
        match self.thread.stop(cx) {
            Ok(_) => Errno::EINTR,
            Err(errno) => errno,
        }
    }
}

impl<T> Thread<T> {
    /// The thread's pid. When the thread is gone another may get it.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether the thread has not ended.
    pub fn is_alive(&self, cx: &Cx<'_>) -> bool {
        cx.kernel.task_by_id(self.id).is_some_and(|task| task.flags() & PF_EXITING == 0)
    }

    /// Wakes the thread; returns whether it slept (Linux: wake_up_process).
    pub fn wake(&self, cx: &Cx<'_>) -> bool {
        cx.kernel.hold_task(self.id).is_some_and(|task| cx.kernel.wake_up_process(&task))
    }

    /// Tells the thread to park and waits until it has (Linux: kthread_park).
    ///
    /// # Errors
    ///
    /// ESRCH when it is gone, ENOSYS when it is ending, EBUSY when it was told before.
    pub fn park(&self, cx: &Cx<'_>) -> Result<(), Errno> {
        let task = cx.kernel.hold_task(self.id).ok_or(Errno::ESRCH)?;
        cx.kernel.kthread_park(cx, &task)
    }

    /// Lets a parked thread go on (Linux: kthread_unpark).
    pub fn unpark(&self, cx: &Cx<'_>) {
        if let Some(task) = cx.kernel.hold_task(self.id) {
            cx.kernel.kthread_unpark(&task);
        }
    }

    /// Tells the thread to stop, waits for its end and returns what its function returned
    /// (Linux: kthread_stop). A thread that has ended by itself is no mistake here.
    ///
    /// # Errors
    ///
    /// EINTR when the function never ran, or was killed before it returned.
    pub fn stop(self, cx: &Cx<'_>) -> Result<T, Errno> {
        if let Some(task) = cx.kernel.hold_task(self.id) {
            cx.kernel.kthread_stop(cx, &task);
        }
        self.result.lock().take().ok_or(Errno::EINTR)
    }
}
