//! Machines come and go, and leave nothing behind.

mod common;

use std::fs;
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

fn entries(path: &str) -> usize {
    fs::read_dir(path).expect("the host's /proc").count()
}

fn boot_once(cpus: u32, clock: Clock) {
    let machine: Arc<dyn Machine> = common::machine(cpus, clock);
    boot(&machine, |rig, _| {
        let fibers: Vec<_> = (0..20).map(|_| rig.fiber(|_| ())).collect();
        fibers.iter().for_each(|fiber| rig.run_to_end(fiber.as_ref()));
    });
}

/// One test, so that no other one's threads and memory are counted.
#[test]
fn nothing_is_left_behind() {
    common::guarded("boots", || {
        boot_once(4, Clock::Real);
        let maps = || fs::read_to_string("/proc/self/maps").expect("/proc").lines().count();
        let (threads, files, mappings) =
            (entries("/proc/self/task"), entries("/proc/self/fd"), maps());
        let memory = common::machine(1, Clock::Real);
        let free_before = memory.memory().free;
        for turn in 0..100 {
            boot_once(1 + turn % 4, if turn % 2 == 0 { Clock::Real } else { Clock::FastForward });
        }
        // The host may list a thread for a moment after it was joined.
        while entries("/proc/self/task") > threads {
            thread::yield_now();
        }
        assert_eq!(entries("/proc/self/fd"), files);
        assert!(maps() <= mappings + 8, "{} mappings, were {mappings}", maps());
        let lost = free_before.saturating_sub(memory.memory().free);
        assert!(lost < 16 << 20, "{lost} bytes lost");
        memory_comes_back(&memory);
        machines_do_not_disturb_each_other();
    });
}

fn memory_comes_back(machine: &HostMachine) {
    let before = machine.memory().free;
    let stacks: Vec<_> = (0..20_000).map(|_| machine.stack_alloc().expect("a stack")).collect();
    for stack in &stacks {
        // SAFETY: the stack is ours and nobody runs on it.
        unsafe { (stack.top() as *mut usize).write(1) };
    }
    let used = before.saturating_sub(machine.memory().free);
    assert!(used >= 18_000 * 4096, "{used} bytes for 20,000 stacks");
    stacks.into_iter().for_each(|stack| machine.stack_free(stack));
    let kept = before.saturating_sub(machine.memory().free);
    assert!(kept < used / 2, "{kept} bytes kept of {used}");
}

fn machines_do_not_disturb_each_other() {
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
    boot_once(2, Clock::Real);
    let nowhere = std::hint::black_box(8 as *mut u8);
    // SAFETY: not safe: the process is to die here.
    unsafe { std::arch::asm!("mov byte ptr [{}], 0", in(reg) nowhere) };
}
