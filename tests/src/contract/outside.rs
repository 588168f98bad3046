//! Threads of the process that are none of the kernel's.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Mutex;

use kthreads_base::{Machine, current_head, head, job};

use super::rig::{Rig, start};

type Job = (job::Body, job::Done);

/// A rig whose CPUs run what is put into a slot.
struct Worker {
    slot: Arc<Mutex<Option<Job>>>,
    is_over: Arc<AtomicBool>,
    rig: Arc<Rig>,
}

impl Worker {
    fn start(machine: &Arc<dyn Machine>) -> Worker {
        let slot: Arc<Mutex<Option<Job>>> = Arc::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let (jobs, stop) = (slot.clone(), is_over.clone());
        let rig = start(machine, move |rig, cpu| {
            while !stop.load(Ordering::SeqCst) {
                let job = jobs.lock().expect("not poisoned").take();
                let Some((body, done)) = job else {
                    rig.machine.idle(cpu);
                    rig.take_interrupts();
                    continue;
                };
                let fiber = rig.fiber(move |_| body());
                rig.run_to_end(fiber.as_ref());
                drop(done);
            }
        });
        Worker { slot, is_over, rig }
    }

    fn run<R: Send>(&self, cpu: u32, body: impl FnOnce() -> R + Send) -> Option<R> {
        let spawn = |body, done| {
            *self.slot.lock().expect("not poisoned") = Some((body, done));
            self.rig.machine.send_interrupt(cpu);
            Ok::<(), ()>(())
        };
        match job::run(&self.rig.machine, spawn, body) {
            Ok(result) => Some(result),
            Err(job::JobError::Killed) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    fn stop(self) {
        self.is_over.store(true, Ordering::SeqCst);
        (0..self.rig.cpus()).for_each(|cpu| self.rig.machine.send_interrupt(cpu));
        self.rig.finish();
    }
}

pub(super) fn jobs_come_from_outside(machine: &Arc<dyn Machine>) {
    let worker = Worker::start(machine);
    assert!(!head::on_kernel_stack());
    let total = AtomicU64::new(0);
    for turn in 0..500_u64 {
        let cpu = turn as u32 % machine.cpu_count();
        let squared = worker.run(cpu, || {
            assert!(head::on_kernel_stack());
            assert_eq!(current_head().irqs_off.load(Ordering::Relaxed), 1);
            total.fetch_add(turn, Ordering::Relaxed);
            turn * turn
        });
        assert_eq!(squared, Some(turn * turn));
    }
    assert_eq!(total.load(Ordering::Relaxed), 499 * 500 / 2);
    worker.stop();
}

pub(super) fn a_killed_job_is_told(machine: &Arc<dyn Machine>) {
    let worker = Worker::start(machine);
    for _ in 0..20 {
        assert_eq!(worker.run(0, || super::faults::write(16)), None);
        assert_eq!(worker.run(0, || 5), Some(5));
    }
    worker.stop();
}
