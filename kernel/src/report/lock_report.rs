//! What reports of the lock validator are made of.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Arguments};
use core::sync::atomic::Ordering;

use kthreads_lockdep::{Label, Link, Site, Taken};

use crate::cx::*;
use crate::log::Level;
use crate::proc::OS_RELEASE;
use crate::task::Task;
use crate::{Cx, Kernel};

const LEVEL: Level = Level::Warning;
/// How many bits a softirq or a hardware interrupt is counted above those of preemption.
const SOFTIRQ_SHIFT: u32 = 8;
const HARDIRQ_SHIFT: u32 = 16;

/// Who took a lock, as Linux writes it: `comm/pid`.
pub(super) struct By<'a>(pub(super) &'a Site);

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = &self.0.who;
        let len = who.name.iter().position(|byte| *byte == 0).unwrap_or(who.name.len());
        let name = who.name[..len].utf8_chunks().next().map_or("", |chunk| chunk.valid());
        write!(f, "{name}/{}", who.id)
    }
}

/// Where interrupts may come and which are served, as Linux writes it.
struct Interrupts<'a>(&'a Task);

impl fmt::Display for Interrupts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.head.preempt_count.load(Ordering::Relaxed);
        let hard = (count & HARDIRQ_MASK) >> HARDIRQ_SHIFT;
        let soft = (count & SOFTIRQ_MASK) >> SOFTIRQ_SHIFT;
        let on = u32::from(self.0.head.irqs_off.load(Ordering::Relaxed) == 0);
        let (serves_hard, serves_soft) = (u32::from(hard != 0), soft & 1);
        let soft_on = u32::from(on == 1 && soft == 0);
        write!(f, "[HC{serves_hard}[{hard}]:SC{serves_soft}[{soft}]:HE{on}:SE{soft_on}]")
    }
}

/// A report in the making.
pub(super) struct Report<'a, 'k> {
    pub(super) kernel: &'k Kernel,
    pub(super) cx: &'a Cx<'k>,
}

impl Report<'_, '_> {
    pub(super) fn line(&self, line: Arguments<'_>) {
        self.kernel.log_line(self.cx, LEVEL, line);
    }

    pub(super) fn lines(&self, lines: &[&str]) {
        lines.iter().for_each(|line| self.line(format_args!("{line}")));
    }

    pub(super) fn begin(&self, title: &str) {
        self.kernel.count_bug();
        let (width, taint) = (title.len() + "WARNING: ".len(), self.kernel.taint_text());
        self.line(format_args!(""));
        self.line(format_args!("{:=<width$}", ""));
        self.line(format_args!("WARNING: {title}"));
        self.line(format_args!("{OS_RELEASE} {taint}"));
        self.line(format_args!("{:-<width$}", ""));
    }

    /// The running task, with what is behind it.
    pub(super) fn task(&self, does: &str) {
        let (comm, pid) = (self.cx.task.comm(), self.cx.task.pid());
        self.line(format_args!("{comm}/{pid} {does}"));
    }

    pub(super) fn task_with_interrupts(&self, does: &str) {
        let state = Interrupts(self.cx.task.get_ref());
        self.task(&alloc::format!("{state} {does}"));
    }

    pub(super) fn taken(&self, taken: &Taken) {
        let place = self.kernel.lock_place(taken.place);
        self.line(format_args!("{:016x} {}, at: {place}", taken.lock, taken.label.with_usage()));
    }

    pub(super) fn since(&self, site: &Site) {
        let place = self.kernel.lock_place(site.place);
        self.line(format_args!("  {place}, by {}", By(site)));
    }

    /// What was held, and where it was taken.
    pub(super) fn held(&self, label: &Label, place: usize) -> String {
        match (label.is_function(), place) {
            (true, _) => alloc::format!("was in {label}"),
            (_, 0) => alloc::format!("held {label}, taken by the kernel"),
            (_, place) => {
                alloc::format!("held {label}, taken at {}", self.kernel.lock_place(place))
            }
        }
    }

    /// The orders, last first, with number of the first.
    pub(super) fn chain(&self, links: &[Link], first: usize) {
        for (nth, link) in links.iter().enumerate().rev() {
            let (to, by) = (link.to.with_usage(), By(&link.site));
            self.line(format_args!("-> #{} {to}:", nth + first));
            let place = self.kernel.lock_place(link.site.place);
            self.line(format_args!("       taken by {by} at {place}"));
            let held = self.held(&link.from, link.from_place);
            self.line(format_args!("       while it {held}"));
        }
    }

    /// The way that some orders lead from one class to another, if it is not straight.
    pub(super) fn way(&self, names: &[&Label]) {
        if names.len() < 3 {
            return;
        }
        let names: Vec<String> = names.iter().map(|name| alloc::format!("{name}")).collect();
        self.line(format_args!("Chain exists of:"));
        self.line(format_args!("  {}", names.join(" --> ")));
        self.line(format_args!(""));
    }

    pub(super) fn on_cpu0(&self, what: Arguments<'_>) {
        self.line(format_args!("  {what}"));
    }

    pub(super) fn on_cpu1(&self, what: Arguments<'_>) {
        self.line(format_args!("{:31}{what}", ""));
    }

    pub(super) fn begin_scenario(&self, kind: &str, cpus: u32) {
        self.line(format_args!(" Possible {kind}unsafe locking scenario:"));
        self.line(format_args!(""));
        match cpus {
            1 => self.lines(&["       CPU0", "       ----"]),
            _ => self.lines(&[
                "       CPU0                    CPU1",
                "       ----                    ----",
            ]),
        }
    }

    pub(super) fn end(&self) {
        self.lines(&["", " *** DEADLOCK ***", ""]);
        self.end_without_deadlock();
    }

    pub(super) fn end_without_deadlock(&self) {
        self.kernel.print_locks(self.cx, LEVEL, self.cx.task.get_ref());
        self.lines(&["", "stack backtrace:"]);
        self.kernel.dump_stack(self.cx);
    }
}
