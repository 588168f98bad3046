//! Hung tasks (Linux: kernel/hung_task.c).
//!
//! khungtaskd looks at all tasks when the first that sleeps uninterruptibly may have done so for
//! the time-out, and names each that has, once a sleep. It has no timer: time must not pass for
//! its sake on a machine that lets time jump when nothing is left to do. Instead the machine asks
//! [`patience`](Kernel::patience) whenever it would rest. That is the time of the next look while
//! somebody sleeps so, and never otherwise.
//!
//! Who sleeps is counted by CPU: a sleep under the lock of the run queue that is left, a wake-up
//! under that of the queue that is entered. Only the sums mean something. They are read without
//! locks; once no CPU runs, they are exact.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use kthreads_base::Nanos;

use crate::kernel::Cpu;
use crate::log::Level;
use crate::proc::WaitsIn;
use crate::task::state::*;
use crate::task::{NO_TASK, Task};
use crate::{Cx, Errno, Kernel, log};

const ORDER: Ordering = Ordering::Relaxed;
const NEVER: u64 = u64::MAX;

/// What khungtaskd knows.
pub(crate) struct HungTasks {
    /// When to look, in nanoseconds.
    next_look: AtomicU64,
    /// How many sleeps had begun at the last look.
    sleeps_seen: AtomicU64,
    /// Whether khungtaskd has been told to look.
    is_due: AtomicBool,
    thread: AtomicU32,
}

impl HungTasks {
    pub(crate) fn new() -> HungTasks {
        HungTasks {
            next_look: AtomicU64::new(NEVER),
            sleeps_seen: AtomicU64::new(0),
            is_due: AtomicBool::new(false),
            thread: AtomicU32::new(NO_TASK),
        }
    }

    /// Takes the place of what is known when the time-out changes.
    pub(crate) fn start_over(&self) {
        self.sleeps_seen.store(NEVER, ORDER);
        self.next_look.store(NEVER, ORDER);
    }
}

/// Whether a sleep in that state may last too long (Linux: check_hung_uninterruptible_tasks).
#[inline(always)]
fn may_hang(state: u32) -> bool {
    state & (TASK_UNINTERRUPTIBLE | TASK_WAKEKILL | TASK_NOLOAD) == TASK_UNINTERRUPTIBLE
}

impl Cpu {
    /// A task begins to sleep. Under the lock of the CPU's queue, which it leaves.
    #[inline(always)]
    pub(crate) fn note_sleep(&self, task: &Task, state: u32) {
        if may_hang(state) {
            task.sched.is_blocked.store(true, ORDER);
            count(&self.sleeps);
        }
    }

    /// A task is woken. Under the lock of the CPU's queue, which it enters.
    #[inline(always)]
    pub(crate) fn note_wake(&self, task: &Task) {
        if task.sched.is_blocked.load(ORDER) {
            task.sched.is_blocked.store(false, ORDER);
            count(&self.wakes);
        }
    }
}

impl Kernel {
    /// How many uninterruptible sleeps have begun, and how many last.
    pub(crate) fn sleeps(&self) -> (u64, u64) {
        let sum = |cell: fn(&crate::kernel::Cpu) -> &AtomicU64| -> u64 {
            self.cpus.iter().map(|cpu| cell(cpu).load(ORDER)).sum()
        };
        let wakes = sum(|cpu| &cpu.wakes);
        let sleeps = sum(|cpu| &cpu.sleeps);
        (sleeps, sleeps.saturating_sub(wakes))
    }

    /// Until when a machine may rest although tasks sleep uninterruptibly: see the head of this
    /// file. Touches atomics only.
    pub(crate) fn next_hung_look(&self) -> Nanos {
        let timeout = self.hung_task_seconds().saturating_mul(Nanos::SECOND.0);
        let (begun, lasting) = self.sleeps();
        let hung = &self.hung;
        if timeout == 0 || lasting == 0 || hung.is_due.load(Ordering::Acquire) {
            return Nanos::NEVER;
        }
        let next = hung.next_look.load(ORDER);
        if next != NEVER {
            return Nanos(next);
        }
        // All that last have been named.
        if begun == hung.sleeps_seen.load(ORDER) {
            return Nanos::NEVER;
        }
        let at = self.machine.now().0.saturating_add(timeout);
        match hung.next_look.compare_exchange(NEVER, at, ORDER, ORDER) {
            Ok(_) => Nanos(at),
            Err(at) => Nanos(at),
        }
    }

    /// In an interrupt: has khungtaskd look if it is time.
    pub(crate) fn check_hung_look(&self, now: Nanos) {
        if self.next_hung_look() <= now && !self.hung.is_due.swap(true, Ordering::AcqRel) {
            self.wake_up_process(self.khungtaskd());
        }
    }

    /// Nobody could be woken for `span`: it does not count.
    pub(super) fn excuse_sleepers(&self, span: Nanos) {
        let now = self.machine.now().0;
        for task in self.tasks.iter() {
            let Some(since) = unnamed_sleep(task) else { continue };
            task.sched.charged_at.store(since.saturating_add(span.0).min(now), ORDER);
        }
    }

    /// The thread that looks.
    pub fn khungtaskd(&self) -> &Task {
        self.tasks.get(self.hung.thread.load(Ordering::Acquire))
    }

    pub(crate) fn set_khungtaskd(&self, task: &Task) {
        self.hung.thread.store(task.index(), Ordering::Release);
    }

    /// What khungtaskd runs (Linux: watchdog).
    pub(crate) fn khungtaskd_main(&self, cx: &Cx<'_>) -> ! {
        let task = cx.task.get_ref();
        task.signals.ignore_all(&task.head);
        task.head.flags.fetch_or(PF_NOFREEZE, ORDER);
        loop {
            task.set_state(TASK_INTERRUPTIBLE);
            if !self.hung.is_due.load(Ordering::Acquire) {
                let _waits = cx.waits_in(WaitsIn::Watchdog);
                self.schedule(cx);
            }
            task.head.state.store(TASK_RUNNING, ORDER);
            if self.hung.is_due.load(Ordering::Acquire) {
                self.look_for_hung_tasks(cx);
                self.hung.is_due.store(false, Ordering::Release);
            }
        }
    }

    fn look_for_hung_tasks(&self, cx: &Cx<'_>) {
        let seconds = self.hung_task_seconds();
        let timeout = seconds.saturating_mul(Nanos::SECOND.0);
        let (begun, _) = self.sleeps();
        self.machine.look_for_stop();
        let now = self.machine.now().0;
        let mut next = NEVER;
        for task in self.tasks.iter() {
            let Some(since) = unnamed_sleep(task) else { continue };
            let due = since.saturating_add(timeout);
            if timeout == 0 || due > now {
                next = next.min(due);
                continue;
            }
            task.sched.sleep_named.store(sleep_number(task), ORDER);
            self.report_hung_task(cx, task, seconds);
        }
        self.hung.sleeps_seen.store(begun, ORDER);
        self.hung.next_look.store(next, ORDER);
    }

    /// Linux's words, then what the task waits for and who could wake it.
    fn report_hung_task(&self, cx: &Cx<'_>, task: &Task, seconds: u64) {
        let level = Level::Error;
        let left = self.sysctls.hung_task_warnings();
        if left == 0 {
            return;
        }
        self.sysctls.count_hung_task_warning();
        self.count_bug();
        let (comm, pid) = (task.comm(), task.pid());
        log!(cx, level, "INFO: task {comm}:{pid} blocked for more than {seconds} seconds.");
        log!(cx, level, "      {}  {}", self.taint_text(), crate::proc::OS_RELEASE);
        log!(
            cx,
            level,
            "\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message."
        );
        self.show_task(cx, level, task);
        for line in self.explain_wait(task, self.trace_of(task).as_ref()) {
            log!(cx, level, "kthreads: {line}");
        }
        if task.head.held.iter().next().is_some() {
            self.print_locks(cx, level, task);
        }
        if left == 1 {
            log!(
                cx,
                Level::Info,
                "Future hung task reports are suppressed, see sysctl \
                                  kernel.hung_task_warnings"
            );
        }
    }

    /// Makes khungtaskd, a child of kthreadd.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn start_khungtaskd(&self, kthreadd: &Task) -> Result<(), Errno> {
        let body: crate::task::ThreadBody =
            alloc::boxed::Box::new(|cx| cx.kernel.khungtaskd_main(cx));
        let task = self.spawn(crate::task::Spawn {
            name: "khungtaskd",
            start: crate::task::Start::Body(body),
            parent: kthreadd,
            flags: PF_KTHREAD,
            done: None,
        })?;
        self.set_khungtaskd(task);
        self.wake_up_new_task(task);
        Ok(())
    }
}

/// Since when a task is in an uninterruptible sleep that has not been named, in nanoseconds.
fn unnamed_sleep(task: &Task) -> Option<u64> {
    let sleeps = may_hang(task.state()) && !task.sched.is_on_rq();
    let is_new = task.sched.sleep_named.load(ORDER) != sleep_number(task);
    // A task is charged for its time when it goes to sleep.
    (sleeps && is_new).then(|| task.sched.charged_at.load(ORDER))
}

/// Tells a task's sleeps apart; never 0.
fn sleep_number(task: &Task) -> u64 {
    task.head.nvcsw.load(ORDER) + 1
}

#[inline(always)]
fn count(cell: &AtomicU64) {
    cell.store(cell.load(ORDER) + 1, ORDER);
}
