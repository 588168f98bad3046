//! Every case on the sim machine, with 1, 2 and 4 CPUs.

use std::time::Instant;

use kthreads_kernel::{Config, Kernel};
use kthreads_sim::{SimConfig, SimMachine};
use kthreads_tests::cases;

/// Runs all cases, each in a kernel of its own.
fn run_all(cpus: u32) {
    let mut failed = Vec::new();
    for case in cases::all() {
        println!("{} ({cpus} CPUs)", case.name);
        let begin = Instant::now();
        let machine = SimMachine::new(SimConfig { cpus, ..SimConfig::default() });
        let machine = machine.expect("a machine");
        let config = Config { threads_max: 300, ..Config::default() };
        let kernel = Kernel::boot(machine.clone(), config).expect("a kernel");
        if let Err(why) = case.run_in(&kernel) {
            println!("    {why}");
            failed.push(case.name);
        }
        println!("    {} steps, {:?}", machine.steps(), begin.elapsed());
    }
    assert!(failed.is_empty(), "failed with {cpus} CPUs: {failed:#?}");
}

#[test]
fn one_cpu() {
    run_all(1);
}

#[test]
fn two_cpus() {
    run_all(2);
}

#[test]
fn four_cpus() {
    run_all(4);
}
