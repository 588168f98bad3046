//! Sleeping and scheduling where it is forbidden, and counts and flags that are left changed.

use core::fmt;
use core::sync::atomic::Ordering;

use crate::backtrace::Origin;
use crate::log::Level;
use crate::time::{HZ, Jiffies};
use crate::{Cx, Kernel, log};

/// What a piece of a module's code has left changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// The preemption count before.
    pub before: u32,
    /// The preemption count after.
    pub after: u32,
    /// Whether interrupts were on before and are off after.
    pub irqs_off: bool,
}

/// The count and the flag as they were when a piece of a module's code began.
#[derive(Clone, Copy, Debug)]
pub struct AtomicState {
    count: u32,
    irqs_off: u32,
}

impl AtomicState {
    /// As they are now.
    #[inline]
    pub fn now(cx: &Cx<'_>) -> AtomicState {
        let head = &cx.task.head;
        AtomicState {
            count: head.preempt_count.load(Ordering::Relaxed),
            irqs_off: head.irqs_off.load(Ordering::Relaxed),
        }
    }

    /// Puts the count and the flag back; tells what was left changed, if something was.
    #[inline]
    pub fn restore(self, cx: &Cx<'_>) -> Option<Left> {
        let now = AtomicState::now(cx);
        let irqs_off = now.irqs_off != 0 && self.irqs_off == 0;
        if now.count == self.count && !irqs_off {
            return None;
        }
        let head = &cx.task.head;
        head.preempt_count.store(self.count, Ordering::Relaxed);
        if irqs_off {
            head.irq_restore(0);
        }
        Some(Left { before: self.count, after: now.count, irqs_off })
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Left { before, after, irqs_off } = *self;
        if before != after {
            write!(f, "preempt_count {before:08x} -> {after:08x}")?;
        }
        match (before != after, irqs_off) {
            (true, true) => f.write_str(", interrupts off"),
            (false, true) => f.write_str("interrupts off"),
            _ => Ok(()),
        }
    }
}

impl Kernel {
    /// Says so if the caller must not sleep (Linux: might_sleep).
    #[inline(always)]
    pub fn might_sleep(&self, cx: &Cx<'_>) {
        if cx.in_atomic() {
            self.must_not_sleep(*cx);
        }
    }

    #[cold]
    #[inline(never)]
    fn must_not_sleep(&self, cx: Cx<'_>) {
        if !self.halted() {
            self.report_atomic_sleep(&cx, None);
        }
    }

    /// As [`might_sleep`](Kernel::might_sleep), for a caller whose place is known (Linux:
    /// __might_sleep).
    pub fn might_sleep_at(&self, cx: &Cx<'_>, file: &str, line: u32) {
        if cx.in_atomic() && !self.halted() {
            self.report_atomic_sleep(cx, Some((file, line)));
        }
    }

    #[cold]
    fn report_atomic_sleep(&self, cx: &Cx<'_>, place: Option<(&str, u32)>) {
        // At most once a second, as on Linux.
        let now = self.jiffies();
        let last = &self.reports.last_atomic_sleep;
        let before = Jiffies(last.swap(now.0, Ordering::Relaxed));
        if before != Jiffies(0) && now.is_before(before + Jiffies(HZ)) {
            last.store(before.0, Ordering::Relaxed);
            return;
        }
        self.count_bug();
        let head = &cx.task.head;
        let count = head.preempt_count.load(Ordering::Relaxed);
        let irqs = head.irqs_off.load(Ordering::Relaxed);
        let (pid, comm) = (cx.task.pid(), cx.task.comm());
        let what = "BUG: sleeping function called from invalid context";
        let export = || self.innermost_export(&self.trace_from(&Origin::here()));
        match (place, place.is_none().then(export).flatten()) {
            (Some((file, line)), _) => log!(cx, Level::Error, "{what} at {file}:{line}"),
            (None, Some(name)) => log!(cx, Level::Error, "{what} at {name}"),
            (None, None) => log!(cx, Level::Error, "{what}"),
        }
        log!(
            cx,
            Level::Error,
            "in_atomic(): {}, irqs_disabled(): {irqs}, non_block: 0, pid: {pid}, name: {comm}",
            u32::from(count != 0)
        );
        log!(cx, Level::Error, "preempt_count: {count:x}, expected: 0");
        self.print_atomic_locks(cx);
        self.dump_stack_at(cx, Level::Error);
    }

    /// Names the locks that keep the caller from sleeping.
    fn print_atomic_locks(&self, cx: &Cx<'_>) {
        if cx.task.head.held.iter().next().is_some() {
            self.print_locks(cx, Level::Error, cx.task.get_ref());
        }
    }

    /// Says so if schedule is called where it must not be (Linux: __schedule_bug). Returns the
    /// preemption count, which is 0 meanwhile, to be put back afterwards: Linux leaves it wrong.
    ///
    /// The caller has turned interrupts off itself; `irqs` is what the flag was before.
    #[inline(always)]
    pub(crate) fn check_schedule(&self, cx: &Cx<'_>, irqs: u32) -> u32 {
        let count = cx.task.head.preempt_count.load(Ordering::Relaxed);
        if count == 0 && irqs == 0 {
            return 0;
        }
        self.schedules_in_atomic(*cx, irqs)
    }

    #[cold]
    #[inline(never)]
    fn schedules_in_atomic(&self, cx: Cx<'_>, irqs: u32) -> u32 {
        if self.halted() {
            return 0;
        }
        let head = &cx.task.head;
        head.irq_restore(irqs);
        self.report_schedule(&cx);
        head.irq_save();
        head.preempt_count.swap(0, Ordering::Relaxed)
    }

    /// Puts back what [`check_schedule`](Kernel::check_schedule) returned.
    #[inline]
    pub(crate) fn after_schedule(&self, cx: &Cx<'_>, count: u32) {
        if count != 0 {
            cx.task.head.preempt_count.store(count, Ordering::Relaxed);
        }
    }

    #[cold]
    fn report_schedule(&self, cx: &Cx<'_>) {
        let head = &cx.task.head;
        let count = head.preempt_count.load(Ordering::Relaxed);
        let (pid, comm) = (cx.task.pid(), cx.task.comm());
        // Linux says nothing of interrupts alone: it turns them on.
        if count == 0 {
            if self.first_time_in(cx, "schedule with interrupts off") {
                self.count_bug();
                log!(cx, Level::Error, "kthreads: scheduling with interrupts off: {comm}/{pid}");
                self.print_atomic_locks(cx);
                self.dump_stack_at(cx, Level::Error);
            }
            return;
        }
        self.count_bug();
        log!(cx, Level::Error, "BUG: scheduling while atomic: {comm}/{pid}/0x{count:08x}");
        self.print_atomic_locks(cx);
        self.dump_stack_at(cx, Level::Error);
        self.give_up_interrupt(cx, "would switch to another thread in the middle of it");
    }

    /// Whether this is the first time for `what` in the running task.
    pub(crate) fn first_time_in(&self, cx: &Cx<'_>, what: &'static str) -> bool {
        self.first_time(what.as_ptr() as usize ^ cx.task.address() ^ cx.task.pid() as usize)
    }

    /// What a thread must not leave behind when it ends: a raised count, interrupts off, locks.
    pub(crate) fn check_exit(&self, cx: &Cx<'_>) {
        let head = &cx.task.head;
        let count = head.preempt_count.load(Ordering::Relaxed);
        if kthreads_base::softirq::in_softirq() {
            self.count_bug();
            log!(cx, Level::Alert, "BUG: do_exit in an interrupt");
            self.dump_stack_at(cx, Level::Alert);
            self.give_up_interrupt(cx, "panics (Aiee, killing interrupt handler!)");
        }
        if count != 0 {
            self.count_bug();
            let (comm, pid) = (cx.task.comm(), cx.task.pid());
            log!(cx, Level::Info, "note: {comm}[{pid}] exited with preempt_count {count}");
        }
        self.check_locks_at_exit(cx, count);
        head.preempt_count.store(0, Ordering::Relaxed);
        // One that a fault killed leaves them off: it is on a stack of its CPU's, which the next
        // fault there needs, so nobody may come in between.
        let is_killed = self.was_killed(cx.task.get_ref());
        if head.irqs_off.load(Ordering::Relaxed) != 0 && !is_killed {
            self.warn(cx, "a thread ended with interrupts off");
            head.irq_restore(0);
        }
    }

    /// Tells what a timer's function has left changed (Linux: call_timer_fn).
    pub(crate) fn report_timer_imbalance(&self, cx: &Cx<'_>, function: usize, left: &Left) {
        self.count_bug();
        let name = self.variable_name(function);
        let Left { before, after, irqs_off } = *left;
        if before != after {
            log!(cx, Level::Error, "timer: {name} preempt leak: {before:08x} -> {after:08x}");
        }
        if irqs_off {
            log!(cx, Level::Error, "kthreads: timer {name} returned with interrupts off");
        }
        self.print_leaked_locks(cx, function);
    }

    /// Tells what a piece of a module's code has left changed.
    pub fn report_left(&self, cx: &Cx<'_>, what: fmt::Arguments<'_>, left: &Left) {
        self.count_bug();
        log!(cx, Level::Error, "kthreads: {what} returned with {left}");
        self.print_atomic_locks(cx);
    }

    /// Names the locks that code which ran as a guest of the running task has left held.
    fn print_leaked_locks(&self, cx: &Cx<'_>, function: usize) {
        let in_same = |address: usize| {
            let module = self.module_of_text(function);
            let taken = address.checked_sub(1).and_then(|address| self.module_of_text(address));
            module.zip(taken).is_some_and(|(a, b)| alloc::sync::Arc::ptr_eq(&a, &b))
        };
        let held = &cx.task.head.held;
        if held.iter().any(|held| in_same(held.taken_at)) {
            self.print_atomic_locks(cx);
        }
    }
}
