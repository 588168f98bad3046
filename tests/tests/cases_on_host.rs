//! Every case on the host machine, with 1, 2 and 8 CPUs and both clocks.

use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::audit::When;
use kthreads_kernel::{Booted, Config, Kernel};
use kthreads_tests::{Verdict, cases};

fn kernel(cpus: u32, clock: Clock) -> Booted {
    let machine = HostMachine::new(HostConfig { cpus, clock, ..HostConfig::default() });
    let config = Config { threads_max: 300, ..Config::default() };
    Kernel::boot(machine.expect("a machine"), config).expect("a kernel")
}

/// Runs all cases, each in a kernel of its own; the clock only decides how long it takes.
fn run_all(cpus: u32, clock: Clock) {
    let mut failed = Vec::new();
    let mut run = |name, case: &dyn Fn(&Kernel) -> Verdict| {
        println!("{name} ({cpus} CPUs, {clock:?})");
        let kernel = kernel(cpus, clock);
        if let Err(why) = case(&kernel).and_then(|()| audited(&kernel)) {
            println!("    {why}");
            failed.push(name);
        }
    };
    cases::all().for_each(|case| run(case.name, &|kernel| case.run_in(kernel)));
    cases::OUTSIDE.iter().for_each(|case| run(case.name, &case.run));
    assert!(failed.is_empty(), "failed with {cpus} CPUs, {clock:?}: {failed:#?}");
}

/// Whether the kernel's books hold together after a case; one that has ended has none.
fn audited(kernel: &Kernel) -> Verdict {
    let found = kernel.try_enter_as("auditor", |cx| cx.kernel.audit(When::Anytime));
    match found {
        Ok(found) if !found.is_empty() => Err(found.join("\n")),
        _ => Ok(()),
    }
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
