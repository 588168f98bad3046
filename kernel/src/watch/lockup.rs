//! Lockups (Linux: kernel/watchdog.c): a CPU that runs one thing and nothing else.
//!
//! A thread that calls the scheduler, if only to ask whether somebody else should run
//! (cond_resched), passes. One that runs for twice `watchdog_thresh` seconds without passing is a
//! soft lockup; a CPU that takes no interrupt for `watchdog_thresh` seconds, with its flag off
//! whenever one looks, is a hard one. Linux as Debian builds it preempts only threads that pass, so
//! this is what it reports; that threads of modules are preempted here does not excuse them.
//!
//! The judge reads and writes atomics and takes no lock. A machine calls it from outside, as often
//! as it likes; busy delays call it for themselves, since time may jump over them. Time for which
//! the whole machine stood still, as in a debugger, is no one's fault: the machine tells of it.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use kthreads_base::frames::Sample;
use kthreads_base::{Head, Nanos};

use crate::backtrace::{Origin, Trace};
use crate::cx::SOFTIRQ_MASK;
use crate::log::Level;
use crate::task::Task;
use crate::task::state::PF_IDLE;
use crate::{Cx, Kernel, log};

const ORDER: Ordering = Ordering::Relaxed;
const LEVEL: Level = Level::Emergency;
/// For how long interrupts must have been off before one is sent to see.
const PATIENCE: Nanos = Nanos::from_millis(500);

/// What a machine's watcher knows of a CPU.
pub(crate) struct Watch {
    /// How many interrupts the CPU has taken. Only the CPU writes.
    pub(crate) interrupts: AtomicU32,
    interrupts_seen: AtomicU32,
    /// Since when it may have taken none with its flag off; the highest value for "it has not".
    deaf_since: AtomicU64,
    /// How often its deafness was reported.
    deaf_reports: AtomicU32,
    /// What is to be reported.
    finding: AtomicU32,
    /// Whether the CPU is in a busy delay. Only the CPU writes.
    is_in_delay: AtomicBool,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch {
            interrupts: AtomicU32::new(0),
            interrupts_seen: AtomicU32::new(0),
            deaf_since: AtomicU64::new(u64::MAX),
            deaf_reports: AtomicU32::new(0),
            finding: AtomicU32::new(Finding::Nothing as u32),
            is_in_delay: AtomicBool::new(false),
        }
    }
}

/// What the judge has found.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Finding {
    Nothing = 0,
    Soft = 1,
    Hard = 2,
}

/// A task's part: how often it has passed, and what the judge saw last.
#[derive(Debug, Default)]
pub(crate) struct Passes {
    count: AtomicU32,
    seen: AtomicU32,
    runtime_seen: AtomicU64,
    reports: AtomicU32,
    is_watched: AtomicBool,
}

impl Passes {
    /// The running thread passes.
    #[inline(always)]
    pub(crate) fn pass(&self) {
        self.count.store(self.count.load(ORDER).wrapping_add(1), ORDER);
    }

    pub(crate) fn reset(&self) {
        self.is_watched.store(false, ORDER);
    }

    /// For how long the thread has run without passing, as far as the judge has seen.
    fn stuck_for(&self, runtime: u64) -> u64 {
        let count = self.count.load(ORDER);
        if self.is_watched.load(ORDER) && self.seen.load(ORDER) == count {
            return runtime.saturating_sub(self.runtime_seen.load(ORDER));
        }
        self.seen.store(count, ORDER);
        self.runtime_seen.store(runtime, ORDER);
        self.reports.store(0, ORDER);
        self.is_watched.store(true, ORDER);
        0
    }

    /// Whether that is long enough to say so; each time twice as long as before.
    fn claim(&self, stuck: u64, limit: u64) -> bool {
        let reports = self.reports.load(ORDER);
        let is_due = stuck >= limit.saturating_mul(1 << reports.min(32));
        is_due && self.reports.compare_exchange(reports, reports + 1, ORDER, ORDER).is_ok()
    }
}

impl Kernel {
    /// For how long a task has run until now. Read without locks: it may be a little short.
    fn runtime_now(&self, task: &Task, now: Nanos) -> u64 {
        let charged = task.sched.runtime.load(Ordering::Acquire);
        charged + now.0.saturating_sub(task.sched.charged_at.load(ORDER))
    }

    /// The task that runs on a CPU.
    fn running_on(&self, cpu: u32) -> &Task {
        let current = self.cpus[cpu as usize].current.get();
        current.map_or(self.tasks.get(cpu), |task| task.get_ref())
    }

    fn watchdog_span(&self) -> Nanos {
        Nanos(self.sysctls.watchdog_seconds().saturating_mul(Nanos::SECOND.0))
    }

    /// Judges a CPU from outside; whether there is something to report. A busy delay sees to it
    /// itself.
    pub(crate) fn judge(&self, cpu: u32) -> bool {
        let is_in_delay = self.cpus[cpu as usize].watch.is_in_delay.load(ORDER);
        !is_in_delay && self.judge_cpu(cpu)
    }

    /// Judges a CPU. See the head of this file.
    fn judge_cpu(&self, cpu: u32) -> bool {
        let limit = self.watchdog_span();
        if limit == Nanos::ZERO || self.halted() {
            return false;
        }
        let now = self.machine.now();
        let task = self.running_on(cpu);
        let finding = if self.is_deaf(cpu, task, now, limit) {
            Finding::Hard
        } else if self.is_stuck(task, now, limit) {
            Finding::Soft
        } else {
            return false;
        };
        self.cpus[cpu as usize].watch.finding.store(finding as u32, Ordering::Release);
        true
    }

    fn is_stuck(&self, task: &Task, now: Nanos, limit: Nanos) -> bool {
        let softirq = task.head.preempt_count.load(ORDER) & SOFTIRQ_MASK != 0;
        let runtime = self.runtime_now(task, now);
        let stuck = task.sched.passes.stuck_for(runtime);
        // An idle CPU is only stuck in what interrupts it.
        if task.flags() & PF_IDLE != 0 && !softirq {
            return false;
        }
        if task.head.irqs_off.load(ORDER) != 0 || stuck < 2 * limit.0 {
            return false;
        }
        self.machine.look_for_stop();
        let passes = &task.sched.passes;
        passes.claim(passes.stuck_for(runtime), 2 * limit.0)
    }

    fn is_deaf(&self, cpu: u32, task: &Task, now: Nanos, limit: Nanos) -> bool {
        let watch = &self.cpus[cpu as usize].watch;
        let interrupts = watch.interrupts.load(ORDER);
        // An idle CPU rests with its flag off.
        let is_off = task.head.irqs_off.load(ORDER) != 0 && task.flags() & PF_IDLE == 0;
        let none_came = watch.interrupts_seen.swap(interrupts, ORDER) == interrupts;
        let since = watch.deaf_since.load(ORDER);
        if !is_off || !none_came || since == u64::MAX {
            watch.deaf_since.store(if is_off { now.0 } else { u64::MAX }, ORDER);
            watch.deaf_reports.store(0, ORDER);
            return false;
        }
        let deaf = now.0.saturating_sub(since);
        if deaf >= PATIENCE.0 && self.cpus[cpu as usize].local.pending.load(ORDER) == 0 {
            // If the flag is on now and then, this one will be taken.
            self.machine.send_interrupt(cpu);
        }
        if deaf < limit.0 {
            return false;
        }
        self.machine.look_for_stop();
        let deaf = now.0.saturating_sub(watch.deaf_since.load(ORDER));
        let reports = watch.deaf_reports.load(ORDER);
        let is_due = deaf >= limit.0.saturating_mul(1 << reports.min(32));
        let order = ORDER;
        is_due && watch.deaf_reports.compare_exchange(reports, reports + 1, order, order).is_ok()
    }

    /// Nothing could run for `span`: it does not count.
    pub(crate) fn excuse_all(&self, span: Nanos) {
        for cpu in 0..self.nr_cpus() {
            let passes = &self.running_on(cpu).sched.passes;
            passes.runtime_seen.fetch_add(span.0, ORDER);
            let deaf_since = &self.cpus[cpu as usize].watch.deaf_since;
            if deaf_since.load(ORDER) != u64::MAX {
                deaf_since.fetch_add(span.0, ORDER);
            }
        }
        self.excuse_sleepers(span);
    }

    /// Reports what the judge has found. On a kernel stack, as any thread or the watcher.
    pub(crate) fn report_findings(&self) {
        let cx = self.cx();
        for cpu in 0..self.nr_cpus() {
            let finding = &self.cpus[cpu as usize].watch.finding;
            match finding.swap(Finding::Nothing as u32, Ordering::AcqRel) {
                1 => self.report_lockup(&cx, cpu, Finding::Soft),
                2 => self.report_lockup(&cx, cpu, Finding::Hard),
                _ => {}
            }
        }
    }

    /// Judges the calling CPU, in a busy delay.
    pub(crate) fn judge_myself(&self, cx: &Cx<'_>) {
        let guard = kthreads_base::PreemptGuard::new();
        let is_found = self.judge_cpu(cx.cpu());
        drop(guard);
        if is_found {
            self.report_findings();
        }
    }

    /// The calling CPU rests in a delay, or does so no more.
    pub(crate) fn note_delay(&self, cpu: u32, is_in_delay: bool) {
        self.cpus[cpu as usize].watch.is_in_delay.store(is_in_delay, ORDER);
    }

    /// For how long a delay may go on before it looks at itself.
    pub(crate) fn delay_slice(&self) -> Nanos {
        match self.watchdog_span() {
            Nanos::ZERO => Nanos::NEVER,
            limit => Nanos(limit.0 / 4),
        }
    }

    fn report_lockup(&self, cx: &Cx<'_>, cpu: u32, finding: Finding) {
        let task = self.running_on(cpu);
        let here = || self.trace_from(&Origin::here());
        let is_here = core::ptr::eq(task, cx.task.get_ref());
        let trace = self.trace_of_cpu(cpu).or_else(|| is_here.then(here));
        // A user-like task may be busy outside of the kernel: with a file of the host's.
        let in_module = trace.as_ref().is_some_and(|trace| trace.has_module());
        if !task.is_kthread() && !in_module {
            return;
        }
        self.count_bug();
        let (comm, pid) = (task.comm(), task.pid());
        let now = self.machine.now();
        match finding {
            Finding::Hard => {
                let since = self.cpus[cpu as usize].watch.deaf_since.load(ORDER);
                let seconds = now.0.saturating_sub(since) / Nanos::SECOND.0;
                log!(cx, LEVEL, "NMI watchdog: Watchdog detected hard LOCKUP on cpu {cpu}");
                log!(cx, LEVEL, "kthreads: {comm}:{pid} has had interrupts off for {seconds}s");
            }
            Finding::Soft | Finding::Nothing => {
                let stuck = task.sched.passes.stuck_for(self.runtime_now(task, now));
                let seconds = stuck / Nanos::SECOND.0;
                log!(
                    cx,
                    LEVEL,
                    "watchdog: BUG: soft lockup - CPU#{cpu} stuck for {seconds}s! [{comm}:{pid}]"
                );
            }
        }
        log!(cx, LEVEL, "CPU: {cpu} PID: {pid} Comm: {comm} {}", self.taint_text());
        self.print_lockup_place(cx, task, trace.as_ref());
    }

    fn print_lockup_place(&self, cx: &Cx<'_>, task: &Task, trace: Option<&Trace>) {
        if let Some(trace) = trace {
            if let Some(place) = self.describe_innermost(trace) {
                log!(cx, LEVEL, "RIP: 0010:{place}");
            }
            log!(cx, LEVEL, "Call Trace:");
            self.print_taken(cx, LEVEL, trace);
        }
        let lock = task.head.spins_on.load(ORDER);
        if lock != 0 {
            let name = self.object_name(lock);
            log!(cx, LEVEL, "kthreads: it waits for spin lock {name}");
            for holder in self.holders_of(lock) {
                let (comm, pid) = (holder.comm(), holder.pid());
                log!(cx, LEVEL, "kthreads: that is held by {comm} (pid {pid})");
            }
        }
        if task.head.held.iter().next().is_some() {
            self.print_locks(cx, LEVEL, task);
        }
    }

    /// Where the code of a CPU is right now, if the machine can tell.
    fn trace_of_cpu(&self, cpu: u32) -> Option<Trace> {
        let sample: Sample = self.machine.sample(cpu)?;
        Some(self.trace_of_sample(&sample))
    }

    /// The trace of a task that runs on another CPU.
    pub(crate) fn trace_of_running(&self, cx: &Cx<'_>, task: &Task) -> Option<Trace> {
        let cpu = task.head.cpu();
        let runs = || core::ptr::eq(self.running_on(cpu), task);
        if cpu == cx.cpu() || !runs() {
            return None;
        }
        self.trace_of_cpu(cpu).filter(|_| runs())
    }

    /// The thread that a machine's watcher runs as.
    pub(crate) fn watcher_head(&self) -> &Head {
        &self.tasks.get(self.nr_cpus()).head
    }
}
