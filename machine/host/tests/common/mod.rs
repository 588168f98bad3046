//! What the tests of the host machine share.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use kthreads_host::{Clock, HostConfig, HostMachine};

/// A test that takes longer hangs; the process ends, since CPUs cannot be ended one by one.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs `body`; ends the process if that hangs.
pub(crate) fn guarded(what: &str, body: impl FnOnce()) {
    let (over, is_over) = channel::<()>();
    let what = what.to_string();
    let guard = thread::spawn(move || {
        if is_over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{what}: hangs");
            std::process::abort();
        }
    });
    body();
    drop(over);
    guard.join().expect("the guard does not panic");
}

/// A machine.
pub(crate) fn machine(cpus: u32, clock: Clock) -> Arc<HostMachine> {
    HostMachine::new(HostConfig { cpus, clock, ..HostConfig::default() }).expect("a machine")
}
