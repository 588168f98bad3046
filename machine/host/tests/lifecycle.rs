//! Machines beside each other, and beside the rest of the process.

mod common;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use kthreads_base::Machine;
use kthreads_host::{Clock, HostConfig, HostError, HostMachine};
use kthreads_tests::contract::boot;

/// Set in the child process that is to die of a fault.
const CHILD: &str = "KTHREADS_TEST_CHILD";

#[test]
fn machines_do_not_disturb_each_other() {
    common::guarded("machines at once", run_four);
}

fn run_four() {
    let total = Arc::new(AtomicU64::new(0));
    thread::scope(|scope| {
        for cpus in 1..=4 {
            let total = total.clone();
            scope.spawn(move || {
                let machine: Arc<dyn Machine> = common::machine(cpus, Clock::FastForward);
                boot(&machine, move |rig, cpu| {
                    for turn in 1..=50 {
                        rig.machine.set_timer(cpu, rig.machine.now());
                        rig.idle_until(cpu, || rig.taken(cpu) >= turn);
                    }
                    total.fetch_add(rig.taken(cpu), Ordering::Relaxed);
                });
            });
        }
    });
    assert_eq!(total.load(Ordering::Relaxed), 50 * (1 + 2 + 3 + 4));
}

#[test]
fn impossible_machines_are_refused() {
    for cpus in [0, 65] {
        let error = HostMachine::new(HostConfig { cpus, ..HostConfig::default() }).err();
        assert!(matches!(error, Some(HostError::CpuCount(count)) if count == cpus));
    }
}

#[test]
fn other_threads_still_die_of_their_faults() {
    let me = std::env::current_exe().expect("the test itself");
    let mut child = Command::new(me);
    child.args(["--exact", "dies_of_a_fault", "--ignored"]).env(CHILD, "1");
    let output = child.output().expect("a child process");
    assert_eq!(output.status.signal(), Some(11), "{output:?}");
}

#[test]
#[ignore = "the child process of another test"]
fn dies_of_a_fault() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let machine: Arc<dyn Machine> = common::machine(2, Clock::Real);
    boot(&machine, |_, _| ());
    let nowhere = std::hint::black_box(8 as *mut u8);
    // SAFETY: not safe: the process is to die here.
    unsafe { std::arch::asm!("mov byte ptr [{}], 0", in(reg) nowhere) };
}
