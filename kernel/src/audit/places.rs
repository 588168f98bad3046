//! Where tasks are: each in one place, the one that its state says.

use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use kthreads_base::head::TIF_NEED_RESCHED;
use kthreads_base::{IrqGuard, current_head};

use super::Findings;
use crate::Kernel;
use crate::sched::{LockedQueue, MIGRATING, Rest, allowed_on};
use crate::task::Task;
use crate::task::state::*;
use crate::time::first_wake_time;

/// Where a task was found.
#[derive(Clone, Copy, Default)]
struct Place {
    /// In how many queues it stands in line.
    waits: u32,
    /// On how many CPUs it runs.
    runs: u32,
    /// The CPU of the last of these.
    cpu: u32,
}

impl Kernel {
    /// Looks at all tasks and run queues under the locks of all queues. Whoever holds one asks for
    /// no other, so they can be taken one after the other.
    pub(super) fn audit_places(&self, found: &mut Findings) {
        let current = current_head();
        let _irqs = IrqGuard::of(current);
        let locked = self.cpus.iter().map(|cpu| cpu.rq.lock_irqs_off(current));
        let queues: Vec<LockedQueue<'_>> = locked.collect();
        let mut places = vec![Place::default(); self.tasks.slot_count() as usize];
        for (cpu, queue) in (0..).zip(&queues) {
            queue.audit(cpu, found, &mut |task| {
                let place = &mut places[task.index() as usize];
                (place.waits, place.cpu) = (place.waits + 1, cpu);
            });
            let running = queue.current().get_ref();
            let place = &mut places[running.index() as usize];
            (place.runs, place.cpu) = (place.runs + 1, cpu);
            if !self.cpus[cpu as usize].current.is(running) {
                found.add(format_args!("CPU {cpu}: the task that runs is not that of its queue"));
            }
        }
        for task in self.tasks.iter().filter(|task| task.flags() & PF_IDLE == 0) {
            audit_task(task, places[task.index() as usize], found);
        }
        self.audit_blocked(found);
    }

    /// The sums that tell how many sleep uninterruptibly change under the locks of queues.
    fn audit_blocked(&self, found: &mut Findings) {
        let is_blocked = |task: &&Task| task.sched.is_blocked.load(Ordering::Relaxed);
        let (sleeping, counted) = (self.tasks.iter().filter(is_blocked).count(), self.sleeps().1);
        if sleeping as u64 != counted {
            found
                .add(format_args!("{sleeping} tasks sleep uninterruptibly, {counted} are counted"));
        }
    }

    /// The tasks that sleep until a point in time.
    pub(super) fn audit_sleepers(&self, found: &mut Findings) {
        for (number, cpu) in (0..).zip(&self.cpus) {
            let sleepers = cpu.sleepers.lock();
            let wrong = sleepers.audit(&mut |task: &Task| {
                let noted = task.sleep_cpu.load(Ordering::Relaxed);
                if noted != number {
                    let pid = task.pid();
                    found.add(format_args!("{pid} sleeps at CPU {number}, and names {noted}"));
                }
            });
            let first = first_wake_time(&sleepers);
            let noted = cpu.next_sleeper.load(Ordering::Relaxed);
            drop(sleepers);
            if let Some(wrong) = wrong {
                found.add(format_args!("the sleepers of CPU {number}: {wrong}"));
            }
            if first != noted {
                found.add(format_args!(
                    "CPU {number}: the first sleeper is due at {first}, not {noted}"
                ));
            }
        }
    }
}

/// A task that is no idle one. All run queues are locked.
fn audit_task(task: &Task, place: Place, found: &mut Findings) {
    // One that is being made has no references yet.
    if task.head.usage.load(Ordering::Acquire) == 0 {
        return;
    }
    let (state, rest) = (task.state(), task.head.rest.load(Ordering::Acquire));
    let on_rq = task.sched.on_rq.load(Ordering::Acquire);
    let is_awake = rest == Rest::Awake as u32;
    let mut wrong = |what: &str| {
        let (comm, pid, Place { waits, runs, cpu }) = (task.comm(), task.pid(), place);
        found.add(format_args!(
            "task {comm} ({pid}) {what}: state {state:#x}, rest {rest}, on_rq {on_rq}, in {waits} \
             queues, runs on {runs} CPUs (the last is {cpu})"
        ));
    };
    if (place.runs != 0) != (task.head.on_cpu.load(Ordering::Relaxed) != 0) {
        wrong("does not know whether it runs");
    }
    match on_rq {
        // It may be on its way off the CPU still.
        0 => {
            if place.waits != 0 {
                wrong("sleeps and is in line");
            }
            if state == TASK_RUNNING {
                wrong("is to run, and in no queue");
            }
            if is_awake && state != TASK_WAKING {
                wrong("is awake, and in no queue");
            }
        }
        MIGRATING => {
            if place.waits != 0 {
                wrong("is between two queues and in line");
            }
        }
        _ => audit_queued(task, place, is_awake, &mut wrong),
    }
}

/// A task that is to run.
fn audit_queued(task: &Task, place: Place, is_awake: bool, wrong: &mut dyn FnMut(&str)) {
    if place.waits + place.runs != 1 {
        return wrong("is to run, and not in one place");
    }
    if !is_awake {
        wrong("is to run, and asleep");
    }
    if place.cpu != task.sched.cpu_number() {
        wrong("is not where it says");
    }
    let is_told = task.head.ti_flags.load(Ordering::Relaxed) & TIF_NEED_RESCHED != 0;
    if !allowed_on(task, place.cpu) && !is_told {
        wrong("may not run where it is, and is not told to leave");
    }
}
