//! Threads that one event wakes and nothing else: what is lost on the way to them is not made good
//! by a timeout, a stop or anybody else's wake-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::Nanos;
use kthreads_kernel::Cx;
use kthreads_kernel::signal::{Sender, Target};
use kthreads_kernel::sync::{Completion, WaitQueue};
use kthreads_kernel::task::state::{TASK_RUNNING, TASK_UNINTERRUPTIBLE};

const SIGNAL: u32 = 10;
const ORDER: Ordering = Ordering::SeqCst;

/// A thread that waits for a signal answers to it.
///
/// # Errors
///
/// When it ends as it should not; if it never does, neither does this.
pub(crate) fn answers(cx: &Cx<'_>, number: u64) -> Result<(), String> {
    let listens = Arc::new(Completion::new());
    let told = listens.clone();
    let span = Nanos(number % 400_000);
    let thread = cx.create("answers", move |cx| {
        // Preempted on its way to sleep, it does not sleep yet; nobody would wake it.
        cx.task.set_state(TASK_UNINTERRUPTIBLE);
        cx.kernel.delay(cx, span);
        cx.task.set_state(TASK_RUNNING);
        cx.allow_signal(SIGNAL);
        told.complete(cx);
        let never = || None::<()>;
        while cx.take_signal().is_none() {
            let _ = WaitQueue::new().wait_interruptible(cx, never);
        }
        number
    });
    let Ok(thread) = thread else { return Ok(()) };
    let id = thread.id();
    let thread = thread.wake(cx);
    listens.wait(cx);
    if let Some(task) = cx.kernel.hold_task(id) {
        let _ = cx.kernel.send_signal(&task, SIGNAL, Sender::Kernel, Target::Thread);
    }
    match thread.join(cx) {
        Ok(end) if end == number => Ok(()),
        other => Err(format!("a thread that was to answer with {number} ended: {other:?}")),
    }
}

/// A turn goes to another thread and back, so many times.
///
/// # Errors
///
/// When the other thread ends as it should not; if a turn is lost, this does not end.
pub(crate) fn hands_over(cx: &Cx<'_>, rounds: u64) -> Result<(), String> {
    let shared = Arc::new((AtomicU64::new(0), WaitQueue::new()));
    let theirs = shared.clone();
    let thread = cx.spawn("hands over", move |cx| {
        (0..rounds).for_each(|round| await_turn(cx, &theirs, 2 * round + 1));
        rounds
    });
    let Ok(thread) = thread else { return Ok(()) };
    for round in 0..rounds {
        shared.0.store(2 * round + 1, ORDER);
        shared.1.wake_all(cx);
        let is_mine = || (shared.0.load(ORDER) == 2 * round + 2).then_some(());
        shared.1.wait(cx, is_mine);
    }
    match thread.join(cx) {
        Ok(end) if end == rounds => Ok(()),
        other => Err(format!("a thread of {rounds} hand-offs ended: {other:?}")),
    }
}

fn await_turn(cx: &Cx<'_>, (turn, queue): &(AtomicU64, WaitQueue), mine: u64) {
    queue.wait(cx, || (turn.load(ORDER) == mine).then_some(()));
    turn.store(mine + 1, ORDER);
    queue.wake_all(cx);
}
