//! What the lock validator says of locks of Rust code, on the host machine.

use std::sync::Arc;

use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::log::{LOG_LINE_MAX, Read, Reader};
use kthreads_kernel::sync::{Mutex, SpinLock};
use kthreads_kernel::{Booted, Config, Kernel, LockLimits};

fn boot(config: Config) -> Booted {
    let host = HostConfig { cpus: 1, clock: Clock::FastForward, ..HostConfig::default() };
    Kernel::boot(HostMachine::new(host).expect("a machine"), config).expect("a kernel")
}

fn log_of(kernel: &Kernel) -> Vec<String> {
    let ring = kernel.log_ring();
    let (mut reader, mut buffer) = (Reader::from_oldest(ring), Box::new([0; LOG_LINE_MAX]));
    let mut lines = Vec::new();
    loop {
        match reader.read(ring, &mut buffer) {
            Read::Record { text, .. } => lines.push(String::from_utf8_lossy(text).into_owned()),
            Read::Dropped(_) => {}
            Read::Nothing => return lines,
        }
    }
}

/// Takes two mutexes in both orders; where the first was made.
fn both_orders(kernel: &Kernel) -> u32 {
    let (table, file, line) = (Mutex::new(1), Mutex::new(2), line!());
    kernel.enter(|cx| {
        let outer = table.lock(cx);
        drop(file.lock(cx));
        drop(outer);
        let _outer = file.lock(cx);
        drop(table.lock(cx));
    });
    line
}

#[test]
fn a_circle_is_told_of_with_the_lines_of_the_source() {
    let kernel = boot(Config::default());
    let line = both_orders(&kernel);
    let log = log_of(&kernel);
    let expected = [
        "WARNING: possible circular locking dependency detected".to_owned(),
        format!("(locks.rs:{line}){{+.+.}}-{{3:3}}, at: kernel/tests/locks.rs:{}:", line + 6),
        format!("(locks.rs:{line}#2){{+.+.}}-{{3:3}}, at: kernel/tests/locks.rs:{}:", line + 5),
        "       taken by host/".to_owned(),
        format!(
            "       while it held locks.rs:{line}, taken at kernel/tests/locks.rs:{}:",
            line + 2
        ),
    ];
    let mut lines = log.iter();
    for expected in expected {
        assert!(lines.any(|line| line.contains(&expected)), "no {expected} in {log:#?}");
    }
    assert_eq!(kernel.bug_count(), 1);
}

#[test]
fn a_kernel_may_do_without() {
    let kernel = boot(Config { lockdep: None, ..Config::default() });
    both_orders(&kernel);
    assert_eq!((kernel.bug_count(), kernel.checks_locks()), (0, false));
}

#[test]
fn what_one_kernel_knows_of_a_lock_means_nothing_to_another() {
    let (first, second) = (boot(Config::default()), boot(Config::default()));
    // Other classes come first there.
    second.enter(|_| {
        for _ in 0..3 {
            drop(SpinLock::new(()).lock());
        }
    });
    let (outer, inner) = (SpinLock::new(()), SpinLock::new(()));
    for kernel in [&first, &second, &first] {
        kernel.enter(|_| {
            let _outer = outer.lock();
            drop(inner.lock());
        });
    }
    for kernel in [&second, &first] {
        kernel.enter(|_| {
            let _outer = inner.lock();
            drop(outer.lock());
        });
        assert_eq!(kernel.bug_count(), 1);
    }
}

#[test]
fn a_kernel_without_room_stops_looking_and_goes_on() {
    let limits = LockLimits { classes: 1, ..LockLimits::SMALL };
    let kernel = boot(Config { lockdep: Some(limits), ..Config::default() });
    both_orders(&kernel);
    let log = log_of(&kernel);
    assert!(log.iter().any(|line| line == "BUG: MAX_LOCKDEP_KEYS too low!"), "{log:#?}");
    assert_eq!((kernel.bug_count(), kernel.checks_locks()), (0, false));
}

#[test]
#[should_panic(expected = "belongs to another kernel")]
fn a_mutex_belongs_to_one_kernel() {
    let lock = Arc::new(Mutex::new(()));
    for _ in 0..2 {
        boot(Config::default()).enter(|cx| drop(lock.lock(cx)));
    }
}
