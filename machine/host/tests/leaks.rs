//! Machines come and go, and leave nothing behind. One test: it counts what the process has.

mod common;

use std::fs;
use std::sync::Arc;
use std::thread;

use kthreads_base::Machine;
use kthreads_host::{Clock, HostMachine};
use kthreads_tests::contract::boot;

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
