//! What the lock validator has found, in the words of Linux's.

use alloc::string::String;
use alloc::vec::Vec;

use kthreads_lockdep::{Certainty, Finding, Label, Link, Pool, Site, Taken, Usage};

use super::lock_report::Report;
use crate::backtrace::Origin;
use crate::lockdep::LockAt;
use crate::log::Level;
use crate::task::Task;
use crate::{Cx, Kernel, log};

const OTHER_INFO: &str = "other info that might help us debug this:";

/// Hardware interrupts or softirqs, as Linux calls them.
fn irq_name(state: Usage) -> &'static str {
    if state.is_hard() { "HARDIRQ" } else { "SOFTIRQ" }
}

impl Kernel {
    /// Reports what the validator has found.
    #[cold]
    pub(crate) fn report_lock_finding(&self, cx: &Cx<'_>, finding: &Finding) {
        let report = Report { kernel: self, cx };
        match finding {
            Finding::Recursion { new, held, certainty } => {
                recursion(&report, new, held, *certainty);
            }
            Finding::Circle { new, held, back } => circle(&report, new, held, back),
            Finding::Inconsistent { lock, now, since } => inconsistent(&report, lock, *now, since),
            Finding::Inversion { .. } => inversion(&report, finding),
            Finding::SafeToUnsafe { .. } => safe_to_unsafe(&report, finding),
            Finding::Full(_) => {}
        }
    }

    /// Says that the validator has no room left, and is off (Linux: print_lockdep_off). That is no
    /// mistake of a module.
    #[cold]
    pub(crate) fn report_lockdep_full(&self, cx: &Cx<'_>, pool: Pool) {
        let what = match pool {
            Pool::Locks => "kthreads: there are more locks than the lock validator can know",
            Pool::Classes => "BUG: MAX_LOCKDEP_KEYS too low!",
            Pool::Orders => "BUG: MAX_LOCKDEP_ENTRIES too low!",
        };
        log!(cx, Level::Info, "{what}");
        log!(cx, Level::Info, "turning off the locking correctness validator.");
    }

    /// Reports that the running task frees a lock that it does not hold (Linux:
    /// print_unlock_imbalance_bug); whoever holds it is named.
    #[cold]
    pub fn report_bad_unlock(&self, cx: &Cx<'_>, lock: &LockAt, holder: Option<&Task>) {
        let report = Report { kernel: self, cx };
        let name = self.lock_name(lock.address);
        report.begin("bad unlock balance detected!");
        report.task(&alloc::format!("is trying to release lock ({name}) at:"));
        let place = match lock.place {
            0 => self.describe_innermost(&self.trace_from(&Origin::here())),
            place => Some(self.lock_place(place)),
        };
        place.into_iter().for_each(|place| report.line(format_args!("{place}")));
        report.lines(&["but there are no more locks to release!", ""]);
        let address = lock.address;
        match holder {
            None => report.line(format_args!("kthreads: {name} ({address:#x}) is free")),
            Some(task) => {
                let (comm, pid) = (task.comm(), task.pid());
                let taken = task.head.held.iter().find(|held| held.address == address);
                let place = taken.map_or_else(String::new, |held| {
                    alloc::format!(", which took it at {}", self.lock_place(held.taken_at))
                });
                report.line(format_args!(
                    "kthreads: {name} ({address:#x}) is held by {comm} (pid {pid}){place}"
                ));
            }
        }
        report.lines(&["", OTHER_INFO]);
        report.end_without_deadlock();
    }

    /// Where a lock was taken: in a module, or in Rust code.
    pub(crate) fn lock_place(&self, place: usize) -> String {
        if place == 0 {
            return String::from("?");
        }
        match self.lockdep.rust_place(place) {
            Some(place) => alloc::format!("{place}"),
            None => self.place_name(place),
        }
    }
}

fn recursion(report: &Report<'_, '_>, new: &Taken, held: &Taken, certainty: Certainty) {
    report.begin("possible recursive locking detected");
    report.task("is trying to acquire lock:");
    report.taken(new);
    report.lines(&["", "but task is already holding lock:"]);
    report.taken(held);
    if certainty == Certainty::SameLock {
        report.line(format_args!("kthreads: this is the same lock: the task waits for itself"));
    }
    report.lines(&["", OTHER_INFO]);
    report.begin_scenario("", 1);
    report.on_cpu0(format_args!("lock({});", held.label));
    report.on_cpu0(format_args!("lock({});", new.label));
    report.lines(&["", " *** DEADLOCK ***", ""]);
    if certainty == Certainty::SameClass {
        report.lines(&[" May be due to missing lock nesting notation", ""]);
    }
    report.end_without_deadlock();
}

fn circle(report: &Report<'_, '_>, new: &Taken, held: &Taken, back: &[Link]) {
    report.begin("possible circular locking dependency detected");
    report.task("is trying to acquire lock:");
    report.taken(new);
    report.lines(&["", "but task is already holding lock:"]);
    report.taken(held);
    report.lines(&["", "which lock already depends on the new lock.", ""]);
    report.lines(&["the existing dependency chain (in reverse order) is:", ""]);
    report.chain(back, 1);
    let (kernel, task) = (report.kernel, report.cx.task);
    report.line(format_args!("-> #0 {}:", new.label.with_usage()));
    let (comm, pid, place) = (task.comm(), task.pid(), kernel.lock_place(new.place));
    report.line(format_args!("       taken by {comm}/{pid} at {place}"));
    report.line(format_args!("       while it {}", report.held(&held.label, held.place)));
    report.lines(&["", OTHER_INFO, ""]);
    let names: Vec<&Label> =
        core::iter::once(&new.label).chain(back.iter().map(|l| &l.to)).collect();
    report.way(&names);
    report.begin_scenario("", 2);
    // What is taken right before the lock that is held.
    let before = back.last().map_or(&new.label, |link| &link.from);
    report.on_cpu0(format_args!("lock({});", held.label));
    report.on_cpu1(format_args!("lock({before});"));
    report.on_cpu1(format_args!("lock({});", held.label));
    report.on_cpu0(format_args!("lock({});", new.label));
    report.end();
}

fn inconsistent(report: &Report<'_, '_>, lock: &Taken, now: Usage, since: &Site) {
    let before = now.opposite().name();
    report.begin("inconsistent lock state");
    report.line(format_args!("inconsistent {{{before}}} -> {{{}}} usage.", now.name()));
    report.task_with_interrupts("takes:");
    report.taken(lock);
    report.line(format_args!("{{{before}}} state was registered at:"));
    report.since(since);
    report.lines(&["", OTHER_INFO]);
    report.begin_scenario("", 1);
    report.on_cpu0(format_args!("lock({});", lock.label));
    report.on_cpu0(format_args!("<Interrupt>"));
    report.on_cpu0(format_args!("  lock({});", lock.label));
    report.end();
}

/// What CPU 0 and CPU 1 do: the first is interrupted with the unsafe lock held by what takes the
/// safe one, which the second has and under which it takes, last, `last`.
fn interrupt_scenario(report: &Report<'_, '_>, safe: &Label, last: &Label, unsafe_: &Label) {
    report.begin_scenario("interrupt ", 2);
    report.on_cpu0(format_args!("lock({unsafe_});"));
    report.on_cpu1(format_args!("local_irq_disable();"));
    report.on_cpu1(format_args!("lock({safe});"));
    report.on_cpu1(format_args!("lock({last});"));
    report.on_cpu0(format_args!("<Interrupt>"));
    report.on_cpu0(format_args!("  lock({safe});"));
}

fn inversion(report: &Report<'_, '_>, finding: &Finding) {
    let Finding::Inversion { lock, now, other, since, way } = finding else { return };
    let irq = irq_name(*now);
    report.begin("possible irq lock inversion dependency detected");
    report.task("just changed the state of lock:");
    report.taken(lock);
    let (how, kind) = if now.is_in() { ("took", "unsafe") } else { ("was taken by", "safe") };
    report.line(format_args!("but this lock {how} another, {irq}-{kind} lock in the past:"));
    report.line(format_args!(" {}", other.with_usage()));
    report.lines(&["", "and interrupts could create inverse lock ordering between them.", ""]);
    report.line(format_args!("... which became {irq}-irq-{kind} at:"));
    report.since(since);
    report.line(format_args!(""));
    report.chain(way, 1);
    report.lines(&["", OTHER_INFO]);
    let (safe, unsafe_) = if now.is_in() { (&lock.label, other) } else { (other, &lock.label) };
    let names: Vec<&Label> =
        core::iter::once(safe).chain(way.iter().map(|link| &link.to)).collect();
    report.way(&names);
    let last = way.first().map_or(unsafe_, |link| &link.to);
    interrupt_scenario(report, safe, last, unsafe_);
    report.end();
}

fn safe_to_unsafe(report: &Report<'_, '_>, finding: &Finding) {
    let Finding::SafeToUnsafe { new, held, inside, safe, unsafe_, before, behind } = finding else {
        return;
    };
    let irq = irq_name(*inside);
    report.begin(&alloc::format!("{irq}-safe -> {irq}-unsafe lock order detected"));
    report.task_with_interrupts("is trying to acquire:");
    report.taken(new);
    report.lines(&["", "and this task is already holding:"]);
    report.taken(held);
    report.line(format_args!("which would create a new lock dependency:"));
    report.line(format_args!(" {} -> {}", held.label.with_usage(), new.label.with_usage()));
    report.line(format_args!(""));
    report.line(format_args!("but this new dependency connects a {irq}-irq-safe lock:"));
    report.line(format_args!(" {}", safe.0.with_usage()));
    report.lines(&["", &alloc::format!("... which became {irq}-irq-safe at:")]);
    report.since(&safe.1);
    report.lines(&["", &alloc::format!("to a {irq}-irq-unsafe lock:")]);
    report.line(format_args!(" {}", unsafe_.0.with_usage()));
    report.lines(&["", &alloc::format!("... which became {irq}-irq-unsafe at:")]);
    report.since(&unsafe_.1);
    report.line(format_args!(""));
    report.chain(behind, before.len() + 2);
    report.chain(before, 1);
    report.lines(&[OTHER_INFO, ""]);
    let above = before.iter().map(|link| &link.from).chain([&held.label]);
    let below = [&new.label].into_iter().chain(behind.iter().map(|link| &link.to));
    report.way(&above.chain(below).collect::<Vec<_>>());
    let last = before.first().map_or(&new.label, |link| &link.to);
    interrupt_scenario(report, &safe.0, last, &unsafe_.0);
    report.end();
}
