//! Kernel threads (Linux: kernel/kthread.c): making, stopping, parking, and the workers.
//!
//! # Making one
//!
//! The creator puts a request on a list and wakes kthreadd, which makes the task; the new task
//! answers the request and sleeps uninterruptibly until somebody wakes it. The request has three
//! ways to end, decided by one swap of its `phase`: the new task (or kthreadd, failing) takes it
//! and the creator frees it; or the creator, killed, abandons it first and whoever comes to take
//! it frees it. The threads' results travel in the task, not in the exit code, which stays 0.

mod create;
mod kthreadd;
mod legacy;
mod park;
mod stop;
mod worker;

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

pub use create::Node;
pub(crate) use create::{RequestId, Requests};
pub use worker::{DelayedWork, Work, WorkFn, Worker, delayed_work_timer_fn};

use crate::task::ThreadFn;
use crate::wait::Completion;
use kthreads_base::AtomicFn;

const SHOULD_STOP: u32 = 1;
const SHOULD_PARK: u32 = 2;
const PER_CPU: u32 = 4;
/// Its function has come to its end: it will park no more. Only Rust threads say so.
const ENDING: u32 = 8;

/// What makes a task a kernel thread (Linux: struct kthread).
#[derive(Debug, Default)]
pub struct KthreadState {
    bits: AtomicU32,
    result: AtomicI32,
    pub(crate) data: AtomicUsize,
    pub(crate) function: AtomicFnSlot,
    cpu: AtomicU32,
    parked: Completion,
    exited: Completion,
    /// How often kthread_stop was called for it.
    stops: AtomicU32,
}

/// The C function a thread was made for; null for Rust threads.
#[derive(Debug)]
pub(crate) struct AtomicFnSlot(pub(crate) AtomicFn<ThreadFn>);

impl Default for AtomicFnSlot {
    fn default() -> Self {
        AtomicFnSlot(AtomicFn::null())
    }
}

impl KthreadState {
    pub(crate) fn reset(&self) {
        self.bits.store(0, Ordering::Relaxed);
        self.result.store(0, Ordering::Relaxed);
        self.data.store(0, Ordering::Relaxed);
        self.function.0.clear();
        self.stops.store(0, Ordering::Relaxed);
        self.parked.init();
        self.exited.init();
    }

    /// Whether what lies at an address is one of its completions.
    pub(crate) fn owns(&self, address: usize) -> bool {
        [&self.parked, &self.exited].iter().any(|own| core::ptr::from_ref(*own) as usize == address)
    }

    #[inline(always)]
    fn has(&self, bit: u32) -> bool {
        self.bits.load(Ordering::SeqCst) & bit != 0
    }
}
