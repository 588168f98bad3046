//! A kernel: everything it owns, and how to get at it.

mod boot;
mod end;
mod enter;

pub use boot::Booted;
pub use enter::EnterError;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use kthreads_base::{CpuLocal, Current, Machine, Nanos, SharedMachine, SpinLock};

use crate::Errno;
use crate::config::Config;
use crate::doorbell::Doorbell;
use crate::kthread::Requests;
use crate::log::Log;
use crate::module::Modules;
use crate::report::Reports;
use crate::sched::{Heap, RunQueue};
use crate::task::state::*;
use crate::task::{NO_TASK, Task, TaskLink, TaskTable};
use crate::time::{ByWakeTime, JiffiesClock, Timers};
use crate::trace::Trace;
use crate::wait::{QueueEntries, WaitTable};
use crate::watch::{HungTasks, Watch};

/// What belongs to one CPU.
pub(crate) struct Cpu {
    pub(crate) local: CpuLocal,
    /// Its bit in a mask of CPUs.
    pub(crate) bit: u64,
    pub(crate) rq: SpinLock<RunQueue>,
    /// Tasks that sleep until a point in time, by that time.
    pub(crate) sleepers: SpinLock<Heap<Task, ByWakeTime>>,
    pub(crate) next_tick: AtomicU64,
    pub(crate) next_timer: AtomicU64,
    pub(crate) next_sleeper: AtomicU64,
    pub(crate) programmed: AtomicU64,
    pub(crate) softirq_pending: AtomicBool,
    /// The task that runs, for those who look without the lock of the queue.
    pub(crate) current: TaskLink,
    /// Uninterruptible sleeps that began here, and wake-ups from such that ended here.
    pub(crate) sleeps: AtomicU64,
    pub(crate) wakes: AtomicU64,
    pub(crate) watch: Watch,
}

/// A kernel. It is made by [`Kernel::boot`] and used from inside: see [`Kernel::enter`].
pub struct Kernel {
    pub(crate) machine: SharedMachine,
    pub(crate) config: Config,
    pub(crate) cpus: Box<[Cpu]>,
    pub(crate) tasks: TaskTable,
    pub(crate) waits: WaitTable,
    pub(crate) queue_entries: QueueEntries,
    pub(crate) requests: Requests,
    pub(crate) jiffies: JiffiesClock,
    pub(crate) timers: Timers,
    pub(crate) doorbell: Doorbell,
    pub(crate) log: Log,
    pub(crate) trace: Trace,
    pub(crate) reports: Reports,
    pub(crate) lockdep: crate::lockdep::Lockdep,
    pub(crate) modules: Modules,
    pub(crate) idle_mask: AtomicU64,
    pub(crate) hash_key: [u64; 2],
    pub(crate) boot_time: Nanos,
    pub(crate) exits: crate::stats::Exits,
    pub(crate) load: crate::stats::LoadAverage,
    pub(crate) heap: crate::heap::HeapBook,
    pub(crate) budget: crate::budget::Budget,
    pub(crate) sysctls: crate::proc::Sysctls,
    pub(crate) identity: crate::home::Identity,
    pub(crate) hung: HungTasks,
    /// Held by whoever looks at the worker of another task, and by a task that leaves its worker.
    pub(crate) worker_looks: SpinLock<()>,
    /// What the machine's watcher has for a CPU.
    pub(crate) watcher: CpuLocal,
    init: AtomicU32,
    kthreadd: AtomicU32,
    /// Stands for the address space of user-like tasks, and for the kernel's own.
    user_mm: u64,
    init_mm: u64,
    /// Not zero once init and kthreadd are there.
    booted: AtomicU32,
    pub(crate) halted: AtomicBool,
    panicked: AtomicBool,
    /// How many CPUs have left their idle loops for good.
    ended_cpus: AtomicU32,
}

impl Kernel {
    fn new(machine: Arc<dyn Machine>, config: Config) -> Result<Kernel, Errno> {
        let jiffies = JiffiesClock::new();
        jiffies.advance(machine.now());
        let timers = Timers::new(machine.cpu_count(), jiffies.now()).map_err(|_| Errno::ENOMEM)?;
        Ok(Kernel {
            cpus: (0..machine.cpu_count()).map(Cpu::new).collect(),
            tasks: TaskTable::new(config.pid_max, config.threads_max),
            waits: WaitTable::new(),
            queue_entries: QueueEntries::default(),
            requests: Requests::new(),
            jiffies,
            timers,
            doorbell: Doorbell::default(),
            log: Log::new(&config),
            trace: Trace::new(),
            reports: Reports::default(),
            lockdep: crate::lockdep::Lockdep::new(&config),
            modules: Modules::default(),
            idle_mask: AtomicU64::new(0),
            hash_key: [machine.entropy(), machine.entropy()],
            boot_time: machine.wall_clock() - machine.now(),
            exits: crate::stats::Exits::default(),
            load: crate::stats::LoadAverage::default(),
            budget: crate::budget::Budget::new(machine.memory().total),
            heap: crate::heap::HeapBook::new(machine.cpu_count()),
            sysctls: crate::proc::Sysctls::new(&config),
            identity: crate::home::Identity::default(),
            hung: HungTasks::new(),
            worker_looks: SpinLock::new(()),
            watcher: CpuLocal::new::<Kernel>(machine.cpu_count()),
            init: AtomicU32::new(NO_TASK),
            kthreadd: AtomicU32::new(NO_TASK),
            user_mm: 0,
            init_mm: 0,
            booted: AtomicU32::new(0),
            halted: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            ended_cpus: AtomicU32::new(0),
            machine: machine.into(),
            config,
        })
    }
}

impl Cpu {
    fn new(number: u32) -> Cpu {
        Cpu {
            local: CpuLocal::new::<Kernel>(number),
            bit: 1 << number,
            rq: SpinLock::new(RunQueue::new()),
            sleepers: SpinLock::new(Heap::default()),
            next_tick: AtomicU64::new(u64::MAX),
            next_timer: AtomicU64::new(u64::MAX),
            next_sleeper: AtomicU64::new(u64::MAX),
            programmed: AtomicU64::new(u64::MAX),
            softirq_pending: AtomicBool::new(false),
            current: TaskLink::null(),
            sleeps: AtomicU64::new(0),
            wakes: AtomicU64::new(0),
            watch: Watch::default(),
        }
    }
}

impl Kernel {
    /// Pid 1.
    pub fn init_task(&self) -> &Task {
        self.tasks.get(self.init.load(Ordering::Acquire))
    }

    /// Pid 2.
    pub fn kthreadd(&self) -> &Task {
        self.tasks.get(self.kthreadd.load(Ordering::Acquire))
    }

    /// The CPU that the running thread is on. With interrupts off, so that it stays there.
    #[inline(always)]
    pub(crate) fn cpu_of(&self, current: Current) -> &Cpu {
        &self.cpus[current.cpu() as usize]
    }

    /// How many CPUs there are.
    pub fn nr_cpus(&self) -> u32 {
        self.cpus.len() as u32
    }

    /// The mask of all CPUs.
    pub fn all_cpus(&self) -> u64 {
        u64::MAX >> (64 - self.nr_cpus())
    }

    /// The machine.
    pub fn machine(&self) -> &Arc<dyn Machine> {
        self.machine.arc()
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The live task whose task_struct lies at that address.
    #[inline(always)]
    pub fn task_at(&self, address: usize) -> Option<&Task> {
        self.tasks.at_address(address).filter(|task| task.is_live())
    }

    /// The slot whose task_struct lies at that address, even if its task is gone.
    pub fn slot_at(&self, address: usize) -> Option<&Task> {
        self.tasks.at_address(address)
    }

    /// The live task with that pid.
    pub fn find_task(&self, pid: i32) -> Option<&Task> {
        self.tasks.by_pid(pid)
    }

    /// The live task that `id` names.
    pub fn task_by_id(&self, id: crate::task::TaskId) -> Option<&Task> {
        self.tasks.by_id(id)
    }

    /// All tasks but the idle ones and those that have ended and are only still referred to, by
    /// pid.
    pub fn all_tasks(&self) -> Vec<&Task> {
        let has_pid = |task: &&Task| {
            task.flags() & PF_IDLE == 0 && task.head.exit_state.load(Ordering::Relaxed) == 0
        };
        let mut tasks: Vec<_> = self.tasks.iter().filter(has_pid).collect();
        tasks.sort_by_key(|task| task.pid());
        tasks
    }

    /// How many tasks there are, idle ones not counted.
    pub fn task_count(&self) -> u32 {
        self.tasks.live()
    }

    /// The address of the memory C reads as `jiffies`.
    pub fn jiffies_address(&self) -> usize {
        self.jiffies.address()
    }

    /// The jiffy that it is.
    pub fn jiffies(&self) -> crate::time::Jiffies {
        self.jiffies.advance(self.machine.now());
        self.jiffies.now()
    }

    /// Time since boot.
    pub fn uptime(&self) -> Nanos {
        self.machine.now()
    }

    /// The wall clock.
    pub fn wall_clock(&self) -> Nanos {
        self.boot_time + self.machine.now()
    }

    /// What is mixed into pointers that are printed.
    pub fn hash_key(&self) -> [u64; 2] {
        self.hash_key
    }

    pub(crate) fn user_mm_address(&self) -> usize {
        core::ptr::from_ref(&self.user_mm) as usize
    }

    pub(crate) fn init_mm_address(&self) -> usize {
        core::ptr::from_ref(&self.init_mm) as usize
    }
}
