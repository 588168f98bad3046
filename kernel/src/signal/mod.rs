//! Signals to kernel threads (Linux: kernel/signal.c).
//!
//! A kernel thread ignores every signal until it allows some; an allowed one becomes pending and
//! wakes an interruptible sleep, and never ends the thread by itself. kill(2) puts a signal into
//! the set shared by the process, send_sig into the thread's own: only a SIGKILL there is fatal.

use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::{Head, SpinLock};

use crate::task::Task;
use crate::task::state::*;
use crate::{Cx, Errno, Fault, Kernel};

/// SIGKILL.
pub const SIGKILL: u32 = 9;
/// SIGCHLD.
pub const SIGCHLD: u32 = 17;
/// The highest signal number.
pub const SIGNAL_MAX: u32 = 64;

const ORDER: Ordering = Ordering::Relaxed;

/// A set of signals: bit n-1 stands for signal n, as /proc prints it.
pub type SignalSet = u64;

/// What becomes of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing but for the signals that end a process (SIG_DFL).
    Default,
    /// It is dropped (SIG_IGN).
    Ignore,
    /// It becomes pending (SIG_KTHREAD).
    Deliver,
    /// It becomes pending if the kernel sent it (SIG_KTHREAD_KERNEL).
    DeliverFromKernel,
}

/// Who sends a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A user-space process, by kill.
    User,
    /// The kernel, with priority: send_sig with a last argument that is not 0.
    Kernel,
}

/// Which set a signal becomes pending in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The thread's own: send_sig, tgkill.
    Thread,
    /// The process's: kill.
    Process,
}

#[derive(Clone, Copy, Debug, Default)]
struct Actions {
    ignored: SignalSet,
    delivered: SignalSet,
    from_kernel: SignalSet,
}

/// A task's signals. The lock (level 2) guards the actions and every change of the sets.
#[derive(Debug, Default)]
pub struct Signals {
    actions: SpinLock<Actions>,
    pending: AtomicU64,
    shared: AtomicU64,
}

/// The signal sets that /proc/PID/status shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSets {
    /// SigPnd.
    pub pending: SignalSet,
    /// ShdPnd.
    pub shared: SignalSet,
    /// SigBlk.
    pub blocked: SignalSet,
    /// SigIgn.
    pub ignored: SignalSet,
    /// SigCgt.
    pub caught: SignalSet,
}

/// The bit of a signal.
pub const fn bit(signal: u32) -> SignalSet {
    1 << (signal - 1)
}

impl Signals {
    pub(crate) fn inherit(&self, parent: &Signals) {
        let actions = *parent.actions.lock();
        *self.actions.lock() = actions;
        self.pending.store(0, ORDER);
        self.shared.store(0, ORDER);
    }

    /// Ignores every signal (Linux: ignore_signals).
    pub(crate) fn ignore_all(&self, head: &Head) {
        let mut actions = self.actions.lock();
        *actions = Actions { ignored: SignalSet::MAX, delivered: 0, from_kernel: 0 };
        self.drop_pending(head, SignalSet::MAX);
    }

    pub(crate) fn clear(&self, head: &Head) {
        let _actions = self.actions.lock();
        self.drop_pending(head, SignalSet::MAX);
    }

    fn drop_pending(&self, head: &Head, set: SignalSet) {
        self.pending.fetch_and(!set, ORDER);
        self.shared.fetch_and(!set, ORDER);
        self.recalculate(head);
    }

    fn recalculate(&self, head: &Head) {
        let all = self.pending.load(ORDER) | self.shared.load(ORDER);
        if all & !head.blocked.load(ORDER) == 0 {
            head.ti_flags.fetch_and(!TIF_SIGPENDING, Ordering::AcqRel);
        } else {
            head.ti_flags.fetch_or(TIF_SIGPENDING, Ordering::AcqRel);
        }
    }
}

impl Task {
    /// Sets what becomes of a signal sent to this task, which must be the caller's own (Linux:
    /// kernel_sigaction). Ignoring one drops it if it is pending.
    pub fn set_signal_action(&self, signal: u32, action: Action) {
        if !(1..=SIGNAL_MAX).contains(&signal) {
            return;
        }
        let set = bit(signal);
        let mut actions = self.signals.actions.lock();
        actions.ignored &= !set;
        actions.delivered &= !set;
        actions.from_kernel &= !set;
        match action {
            Action::Default => {}
            Action::Ignore => {
                actions.ignored |= set;
                self.signals.drop_pending(&self.head, set);
            }
            Action::Deliver => {
                actions.delivered |= set;
                // A thread that daemonize left with all signals blocked gets this one.
                self.head.blocked.fetch_and(!set, ORDER);
            }
            Action::DeliverFromKernel => actions.from_kernel |= set,
        }
    }

    /// Drops all pending signals (Linux: flush_signals). What kthread_stop set stays.
    pub fn flush_signals(&self) {
        let _actions = self.signals.actions.lock();
        self.signals.pending.store(0, ORDER);
        self.signals.shared.store(0, ORDER);
        self.head.ti_flags.fetch_and(!TIF_SIGPENDING, Ordering::AcqRel);
    }

    /// Looks again whether an unblocked signal is pending (Linux: recalc_sigpending).
    pub fn recalc_sigpending(&self) {
        let _actions = self.signals.actions.lock();
        self.signals.recalculate(&self.head);
    }

    /// Takes the pending signal that comes first out, 0 if none is (Linux:
    /// kernel_dequeue_signal): faults of the program first, the thread's own set before the
    /// shared one, low numbers before high ones.
    pub fn dequeue_signal(&self) -> u32 {
        self.dequeue_signal_not_in(self.head.blocked.load(ORDER))
    }

    /// As [`dequeue_signal`](Task::dequeue_signal), for signals that are not in `blocked` (Linux:
    /// dequeue_signal).
    pub fn dequeue_signal_not_in(&self, blocked: SignalSet) -> u32 {
        let _actions = self.signals.actions.lock();
        let taken = [&self.signals.pending, &self.signals.shared]
            .into_iter()
            .find_map(|set| take_first(set, !blocked));
        self.signals.recalculate(&self.head);
        taken.unwrap_or(0)
    }

    /// Whether a fatal signal is pending: SIGKILL in the thread's own set.
    pub fn fatal_signal_pending(&self) -> bool {
        self.head.ti_flags.load(ORDER) & TIF_SIGPENDING != 0
            && self.signals.pending.load(ORDER) & bit(SIGKILL) != 0
    }

    /// The sets that /proc/PID/status shows.
    pub fn signal_sets(&self) -> SignalSets {
        let actions = self.signals.actions.lock();
        SignalSets {
            pending: self.signals.pending.load(ORDER),
            shared: self.signals.shared.load(ORDER),
            blocked: self.head.blocked.load(ORDER),
            ignored: actions.ignored,
            caught: actions.delivered | actions.from_kernel,
        }
    }
}

/// Signals that a program raises by its own fault: SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE,
/// SIGSYS.
const SYNCHRONOUS: SignalSet = bit(11) | bit(7) | bit(4) | bit(5) | bit(8) | bit(31);

fn take_first(set: &AtomicU64, allowed: SignalSet) -> Option<u32> {
    let ready = set.load(ORDER) & allowed;
    let first = if ready & SYNCHRONOUS != 0 { ready & SYNCHRONOUS } else { ready };
    if first == 0 {
        return None;
    }
    let signal = first.trailing_zeros() + 1;
    set.fetch_and(!bit(signal), ORDER);
    Some(signal)
}

impl Kernel {
    /// Whether a pending signal keeps a task that would sleep in `state` awake (Linux:
    /// signal_pending_state).
    #[inline(always)]
    pub fn signal_pending_state(&self, state: u32, task: &Task) -> bool {
        if task.is_to_end() {
            return true;
        }
        if state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL) == 0 || !task.signal_pending() {
            return false;
        }
        state & TASK_INTERRUPTIBLE != 0 || task.fatal_signal_pending()
    }

    /// Sends a signal to a task (Linux: send_sig_info, kill_pid_info). Number 0 only asks whether
    /// it could be sent.
    ///
    /// # Errors
    ///
    /// EINVAL for a number that is none, ESRCH for a task that has ended.
    pub fn send_signal(
        &self,
        task: &Task,
        signal: u32,
        sender: Sender,
        target: Target,
    ) -> Result<(), Errno> {
        if signal > SIGNAL_MAX {
            return Err(Errno::EINVAL);
        }
        if !task.is_live() || task.flags() & PF_EXITING != 0 {
            return Err(Errno::ESRCH);
        }
        if signal == 0 || self.queue_signal(task, signal, sender, target) {
            return Ok(());
        }
        self.wake_for_signal(task, signal, target);
        Ok(())
    }

    /// Makes a signal pending; returns whether it was dropped or pending already.
    fn queue_signal(&self, task: &Task, signal: u32, sender: Sender, target: Target) -> bool {
        let actions = task.signals.actions.lock();
        if is_dropped(&actions, task, signal, sender) {
            return true;
        }
        let set = match target {
            Target::Thread => &task.signals.pending,
            Target::Process => &task.signals.shared,
        };
        let was_pending = set.fetch_or(bit(signal), ORDER) & bit(signal) != 0;
        task.signals.recalculate(&task.head);
        was_pending
    }

    /// A signal wakes interruptible sleeps, a fatal one killable sleeps too (Linux:
    /// complete_signal, signal_wake_up). A signal that ends a process by default becomes a SIGKILL
    /// in the thread's own set; kernel threads have no such signals.
    fn wake_for_signal(&self, task: &Task, signal: u32, target: Target) {
        if task.head.ti_flags.load(ORDER) & TIF_SIGPENDING == 0 {
            return;
        }
        let ends = !task.is_kthread() && self.ends_process(task, signal);
        if ends {
            task.signals.pending.fetch_or(bit(SIGKILL), ORDER);
        }
        let fatal = ends || (signal == SIGKILL && target == Target::Thread);
        let killable = if fatal { TASK_WAKEKILL } else { 0 };
        if !self.has_fault(Fault::SignalForgetsWake) {
            self.wake_up_state(task, TASK_INTERRUPTIBLE | killable);
        }
    }

    /// Whether the task leaves the signal at its default and that is to end the process.
    fn ends_process(&self, task: &Task, signal: u32) -> bool {
        /// SIGSTOP, SIGTSTP, SIGTTIN and SIGTTOU stop a process by default.
        const STOPS: SignalSet = bit(19) | bit(20) | bit(21) | bit(22);
        let actions = task.signals.actions.lock();
        let chosen = actions.ignored | actions.delivered | actions.from_kernel;
        chosen & bit(signal) == 0 && (NOTHING | STOPS) & bit(signal) == 0
    }

    /// The task looks as if a signal were pending, which interrupts its sleep (Linux:
    /// set_notify_signal).
    pub(crate) fn set_notify_signal(&self, task: &Task) {
        task.head.ti_flags.fetch_or(TIF_NOTIFY_SIGNAL, Ordering::AcqRel);
        self.wake_up_state(task, TASK_INTERRUPTIBLE);
    }

    /// Blocks every signal of the running task, and lets none be ignored by default any more:
    /// what daemonize does.
    pub(crate) fn block_all_signals(&self, cx: &Cx<'_>) {
        cx.task.head.blocked.store(SignalSet::MAX, ORDER);
        cx.task.recalc_sigpending();
    }
}

/// SIGCHLD, SIGCONT, SIGURG and SIGWINCH do nothing by default.
const NOTHING: SignalSet = bit(17) | bit(18) | bit(23) | bit(28);

/// Whether a signal is dropped at once (Linux: sig_task_ignored; SIG_DFL of the signals whose
/// default is to do nothing counts as ignored).
fn is_dropped(actions: &Actions, task: &Task, signal: u32, sender: Sender) -> bool {
    let set = bit(signal);
    if task.head.blocked.load(ORDER) & set != 0 {
        return false;
    }
    if actions.from_kernel & set != 0 {
        return sender != Sender::Kernel;
    }
    if actions.delivered & set != 0 {
        return false;
    }
    actions.ignored & set != 0 || NOTHING & set != 0
}
