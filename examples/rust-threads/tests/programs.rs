//! Each program's log is its C twin's, on 1, 2 and 8 CPUs.

use std::path::Path;

use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::{Booted, Config, Errno};
use rust_threads::{Batches, Frames, LogLines, PROGRAMS};

fn boot(cpus: u32) -> Booted {
    let config = HostConfig { cpus, clock: Clock::FastForward, ..HostConfig::default() };
    let machine = HostMachine::new(config).expect("a machine");
    kthreads_kernel::Kernel::boot(machine, Config::default()).expect("a kernel")
}

/// The log without its time stamps.
fn texts(kernel: &Booted) -> Vec<String> {
    let text = |line: String| line.split_once("] ").map(|(_, text)| text.to_owned());
    LogLines::of(kernel).map(|line| text(line).expect("a time stamp")).collect()
}

/// What the C module of that name must log.
fn expected(name: &str) -> Vec<String> {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../modules");
    let path = modules.join(name).join(format!("{name}.expected"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    text.lines().map(str::to_owned).collect()
}

fn check(name: &str) {
    let program = PROGRAMS.iter().find(|program| program.name == name).expect("a program");
    for cpus in [1, 2, 8] {
        let kernel = boot(cpus);
        assert_eq!((program.run)(&kernel), Ok(()), "{cpus} CPUs");
        assert_eq!(texts(&kernel), expected(name), "{cpus} CPUs");
        assert_eq!(kernel.bug_count(), 0, "{cpus} CPUs");
    }
}

#[test]
fn handoff_by_wait_queue() {
    check("handoff_waitqueue");
}

#[test]
fn handoff_by_completion() {
    check("handoff_completion");
}

#[test]
fn a_killable_thread() {
    check("killable");
}

#[test]
fn a_worker() {
    check("worker");
}

#[test]
fn a_parked_thread() {
    check("pauser");
}

#[test]
fn programs_return_what_they_counted() {
    let kernel = boot(2);
    let frames = Frames { received: 25, handled: 25 };
    assert_eq!(rust_threads::handoff_waitqueue(&kernel), Ok(frames));
    let batches = Batches { received: 23, handled: 2, left_over: 3 };
    assert_eq!(rust_threads::handoff_completion(&kernel), Ok(batches));
    assert_eq!(rust_threads::killable(&kernel), Ok(Errno::EINTR.to_c()));
    assert_eq!(rust_threads::worker(&kernel), Ok(6));
    assert_eq!(rust_threads::pauser(&kernel), Ok(7));
}
