//! A kernel with its console, its shell and its modules: from boot to the last module's end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use kthreads_base::Nanos;
use kthreads_capi::module::ModuleLoader;
use kthreads_host::{Clock as HostClock, ClockHold, HostConfig, HostMachine};
use kthreads_kernel::module::State;
use kthreads_kernel::task::TaskId;
use kthreads_kernel::task::state::{TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::{Booted, Config, Cx, EnterError, Kernel};
use kthreads_shell::{CommandError, Host, JobEnd, Shell, Stream, insert_error};

use crate::args::{Clock, Log, MachineOptions};
use crate::console::Console;
use crate::host::KernelHost;
use crate::modules;
use crate::objects::{Objects, Prepared};
use crate::{status, supervisor};

/// How often it is looked whether a module that somebody else unloads is gone.
const LOOK_EVERY: Nanos = Nanos::from_millis(20);

/// What a thread takes of the host's memory, with room for a deep stack now and then.
const BYTES_PER_THREAD: u64 = 8 << 10;
/// How many threads there may be at least and at most, whatever the memory.
const LEAST_THREADS: u64 = 128;
const MOST_THREADS: u64 = 2_000_000;

/// Is a running kernel and what belongs to it.
pub(crate) struct Session {
    /// The kernel.
    pub(crate) kernel: Arc<Booted>,
    /// What it runs on.
    pub(crate) machine: Arc<HostMachine>,
    /// Where text goes.
    pub(crate) console: Arc<Console>,
    /// Who runs scripts.
    pub(crate) shell: Shell,
    /// What its commands need.
    pub(crate) host: Arc<KernelHost>,
    /// The modules of the command line.
    modules: Vec<Prepared>,
    /// The tasks that were there before any module was.
    first_tasks: Vec<TaskId>,
    /// The exit status that something has called for; 0 so far.
    status: AtomicU8,
}

impl Session {
    /// Boots a kernel. Time does not jump while the returned hold is there.
    pub(crate) fn start(
        options: &MachineOptions,
        log: Log,
        modules: Vec<Prepared>,
    ) -> Result<(Arc<Session>, ClockHold), String> {
        supervisor::install_handlers();
        let clock = match options.clock {
            Clock::Real => HostClock::Real,
            Clock::FastForward => HostClock::FastForward,
        };
        let cpus = options.cpus.get() as u32;
        let memory_bytes = options.memory_bytes.unwrap_or(HostConfig::default().memory_bytes);
        let threads_max = (memory_bytes / BYTES_PER_THREAD).clamp(LEAST_THREADS, MOST_THREADS);
        let machine = HostMachine::new(HostConfig {
            cpus,
            clock,
            notes: supervisor::cpu_notes(),
            memory_bytes,
        });
        let machine = machine.map_err(|error| error.to_string())?;
        let hold = machine.hold_clock();
        let config = Config {
            hung_task_seconds: options.hung_task_seconds,
            watchdog_seconds: options.watchdog_seconds,
            threads_max: threads_max as u32,
            log_memory: supervisor::log_memory(),
            ..Config::default()
        };
        let kernel = Kernel::boot(machine.clone(), config);
        let kernel =
            Arc::new(kernel.map_err(|errno| format!("the kernel does not boot: {errno}"))?);
        let console = Console::new(kernel.log_ring().clone(), log);
        console.follow(&kernel);
        let objects = Objects::new(&kernel, &modules);
        let host = Arc::new(KernelHost {
            machine: machine.clone(),
            console: console.clone(),
            objects,
            loader: kernel.enter(ModuleLoader::new),
        });
        let shell = Shell::new(host.clone());
        let first_tasks =
            kernel.enter(|cx| cx.kernel.all_tasks().iter().map(|task| task.id()).collect());
        let status = AtomicU8::new(status::CLEAN);
        let session =
            Session { kernel, machine, console, shell, host, modules, first_tasks, status };
        Ok((Arc::new(session), hold))
    }

    /// Whether a task was there before any module.
    pub(crate) fn is_first(&self, task: TaskId) -> bool {
        self.first_tasks.contains(&task)
    }

    /// Notes what calls for an exit status; the first such call counts.
    pub(crate) fn call_for(&self, status: u8) {
        let (none, order) = (status::CLEAN, Ordering::Relaxed);
        let _ = self.status.compare_exchange(none, status, order, order);
    }

    /// Says something about the run itself, on standard error.
    pub(crate) fn tell(&self, text: &str) {
        self.host.write(Stream::Error, &format!("kthreads: {text}\n"));
    }

    /// Says that the script's task did not get to its end.
    pub(crate) fn died(&self, error: &EnterError) {
        match self.kernel.has_panicked() {
            true => self.tell("the kernel has panicked: see the log"),
            false => self.tell(&format!("the script's task died: {error}")),
        }
    }

    /// Loads the modules of the command line; stops at the first that cannot be loaded, or when
    /// a signal comes.
    pub(crate) fn load(self: &Arc<Self>, cx: &Cx<'_>) -> Result<(), ()> {
        self.shell.attach(cx);
        supervisor::watcher().into_iter().for_each(|watcher| self.host.loader.watch(watcher));
        for index in 0..self.modules.len() {
            self.load_one(cx, index)?;
        }
        Ok(())
    }

    fn load_one(self: &Arc<Self>, cx: &Cx<'_>, index: usize) -> Result<(), ()> {
        let me = self.clone();
        let started = self.shell.start(cx, "insmod", move |cx| {
            let Prepared { object, parameters, path } = &me.modules[index];
            let Err(error) = modules::insmod(&me.host.loader, cx, object, parameters) else {
                return 0;
            };
            let why = match error {
                CommandError::Errno(errno) => insert_error(errno),
                CommandError::Other(text) => text,
            };
            me.tell(&format!("cannot load {} ({}): {why}", object.name, path.display()));
            1
        });
        let name = &self.modules[index].object.name;
        let job =
            started.map_err(|errno| self.not_loaded(&format!("cannot load {name}: {errno}")))?;
        match self.shell.wait_for(cx, &job) {
            JobEnd::Done(0) => Ok(()),
            JobEnd::Done(_) => {
                self.call_for(status::NOT_LOADED);
                Err(())
            }
            JobEnd::Died => {
                self.not_loaded(&format!("loading {name} failed: its init function was killed"));
                Err(())
            }
            JobEnd::Hung => {
                self.shell.report_hung(cx, &job);
                self.not_loaded(&format!("the init function of {name} does not return"));
                Err(())
            }
            JobEnd::Interrupted => Err(()),
        }
    }

    fn not_loaded(&self, text: &str) {
        self.tell(text);
        self.call_for(status::NOT_LOADED);
    }

    /// Unloads what is still loaded, the newest first. What cannot be unloaded, or hangs for the
    /// hung-task time, is named and left.
    pub(crate) fn unload(self: &Arc<Self>, cx: &Cx<'_>) {
        let mut left: Vec<String> = Vec::new();
        loop {
            let modules = cx.kernel.modules();
            let next = modules.into_iter().find(|module| !left.iter().any(|n| n == module.name()));
            let Some(module) = next else { return };
            let (name, state) = (module.name().to_owned(), module.state());
            drop(module);
            let is_gone = match state {
                State::Live => self.unload_one(cx, &name),
                State::Coming | State::Going => self.wait_until_gone(cx, &name, state),
            };
            if !is_gone {
                left.push(name);
            }
        }
    }

    fn unload_one(self: &Arc<Self>, cx: &Cx<'_>, name: &str) -> bool {
        let (me, module) = (self.clone(), name.to_owned());
        let started = self.shell.start(cx, "rmmod", move |cx| {
            let Err(error) = me.host.rmmod(cx, &module) else { return 0 };
            me.tell(&format!("cannot unload {module}: {error}"));
            1
        });
        let job = match started {
            Ok(job) => job,
            Err(errno) => {
                self.tell(&format!("cannot unload {name}: {errno}"));
                return false;
            }
        };
        loop {
            match self.shell.wait_for(cx, &job) {
                JobEnd::Done(status) => return status == 0,
                JobEnd::Died => {
                    self.tell(&format!("unloading {name} failed: its exit function was killed"));
                    self.call_for(status::BUG);
                    return false;
                }
                JobEnd::Hung => {
                    self.shell.report_hung(cx, &job);
                    self.tell(&format!("{name} is not unloaded: its exit function hangs"));
                    self.call_for(status::BUG);
                    return false;
                }
                // Unloading is what an interrupted run does anyway.
                JobEnd::Interrupted => {
                    let _ = self.shell.take_signal(cx);
                }
            }
        }
    }

    /// Waits for an rmmod or insmod that is under way.
    fn wait_until_gone(&self, cx: &Cx<'_>, name: &str, state: State) -> bool {
        let deadline = match cx.kernel.hung_task_seconds() {
            0 => Nanos::NEVER,
            seconds => cx.kernel.uptime() + Nanos(seconds.saturating_mul(Nanos::SECOND.0)),
        };
        let is_same = || cx.kernel.find_module(name).is_some_and(|m| m.state() == state);
        while is_same() && cx.kernel.uptime() < deadline {
            cx.kernel.sleep_for(cx, LOOK_EVERY, TASK_UNINTERRUPTIBLE);
        }
        if !is_same() {
            return true;
        }
        let what = if state == State::Going { "exit" } else { "init" };
        self.tell(&format!("{name} is not unloaded: its {what} function hangs"));
        self.call_for(status::BUG);
        false
    }

    /// Sleeps until a signal comes, or until the time is over.
    pub(crate) fn wait(&self, cx: &Cx<'_>, limit: Option<Nanos>) {
        self.shell.attach(cx);
        cx.kernel.sleep_for(cx, limit.unwrap_or(Nanos::NEVER), TASK_INTERRUPTIBLE);
    }

    /// The exit status, once all is over. In the kernel.
    pub(crate) fn status(&self, cx: &Cx<'_>) -> u8 {
        let is_bad = cx.kernel.bug_count() > 0
            || self.shell.failed_expectations() > 0
            || self.shell.hung_commands() > 0;
        match self.status.load(Ordering::Relaxed) {
            status::CLEAN | status::INTERRUPTED if is_bad => status::BUG,
            status => status,
        }
    }
}
