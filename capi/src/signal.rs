//! Signals (Linux: linux/signal.h, linux/sched/signal.h).

use core::sync::atomic::Ordering;

use kthreads_kernel::signal::{Action, Sender, Target};
use kthreads_kernel::{Cx, Errno, to_c};

use crate::object::{Out, TaskPtr, task};

const SEND_SIG_NOINFO: usize = 0;
const SI_USER: i32 = 0;

/// C's `struct kernel_siginfo`, as far as it is used.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SigInfo {
    signal: i32,
    errno: i32,
    code: i32,
    pid: i32,
    uid: u32,
}

/// What becomes of a signal whose handler C gives as a number.
fn action(handler: usize) -> Action {
    match handler {
        0 => Action::Default,
        1 => Action::Ignore,
        3 => Action::DeliverFromKernel,
        _ => Action::Deliver,
    }
}

pub(crate) fn send(cx: &Cx<'_>, signal: i32, p: TaskPtr, sender: Sender) -> i32 {
    let Ok(signal) = u32::try_from(signal) else { return Errno::EINVAL.to_c() };
    let Some(task) = task(cx, p, "send_sig") else { return Errno::ESRCH.to_c() };
    to_c(cx.kernel.send_signal(task, signal, sender, Target::Thread).map(|()| 0))
}

pub(crate) fn sender(private: bool) -> Sender {
    if private { Sender::Kernel } else { Sender::User }
}

export! {
    fn fatal_signal_pending(cx, p: TaskPtr) -> i32 {
        let task = task(cx, p, "fatal_signal_pending");
        task.map_or(0, |task| i32::from(task.fatal_signal_pending()))
    }

    fn kernel_sigaction(cx, signal: i32, handler: usize) {
        cx.task.set_signal_action(signal as u32, action(handler));
    }

    fn flush_signals(cx, p: TaskPtr) {
        if let Some(task) = task(cx, p, "flush_signals") {
            task.flush_signals();
        }
    }

    fn kernel_dequeue_signal(cx) -> i32 {
        cx.task.dequeue_signal() as i32
    }

    fn dequeue_signal(cx, p: TaskPtr, mask: Out<u64>, info: Out<SigInfo>) -> i32 {
        let blocked = mask.read();
        let Some(task) = task(cx, p, "dequeue_signal") else { return 0 };
        let signal = task.dequeue_signal_not_in(blocked) as i32;
        if signal != 0 && !info.is_null() {
            info.set(SigInfo { signal, errno: 0, code: SI_USER, pid: 0, uid: 0 });
        }
        signal
    }

    fn recalc_sigpending(cx) {
        cx.task.recalc_sigpending();
    }

    fn sigprocmask(cx, how: i32, set: Out<u64>, old: Out<u64>) -> i32 {
        let set = set.read();
        let blocked = &cx.task.head.blocked;
        let before = blocked.load(Ordering::Relaxed);
        let after = match how {
            0 => before | set,
            1 => before & !set,
            2 => set,
            _ => return Errno::EINVAL.to_c(),
        };
        if !old.is_null() {
            old.set(before);
        }
        blocked.store(after, Ordering::Relaxed);
        cx.task.recalc_sigpending();
        0
    }

    fn send_sig(cx, signal: i32, p: TaskPtr, private: i32) -> i32 {
        send(cx, signal, p, sender(private != 0))
    }

    fn send_sig_info(cx, signal: i32, info: usize, p: TaskPtr) -> i32 {
        // SEND_SIG_PRIV and every siginfo that a module fills come from the kernel.
        send(cx, signal, p, sender(info != SEND_SIG_NOINFO))
    }
}

exports! {
    "__fatal_signal_pending" => fatal_signal_pending, Local;
    "kernel_sigaction" => kernel_sigaction, Any;
    "flush_signals" => flush_signals, Any;
    "kernel_dequeue_signal" => kernel_dequeue_signal, Local;
    "dequeue_signal" => dequeue_signal, GplOnly;
    "recalc_sigpending" => recalc_sigpending, Any;
    "sigprocmask" => sigprocmask, Any;
    "send_sig" => send_sig, Any;
    "send_sig_info" => send_sig_info, Any;
}
