//! Every case on the host machine, with 1, 2 and 8 CPUs and both clocks.

use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::{Config, Kernel};
use kthreads_tests::cases;

/// Runs all cases, each in a kernel of its own; the clock only decides how long it takes.
fn run_all(cpus: u32, clock: Clock) {
    let mut failed = Vec::new();
    for case in cases::all() {
        println!("{} ({cpus} CPUs, {clock:?})", case.name);
        let machine = HostMachine::new(HostConfig { cpus, clock, ..HostConfig::default() });
        let config = Config { threads_max: 300, ..Config::default() };
        let kernel = Kernel::boot(machine.expect("a machine"), config).expect("a kernel");
        let run = std::panic::AssertUnwindSafe(|| (case.run)(&kernel));
        if std::panic::catch_unwind(run).is_err() {
            failed.push(case.name);
        }
    }
    assert!(failed.is_empty(), "failed with {cpus} CPUs, {clock:?}: {failed:#?}");
}

#[test]
fn one_cpu() {
    run_all(1, Clock::FastForward);
}

#[test]
fn two_cpus() {
    run_all(2, Clock::FastForward);
}

#[test]
fn eight_cpus() {
    run_all(8, Clock::FastForward);
}

#[test]
fn real_time() {
    run_all(2, Clock::Real);
}
