//! A thread that kill -9 ends, and a stop too, whichever comes first.

use kthreads_kernel::log::Level;
use kthreads_kernel::signal::SIGKILL;
use kthreads_kernel::{Cx, Errno, Kernel, log, to_c};

const INTERVAL_MS: u32 = 5000;
const SIGTERM: u32 = 15;

/// Returns how often it beat, or EINTR when it was killed.
fn beat(cx: &Cx<'_>) -> Result<i32, Errno> {
    cx.allow_signal(SIGKILL);
    let mut beats = 0;
    while !cx.should_stop() {
        if cx.take_signal() == Some(SIGKILL) {
            log!(cx, Level::Info, "killable: killed after {beats} beats");
            return Err(Errno::EINTR);
        }
        beats += 1;
        log!(cx, Level::Info, "killable: beat {beats}");
        // A signal and being stopped both end this sleep early.
        cx.sleep_interruptible(INTERVAL_MS);
    }
    log!(cx, Level::Info, "killable: stopped after {beats} beats");
    Ok(beats)
}

/// Lets a thread beat and kills it by its pid; returns what it returned, as C would.
///
/// # Errors
///
/// What making or killing the thread fails with.
pub fn killable(kernel: &Kernel) -> Result<i32, Errno> {
    kernel.enter(|cx| {
        let heart = cx.spawn("heart", beat)?;
        cx.sleep(7000);
        // This one is not allowed: nothing happens.
        cx.kill(heart.pid(), SIGTERM)?;
        cx.sleep(1000);
        // This one is: the sleep ends at once. Had it ended before, the handle would still do.
        cx.kill(heart.pid(), SIGKILL)?;
        let result = to_c(heart.join(cx)?);
        log!(cx, Level::Info, "killable: the thread returned {result}");
        Ok(result)
    })
}
