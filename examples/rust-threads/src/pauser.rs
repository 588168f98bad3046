//! A thread that can be paused: it parks itself where it may stand still.

use kthreads_kernel::log::Level;
use kthreads_kernel::sync::WaitQueue;
use kthreads_kernel::{Cx, Errno, Kernel, log};

const INTERVAL_MS: u32 = 1000;

/// Returns how far it counted.
fn count(cx: &Cx<'_>) -> u32 {
    let interval = WaitQueue::new();
    let mut value = 0;
    while !cx.should_stop() {
        if cx.should_park() {
            log!(cx, Level::Info, "pauser: parked at {value}");
            cx.park();
            log!(cx, Level::Info, "pauser: goes on from {value}");
            continue;
        }
        value += 1;
        // A request to park wakes the thread, but only a condition that names it ends the wait.
        let asked = || (cx.should_park() || cx.should_stop()).then_some(());
        let _ = interval.wait_interruptible_timeout(cx, INTERVAL_MS, asked);
    }
    value
}

/// Parks a counting thread twice and stops it; returns how far it counted.
///
/// # Errors
///
/// What making or parking the thread fails with.
pub fn pauser(kernel: &Kernel) -> Result<u32, Errno> {
    kernel.enter(|cx| {
        let counter = cx.spawn("counter", count)?;
        cx.sleep(3500);
        counter.park(cx)?;
        // Nothing is counted while it stands still.
        cx.sleep(60_000);
        counter.unpark(cx);
        // Counts at once, then each second: 5 6 7.
        cx.sleep(2500);
        counter.park(cx)?;
        // A parked thread can be stopped.
        let counted = counter.stop(cx)?;
        log!(cx, Level::Info, "pauser: counted to {counted}");
        Ok(counted)
    })
}
