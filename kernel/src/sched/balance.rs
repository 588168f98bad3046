//! Moving tasks between CPUs.

use core::pin::Pin;
use core::sync::atomic::Ordering;

use kthreads_base::head::TIF_NEED_RESCHED;
use kthreads_base::{Current, IrqGuard, current_head};

use super::switch::allowed_on;
use super::wake::Held;
use super::{LockedQueue, MIGRATING};
use crate::task::Task;
use crate::{Errno, Kernel};

impl Kernel {
    /// The CPUs that have nothing to do.
    pub(crate) fn idle_cpus(&self) -> u64 {
        self.idle_mask.load(Ordering::Acquire)
    }

    /// Notes whether `cpu` has something to do.
    pub(crate) fn note_idle(&self, cpu: u32, idle: bool) {
        let bit = 1 << cpu;
        let noted = self.idle_mask.load(Ordering::Relaxed) & bit != 0;
        if idle && !noted {
            self.idle_mask.fetch_or(bit, Ordering::AcqRel);
        } else if !idle && noted {
            self.idle_mask.fetch_and(!bit, Ordering::AcqRel);
        }
    }

    /// Wakes an idle CPU, if there is one, so that it pulls some of what waits elsewhere.
    pub(crate) fn call_for_help(&self, _crowded: u32) {
        let idle = self.idle_cpus();
        if idle == 0 {
            return;
        }
        let helper = idle.trailing_zeros();
        // One call is enough: it is no longer idle to others.
        if self.idle_mask.fetch_and(!(1 << helper), Ordering::AcqRel) & (1 << helper) != 0 {
            let running = self.tasks.get(helper);
            running.head.ti_flags.fetch_or(TIF_NEED_RESCHED, Ordering::Release);
            self.machine.send_interrupt(helper);
        }
    }

    /// Takes a waiting task from another CPU for `cpu`, whose queue is empty. The caller's lock
    /// is dropped meanwhile.
    #[cold]
    #[inline(never)]
    pub(crate) fn help_others<'a>(
        &'a self,
        current: Current,
        cpu: u32,
        held: LockedQueue<'a>,
    ) -> LockedQueue<'a> {
        if self.nr_cpus() == 1 || self.halted() {
            return held;
        }
        drop(held);
        let pulled = (1..self.nr_cpus()).find_map(|step| {
            let other = (cpu + step) % self.nr_cpus();
            self.take_from(current, other, cpu)
        });
        current.step();
        let mut rq = self.cpus[cpu as usize].rq.lock_irqs_off(current);
        let Some(task) = pulled else { return rq };
        if allowed_on(task, cpu) {
            rq.place(task);
            rq.enqueue(task, super::queue::End::Tail);
            task.sched.on_rq.store(1, Ordering::Release);
            return rq;
        }
        // Its mask has changed on the way.
        self.move_to_allowed(current, rq, task);
        self.cpus[cpu as usize].rq.lock_irqs_off(current)
    }

    fn take_from(&self, current: Current, other: u32, cpu: u32) -> Option<&Task> {
        let mut rq = self.cpus[other as usize].rq.try_lock_irqs_off(current)?;
        if rq.waiting == 0 {
            return None;
        }
        let suits = |task: &Task| allowed_on(task, cpu) && task.head.is_saved();
        let index = rq.find(suits)?.index();
        let task = self.tasks.get(index);
        rq.dequeue(task);
        task.sched.on_rq.store(MIGRATING, Ordering::Release);
        task.sched.cpu.set(Some(Pin::new(&self.cpus[cpu as usize])));
        Some(task)
    }

    /// Queues a task that had to leave its CPU where it may run; it is saved by now.
    pub(crate) fn finish_push(&self, task: &Task) {
        let current = current_head();
        self.move_to_allowed(current, self.lock_rq_of(current, task), task);
    }

    /// Queues a task that is between two queues, and belongs to the one that is locked.
    fn move_to_allowed(&self, current: Current, from: LockedQueue<'_>, task: &Task) {
        let mut from = from;
        loop {
            let mask = task.head.cpus_mask.load(Ordering::Relaxed) & self.all_cpus();
            let idle = mask & self.idle_cpus();
            let cpu = if idle != 0 { idle } else { mask }.trailing_zeros();
            let there = &self.cpus[cpu as usize];
            task.sched.cpu.set(Some(Pin::new(there)));
            drop(from);
            current.step();
            let mut rq = there.rq.lock_irqs_off(current);
            // Without a lock its mask may have changed.
            if allowed_on(task, cpu) {
                task.sched.on_rq.store(1, Ordering::Release);
                rq.place(task);
                let here = self.cpu_of(current);
                return self.enqueue_and_notify(current, rq, task, there, here);
            }
            from = rq;
        }
    }

    /// Limits a task to the CPUs of `mask` (Linux: set_cpus_allowed_ptr). A task that runs where
    /// it no longer may has been moved when this returns, or moves at its next switch.
    ///
    /// # Errors
    ///
    /// EINVAL when none of the CPUs exists.
    pub fn set_cpus_allowed(&self, task: &Task, mask: u64) -> Result<(), Errno> {
        let mask = mask & self.all_cpus();
        if mask == 0 {
            return Err(Errno::EINVAL);
        }
        let irqs = IrqGuard::new();
        let runs_on = match self.hold(task, &irqs) {
            Held::Asleep(_held) => {
                set_mask(task, mask);
                None
            }
            Held::Awake(rq) => {
                set_mask(task, mask);
                self.leave_queue(rq, task)
            }
        };
        drop(irqs);
        if let Some(cpu) = runs_on {
            self.leave_cpu(task, cpu);
        }
        Ok(())
    }

    /// Moves a task that waits for a CPU which it may no longer use; returns the CPU if it is
    /// running there.
    fn leave_queue(&self, mut rq: LockedQueue<'_>, task: &Task) -> Option<u32> {
        let cpu = task.sched.cpu_number();
        if task.sched.is_migrating() || allowed_on(task, cpu) {
            return None;
        }
        if rq.runs(task) || !task.head.is_saved() {
            task.head.ti_flags.fetch_or(TIF_NEED_RESCHED, Ordering::Release);
            return Some(cpu);
        }
        rq.dequeue(task);
        task.sched.on_rq.store(MIGRATING, Ordering::Release);
        self.move_to_allowed(current_head(), rq, task);
        None
    }

    /// Sees a running task off a CPU that it may no longer use.
    fn leave_cpu(&self, task: &Task, cpu: u32) {
        let cx = self.cx();
        if cx.task.index() != task.index() {
            return self.machine.send_interrupt(cpu);
        }
        if !cx.in_atomic() {
            self.switch(&cx, super::Switch::Preempted);
        }
    }
}

fn set_mask(task: &Task, mask: u64) {
    task.head.cpus_mask.store(mask, Ordering::Relaxed);
    task.head.nr_cpus_allowed.store(mask.count_ones() as i32, Ordering::Relaxed);
}
