//! Cases: plain functions that must hold on every machine, whatever its CPUs and its clock.
//!
//! Each runs in a kernel that has just been booted, as a task that came from outside, and panics
//! when something is not as Linux 6.1 has it. The C cases beside this folder show the same through the C side.

mod completion;
mod ended;
mod kthread;
mod lock;
mod moves;
mod outside;
mod park;
mod sched;
mod signal;
mod wait;
mod worker;

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use kthreads_kernel::{Cx, Kernel};

use crate::verdict::{Verdict, judge};
use kthreads_kernel::task::Task;
use kthreads_kernel::thread::Thread;

/// One behaviour.
pub struct Case {
    /// What holds, in a few words.
    pub name: &'static str,
    /// Shows that it holds.
    pub run: fn(&Cx<'_>),
}

impl Case {
    /// Runs it in `kernel`, which has just been booted. From outside.
    ///
    /// # Errors
    ///
    /// When it does not hold: what was seen.
    pub fn run_in(&self, kernel: &Kernel) -> Verdict {
        judge(kernel, kernel.try_enter_as("host", self.run))
    }

    /// As [`run_in`](Case::run_in), for who wants a panic.
    ///
    /// # Panics
    ///
    /// When it does not hold: what was seen.
    pub fn must_hold_in(&self, kernel: &Kernel) {
        kernel.enter(self.run);
    }
}

/// One behaviour that is seen from outside the kernel.
pub struct OutsideCase {
    /// What holds, in a few words.
    pub name: &'static str,
    /// Tells whether it holds, of a kernel that has just been booted.
    pub run: fn(&Kernel) -> Verdict,
}

/// All cases that are seen from outside.
pub const OUTSIDE: &[OutsideCase] = outside::CASES;

/// All cases.
pub fn all() -> impl Iterator<Item = &'static Case> {
    [
        completion::CASES,
        ended::CASES,
        kthread::CASES,
        lock::CASES,
        moves::CASES,
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
