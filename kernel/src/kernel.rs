//! A kernel: everything it owns, how it starts and how it ends.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use kthreads_base::job::{self, JobError};
use kthreads_base::{CpuLocal, IrqGuard, Machine, Nanos, SharedMachine, SpinLock, on_kernel_stack};

use crate::config::Config;
use crate::doorbell::Doorbell;
use crate::kthread::Requests;
use crate::log::Log;
use crate::module::Modules;
use crate::report::Reports;
use crate::sched::{Heap, RunQueue};
use crate::task::state::*;
use crate::task::{NO_TASK, Spawn, Start, Task, TaskLink, TaskTable, ThreadBody};
use crate::time::{ByWakeTime, JiffiesClock, Timers};
use crate::trace::Trace;
use crate::wait::{QueueEntries, WaitTable};
use crate::watch::{HungTasks, Watch};
use crate::{Cx, Errno, log};

/// What belongs to one CPU.
pub(crate) struct Cpu {
    pub(crate) local: CpuLocal,
    pub(crate) rq: SpinLock<RunQueue>,
    /// The task that ran before the one that runs, if something is to be done about it.
    pub(crate) left_behind: TaskLink,
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
    /// Starts a kernel on a machine: its CPUs, init (pid 1) and kthreadd (pid 2).
    ///
    /// # Errors
    ///
    /// ENOMEM when the machine has no memory for the first tasks.
    pub fn boot(machine: Arc<dyn Machine>, config: Config) -> Result<Booted, Errno> {
        let mut kernel = Kernel::new(machine.clone(), config)?;
        // One more than there are CPUs: for whoever watches them from outside.
        kernel.tasks.make_first(machine.cpu_count() + 1)?;
        kernel.seat_idle_tasks();
        let kernel = Arc::new(kernel);
        for cpu in 0..machine.cpu_count() {
            kernel.make_idle(cpu);
        }
        kernel.make_watcher();
        kthreads_base::cpu::start(&kernel, &machine).map_err(|_| Errno::ENOMEM)?;
        machine.wait_host(&kernel.booted);
        Ok(Booted { kernel })
    }

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

    fn seat_idle_tasks(&mut self) {
        for (cpu, index) in self.cpus.iter_mut().zip(0..) {
            let idle = self.tasks.pin(index);
            cpu.current.set(Some(idle));
            cpu.rq.get_mut().start(idle);
        }
    }

    fn make_idle(&self, cpu: u32) {
        let task = self.tasks.get(cpu);
        let order = Ordering::Relaxed;
        task.set_comm(&format!("swapper/{cpu}"));
        task.head.flags.store(PF_KTHREAD | PF_IDLE, order);
        task.head.static_prio.store(crate::sched::DEFAULT_PRIO, order);
        task.head.prio.store(crate::sched::DEFAULT_PRIO, order);
        task.head.cpus_mask.store(1 << cpu, order);
        task.head.active_mm.store(self.init_mm_address(), order);
        task.head.on_cpu.store(1, order);
        // Its loop looks for work itself: an interrupt never preempts it, or one that comes each
        // time it has just begun to run would do so on top of the last.
        task.head.preempt_count.store(1, order);
        task.head.usage.store(2, order);
        task.sched.cpu.store(cpu, order);
        // It is never in line, and never sleeps.
        task.sched.on_rq.store(1, order);
    }

    fn make_watcher(&self) {
        let task = self.tasks.get(self.nr_cpus());
        task.set_comm("watchdog");
        task.head.flags.store(PF_KTHREAD | PF_IDLE, Ordering::Relaxed);
    }

    /// The first thing CPU 0 does: pid 1, then pid 2 (Linux: rest_init).
    pub(crate) fn rest_init(&self) {
        self.tasks.open(self.nr_cpus() + 1);
        let idle = self.tasks.get(0);
        let spawn = |name: &'static str, body: ThreadBody, flags| {
            let spawn = Spawn { name, start: Start::Body(body), parent: idle, flags, done: None };
            self.spawn(spawn)
        };
        let init = spawn("init", Box::new(|cx| cx.kernel.init_main(cx)), 0);
        let kthreadd = spawn("kthreadd", Box::new(|cx| cx.kernel.kthreadd_main(cx)), PF_KTHREAD);
        let (Ok(init), Ok(kthreadd)) = (init, kthreadd) else {
            kthreads_base::fatal("there is no memory for the first tasks");
        };
        self.init.store(init.index(), Ordering::Release);
        self.kthreadd.store(kthreadd.index(), Ordering::Release);
        self.wake_up_new_task(init);
        self.wake_up_new_task(kthreadd);
        if self.start_khungtaskd(kthreadd).is_err() {
            kthreads_base::fatal("there is no memory for the first tasks");
        }
        self.machine.wake_host(&self.booted);
    }

    /// What pid 1 does here: it stands for user space, and sleeps.
    fn init_main(&self, cx: &Cx<'_>) -> ! {
        loop {
            cx.task.set_state(TASK_INTERRUPTIBLE);
            if !self.has_jobs() {
                let _waits = cx.waits_in(crate::proc::WaitsIn::Wait);
                self.schedule(cx);
            }
            cx.task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
            cx.task.flush_signals();
            self.take_jobs(cx);
        }
    }

    /// Runs `body` in the kernel, as a user-like task of its own, and returns what it returns.
    /// This is how code outside the kernel calls it.
    ///
    /// # Panics
    ///
    /// When `body` panics (with the same message), when its task is killed by an oops, when the
    /// kernel has no task left to give, and when the caller is inside a kernel already.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthreads_host::HostMachine;
    /// use kthreads_kernel::{Config, Kernel};
    ///
    /// let machine = HostMachine::new(Default::default())?;
    /// let kernel = Kernel::boot(machine, Config::default())?;
    /// let pid = kernel.enter(|cx| cx.task.pid());
    /// assert!(pid > 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enter<R: Send>(&self, body: impl FnOnce(&Cx<'_>) -> R + Send) -> R {
        self.enter_as("host", body)
    }

    /// As [`enter`](Kernel::enter), with a name for the task.
    pub fn enter_as<R: Send>(&self, name: &str, body: impl FnOnce(&Cx<'_>) -> R + Send) -> R {
        self.try_enter_as(name, body).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`enter_as`](Kernel::enter_as), but a task that does not get to its end is an error.
    ///
    /// # Errors
    ///
    /// When `body` panicked, or its task ended before it did or was never made: it was killed by
    /// an oops, there was no task left to give, or the kernel has stopped (panic).
    pub fn try_enter_as<R: Send>(
        &self,
        name: &str,
        body: impl FnOnce(&Cx<'_>) -> R + Send,
    ) -> Result<R, EnterError> {
        self.enter_holding(name, (), body)
    }

    /// As [`try_enter_as`](Kernel::try_enter_as), but drops `hold` as soon as the job is on its
    /// way to a CPU: what keeps a machine's clock from jumping while a host thread acts. It must
    /// go before the job is through: a CPU that is busy may need time to pass to get to it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn enter_holding<R: Send>(
        &self,
        name: &str,
        hold: impl Sized,
        body: impl FnOnce(&Cx<'_>) -> R + Send,
    ) -> Result<R, EnterError> {
        assert!(!on_kernel_stack(), "already inside a kernel: call its functions directly");
        if self.halted() {
            return Err(EnterError::Ended);
        }
        let spawn = |body, done| {
            let rung = self.ring(name, body, done);
            drop(hold);
            rung
        };
        job::run(self.machine.arc(), spawn, || body(&self.cx())).map_err(|error| match error {
            JobError::Panicked(message) => EnterError::Panicked(message),
            JobError::Killed => EnterError::Ended,
        })
    }

    /// Stops the whole kernel (Linux: panic): no task runs any more, and host threads that wait
    /// for one are told.
    pub fn panic(&self, cx: &Cx<'_>, text: &str) -> ! {
        use crate::log::Level;
        self.count_bug();
        log!(cx, Level::Emergency, "Kernel panic - not syncing: {text}");
        self.dump_stack(cx);
        log!(cx, Level::Emergency, "---[ end Kernel panic - not syncing: {text} ]---");
        self.panicked.store(true, Ordering::Release);
        self.halt();
        loop {
            cx.task.head.preempt_count.store(0, Ordering::Relaxed);
            self.switch(cx, crate::sched::Switch::Preempted);
        }
    }

    /// Whether the kernel stopped by itself (panic).
    pub fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::Acquire)
    }

    /// Whether all CPUs have left their idle loops for good.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended_cpus.load(Ordering::SeqCst) == self.nr_cpus()
    }

    /// Tells all CPUs to end, whatever they do: no task runs any more, and host threads that wait
    /// for one are told that theirs was killed.
    pub fn halt(&self) {
        // Where interrupts are real, the caller's own CPU could take the caller's place away before
        // the others are told.
        let _all_are_told = on_kernel_stack().then(IrqGuard::new);
        self.halted.store(true, Ordering::Release);
        for cpu in 0..self.nr_cpus() {
            self.machine.send_interrupt(cpu);
        }
    }
}

/// Why code from outside did not get to its end in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnterError {
    /// It panicked, with this message.
    Panicked(String),
    /// Its task ended first, or there was none to give.
    Ended,
}

impl core::fmt::Display for EnterError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            EnterError::Panicked(message) => f.write_str(message),
            EnterError::Ended => f.write_str("the thread in the kernel was killed"),
        }
    }
}

impl core::error::Error for EnterError {}

impl Cpu {
    fn new(number: u32) -> Cpu {
        Cpu {
            local: CpuLocal::new::<Kernel>(number),
            rq: SpinLock::new(RunQueue::new()),
            left_behind: TaskLink::null(),
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

    /// In an interrupt of a kernel that is to end: whatever runs here makes room for the idle
    /// task, which ends the CPU.
    pub(crate) fn halt_if_asked(&self) {
        if self.halted() {
            let head = kthreads_base::current_head();
            head.ti_flags.fetch_or(kthreads_base::head::TIF_NEED_RESCHED, Ordering::Relaxed);
        }
    }

    /// The last thing a CPU does. CPU 0 waits for the others and takes back the stacks of the
    /// tasks that will never run again.
    pub(crate) fn cpu_ended(&self, cpu: u32) {
        self.ended_cpus.fetch_add(1, Ordering::SeqCst);
        if cpu != 0 {
            return;
        }
        while !self.has_ended() {
            self.machine.relax();
        }
        self.drop_jobs();
        for task in self.tasks.iter() {
            // Who waits outside for the task will not see it end otherwise.
            drop(task.belongings.lock().done.take());
            // A timer must not outlive the task it lies in.
            self.cancel_sleep(self.tasks.pin(task.index()));
            let stack = task.belongings.lock().stack.take();
            if let Some(stack) = stack {
                self.machine.stack_free(stack);
            }
        }
    }
}

/// A running kernel. Dropping it stops its CPUs; tasks that are still there never run again.
pub struct Booted {
    kernel: Arc<Kernel>,
}

impl Booted {
    /// The kernel, to be kept by whoever watches it from outside.
    pub fn share(&self) -> Arc<Kernel> {
        self.kernel.clone()
    }
}

impl Deref for Booted {
    type Target = Kernel;
    fn deref(&self) -> &Kernel {
        &self.kernel
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        self.kernel.halt();
        self.kernel.machine.join();
    }
}
