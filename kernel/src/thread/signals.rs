//! Signals for Rust threads.

use crate::signal::{Action, Sender, Target};
use crate::{Cx, Errno};

impl Cx<'_> {
    /// Lets a signal become pending in this thread and end its interruptible sleeps (Linux:
    /// allow_signal). Kernel threads ignore all that they have not allowed. It ends nothing by
    /// itself: the thread looks for it and returns.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kthreads_host::HostMachine;
    /// # use kthreads_kernel::{Config, Errno, Kernel, signal::SIGKILL};
    /// # let kernel = Kernel::boot(HostMachine::new(Default::default())?, Config::default())?;
    /// let ended_by = kernel.enter(|cx| -> Result<Option<u32>, Errno> {
    ///     let thread = cx.spawn("killable", |cx| {
    ///         cx.allow_signal(SIGKILL);
    ///         while !cx.should_stop() && !cx.signal_pending() {
    ///             cx.sleep_interruptible(1000);
    ///         }
    ///         cx.take_signal()
    ///     })?;
    ///     cx.sleep(20);
    ///     cx.kill(thread.pid(), SIGKILL)?;
    ///     thread.join(cx)
    /// })?;
    /// assert_eq!(ended_by, Some(SIGKILL));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allow_signal(&self, signal: u32) {
        self.task.set_signal_action(signal, Action::Deliver);
    }

    /// Ignores a signal again, and drops it if it is pending (Linux: disallow_signal).
    pub fn disallow_signal(&self, signal: u32) {
        self.task.set_signal_action(signal, Action::Ignore);
    }

    /// Whether a signal is pending; true too from when the thread is told to stop (Linux:
    /// signal_pending).
    pub fn signal_pending(&self) -> bool {
        self.task.signal_pending()
    }

    /// Takes the pending signal that comes first (Linux: kernel_dequeue_signal).
    pub fn take_signal(&self) -> Option<u32> {
        Some(self.task.dequeue_signal()).filter(|signal| *signal != 0)
    }

    /// Sends a signal as kill(1) does. One that the task ignores is no error.
    ///
    /// # Errors
    ///
    /// ESRCH when there is no such task, EINVAL when there is no such signal.
    pub fn kill(&self, pid: i32, signal: u32) -> Result<(), Errno> {
        let task = self.kernel.find_task(pid).ok_or(Errno::ESRCH)?;
        let task = self.kernel.hold_task(task.id()).ok_or(Errno::ESRCH)?;
        self.kernel.send_signal(&task, signal, Sender::User, Target::Process)
    }
}
