//! Booting a kernel in this process.

use std::sync::Arc;

use kthreads_host::{Clock as HostClock, ClockHold, HostConfig, HostMachine};
use kthreads_kernel::{Config, Kernel, LockLimits};
use kthreads_session::{Prepared, Show};

use crate::args::{Clock, Lockdep, MachineOptions};
use crate::console::Console;
use crate::interrupts::Interrupts;
use crate::objects::Objects;
use crate::process::Process;
use crate::supervisor;

/// What a thread takes of the host's memory, with room for a deep stack now and then.
const BYTES_PER_THREAD: u64 = 8 << 10;
/// How many threads there may be at least and at most, whatever the memory.
const LEAST_THREADS: u64 = 128;
const MOST_THREADS: u64 = 2_000_000;

/// Is a kernel in this process.
pub(crate) type Session = kthreads_session::Session<Process>;

/// Boots a kernel. Time does not jump while the returned hold is there.
pub(crate) fn start(
    options: &MachineOptions,
    show: Show,
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
    let notes = supervisor::cpu_notes();
    let machine = HostMachine::new(HostConfig { cpus, clock, notes, memory_bytes });
    let machine = machine.map_err(|error| error.to_string())?;
    let hold = machine.hold_clock();
    let config = Config {
        hung_task_seconds: options.hung_task_seconds,
        watchdog_seconds: options.watchdog_seconds,
        lockdep: (options.lockdep == Lockdep::On).then_some(LockLimits::USUAL),
        linux: options.linux,
        threads_max: threads_max as u32,
        log_memory: supervisor::log_memory(),
        ..Config::default()
    };
    let kernel = Kernel::boot(machine.clone(), config);
    let kernel = Arc::new(kernel.map_err(|errno| format!("the kernel does not boot: {errno}"))?);
    let console = Console::new(kernel.log_ring().clone(), show);
    console.follow(&kernel);
    let objects = Objects::new(&kernel);
    let process = Process { machine, console, interrupts: Interrupts::default(), objects };
    let session = Session::new(kernel, Arc::new(process), modules);
    if let Some(watcher) = supervisor::watcher() {
        session.kernel.enter(|_| session.loader().watch(watcher));
    }
    Ok((session, hold))
}
