//! The scheduler: who runs where, and when.
//!
//! Each CPU has a run queue: real-time tasks first (FIFO and round robin by priority), then fair
//! ones by virtual deadline, then the idle task. Links lie in the tasks; nothing here allocates.
//!
//! # Sleeping and waking
//!
//! A sleeper stores its state, then reads its condition, then calls schedule; a waker stores the
//! condition, then calls [`wake_up_state`](crate::Kernel::wake_up_state). Both stores are followed by a full barrier,
//! so one of the two sees the other. `schedule` reads the state under the run-queue lock and takes
//! the task off the queue; a waker that finds `on_rq` cleared waits until the context is saved
//! ([`Head::is_saved`](kthreads_base::Head::is_saved)) and then queues the task. A task that is
//! preempted between its store and schedule stays queued whatever its state says.
//!
//! # Where a woken task runs
//!
//! On the waker's CPU if it may: there its cache lines are, and waking a sleeping CPU of the host
//! costs more than most threads run for. An idle CPU is called for help when more than one task
//! waits, or by the tick when one has waited that long; it then pulls.

mod account;
mod balance;
mod heap;
mod params;
mod queue;
mod switch;
mod tick;
mod user;
mod wake;

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::kernel::Cpu;
use crate::task::{Task, TaskLink};
use crate::watch::Passes;

pub use heap::{Heap, HeapNode, NodeOf};
pub use params::Policy;
pub(crate) use queue::RunQueue;
pub(crate) use switch::{Switch, allowed_on};
pub(crate) use wake::Rest;

/// A run queue whose lock is held, with interrupts off.
pub(crate) type LockedQueue<'a> = kthreads_base::QuietGuard<'a, RunQueue>;

/// The priority of a fair task with nice 0.
pub const DEFAULT_PRIO: i32 = 120;
/// The highest priority number of real-time tasks plus one.
pub const MAX_RT_PRIO: i32 = 100;

/// The CPUs of a kernel live, where they are, as long as it and its tasks.
pub(crate) type CpuLink = kthreads_base::AtomicRef<Cpu>;

/// A task's standing with the scheduler. Guarded by the lock of the run queue it belongs to.
#[derive(Debug, Default)]
pub struct Entity {
    /// 1 while the task is to run: on a run queue, or running; 2 while it is to run but is
    /// between two run queues; 0 while it sleeps.
    pub(crate) on_rq: AtomicU32,
    /// The CPU whose run queue it belongs to: null in a slot that no task has had yet. A task that
    /// runs belongs to the queue of its CPU.
    pub(crate) cpu: CpuLink,
    pub(crate) node: HeapNode<Task>,
    pub(crate) rt_next: TaskLink,
    pub(crate) rt_prev: TaskLink,
    pub(crate) vruntime: AtomicU64,
    pub(crate) deadline: AtomicU64,
    /// The task that had the CPU before, if something is to be done about it now.
    pub(crate) left_behind: TaskLink,
    /// When it was put on the CPU, or last charged.
    pub(crate) charged_at: AtomicU64,
    /// How long it has run, in nanoseconds.
    pub(crate) runtime: AtomicU64,
    /// What is left of a round-robin slice, in nanoseconds.
    pub(crate) rr_left: AtomicU64,
    pub(crate) passes: Passes,
    /// Whether it is counted among those that sleep uninterruptibly.
    pub(crate) is_blocked: AtomicBool,
    /// The number of the sleep that was named for lasting too long; 0 for none.
    pub(crate) sleep_named: AtomicU64,
}

impl Entity {
    pub(crate) fn reset(&self) {
        for cell in [&self.vruntime, &self.deadline, &self.charged_at, &self.runtime] {
            cell.store(0, Ordering::Relaxed);
        }
        self.passes.reset();
        self.is_blocked.store(false, Ordering::Relaxed);
        self.sleep_named.store(0, Ordering::Relaxed);
        self.on_rq.store(0, Ordering::Relaxed);
        self.rr_left.store(tick::RR_SLICE, Ordering::Relaxed);
    }

    /// The number of the CPU whose run queue it belongs to; 0 if it never did to any.
    pub(crate) fn cpu_number(&self) -> u32 {
        self.cpu.get().map_or(0, |cpu| cpu.local.number())
    }

    pub(crate) fn is_on_rq(&self) -> bool {
        self.on_rq.load(Ordering::Acquire) != 0
    }

    pub(crate) fn is_migrating(&self) -> bool {
        self.on_rq.load(Ordering::Acquire) == MIGRATING
    }
}

/// The value of `on_rq` of a task that is between two run queues.
pub(crate) const MIGRATING: u32 = 2;

/// The weight of each nice value from -20 to 19: each step is about 1.25, nice 0 is 1024.
const WEIGHTS: [u32; 40] = {
    let mut weights = [0; 40];
    let mut nice = 0;
    while nice < 40 {
        // 1024 * 1.25^(20 - nice), in fixed point with 32 fractional bits.
        let mut value: u128 = 1024 << 32;
        let mut step = 20;
        while step > nice {
            value = value * 5 / 4;
            step -= 1;
        }
        while step < nice {
            value = value * 4 / 5;
            step += 1;
        }
        weights[nice] = ((value + (1 << 31)) >> 32) as u32;
        nice += 1;
    }
    weights
};

/// The weight of a static priority of 100 to 139.
pub(crate) fn weight(static_prio: i32) -> u64 {
    let nice = (static_prio - MAX_RT_PRIO).clamp(0, 39);
    u64::from(WEIGHTS[nice as usize])
}
