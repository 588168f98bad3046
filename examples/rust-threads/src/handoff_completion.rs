//! Two threads and a completion: the receiver collects frames and completes once per full batch,
//! the handler waits for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kthreads_kernel::log::Level;
use kthreads_kernel::sync::Completion;
use kthreads_kernel::{Cx, Errno, Kernel, log};

const BATCH: u32 = 10;
const INTERVAL_MS: u32 = 1000;
/// The show is over with this frame.
const LAST_FRAME: u32 = 23;

/// What became of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// How many frames came.
    pub received: u32,
    /// How many batches were handled.
    pub handled: u32,
    /// How many frames were no full batch.
    pub left_over: u32,
}

/// What the two threads share. A completion counts: two batches that come while the handler is
/// busy let two waits pass.
#[derive(Default)]
struct Inbox {
    frames: AtomicU32,
    batch_ready: Completion,
    last_frame: Completion,
}

/// Returns how many frames it received.
fn receive(cx: &Cx<'_>, inbox: &Inbox) -> u32 {
    let mut received = 0;
    while !cx.should_stop() {
        received += 1;
        inbox.frames.fetch_add(1, Ordering::Relaxed);
        if received % BATCH == 0 {
            inbox.batch_ready.complete(cx);
        }
        if received == LAST_FRAME {
            inbox.last_frame.complete(cx);
        }
        cx.sleep_interruptible(INTERVAL_MS);
    }
    received
}

/// Returns how many batches it handled.
fn handle(cx: &Cx<'_>, inbox: &Inbox) -> u32 {
    let mut batches = 0;
    // No signal is allowed here, so an error means that the thread was told to stop.
    while inbox.batch_ready.wait_interruptible(cx).is_ok() {
        batches += 1;
        // Each wait stands for exactly one batch.
        let left = inbox.frames.fetch_sub(BATCH, Ordering::Relaxed) - BATCH;
        log!(cx, Level::Info, "handoff_completion: handler: batch {batches}, {left} frames left");
    }
    batches
}

/// Runs the two threads for 23 frames.
///
/// # Errors
///
/// What making a thread fails with.
pub fn handoff_completion(kernel: &Kernel) -> Result<Batches, Errno> {
    kernel.enter(|cx| {
        let inbox = Arc::new(Inbox::default());
        let theirs = inbox.clone();
        let handler = cx.spawn("handler", move |cx| handle(cx, &theirs))?;
        let theirs = inbox.clone();
        let receiver = match cx.spawn("receiver", move |cx| receive(cx, &theirs)) {
            Ok(receiver) => receiver,
            Err(errno) => {
                handler.stop(cx)?;
                return Err(errno);
            }
        };

        inbox.last_frame.wait(cx);
        let received = receiver.stop(cx)?;
        // The handler's wait is interruptible, so this does not last until the next batch.
        let handled = handler.stop(cx)?;
        let left_over = inbox.frames.load(Ordering::Relaxed);
        log!(
            cx,
            Level::Info,
            "handoff_completion: received {received}, handled {handled} batches, \
             {left_over} frames left over"
        );
        Ok(Batches { received, handled, left_over })
    })
}
