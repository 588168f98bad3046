//! Threads that are none of the kernel's: those of the process, or what stands for them.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kthreads_base::job::Mailbox;
use kthreads_base::{Machine, current_head, head, job};

use super::Verdict;
use super::rig::{Rig, start};
use crate::verdict::same;

type Job = (job::Body, job::Done);

/// A rig whose CPUs run what is put into a mailbox.
struct Worker {
    mailbox: Arc<Mailbox<Job>>,
    is_over: Arc<AtomicBool>,
    rig: Arc<Rig>,
}

impl Worker {
    fn start(machine: &Arc<dyn Machine>) -> Worker {
        let mailbox: Arc<Mailbox<Job>> = Arc::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let (jobs, stop) = (mailbox.clone(), is_over.clone());
        let rig = start(machine, move |rig, cpu| {
            while !stop.load(Ordering::SeqCst) {
                let Some((body, done)) = jobs.pop() else {
                    rig.machine.idle(cpu);
                    rig.take_interrupts();
                    continue;
                };
                let fiber = rig.fiber(move |_| body());
                rig.run_to_end(fiber.as_ref());
                drop(done);
            }
        });
        Worker { mailbox, is_over, rig }
    }

    /// The result of `body`, unless its thread was killed.
    fn run<R: Send>(&self, cpu: u32, body: impl FnOnce() -> R + Send) -> Option<R> {
        let spawn = |body, done| {
            self.mailbox.push((body, done));
            self.rig.machine.send_interrupt(cpu);
            Ok::<(), ()>(())
        };
        match job::run(&self.rig.machine, spawn, body) {
            Ok(result) => Some(result),
            Err(job::JobError::Killed) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Lets `check` use it, and ends it.
    fn serve(self, check: impl FnOnce(&Worker) -> Verdict) -> Verdict {
        let verdict = check(&self);
        self.is_over.store(true, Ordering::SeqCst);
        (0..self.rig.cpus()).for_each(|cpu| self.rig.machine.send_interrupt(cpu));
        self.rig.try_finish().and(verdict)
    }
}

pub(super) fn jobs_come_from_outside(machine: &Arc<dyn Machine>) -> Verdict {
    Worker::start(machine).serve(|worker| {
        same("on a kernel stack", head::on_kernel_stack(), false)?;
        let total = AtomicU64::new(0);
        for turn in 0..500_u64 {
            let cpu = turn as u32 % worker.rig.cpus();
            let squared = worker.run(cpu, || {
                assert!(head::on_kernel_stack());
                assert_eq!(current_head().irqs_off.load(Ordering::Relaxed), 1);
                total.fetch_add(turn, Ordering::Relaxed);
                turn * turn
            });
            same("a job's result", squared, Some(turn * turn))?;
        }
        same("the sum", total.load(Ordering::Relaxed), 499 * 500 / 2)
    })
}

pub(super) fn a_killed_job_is_told(machine: &Arc<dyn Machine>) -> Verdict {
    Worker::start(machine).serve(|worker| {
        for _ in 0..20 {
            same("a killed job", worker.run(0, || super::faults::write(16)), None)?;
            same("the next job", worker.run(0, || 5), Some(5))?;
        }
        Ok(())
    })
}
