//! How code outside a kernel gets inside.

use alloc::string::String;
use core::fmt;

use kthreads_base::job::{self, JobError};
use kthreads_base::on_kernel_stack;

use super::Kernel;
use crate::Cx;

impl Kernel {
    /// Runs `body` in the kernel, as a user-like task of its own, and returns what it returns.
    /// This is how code outside the kernel calls it.
    ///
    /// # Panics
    ///
    /// When `body` panics (with the same message), when its task is killed by an oops, when the
    /// kernel has no task left to give, and when the caller is inside a kernel already.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthreads_host::HostMachine;
    /// use kthreads_kernel::{Config, Kernel};
    ///
    /// let machine = HostMachine::new(Default::default())?;
    /// let kernel = Kernel::boot(machine, Config::default())?;
    /// let pid = kernel.enter(|cx| cx.task.pid());
    /// assert!(pid > 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enter<R: Send>(&self, body: impl FnOnce(&Cx<'_>) -> R + Send) -> R {
        self.enter_as("host", body)
    }

    /// As [`enter`](Kernel::enter), with a name for the task.
    pub fn enter_as<R: Send>(&self, name: &str, body: impl FnOnce(&Cx<'_>) -> R + Send) -> R {
        self.try_enter_as(name, body).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`enter_as`](Kernel::enter_as), but a task that does not get to its end is an error.
    ///
    /// # Errors
    ///
    /// When `body` panicked, or its task ended before it did or was never made: it was killed by
    /// an oops, there was no task left to give, or the kernel has stopped (panic).
    pub fn try_enter_as<R: Send>(
        &self,
        name: &str,
        body: impl FnOnce(&Cx<'_>) -> R + Send,
    ) -> Result<R, EnterError> {
        self.enter_holding(name, (), body)
    }

    /// As [`try_enter_as`](Kernel::try_enter_as), but drops `hold` as soon as the job is on its
    /// way to a CPU: what keeps a machine's clock from jumping while a host thread acts. It must
    /// go before the job is through: a CPU that is busy may need time to pass to get to it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn enter_holding<R: Send>(
        &self,
        name: &str,
        hold: impl Sized,
        body: impl FnOnce(&Cx<'_>) -> R + Send,
    ) -> Result<R, EnterError> {
        assert!(!on_kernel_stack(), "already inside a kernel: call its functions directly");
        if self.halted() {
            return Err(EnterError::Ended);
        }
        let spawn = |body, done| {
            let rung = self.ring(name, body, done);
            drop(hold);
            rung
        };
        job::run(self.machine.arc(), spawn, || body(&self.cx())).map_err(|error| match error {
            JobError::Panicked(message) => EnterError::Panicked(message),
            JobError::Killed => EnterError::Ended,
        })
    }
}

/// Why code from outside did not get to its end in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnterError {
    /// It panicked, with this message.
    Panicked(String),
    /// Its task ended first, or there was none to give.
    Ended,
}

impl fmt::Display for EnterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnterError::Panicked(message) => f.write_str(message),
            EnterError::Ended => f.write_str("the thread in the kernel was killed"),
        }
    }
}

impl core::error::Error for EnterError {}
