//! Oops: the end of a thread that did what it must not.

use alloc::string::String;
use core::sync::atomic::Ordering;

use kthreads_base::frames::Place;
use kthreads_base::softirq::{give_up_softirq, in_softirq};
use kthreads_base::{Fault, FaultCause};

use super::TAINT_DIE;
use crate::backtrace::{Line, Origin};
use crate::log::Level;
use crate::module::SymbolAt;
use crate::{Cx, Kernel, log};

const LEVEL: Level = Level::Alert;
/// Addresses below this are NULL with a member's offset.
const NULL_PAGE: usize = 4096;
/// How far from a well-known value an address still comes from it: a large structure.
const REACH: usize = 4096;
/// The highest errno.
const MAX_ERRNO: u64 = 4095;
/// What a thread that an oops ends is said to have returned: Linux's do_exit(SIGSEGV).
const OOPS_CODE: i64 = 11;

/// The names of a fault's registers, in its order.
const REGISTERS: [&str; 14] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
];

impl Kernel {
    /// Ends the running thread because Rust code in it panicked.
    pub fn die_of_panic(&self, cx: &Cx<'_>, message: &str) -> ! {
        log!(cx, LEVEL, "BUG: {message}");
        self.oops_head(cx, "panic");
        self.print_innermost(cx, &Origin::here());
        self.die(cx)
    }

    /// Ends the running thread because of BUG() at a place (Linux: BUG).
    pub fn bug(&self, cx: &Cx<'_>, file: &str, line: u32) -> ! {
        log!(cx, Level::Critical, "------------[ cut here ]------------");
        log!(cx, Level::Critical, "kernel BUG at {file}:{line}!");
        self.oops_head(cx, "invalid opcode: 0000");
        self.print_innermost(cx, &Origin::here());
        self.die(cx)
    }

    /// Logs where in a module the running thread called the kernel, and how it came there.
    fn print_innermost(&self, cx: &Cx<'_>, origin: &Origin) {
        let trace = self.trace_from(origin);
        if let Some(place) = self.describe_innermost(&trace) {
            log!(cx, LEVEL, "RIP: 0010:{place}");
        }
        log!(cx, LEVEL, "Call Trace:");
        self.print_taken(cx, LEVEL, &trace);
    }

    /// Ends the running thread because of a fault (Linux: die, make_task_dead).
    pub(crate) fn oops_fault(&self, fault: &Fault) -> ! {
        let cx = self.cx();
        self.print_cause(&cx, fault);
        self.oops_head(&cx, cause_name(fault.cause));
        let origin = self.origin_of(fault);
        self.print_instruction(&cx, fault, &origin);
        log!(&cx, LEVEL, "Call Trace:");
        self.print_trace(&cx, LEVEL, &origin);
        self.die(&cx)
    }

    fn oops_head(&self, cx: &Cx<'_>, kind: &str) {
        let nth = self.reports.oops_count.fetch_add(1, Ordering::Relaxed) + 1;
        let (cpu, pid, comm) = (cx.cpu(), cx.task.pid(), cx.task.comm());
        log!(cx, LEVEL, "Oops: {kind} [#{nth}]");
        log!(cx, LEVEL, "CPU: {cpu} PID: {pid} Comm: {comm} {}", self.taint_text());
    }

    fn die(&self, cx: &Cx<'_>) -> ! {
        self.count_bug();
        self.add_taint(TAINT_DIE);
        self.print_locks_of_dying(cx);
        log!(cx, LEVEL, "---[ end trace 0000000000000000 ]---");
        if self.panics_on_oops() {
            self.panic(cx, "Fatal exception");
        }
        self.give_up_interrupt(cx, "panics (Fatal exception in interrupt)");
        let head = &cx.task.head;
        head.exit_code.store(OOPS_CODE as i32, Ordering::Relaxed);
        head.preempt_count.store(0, Ordering::Relaxed);
        head.held.clear();
        cx.task.mark_killed();
        self.end_thread(cx, OOPS_CODE)
    }

    /// Ends what runs in an interrupt and not the thread that it has interrupted.
    pub(super) fn give_up_interrupt(&self, cx: &Cx<'_>, what_linux_does: &str) {
        if in_softirq() {
            log!(
                cx,
                LEVEL,
                "kthreads: this was a timer's function: Linux {what_linux_does}; here it is given \
                 up, and the kernel goes on"
            );
            give_up_softirq();
        }
    }

    /// Ends the running thread wherever it is: what waits for it gets `code`.
    pub(crate) fn end_thread(&self, cx: &Cx<'_>, code: i64) -> ! {
        if cx.task.is_kthread() {
            self.kthread_exit(cx, code);
        }
        self.do_exit(cx, code)
    }

    /// Where the trace of a fault begins. A call to what is no code, and a fault in the first
    /// instruction of a function, come before the function's frame.
    fn origin_of(&self, fault: &Fault) -> Origin {
        let place = Place { sp: fault.sp, bp: fault.bp };
        let is_module = self.module_of_text(fault.ip).is_some();
        // A jump to what is no code has left the return address of the call behind.
        let is_first = is_module || fault.cause == FaultCause::Execute;
        Origin { ip: is_first.then_some(fault.ip), place }
    }

    /// Logs the instruction: where it is, or the kernel's function that it is in.
    fn print_instruction(&self, cx: &Cx<'_>, fault: &Fault, origin: &Origin) {
        let named = self.with_symbol_line(fault.ip, &mut |symbol| {
            let SymbolAt { name, offset, size, module, line } = symbol;
            let line = Line(line);
            log!(cx, LEVEL, "RIP: 0010:{name}+{offset:#x}/{size:#x} [{module}]{line}");
        });
        if named {
            return;
        }
        let trace = self.trace_from(origin);
        let export =
            (fault.cause != FaultCause::Execute).then(|| self.innermost_export(&trace)).flatten();
        match export {
            Some(name) => log!(cx, LEVEL, "RIP: 0010:{name} (called with a bad pointer)"),
            None => log!(cx, LEVEL, "RIP: 0010:{:#018x}", fault.ip),
        }
    }

    fn print_cause(&self, cx: &Cx<'_>, fault: &Fault) {
        let used = self.address_of_fault(fault);
        let address = used.unwrap_or(0);
        match fault.cause {
            FaultCause::StackOverflow => self.print_overflow(cx, fault),
            FaultCause::Read | FaultCause::Write | FaultCause::Execute if address < NULL_PAGE => {
                log!(cx, LEVEL, "BUG: kernel NULL pointer dereference, address: {address:016x}");
            }
            FaultCause::Read | FaultCause::Write | FaultCause::Execute => {
                log!(cx, LEVEL, "BUG: unable to handle page fault for address: {address:016x}");
            }
            FaultCause::NonCanonical => print_non_canonical(cx, fault, used),
            FaultCause::Divide => log!(cx, LEVEL, "divide error: 0000"),
            FaultCause::InvalidOpcode => log!(cx, LEVEL, "invalid opcode: 0000"),
            FaultCause::Other(trap) => log!(cx, LEVEL, "trap {trap}"),
        }
        self.explain_pattern(cx, fault, address);
        let access = match fault.cause {
            FaultCause::Read => "supervisor read access in kernel mode",
            FaultCause::Write => "supervisor write access in kernel mode",
            FaultCause::Execute => "supervisor instruction fetch in kernel mode",
            _ => {
                self.explain_unloaded(cx, fault.ip);
                return;
            }
        };
        log!(cx, LEVEL, "#PF: {access}");
        self.explain_address(cx, fault, address);
    }

    fn print_overflow(&self, cx: &Cx<'_>, fault: &Fault) {
        let address = fault.address.unwrap_or(0);
        log!(cx, LEVEL, "BUG: stack guard page was hit at {address:#018x}");
        let base = cx.task.head.stack.load(Ordering::Relaxed);
        let last = base + kthreads_base::SLOT_SIZE - 1;
        log!(cx, LEVEL, "kthreads: stack overflow (the stack is {base:#x}..{last:#x})");
    }

    /// Says what stands behind an address that may not be used so.
    fn explain_address(&self, cx: &Cx<'_>, fault: &Fault, address: usize) {
        if self.explain_error_base(cx, fault, address) {
            return;
        }
        if address < NULL_PAGE {
            if fault.cause == FaultCause::Execute {
                log!(cx, LEVEL, "kthreads: a function pointer that is NULL was called");
            }
            return;
        }
        if print_error_pointer(cx, address) || self.explain_unloaded(cx, address) {
            return;
        }
        self.explain_module_memory(cx, fault, address);
    }

    /// Says so if the pointer that the address was made from is an error pointer.
    fn explain_error_base(&self, cx: &Cx<'_>, fault: &Fault, address: usize) -> bool {
        let base = self.kernel_symbols().and_then(|symbols| symbols.used_base(fault));
        let errno = |base: u64| Some(base.wrapping_neg()).filter(|n| (1..=MAX_ERRNO).contains(n));
        let Some((base, errno)) = base.and_then(|base| Some((base, errno(base)?))) else {
            return false;
        };
        let Some(name) = crate::format::errno_name(errno as i32) else { return false };
        let behind = address.wrapping_sub(base as usize);
        let register = register_of(fault, base as usize).map_or("rbp", |(register, _)| register);
        log!(
            cx,
            LEVEL,
            "kthreads: the pointer in {register} is ERR_PTR(-{name}), used {behind} bytes behind: \
             a result was not tested"
        );
        true
    }

    /// Says so if an address is in a module that is no longer there.
    fn explain_unloaded(&self, cx: &Cx<'_>, address: usize) -> bool {
        let gone = self.unloaded_module_at(address);
        if let Some(module) = &gone {
            log!(cx, LEVEL, "kthreads: that is in module {module}, which was unloaded");
        }
        gone.is_some()
    }

    /// Says what part of a module an address is in that may not be used so.
    fn explain_module_memory(&self, cx: &Cx<'_>, fault: &Fault, address: usize) {
        for module in self.modules() {
            let Some(image) = module.image().filter(|image| image.contains(address)) else {
                continue;
            };
            let what = if image.is_dropped(address) {
                "memory for init only (__init, __initdata), which is gone since init is over"
            } else if fault.cause == FaultCause::Execute {
                "data, which is no code"
            } else if image.is_constant(address) {
                "constant data, which cannot be written"
            } else {
                continue;
            };
            let mut name = None;
            image.symbolize_past(address, &mut |found, _, _| name = Some(String::from(found)));
            let name = name.as_deref().unwrap_or("?");
            log!(cx, LEVEL, "kthreads: {name} of module {} is {what}", module.name());
        }
    }
}

/// Says so if an address lies near an error pointer, with the error's name.
fn print_error_pointer(cx: &Cx<'_>, address: usize) -> bool {
    /// How far behind an error pointer a member is looked for.
    const MEMBER: i64 = 512;
    let distance = (address as i64).wrapping_neg();
    if !(-MEMBER..=MAX_ERRNO as i64).contains(&distance) {
        return false;
    }
    let errno = distance.clamp(1, MAX_ERRNO as i64);
    let Some(name) = crate::format::errno_name(errno as i32) else { return false };
    log!(cx, LEVEL, "kthreads: that is near ERR_PTR(-{name}): a result was not tested");
    true
}

/// The register that an address was made from: the one whose value lies closest below it.
fn register_of(fault: &Fault, address: usize) -> Option<(&'static str, u64)> {
    let named = REGISTERS.iter().copied().zip(fault.registers);
    let distance = |value: u64| address.wrapping_sub(value as usize);
    let near = named.filter(|(_, value)| distance(*value) < REACH);
    near.min_by_key(|(_, value)| distance(*value))
}

fn print_non_canonical(cx: &Cx<'_>, fault: &Fault, address: Option<usize>) {
    let what = "general protection fault, probably for non-canonical address";
    let Some(address) = address else { return log!(cx, LEVEL, "{what}") };
    log!(cx, LEVEL, "{what} {address:#x}");
    if let Some((name, value)) = register_of(fault, address) {
        log!(cx, LEVEL, "kthreads: the pointer was in {name}: {value:#018x}");
    }
}

fn cause_name(cause: FaultCause) -> &'static str {
    match cause {
        FaultCause::Read => "0000",
        FaultCause::Write => "0002",
        FaultCause::Execute => "0010",
        FaultCause::StackOverflow => "stack guard page: 0000",
        FaultCause::NonCanonical => "general protection fault: 0000",
        FaultCause::Divide => "divide error: 0000",
        FaultCause::InvalidOpcode => "invalid opcode: 0000",
        FaultCause::Other(_) => "trap: 0000",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_behind_an_address_is_the_closest_below() {
        let mut registers = [0; 14];
        registers[2] = 0x6b6b_6b6b_6b6b_6b6b;
        registers[5] = 0x6b6b_6b6b_6b6b_6000;
        let cause = FaultCause::NonCanonical;
        let fault = Fault { cause, address: None, ip: 0, sp: 0, bp: 0, registers };
        let found = register_of(&fault, 0x6b6b_6b6b_6b6b_6b7b);
        assert_eq!(found, Some(("rcx", 0x6b6b_6b6b_6b6b_6b6b)));
        assert_eq!(register_of(&fault, 0x6b6b_0000_0000_0000), None);
    }
}
