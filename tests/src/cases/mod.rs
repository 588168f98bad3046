//! Cases: plain functions that must hold on every machine, whatever its CPUs and its clock.
//!
//! Each is given a kernel that has just been booted and panics when something is not as Linux 6.1
//! has it. The C cases beside this folder show the same through the C side.

mod completion;
mod kthread;
mod park;
mod sched;
mod signal;
mod wait;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kthreads_kernel::task::Task;
use kthreads_kernel::thread::Thread;
use kthreads_kernel::{Cx, Kernel};

/// One behaviour.
pub struct Case {
    /// What holds, in a few words.
    pub name: &'static str,
    /// Shows that it holds.
    pub run: fn(&Kernel),
}

/// All cases.
pub fn all() -> impl Iterator<Item = &'static Case> {
    [
        completion::CASES,
        kthread::CASES,
        park::CASES,
        sched::CASES,
        signal::CASES,
        wait::CASES,
        worker::CASES,
    ]
    .into_iter()
    .flatten()
}

/// Waits, a jiffy at a time, until `condition` holds.
fn until(cx: &Cx<'_>, mut condition: impl FnMut() -> bool) {
    while !condition() {
        cx.sleep(1);
    }
}

/// Waits until the task sleeps in exactly `state`, off the CPU.
fn until_state(cx: &Cx<'_>, task: &Task, state: u32) {
    until(cx, || task.state() == state && task.head.is_saved());
}

/// The task of a thread that is alive.
fn task_of<'k, T>(cx: &Cx<'k>, thread: &Thread<T>) -> &'k Task {
    cx.kernel.find_task(thread.pid()).expect("the thread is alive")
}

/// A counter that threads and their test share.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU32>);

impl Count {
    fn add(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    fn get(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}
