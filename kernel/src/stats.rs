//! What is counted: ended threads, the load average.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::SpinLock;

use crate::Kernel;
use crate::task::state::*;
use crate::task::{Comm, KILLED_CODE, Task};

/// How many ended threads are remembered by name.
const REMEMBERED: usize = 64;

/// A kernel thread that has ended.
#[derive(Clone, Copy)]
pub struct Ended {
    /// Its pid.
    pub pid: i32,
    /// Its name.
    pub comm: Comm,
    /// What its function returned, or how it ended.
    pub result: i32,
    /// How it ended.
    pub end: End,
}

/// How a kernel thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Returned,
    /// By an oops.
    Oops,
    /// It was still in a module that was unloaded.
    WithModule,
}

/// The kernel threads that have ended.
pub(crate) struct Exits {
    newest: SpinLock<Newest>,
}

struct Newest {
    ended: Vec<Ended>,
    count: u64,
}

impl Default for Exits {
    fn default() -> Self {
        let ended = Vec::with_capacity(REMEMBERED);
        Exits { newest: SpinLock::new(Newest { ended, count: 0 }) }
    }
}

impl Kernel {
    /// Notes that a kernel thread ends.
    pub(crate) fn note_exit(&self, task: &Task) {
        if !task.is_kthread() {
            return;
        }
        let result = self.result_of(task);
        let end = match self.was_killed(task) {
            false => End::Returned,
            true if i64::from(result) == KILLED_CODE => End::WithModule,
            true => End::Oops,
        };
        let ended = Ended { pid: task.pid(), comm: task.comm(), result, end };
        let mut newest = self.exits.newest.lock();
        newest.count += 1;
        if newest.ended.len() < REMEMBERED {
            newest.ended.push(ended);
        }
    }

    /// The first kernel threads that ended, and how many have ended in all.
    pub fn ended_threads(&self) -> (Vec<Ended>, u64) {
        let newest = self.exits.newest.lock();
        (newest.ended.clone(), newest.count)
    }

    /// How many tasks run or want to, and how many sleep uninterruptibly.
    fn active_tasks(&self) -> (u64, u64) {
        let mut active = (0, 0);
        for task in self.tasks.iter().filter(|task| task.flags() & PF_IDLE == 0) {
            let state = task.state();
            if state == TASK_RUNNING {
                active.0 += 1;
            } else if state & TASK_UNINTERRUPTIBLE != 0 && state & TASK_NOLOAD == 0 {
                active.1 += 1;
            }
        }
        active
    }

    /// How many tasks want the CPU, the caller among them.
    pub fn running_tasks(&self) -> u64 {
        self.active_tasks().0
    }

    /// Accounts the load of the five-second periods that have passed (Linux: calc_load). Called
    /// before anything that a passing of time brings about, so that a long idle stretch counts
    /// with what was true all through it.
    pub(crate) fn load_catch_up(&self) {
        let now = self.machine.now().0;
        let due = self.load.next.load(Ordering::Relaxed);
        if now < due {
            return;
        }
        let periods = (now - due) / LOAD_PERIOD + 1;
        let next = due + periods * LOAD_PERIOD;
        let order = Ordering::Relaxed;
        if self.load.next.compare_exchange(due, next, order, order).is_err() {
            return;
        }
        let (running, blocked) = self.active_tasks();
        let active = (running + blocked) * FIXED_1;
        for (average, decay) in self.load.averages.iter().zip(DECAYS) {
            let kept = power(decay, periods);
            let old = average.load(order);
            average.store((old * kept + active * (FIXED_1 - kept)) / FIXED_1, order);
        }
    }

    /// The load averages over 1, 5 and 15 minutes, in 1/2048 (Linux: get_avenrun).
    pub fn load_averages(&self) -> [u64; 3] {
        self.load_catch_up();
        self.load.averages.each_ref().map(|average| average.load(Ordering::Relaxed))
    }
}

const FIXED_1: u64 = 1 << 11;
/// Five seconds and a tick (Linux: LOAD_FREQ).
const LOAD_PERIOD: u64 = 5_004_000_000;
/// 2048 / e^(5/60), / e^(5/300), / e^(5/900).
const DECAYS: [u64; 3] = [1884, 2014, 2037];

/// The load averages.
pub(crate) struct LoadAverage {
    next: AtomicU64,
    averages: [AtomicU64; 3],
}

impl Default for LoadAverage {
    fn default() -> Self {
        LoadAverage { next: AtomicU64::new(LOAD_PERIOD), averages: Default::default() }
    }
}

/// `base`/2048 to the power of `exponent`, in 1/2048.
fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = FIXED_1;
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = (result * base + FIXED_1 / 2) / FIXED_1;
        }
        base = (base * base + FIXED_1 / 2) / FIXED_1;
        exponent /= 2;
    }
    result
}
