//! What user space may ask of the scheduler: taskset, renice, chrt.

use super::Policy;
use crate::task::Task;
use crate::task::state::PF_NO_SETAFFINITY;
use crate::{Errno, Kernel};

impl Kernel {
    /// Limits a task to the CPUs of `mask`; CPUs that are not there do not count (Linux:
    /// sched_setaffinity).
    ///
    /// # Errors
    ///
    /// EINVAL when no CPU is left, and for a thread that was bound: only the kernel moves it.
    pub fn set_affinity_from_user(&self, task: &Task, mask: u64) -> Result<(), Errno> {
        if task.flags() & PF_NO_SETAFFINITY != 0 {
            return Err(Errno::EINVAL);
        }
        self.set_cpus_allowed(task, mask)
    }

    /// Sets the nice value; one out of -20..=19 counts as the nearest that is in (Linux:
    /// setpriority).
    pub fn set_nice_from_user(&self, task: &Task, nice: i64) {
        self.set_user_nice(task, nice.clamp(-20, 19));
    }

    /// Sets the policy, as chrt does (Linux: sched_setscheduler).
    ///
    /// # Errors
    ///
    /// EINVAL for a real-time priority that is not in 1..=99.
    pub fn set_policy_from_user(&self, task: &Task, policy: Policy) -> Result<(), Errno> {
        self.set_policy(task, policy)
    }
}
