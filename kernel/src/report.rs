//! Reports: what the kernel says when something is wrong, in Linux's words where it has some.
//!
//! A report never replaces Linux's result. Where Linux would say nothing, the line begins with
//! `kthreads:`. Every report counts, so that whoever runs the kernel knows that there was one.

mod atomic;
mod deadlock;
mod lock_report;
mod locks;
mod oops;
mod state;
mod waits;

pub use atomic::{AtomicState, Left};

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use kthreads_base::SpinLock;
use kthreads_base::held::LockKind;

use crate::backtrace::Origin;
use crate::lockdep::LockAt;
use crate::log::Level;
use crate::task::Task;
use crate::{Cx, Kernel, log};

/// Taint: the module's licence is not compatible with the GPL (P).
pub const TAINT_PROPRIETARY: u64 = 1 << 0;
/// Taint: the kernel has died in part (D).
pub const TAINT_DIE: u64 = 1 << 7;
/// Taint: there was a warning (W).
pub const TAINT_WARN: u64 = 1 << 9;
/// Taint: a module from outside the tree is loaded (O).
pub const TAINT_OUT_OF_TREE: u64 = 1 << 12;

/// What has been reported.
#[derive(Default)]
pub(crate) struct Reports {
    /// Bugs: oopses, warnings, misuse.
    bugs: AtomicU32,
    taint: AtomicU64,
    /// The places that warn only once.
    once: SpinLock<Vec<usize>>,
    oops_count: AtomicUsize,
    /// The jiffy of the last report of a sleep where one must not sleep; 0 for none.
    last_atomic_sleep: AtomicU64,
}

impl Kernel {
    /// How many bugs have been reported.
    pub fn bug_count(&self) -> u32 {
        self.reports.bugs.load(Ordering::Relaxed)
    }

    /// Counts a bug.
    pub fn count_bug(&self) {
        self.reports.bugs.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds to the kernel's taint.
    pub fn add_taint(&self, taint: u64) {
        self.reports.taint.fetch_or(taint, Ordering::Relaxed);
    }

    /// The taint bits.
    pub fn taint(&self) -> u64 {
        self.reports.taint.load(Ordering::Relaxed)
    }

    /// Whether this is the first time for `place`.
    pub fn first_time(&self, place: usize) -> bool {
        let mut once = self.reports.once.lock();
        let first = !once.contains(&place);
        if first {
            once.push(place);
        }
        first
    }

    /// Warns with a back trace (Linux: WARN).
    pub fn warn(&self, cx: &Cx<'_>, what: &str) {
        self.warn_at(cx, format_args!("{what}"));
    }

    /// Warns with a back trace the first time only (Linux: WARN_ONCE).
    pub fn warn_once(&self, cx: &Cx<'_>, what: &'static str) {
        if self.first_time(what.as_ptr() as usize) {
            self.warn(cx, what);
        }
    }

    /// A warning at a place that `what` names.
    pub fn warn_at(&self, cx: &Cx<'_>, what: core::fmt::Arguments<'_>) {
        self.count_bug();
        log!(cx, Level::Warning, "------------[ cut here ]------------");
        let (cpu, pid, comm) = (cx.cpu(), cx.task.pid(), cx.task.comm());
        log!(cx, Level::Warning, "WARNING: CPU: {cpu} PID: {pid} Comm: {comm} {what}");
        self.add_taint(TAINT_WARN);
        self.dump_stack(cx);
        log!(cx, Level::Warning, "---[ end trace 0000000000000000 ]---");
    }

    /// Prints who runs and how it came here (Linux: dump_stack).
    pub fn dump_stack(&self, cx: &Cx<'_>) {
        self.dump_stack_at(cx, Level::Warning);
    }

    pub(crate) fn dump_stack_at(&self, cx: &Cx<'_>, level: Level) {
        let (cpu, pid, comm) = (cx.cpu(), cx.task.pid(), cx.task.comm());
        log!(cx, level, "CPU: {cpu} PID: {pid} Comm: {comm} {}", self.taint_text());
        log!(cx, level, "Call Trace:");
        self.print_trace(cx, level, &Origin::here());
    }

    /// The taint as Linux prints it after `Comm:`.
    pub fn taint_text(&self) -> &'static str {
        if self.taint() == 0 { "Not tainted" } else { "Tainted" }
    }

    /// Reports an object that is used before it was initialised.
    pub(crate) fn report_uninitialised(&self, kind: &str, address: usize) {
        let cx = self.cx();
        self.count_bug();
        let text = self.object_name(address);
        log!(&cx, Level::Error, "kthreads: {kind} {text} is used before it was initialised");
        self.log_block_of(&cx, address);
        self.log_stack_of_another(&cx, address);
        self.dump_stack(&cx);
    }

    /// Says so if an address lies on the stack of another thread.
    fn log_stack_of_another(&self, cx: &Cx<'_>, address: usize) {
        let owner = self.stack_owner(address);
        let Some(owner) = owner.filter(|owner| owner.pid() != cx.task.pid()) else { return };
        let (comm, pid) = (owner.comm(), owner.pid());
        log!(
            cx,
            Level::Error,
            "kthreads: it is on the stack of {comm} (pid {pid}): the function that had it there may \
             have returned"
        );
    }

    pub(crate) fn report_self_deadlock(&self, cx: &Cx<'_>, kind: &str, address: usize) {
        let lock = LockAt { kind: LockKind::Mutex, address, place: 0 };
        if self.tells_of_second_taking(&cx.task.head, &lock) {
            return;
        }
        self.count_bug();
        let comm = cx.task.comm();
        log!(cx, Level::Error, "kthreads: {comm} takes a {kind} ({address:#x}) that it holds");
        self.dump_stack(cx);
    }

    pub(crate) fn report_unlock_by_stranger(
        &self,
        cx: &Cx<'_>,
        kind: &str,
        address: usize,
        owner: usize,
    ) {
        if self.lockdep.is_on() {
            let lock = LockAt { kind: LockKind::Mutex, address, place: 0 };
            return self.report_bad_unlock(cx, &lock, self.task_at(owner));
        }
        self.count_bug();
        let comm = cx.task.comm();
        match self.task_at(owner) {
            None => {
                log!(
                    cx,
                    Level::Error,
                    "kthreads: {comm} frees a {kind} ({address:#x}) that is free"
                );
            }
            Some(owner) => {
                let owner = owner.comm();
                log!(
                    cx,
                    Level::Error,
                    "kthreads: {comm} frees a {kind} ({address:#x}) that {owner} holds"
                );
            }
        }
        self.dump_stack(cx);
    }

    pub(crate) fn report_wrong_timeout(&self, cx: &Cx<'_>, timeout: i64) {
        self.count_bug();
        log!(cx, Level::Error, "schedule_timeout: wrong timeout value {:x}", timeout as u64);
        self.dump_stack(cx);
    }

    /// Says so if kthread_stop is about to wait for ever.
    pub(crate) fn check_stop(&self, cx: &Cx<'_>, task: &Task, stops_before: u32) {
        let has_ended = task.flags() & crate::task::state::PF_EXITING != 0;
        let what = if core::ptr::eq(task, cx.task.get_ref()) {
            "itself"
        } else if stops_before > 0 && has_ended {
            "a thread that was stopped before"
        } else if stops_before > 0 {
            "a thread that somebody else stops already"
        } else {
            return;
        };
        self.count_bug();
        let (me, comm, pid) = (cx.task.comm(), task.comm(), task.pid());
        log!(
            cx,
            Level::Error,
            "kthreads: {me} calls kthread_stop of {what} ({comm}, pid {pid}) and waits for ever"
        );
        self.dump_stack(cx);
    }

    /// Says so if kthread_unpark is taken for what starts a new thread.
    pub fn check_unpark(&self, cx: &Cx<'_>, task: &Task) {
        if !self.is_not_started(task) || self.kthread_should_park_of(task) {
            return;
        }
        self.count_bug();
        let (comm, pid) = (task.comm(), task.pid());
        log!(
            cx,
            Level::Error,
            "kthreads: kthread_unpark of {comm} (pid {pid}), which was never woken nor parked: \
             that does not start it"
        );
        self.dump_stack(cx);
    }

    /// Tells of a panic in a work; the worker goes on.
    pub(crate) fn report_work_panic(&self, cx: &Cx<'_>, message: &str) {
        self.count_bug();
        let (comm, pid) = (cx.task.comm(), cx.task.pid());
        log!(cx, Level::Alert, "BUG: {message}");
        log!(cx, Level::Alert, "kthreads: a work of {comm} (pid {pid}) ended by this panic");
        self.dump_stack(cx);
    }
}

impl Kernel {
    /// Whether an oops ended the task.
    pub(crate) fn was_killed(&self, task: &Task) -> bool {
        task.is_marked_killed()
    }
}
