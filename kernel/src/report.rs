//! Reports: what the kernel says when something is wrong, in Linux's words where it has some.
//!
//! A report never replaces Linux's result. Where Linux would say nothing, the line begins with
//! `kthreads:`. Every report counts, so that whoever runs the kernel knows that there was one.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use kthreads_base::{Fault, FaultCause, SpinLock};

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
        let (cpu, pid, comm) = (cx.cpu(), cx.task.pid(), cx.task.comm());
        log!(cx, Level::Warning, "CPU: {cpu} PID: {pid} Comm: {comm} {}", self.taint_text());
        log!(cx, Level::Warning, "Call Trace:");
        self.print_trace(cx, kthreads_base::head::stack_pointer_now());
    }

    /// Logs who called module text that faulted: modules keep frame pointers, so this is exact.
    fn print_frames(&self, cx: &Cx<'_>, fault: &Fault) {
        log!(cx, Level::Alert, " <TASK>");
        kthreads_base::head::for_each_frame(fault.sp, fault.bp, |address| {
            self.print_frame(cx, address);
        });
        log!(cx, Level::Alert, " </TASK>");
    }

    /// Logs the places in modules' text that the stack holds from `sp` up.
    pub(crate) fn print_trace(&self, cx: &Cx<'_>, sp: usize) {
        log!(cx, Level::Warning, " <TASK>");
        let (mut shown, mut last) = (0, 0);
        kthreads_base::head::for_each_word(sp, |word| {
            // Exports that remember their caller leave copies of one return address.
            let is_new = word != last && shown < 24 && self.is_return_address(word);
            if is_new && self.print_frame(cx, word) {
                (shown, last) = (shown + 1, word);
            }
        });
        log!(cx, Level::Warning, " </TASK>");
    }

    /// Logs a return address, if it is one; the call before it may be the function's last
    /// instruction, so that the address itself belongs to another.
    fn print_frame(&self, cx: &Cx<'_>, address: usize) -> bool {
        self.with_symbol_line(address.wrapping_sub(1), &mut |symbol| {
            let crate::module::SymbolAt { name, offset, size, module, line } = symbol;
            let (offset, line) = (offset + 1, Line(line));
            log!(cx, Level::Warning, "  {name}+{offset:#x}/{size:#x} [{module}]{line}");
        })
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
        self.dump_stack(&cx);
    }

    pub(crate) fn report_self_deadlock(&self, cx: &Cx<'_>, kind: &str, address: usize) {
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

    pub(crate) fn report_timer_imbalance(&self, function: usize, before: u32, after: u32) {
        let cx = self.cx();
        self.count_bug();
        let name = self.name_of(function);
        let name = name.as_ref().map_or("?", |name| name.as_str());
        log!(&cx, Level::Error, "timer: {name} preempt leak: {before:08x} -> {after:08x}");
    }

    /// Says so if the caller must not sleep (Linux: might_sleep).
    pub fn might_sleep(&self, cx: &Cx<'_>) {
        if cx.in_atomic() && !self.halted() {
            self.report_atomic_sleep(cx, format_args!(""));
        }
    }

    /// As [`might_sleep`](Kernel::might_sleep), for a caller whose place is known (Linux:
    /// __might_sleep).
    pub fn might_sleep_at(&self, cx: &Cx<'_>, file: &str, line: u32) {
        if cx.in_atomic() && !self.halted() {
            self.report_atomic_sleep(cx, format_args!(" at {file}:{line}"));
        }
    }

    #[cold]
    fn report_atomic_sleep(&self, cx: &Cx<'_>, place: core::fmt::Arguments<'_>) {
        self.count_bug();
        let head = &cx.task.head;
        let count = head.preempt_count.load(Ordering::Relaxed);
        let irqs = head.irqs_off.load(Ordering::Relaxed);
        let (pid, comm) = (cx.task.pid(), cx.task.comm());
        log!(cx, Level::Error, "BUG: sleeping function called from invalid context{place}");
        log!(
            cx,
            Level::Error,
            "in_atomic(): {}, irqs_disabled(): {irqs}, non_block: 0, pid: {pid}, name: {comm}",
            u32::from(count != 0)
        );
        log!(cx, Level::Error, "preempt_count: {count:x}, expected: 0");
        self.dump_stack(cx);
    }

    /// Says so if schedule is called where it must not be, and puts the count right, as Linux
    /// does (__schedule_bug).
    pub(crate) fn check_schedule(&self, cx: &Cx<'_>) {
        let head = &cx.task.head;
        let count = head.preempt_count.load(Ordering::Relaxed);
        if count == 0 {
            return;
        }
        self.count_bug();
        let (pid, comm) = (cx.task.pid(), cx.task.comm());
        log!(cx, Level::Error, "BUG: scheduling while atomic: {comm}/{pid}/0x{count:08x}");
        self.dump_stack(cx);
        head.preempt_count.store(0, Ordering::Relaxed);
    }

    /// What a thread must not leave behind when it ends: a raised count, interrupts off.
    pub(crate) fn check_exit(&self, cx: &Cx<'_>) {
        let head = &cx.task.head;
        let count = head.preempt_count.load(Ordering::Relaxed);
        if cx.in_interrupt() {
            kthreads_base::fatal("a thread ended inside an interrupt");
        }
        if count != 0 {
            self.count_bug();
            let (comm, pid) = (cx.task.comm(), cx.task.pid());
            log!(cx, Level::Info, "note: {comm}[{pid}] exited with preempt_count {count}");
            head.preempt_count.store(0, Ordering::Relaxed);
        }
        if head.irqs_off.load(Ordering::Relaxed) != 0 {
            if !self.was_killed(cx.task.get_ref()) {
                self.warn(cx, "a thread ended with interrupts off");
            }
            head.irq_restore(0);
        }
    }

    /// Says so if kthread_stop is about to wait for ever.
    pub(crate) fn check_stop(&self, cx: &Cx<'_>, task: &Task) {
        let what = if core::ptr::eq(task, cx.task.get_ref()) {
            "itself"
        } else if self.stops_of(task) > 0 {
            "a thread that was stopped before"
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

    /// Tells of a panic in a work; the worker goes on.
    pub(crate) fn report_work_panic(&self, cx: &Cx<'_>, message: &str) {
        self.count_bug();
        let (comm, pid) = (cx.task.comm(), cx.task.pid());
        log!(cx, Level::Alert, "BUG: {message}");
        log!(cx, Level::Alert, "kthreads: a work of {comm} (pid {pid}) ended by this panic");
        self.dump_stack(cx);
    }

    /// Ends the running thread because Rust code in it panicked.
    pub fn die_of_panic(&self, cx: &Cx<'_>, message: &str) -> ! {
        log!(cx, Level::Alert, "BUG: {message}");
        self.oops_head(cx, "panic");
        self.dump_stack(cx);
        self.die(cx)
    }

    /// Ends the running thread because of BUG() at a place (Linux: BUG).
    pub fn bug(&self, cx: &Cx<'_>, file: &str, line: u32) -> ! {
        log!(cx, Level::Critical, "------------[ cut here ]------------");
        log!(cx, Level::Critical, "kernel BUG at {file}:{line}!");
        self.oops_head(cx, "invalid opcode");
        self.dump_stack(cx);
        self.die(cx)
    }

    fn oops_head(&self, cx: &Cx<'_>, kind: &str) {
        let nth = self.reports.oops_count.fetch_add(1, Ordering::Relaxed) + 1;
        let (cpu, pid, comm) = (cx.cpu(), cx.task.pid(), cx.task.comm());
        log!(cx, Level::Alert, "Oops: {kind} [#{nth}]");
        log!(cx, Level::Alert, "CPU: {cpu} PID: {pid} Comm: {comm} {}", self.taint_text());
    }

    fn die(&self, cx: &Cx<'_>) -> ! {
        self.count_bug();
        self.add_taint(TAINT_DIE);
        log!(cx, Level::Alert, "---[ end trace 0000000000000000 ]---");
        cx.task.head.exit_code.store(11, Ordering::Relaxed);
        cx.task.head.preempt_count.store(0, Ordering::Relaxed);
        cx.task.mark_killed();
        if cx.task.is_kthread() {
            self.kthread_exit(cx, 11);
        }
        self.do_exit(cx, 11)
    }

    /// Ends the running thread because of a fault (Linux: die, make_task_dead).
    pub(crate) fn oops_fault(&self, fault: &Fault) -> ! {
        let cx = self.cx();
        self.print_cause(&cx, fault);
        self.oops_head(&cx, cause_name(fault.cause));
        let at = self.with_symbol_line(fault.ip, &mut |symbol| {
            let crate::module::SymbolAt { name, offset, size, module, line } = symbol;
            let line = Line(line);
            log!(&cx, Level::Alert, "RIP: 0010:{name}+{offset:#x}/{size:#x} [{module}]{line}");
        });
        if !at {
            log!(&cx, Level::Alert, "RIP: 0010:{:#018x}", fault.ip);
        }
        self.print_unloaded(&cx, fault);
        log!(&cx, Level::Alert, "Call Trace:");
        if self.module_of_text(fault.ip).is_some() {
            self.print_frames(&cx, fault);
        } else {
            self.print_trace(&cx, fault.sp);
        }
        self.die(&cx)
    }

    /// Says so if the fault came of a module that is no longer there.
    fn print_unloaded(&self, cx: &Cx<'_>, fault: &Fault) {
        let address = fault.address.unwrap_or(fault.ip);
        let gone = self.unloaded_module_at(fault.ip).or_else(|| self.unloaded_module_at(address));
        if let Some(module) = gone {
            let level = Level::Alert;
            log!(cx, level, "kthreads: that is in module {module}, which was unloaded");
        }
    }

    fn print_cause(&self, cx: &Cx<'_>, fault: &Fault) {
        let used = self.address_of_fault(fault);
        let address = used.unwrap_or(0);
        let level = Level::Alert;
        match fault.cause {
            FaultCause::StackOverflow => {
                log!(cx, level, "BUG: stack guard page was hit at {address:#018x}");
                let base = cx.task.head.stack.load(Ordering::Relaxed);
                log!(cx, level, "kthreads: stack overflow (the stack begins at {base:#x})");
            }
            FaultCause::Read | FaultCause::Write | FaultCause::Execute if address < 4096 => {
                log!(cx, level, "BUG: kernel NULL pointer dereference, address: {address:016x}");
            }
            FaultCause::Read | FaultCause::Write | FaultCause::Execute => {
                log!(cx, level, "BUG: unable to handle page fault for address: {address:016x}");
                self.print_error_pointer(cx, address);
            }
            FaultCause::NonCanonical => match used {
                Some(address) => log!(
                    cx,
                    level,
                    "general protection fault, probably for non-canonical address {address:#x}"
                ),
                None => {
                    log!(cx, level, "general protection fault, probably for non-canonical address");
                }
            },
            FaultCause::Divide => log!(cx, level, "divide error"),
            FaultCause::InvalidOpcode => log!(cx, level, "invalid opcode"),
            FaultCause::Other(trap) => log!(cx, level, "trap {trap}"),
        }
        self.explain_pattern(cx, fault, address);
        let access = match fault.cause {
            FaultCause::Read => "supervisor read access in kernel mode",
            FaultCause::Write => "supervisor write access in kernel mode",
            FaultCause::Execute => "supervisor instruction fetch in kernel mode",
            _ => return,
        };
        log!(cx, level, "#PF: {access}");
    }

    fn print_error_pointer(&self, cx: &Cx<'_>, address: usize) {
        /// How far behind an error pointer a member is looked for.
        const REACH: i64 = 512;
        let distance = (address as i64).wrapping_neg();
        let near = -REACH..=4095;
        if !near.contains(&distance) {
            return;
        }
        let errno = distance.clamp(1, 4095);
        if let Some(name) = crate::format::errno_name(errno as i32) {
            let level = Level::Alert;
            log!(cx, level, "kthreads: that is near ERR_PTR(-{name}): a result was not tested");
        }
    }
}

/// A place in the source behind an address, if it is known.
struct Line<'a>(Option<&'a str>);

impl core::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " ({line})"))
    }
}

fn cause_name(cause: FaultCause) -> &'static str {
    match cause {
        FaultCause::Read | FaultCause::Execute => "0000",
        FaultCause::Write => "0002",
        FaultCause::StackOverflow => "stack guard page",
        FaultCause::NonCanonical => "general protection fault",
        FaultCause::Divide => "divide error",
        FaultCause::InvalidOpcode => "invalid opcode",
        FaultCause::Other(_) => "trap",
    }
}

impl Kernel {
    /// Whether an oops ended the task.
    pub(crate) fn was_killed(&self, task: &Task) -> bool {
        task.is_marked_killed()
    }
}
