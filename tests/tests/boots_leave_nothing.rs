//! Kernels come and go in one process and leave nothing behind. One test: it counts what the
//! process has.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::sync::{WaitQueue, WorkerThread};
use kthreads_kernel::time::Jiffies;
use kthreads_kernel::wait::Completion;
use kthreads_kernel::{Booted, Config, Cx, Kernel};

/// The host's allocator, which counts.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::SeqCst);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::SeqCst);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) };
    }
}

/// What the process has.
#[derive(Clone, Copy, Debug)]
struct Has {
    threads: usize,
    files: usize,
    mappings: usize,
    bytes: usize,
}

impl Has {
    fn now() -> Has {
        let entries = |path: &str| fs::read_dir(path).expect("the host's /proc").count();
        let maps = || fs::read_to_string("/proc/self/maps").expect("/proc").lines().count();
        let (threads, files) = (entries("/proc/self/task"), entries("/proc/self/fd"));
        Has { threads, files, mappings: maps(), bytes: BYTES.load(Ordering::SeqCst) }
    }
}

fn boot(turn: u32) -> Booted {
    let clock = if turn.is_multiple_of(2) { Clock::FastForward } else { Clock::Real };
    let config = HostConfig { cpus: 1 + turn % 4, clock, ..HostConfig::default() };
    let machine = HostMachine::new(config).expect("a machine");
    Kernel::boot(machine, Config::default()).expect("a kernel")
}

/// A bit of everything, all of it ended.
fn work(cx: &Cx<'_>) {
    let count = Arc::new(AtomicU64::new(0));
    let (queue, done) = (Arc::new(WaitQueue::new()), Arc::new(Completion::new()));
    let threads: Vec<_> = (0..20)
        .map(|nth| {
            let (count, queue, done) = (count.clone(), queue.clone(), done.clone());
            let body = move |cx: &Cx<'_>| {
                queue.wait(cx, || (count.load(Ordering::SeqCst) > 0).then_some(()));
                done.complete(cx);
                cx.sleep_until_stopped();
                nth
            };
            cx.spawn("one of some", body).expect("a thread")
        })
        .collect();
    let worker = WorkerThread::new(cx, "worker").expect("a worker");
    let item = worker.work(cx, move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    assert!(item.queue_after(cx, Jiffies(1)));
    item.flush(cx);
    queue.wake_all(cx);
    for _ in &threads {
        done.wait(cx);
    }
    for (thread, nth) in threads.into_iter().zip(0..) {
        assert_eq!(thread.stop(cx), Ok(nth));
    }
    assert_eq!(worker.destroy(cx), Ok(()));
}

/// Threads that never end: their stacks go back to the machine.
fn leave_threads(cx: &Cx<'_>) {
    for _ in 0..LEFT {
        cx.spawn("left", |cx| cx.sleep(3_600_000)).map(drop).expect("a thread");
    }
    cx.sleep(1);
}

const BOOTS: u32 = 100;
/// How often it is looked whether host threads are gone.
const LOOKS: u32 = 100_000;
/// How many threads a kernel ends with.
const LEFT: usize = 20;
/// What a thread that never ends may keep: where its result would be, which its frames own.
const KEPT_BYTES: usize = 100;

fn live_and_end(turn: u32) {
    boot(turn).enter(work);
}

fn live_and_be_ended(turn: u32) {
    boot(turn).enter(leave_threads);
}

/// What the process has before and after a hundred kernels.
fn around(kernel: fn(u32)) -> (Has, Has) {
    // What the process makes once: the range of stacks, signal handlers, the output's buffer.
    (0..8).for_each(kernel);
    let before = Has::now();
    (0..BOOTS).for_each(kernel);
    // The host may list a thread for a moment after it was joined.
    let mut looks = 0..LOOKS;
    while Has::now().threads > before.threads && looks.next().is_some() {
        std::thread::yield_now();
    }
    let after = Has::now();
    assert_eq!((after.threads, after.files), (before.threads, before.files));
    // The host joins and splits mappings as it likes; a hundred kernels would leave hundreds.
    assert!(after.mappings <= before.mappings + 8, "{after:?}, before {before:?}");
    (before, after)
}

#[test]
fn a_hundred_boots_leave_nothing() {
    let (before, after) = around(live_and_end);
    assert_eq!(after.bytes, before.bytes, "a kernel that has done its work");
    let (before, after) = around(live_and_be_ended);
    let kept = after.bytes.saturating_sub(before.bytes) / (BOOTS as usize * LEFT);
    assert!(kept <= KEPT_BYTES, "{kept} bytes for each thread that did not end");
}
