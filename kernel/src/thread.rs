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

mod handle;
mod signals;

use alloc::boxed::Box;
use alloc::sync::Arc;

use kthreads_base::{Nanos, SpinLock};

use crate::home::Identity;
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
