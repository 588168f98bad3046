//! The stress tests on the host machine, small.

use kthreads_base::Nanos;
use kthreads_host::{HostConfig, HostMachine};
use kthreads_kernel::{Booted, Config, Kernel};
use kthreads_tests::stress::{Forced, many_faults, many_threads, rings};

fn kernel(cpus: u32) -> Booted {
    let machine = HostMachine::new(HostConfig { cpus, ..HostConfig::default() });
    Kernel::boot(machine.expect("a machine"), Config::default()).expect("a kernel")
}

#[test]
fn many_threads_live_and_end() {
    kernel(4).enter(|cx| many_threads(cx, 2000));
}

#[test]
fn faults_end_their_threads_and_nothing_else() {
    for cpus in [1, 4] {
        let kernel = kernel(cpus);
        let count = kernel.enter(many_faults);
        assert_eq!(kernel.bug_count(), count);
    }
}

#[test]
fn no_wake_up_is_lost_in_rings() {
    for cpus in [1, 3] {
        let seen = kernel(cpus).enter(|cx| rings(cx, Nanos(Nanos::SECOND.0 / 2), Forced::No));
        println!("{cpus} CPUs: {seen:?}");
        assert!(seen.hand_offs > 0 && seen.patterns_held > 0);
    }
}
