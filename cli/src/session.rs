//! Booting a kernel in this process.

use std::sync::Arc;

use kthreads_host::{Clock as HostClock, ClockHold, HostConfig, HostMachine};
use kthreads_kernel::{Config, Kernel};
use kthreads_session::{Prepared, Show};

use crate::args::{Clock, MachineOptions};
use crate::console::Console;
use crate::crash;
use crate::interrupts::Interrupts;
use crate::objects::Objects;
use crate::process::Process;

/// Is a kernel in this process.
pub(crate) type Session = kthreads_session::Session<Process>;

/// Boots a kernel. Time does not jump while the returned hold is there.
pub(crate) fn start(
    options: &MachineOptions,
    show: Show,
    modules: Vec<Prepared>,
) -> Result<(Arc<Session>, ClockHold), String> {
    crash::install();
    let clock = match options.clock {
        Clock::Real => HostClock::Real,
        Clock::FastForward => HostClock::FastForward,
    };
    let cpus = options.cpus.get() as u32;
    let machine = HostMachine::new(HostConfig { cpus, clock, ..HostConfig::default() });
    let machine = machine.map_err(|error| error.to_string())?;
    let hold = machine.hold_clock();
    let config = Config {
        hung_task_seconds: options.hung_task_seconds,
        watchdog_seconds: options.watchdog_seconds,
        ..Config::default()
    };
    let kernel = Kernel::boot(machine.clone(), config);
    let kernel = Arc::new(kernel.map_err(|errno| format!("the kernel does not boot: {errno}"))?);
    crash::set_log(kernel.log_ring());
    let console = Console::new(kernel.log_ring().clone(), show);
    console.follow(&kernel);
    let objects = Objects::new(&kernel);
    let process = Process { machine, console, interrupts: Interrupts::default(), objects };
    Ok((Session::new(kernel, Arc::new(process), modules), hold))
}
