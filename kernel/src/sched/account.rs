//! How long tasks and CPUs have run.
//!
//! A running task is charged at switches and ticks only, and a CPU on which nobody waits has no
//! ticks. So what it has run since then is added here, under the lock of its run queue.

use core::sync::atomic::Ordering;

use kthreads_base::{IrqGuard, Nanos, current_head};

use super::LockedQueue;
use crate::Kernel;
use crate::task::Task;

impl Kernel {
    /// How long a task has run until now (Linux: task_sched_runtime).
    pub fn cpu_time(&self, task: &Task) -> Nanos {
        let current = current_head();
        let _irqs = IrqGuard::of(current);
        let rq = self.lock_rq_of(current, task);
        Nanos(self.charged_and_running(&rq, task))
    }

    /// How long a CPU has been idle until now (Linux: get_cpu_idle_time).
    pub fn idle_time(&self, cpu: u32) -> Nanos {
        let current = current_head();
        let _irqs = IrqGuard::of(current);
        let rq = self.cpus[cpu as usize].rq.lock_irqs_off(current);
        Nanos(self.charged_and_running(&rq, rq.idle().get_ref()))
    }

    /// How often CPUs have gone from one task to another (Linux: nr_context_switches).
    pub fn context_switches(&self) -> u64 {
        self.cpus.iter().map(|cpu| cpu.rq.lock().switches).sum()
    }

    fn charged_and_running(&self, rq: &LockedQueue<'_>, task: &Task) -> u64 {
        let charged = task.sched.runtime.load(Ordering::Relaxed);
        // The time of a busy CPU's switches is not told apart: what the running task had of it is
        // known at the next tick.
        if !rq.runs(task) || rq.is_busy() {
            return charged;
        }
        let since = task.sched.charged_at.load(Ordering::Relaxed);
        charged + self.machine.now().0.saturating_sub(since)
    }
}
