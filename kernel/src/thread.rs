//! Kernel threads for Rust code: handles that cannot be misused.
//!
//! A handle names a thread by its kernel, its slot and its life, so it can outlive the thread;
//! stopping takes the handle, so it happens once. What would be a mistake is a compile error:
//!
//! - stopping twice, or using a handle after it:
//!
//!   ```compile_fail
//!   # use kthreads_kernel::{Cx, thread::Thread};
//!   fn twice(cx: &Cx<'_>, thread: Thread<()>) {
//!       let _ = thread.stop(cx);
//!       let _ = thread.stop(cx);
//!   }
//!   ```
//!
//!   ```compile_fail
//!   # use kthreads_kernel::{Cx, thread::Thread};
//!   fn after(cx: &Cx<'_>, thread: Thread<()>) -> bool {
//!       let _ = thread.stop(cx);
//!       thread.is_alive(cx)
//!   }
//!   ```
//!
//! - waking a new thread twice, or binding one that runs:
//!
//!   ```compile_fail
//!   # use kthreads_kernel::{Cx, thread::NewThread};
//!   fn twice(cx: &Cx<'_>, new: NewThread<'_, ()>) {
//!       let _first = new.wake(cx);
//!       let _second = new.wake(cx);
//!   }
//!   ```
//!
//!   ```compile_fail
//!   # use kthreads_kernel::{Cx, thread::NewThread};
//!   fn late(cx: &Cx<'_>, new: NewThread<'_, ()>) {
//!       let _running = new.wake(cx).bind(cx, 0);
//!   }
//!   ```
//!
//! - a new thread that nobody wakes, where warnings are denied:
//!
//!   ```compile_fail
//!   #![deny(unused_must_use)]
//!   # use kthreads_kernel::Cx;
//!   fn forgotten(cx: &Cx<'_>) -> Result<(), kthreads_kernel::Errno> {
//!       cx.create("idle", |_| ())?;
//!       Ok(())
//!   }
//!   ```
//!
//! - a closure that borrows from its maker, who may be gone first, or takes the maker's [`Cx`]
//!   along:
//!
//!   ```compile_fail
//!   # use kthreads_kernel::Cx;
//!   fn borrows(cx: &Cx<'_>) {
//!       let frames = std::sync::atomic::AtomicU32::new(0);
//!       let _thread = cx.spawn("reader", |_| frames.load(std::sync::atomic::Ordering::Relaxed));
//!   }
//!   ```
//!
//!   ```compile_fail
//!   # use kthreads_kernel::Cx;
//!   fn takes_along(cx: &'static Cx<'static>) {
//!       let _thread = cx.spawn("sleeper", move |_| cx.sleep(10));
//!   }
//!   ```
//!
//! - a closure or a result that only one thread may have, or a new thread handed to another:
//!
//!   ```compile_fail
//!   # use kthreads_kernel::Cx;
//!   fn unsendable(cx: &Cx<'_>) {
//!       let _thread = cx.spawn("counter", |_| std::rc::Rc::new(1));
//!   }
//!   ```
//!
//!   ```compile_fail
//!   # use kthreads_kernel::thread::NewThread;
//!   fn send<T: Send>() {}
//!   send::<NewThread<'static, ()>>();
//!   ```
//!
//! - a closure or a result too big for kernel stacks (put it in a `Box`):
//!
//!   ```compile_fail
//!   # use kthreads_host::HostMachine;
//!   # use kthreads_kernel::{Config, Kernel};
//!   # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
//!   kernel.enter(|cx| cx.spawn("big", |_| [0u8; 100_000]).map(drop))?;
//!   # Ok::<(), Box<dyn std::error::Error>>(())
//!   ```

mod signals;

use alloc::boxed::Box;
use alloc::sync::Arc;

use kthreads_base::{Nanos, SpinLock};

use crate::home::Identity;
use crate::sched::Policy;
use crate::task::state::*;
use crate::task::{Task, TaskId};
use crate::{Cx, Errno, Kernel};

/// Where a thread leaves its result.
type Slot<T> = Arc<SpinLock<Option<T>>>;

/// The most bytes a thread's closure and its result may have: both lie on kernel stacks, in
/// several copies at times.
const ON_STACK_MAX: usize = 4096;

/// A kernel thread that has been made and not yet woken.
///
/// Dropping it ends the thread; its function never runs.
#[must_use = "a new thread does nothing until it is woken, and ends if it is dropped"]
pub struct NewThread<'k, T> {
    thread: Thread<T>,
    unwoken: Unwoken<'k>,
}

/// Ends a thread that nobody will wake.
struct Unwoken<'k> {
    cx: Cx<'k>,
    id: TaskId,
}

impl Drop for Unwoken<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.cx.kernel.hold_task(self.id) {
            self.cx.kernel.ask_to_stop(&task);
        }
    }
}

/// Says at the end of a thread's function, even of one that panics, that it parks no more.
struct Ending<'a, 'k>(&'a Cx<'k>);

impl Drop for Ending<'_, '_> {
    fn drop(&mut self) {
        self.0.kernel.kthread_parks_no_more(self.0);
    }
}

/// A kernel thread, whose function returns a `T`.
///
/// Dropping the handle leaves the thread alone: it runs on, and nobody can stop it any more. A
/// handle may outlive its thread and its kernel. One of another kernel names no thread here.
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
    home: Identity,
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use kthreads_host::HostMachine;
    /// # use kthreads_kernel::{Config, Errno, Kernel};
    /// # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
    /// let cpu = kernel.enter(|cx| -> Result<u32, Errno> {
    ///     let new = cx.create("bound", |cx| cx.cpu())?.bind(cx, 0).nice(cx, 5);
    ///     new.wake(cx).join(cx)
    /// })?;
    /// assert_eq!(cpu, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create<T, F>(&self, name: &str, body: F) -> Result<NewThread<'k, T>, Errno>
    where
        T: Send + 'static,
        F: FnOnce(&Cx<'_>) -> T + Send + 'static,
    {
        const { assert!(size_of::<T>() <= ON_STACK_MAX, "too big a result: return a Box") };
        const { assert!(size_of::<F>() <= ON_STACK_MAX, "too big a closure: capture a Box") };
        let result: Slot<T> = Arc::new(SpinLock::new(None));
        let slot = result.clone();
        let body = Box::new(move |cx: &Cx<'_>| {
            let _ending = Ending(cx);
            let value = body(cx);
            *slot.lock() = Some(value);
            0
        });
        let task = self.kernel.kthread_create_rust(self, name, body)?;
        let (home, id) = (self.kernel.identity.clone(), task.id());
        let thread = Thread { home, id, pid: task.pid(), result };
        Ok(NewThread { thread, unwoken: Unwoken { cx: *self, id } })
    }

    /// Makes a kernel thread and wakes it (Linux: kthread_run).
    ///
    /// # Errors
    ///
    /// As [`create`](Cx::create).
    pub fn spawn<T, F>(&self, name: &str, body: F) -> Result<Thread<T>, Errno>
    where
        T: Send + 'static,
        F: FnOnce(&Cx<'_>) -> T + Send + 'static,
    {
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

    /// Sleeps until this thread is told to stop; parks when told to; wake-ups and signals are slept
    /// through. In a task that nobody can stop, as that of `enter`, it warns and returns.
    pub fn sleep_until_stopped(&self) {
        while self.kernel.expect_kthread(self, "sleep_until_stopped") {
            // A signal would end the interruptible sleep at once, again and again.
            let state = match self.task.signal_pending() {
                true => TASK_IDLE,
                false => TASK_INTERRUPTIBLE,
            };
            self.task.set_state(state);
            if self.should_stop() {
                break;
            }
            if self.should_park() {
                self.park();
                continue;
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
        self.task(cx).is_some_and(|task| cx.kernel.wake_up_process(&task))
    }

    /// Tells the thread to park and waits until it has (Linux: kthread_park). A thread that never
    /// parks keeps the caller waiting until it ends. Asked of oneself it does not wait.
    ///
    /// # Errors
    ///
    /// ESRCH when it is gone, ENOSYS when it is ending, EBUSY when it was told before.
    pub fn park(&self, cx: &Cx<'_>) -> Result<(), Errno> {
        let task = self.task(cx).ok_or(Errno::ESRCH)?;
        cx.kernel.kthread_park(cx, &task)
    }

    /// Lets a parked thread go on (Linux: kthread_unpark).
    pub fn unpark(&self, cx: &Cx<'_>) {
        if let Some(task) = self.task(cx) {
            cx.kernel.kthread_unpark(&task);
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
