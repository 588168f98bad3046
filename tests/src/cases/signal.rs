//! Signals to kernel threads.

use kthreads_kernel::signal::{Action, SIGKILL, Sender, Target, bit};
use kthreads_kernel::task::state::*;
use kthreads_kernel::{Cx, Errno};

use super::{Case, Count, task_of, until, until_state};

pub(super) const CASES: &[Case] = &[
    Case { name: "a kernel thread ignores every signal", run: ignored },
    Case { name: "an allowed signal ends an interruptible sleep", run: allowed },
    Case { name: "kill -9 is shared and not fatal, send_sig is fatal", run: fatal },
    Case { name: "signals are dequeued lowest first and do not queue", run: order },
    Case { name: "disallow_signal drops what is pending", run: disallowed },
    Case { name: "a signal only the kernel may send", run: kernel_only },
];

const SIGUSR1: u32 = 10;
const SIGTERM: u32 = 15;

fn ignored(cx: &Cx<'_>) {
    let thread = cx.spawn("deaf", |cx| cx.sleep_until_stopped()).expect("a thread");
    cx.sleep(20);
    let task = task_of(cx, &thread);
    let sets = task.signal_sets();
    assert_eq!((sets.ignored, sets.caught), (u64::MAX, 0));
    for signal in [SIGKILL, SIGTERM, 64] {
        let sent = cx.kernel.send_signal(task, signal, Sender::User, Target::Process);
        assert_eq!(sent, Ok(()));
    }
    let sets = task.signal_sets();
    assert_eq!((sets.pending, sets.shared), (0, 0));
    assert!(!task.signal_pending());
    let wrong = cx.kernel.send_signal(task, 65, Sender::User, Target::Process);
    assert_eq!(wrong, Err(Errno::EINVAL));
    assert_eq!(thread.stop(cx), Ok(()));
}

/// A thread that allows `signals`, says so, and does `then`.
fn listener<T: Send + 'static>(
    cx: &Cx<'_>,
    signals: &'static [u32],
    then: impl FnOnce(&Cx<'_>) -> T + Send + 'static,
) -> kthreads_kernel::thread::Thread<T> {
    let ready = Count::default();
    let theirs = ready.clone();
    let thread = cx.spawn("listener", move |cx| {
        for signal in signals {
            cx.task.set_signal_action(*signal, Action::Deliver);
        }
        theirs.add();
        then(cx)
    });
    until(cx, || ready.get() == 1);
    thread.expect("a thread")
}

fn allowed(cx: &Cx<'_>) {
    let thread = listener(cx, &[SIGKILL], |cx| {
        let left = cx.sleep_interruptible(1_000_000);
        let pending = cx.task.signal_pending();
        cx.task.flush_signals();
        (left > 0, pending, cx.task.signal_pending())
    });
    let task = task_of(cx, &thread);
    until_state(cx, task, TASK_INTERRUPTIBLE);
    assert_eq!(task.signal_sets().caught, bit(SIGKILL));
    assert_eq!(task.signal_sets().ignored, !bit(SIGKILL));
    let sent = cx.kernel.send_signal(task, SIGKILL, Sender::User, Target::Process);
    assert_eq!(sent, Ok(()));
    until(cx, || !thread.is_alive(cx));
    assert_eq!(thread.stop(cx), Ok((true, true, false)));
}

fn fatal(cx: &Cx<'_>) {
    for (target, fatal) in [(Target::Process, false), (Target::Thread, true)] {
        let thread = listener(cx, &[SIGKILL], |cx| {
            until(cx, || cx.task.signal_pending());
            let killable = cx.kernel.signal_pending_state(TASK_KILLABLE, cx.task.get_ref());
            (cx.task.fatal_signal_pending(), killable)
        });
        let task = task_of(cx, &thread);
        assert_eq!(cx.kernel.send_signal(task, SIGKILL, Sender::Kernel, target), Ok(()));
        until(cx, || !thread.is_alive(cx));
        assert_eq!(thread.stop(cx), Ok((fatal, fatal)));
    }
}

fn order(cx: &Cx<'_>) {
    let thread = listener(cx, &[SIGUSR1, SIGTERM, 40], |cx| {
        until(cx, || cx.should_stop());
        [0; 4].map(|_| cx.task.dequeue_signal())
    });
    let task = task_of(cx, &thread);
    for signal in [40, SIGTERM, SIGUSR1, SIGUSR1] {
        let sent = cx.kernel.send_signal(task, signal, Sender::User, Target::Process);
        assert_eq!(sent, Ok(()));
    }
    assert_eq!(thread.stop(cx), Ok([SIGUSR1, SIGTERM, 40, 0]));
}

fn disallowed(cx: &Cx<'_>) {
    let thread = listener(cx, &[SIGUSR1], |cx| {
        until(cx, || cx.task.signal_pending());
        cx.task.set_signal_action(SIGUSR1, Action::Ignore);
        cx.task.signal_pending()
    });
    let task = task_of(cx, &thread);
    let sent = cx.kernel.send_signal(task, SIGUSR1, Sender::User, Target::Process);
    assert_eq!(sent, Ok(()));
    until(cx, || !thread.is_alive(cx));
    assert_eq!(thread.stop(cx), Ok(false));
}

fn kernel_only(cx: &Cx<'_>) {
    let thread = listener(cx, &[], |cx| {
        cx.task.set_signal_action(SIGUSR1, Action::DeliverFromKernel);
        cx.sleep_interruptible(1_000_000);
        cx.task.dequeue_signal()
    });
    let task = task_of(cx, &thread);
    until_state(cx, task, TASK_INTERRUPTIBLE);
    let send = |sender| cx.kernel.send_signal(task, SIGUSR1, sender, Target::Thread);
    assert_eq!(send(Sender::User), Ok(()));
    assert!(!task.signal_pending());
    assert_eq!(send(Sender::Kernel), Ok(()));
    until(cx, || !thread.is_alive(cx));
    assert_eq!(thread.stop(cx), Ok(SIGUSR1));
}
