//! Trace events: what Linux's static trace points of kernel threads record.

use alloc::vec::Vec;

use core::sync::atomic::{AtomicBool, Ordering};

use kthreads_base::{Nanos, SpinLock};

use crate::task::Comm;
use crate::{Cx, Kernel};

/// How many events are kept.
const KEPT: usize = 256;

/// What happened.
#[derive(Clone, Copy)]
pub enum Event {
    /// trace_sched_kthread_stop: kthread_stop of that thread was called.
    KthreadStop {
        /// Its pid.
        pid: i32,
        /// Its name.
        comm: Comm,
    },
    /// trace_sched_kthread_stop_ret: kthread_stop returned.
    KthreadStopRet {
        /// What it returned.
        result: i32,
    },
}

/// An event with its place and time.
#[derive(Clone, Copy)]
pub struct Record {
    /// When.
    pub time: Nanos,
    /// On which CPU.
    pub cpu: u32,
    /// In which task.
    pub pid: i32,
    /// The task's name.
    pub comm: Comm,
    /// What.
    pub event: Event,
}

/// The newest events, the oldest overwritten first.
pub(crate) struct Trace {
    is_on: AtomicBool,
    ring: SpinLock<Ring>,
}

struct Ring {
    records: Vec<Record>,
    /// How many events there have ever been.
    count: u64,
}

impl Trace {
    pub(crate) fn new() -> Trace {
        Trace {
            is_on: AtomicBool::new(false),
            ring: SpinLock::new(Ring { records: Vec::new(), count: 0 }),
        }
    }
}

impl core::fmt::Display for Record {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (seconds, micros) = (self.time.0 / 1_000_000_000, self.time.0 / 1000 % 1_000_000);
        let Record { cpu, pid, comm, .. } = self;
        write!(f, "{comm:>16}-{pid:<7} [{cpu:03}] {seconds:5}.{micros:06}: ")?;
        match &self.event {
            Event::KthreadStop { pid, comm } => {
                write!(f, "sched_kthread_stop: comm={comm} pid={pid}")
            }
            Event::KthreadStopRet { result } => {
                write!(f, "sched_kthread_stop_ret: ret={result}")
            }
        }
    }
}

impl Kernel {
    /// Has events recorded from now on, or no longer (Linux: the file `enable` of tracefs). None
    /// are to begin with: to read the clock for them would be a tenth of a thread's short life.
    pub fn set_tracing(&self, is_on: bool) {
        self.trace.is_on.store(is_on, Ordering::Relaxed);
    }

    /// Records an event, if that is wanted.
    #[inline]
    pub(crate) fn trace(&self, cx: &Cx<'_>, event: impl FnOnce() -> Event) {
        if self.trace.is_on.load(Ordering::Relaxed) {
            self.record(cx, event());
        }
    }

    #[cold]
    fn record(&self, cx: &Cx<'_>, event: Event) {
        let time = self.machine.now();
        let (cpu, pid, comm) = (cx.cpu(), cx.task.pid(), cx.task.comm());
        let record = Record { time, cpu, pid, comm, event };
        let mut ring = self.trace.ring.lock();
        let slot = (ring.count % KEPT as u64) as usize;
        ring.count += 1;
        if slot < ring.records.len() {
            ring.records[slot] = record;
        } else {
            ring.records.push(record);
        }
    }

    /// The newest events, oldest first.
    pub fn trace_records(&self) -> Vec<Record> {
        let ring = self.trace.ring.lock();
        let oldest =
            if ring.records.len() < KEPT { 0 } else { (ring.count % KEPT as u64) as usize };
        let (newer, older) = ring.records.split_at(oldest);
        older.iter().chain(newer).copied().collect()
    }
}
