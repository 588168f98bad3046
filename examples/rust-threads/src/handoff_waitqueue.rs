//! Two threads and a wait queue: the receiver collects frames, the handler sleeps until a batch is
//! there and takes it.

use std::sync::Arc;

use kthreads_kernel::log::Level;
use kthreads_kernel::signal::SIGKILL;
use kthreads_kernel::sync::{Completion, SpinLock, WaitQueue};
use kthreads_kernel::{Cx, Errno, Kernel, log};

const BATCH: u32 = 10;
const INTERVAL_MS: u32 = 1000;
/// The show is over with this frame.
const LAST_FRAME: u32 = 25;

/// What became of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames {
    /// How many came.
    pub received: u32,
    /// How many were taken.
    pub handled: u32,
}

/// What the two threads share.
#[derive(Default)]
struct Inbox {
    /// Received and not yet taken.
    frames: SpinLock<u32>,
    batch_ready: WaitQueue,
    last_frame: Completion,
}

impl Inbox {
    /// Puts one frame in; returns how many there are.
    fn add(&self) -> u32 {
        let mut frames = self.frames.lock();
        *frames += 1;
        *frames
    }

    fn take_all(&self) -> u32 {
        std::mem::take(&mut *self.frames.lock())
    }

    /// Takes all frames if they are a batch: the look and the taking are one.
    fn take_batch(&self) -> Option<u32> {
        let mut frames = self.frames.lock();
        (*frames >= BATCH).then(|| std::mem::take(&mut *frames))
    }
}

/// Returns how many frames it received.
fn receive(cx: &Cx<'_>, inbox: &Inbox) -> u32 {
    let mut received = 0;
    while !cx.should_stop() {
        received += 1;
        if inbox.add() >= BATCH {
            inbox.batch_ready.wake_all(cx);
        }
        if received == LAST_FRAME {
            inbox.last_frame.complete(cx);
        }
        // Being stopped ends this sleep early.
        cx.sleep_interruptible(INTERVAL_MS);
    }
    received
}

/// Returns how many frames it took: as many as were received, since it is stopped last.
fn handle(cx: &Cx<'_>, inbox: &Inbox) -> u32 {
    let mut handled = 0;
    // No signal is allowed here, so an error means that the thread was told to stop.
    while let Ok(taken) = inbox.batch_ready.wait_interruptible(cx, || inbox.take_batch()) {
        handled += taken;
        log!(cx, Level::Info, "handoff_waitqueue: handler took {taken} frames");
    }
    let taken = inbox.take_all();
    log!(cx, Level::Info, "handoff_waitqueue: handler took the last {taken} frames");
    handled + taken
}

/// Runs the two threads for 25 frames.
///
/// # Errors
///
/// What making a thread fails with.
pub fn handoff_waitqueue(kernel: &Kernel) -> Result<Frames, Errno> {
    kernel.enter(|cx| {
        let inbox = Arc::new(Inbox::default());
        let theirs = inbox.clone();
        let handler = cx.spawn("handler", move |cx| handle(cx, &theirs))?;
        let theirs = inbox.clone();
        let receiver = match cx.spawn("receiver", move |cx| receive(cx, &theirs)) {
            Ok(receiver) => receiver,
            Err(errno) => {
                // Nobody would stop this one later.
                handler.stop(cx)?;
                return Err(errno);
            }
        };

        cx.sleep(12_000);
        // Kernel threads ignore signals unless they allow them: this does nothing.
        cx.kill(handler.pid(), SIGKILL)?;
        inbox.last_frame.wait(cx);

        // First who gives, then who takes.
        let received = receiver.stop(cx)?;
        let handled = handler.stop(cx)?;
        log!(cx, Level::Info, "handoff_waitqueue: received {received}, handled {handled}");
        Ok(Frames { received, handled })
    })
}
