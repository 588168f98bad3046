//! Faults of kernel threads.
//!
//! The processor's complaints come as signals. The handler, on the signal stack, only notes what
//! there is to know and makes the CPU go on outside of signal context, on a stack kept for this,
//! in [`report`]: not on the thread's own, which may be full, and whose frames are to be printed.
//! What does not come from a kernel thread is left to whoever handled it before.

use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::ptr;

use kthreads_base::{Fault, FaultCause, Head, SLOT_SIZE, Stack, interrupt};

use crate::arena;
use crate::preempt::{head_at, top_word};
use crate::signals;
use crate::sys::PAGE;
use crate::twin::STRUCK;

const TRAP_DIVIDE: i64 = 0;
const TRAP_INVALID_OPCODE: i64 = 6;
const TRAP_STACK_SEGMENT: i64 = 12;
const TRAP_GENERAL_PROTECTION: i64 = 13;
const TRAP_PAGE_FAULT: i64 = 14;
const ERROR_WRITE: i64 = 1 << 1;
const ERROR_EXECUTE: i64 = 1 << 4;
const FLAG_DIRECTION: i64 = 1 << 10;
const FLAG_ALIGNMENT: i64 = 1 << 18;
const HLT: u8 = 0xf4;
const CLI: u8 = 0xfa;
const STI: u8 = 0xfb;

/// Where a CPU reports a fault.
struct OopsStack {
    stack: Stack,
    fault: UnsafeCell<Option<Fault>>,
}

/// Where the CPUs that one host thread runs report their faults: a stack for each.
pub struct OopsDesk {
    first_cpu: u32,
    stacks: Box<[OopsStack]>,
}

thread_local! {
    static DESK: Cell<*const OopsDesk> = const { Cell::new(ptr::null()) };
}

impl OopsDesk {
    /// A desk for as many CPUs as there are stacks; `first_cpu` is the number of the first.
    pub fn new(first_cpu: u32, stacks: impl IntoIterator<Item = Stack>) -> OopsDesk {
        OopsDesk { first_cpu, stacks: stacks.into_iter().map(OopsStack::new).collect() }
    }

    /// Gives the stacks back.
    pub fn into_stacks(self) -> impl Iterator<Item = Stack> {
        self.stacks.into_iter().map(|oops| oops.stack)
    }

    fn stack_of(&self, cpu: u32) -> Option<&OopsStack> {
        self.stacks.get(cpu.checked_sub(self.first_cpu)? as usize)
    }
}

/// Says where the CPUs of the calling host thread report faults; null: it runs none.
///
/// Never inlined: a kernel thread may be on another host thread after each switch.
#[inline(never)]
pub(crate) fn set_desk(desk: *const OopsDesk) {
    DESK.set(desk);
}

// SAFETY: the cell is used by the CPU's own host thread only: in its signal handler, then in
// `report`, before anything can switch to another.
unsafe impl Sync for OopsStack {}

impl OopsStack {
    fn new(stack: Stack) -> OopsStack {
        OopsStack { stack, fault: UnsafeCell::new(None) }
    }
}

/// The handler of SIGSEGV, SIGBUS, SIGILL and SIGFPE.
pub(crate) extern "C" fn on_signal(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel of the host hands a handler its own siginfo and ucontext.
    let (info, context) = unsafe { (&*info, &mut *context.cast::<libc::ucontext_t>()) };
    // SAFETY: this signal carries an address.
    if signal == libc::SIGSEGV && arena::has_unlocked(unsafe { info.si_addr() } as usize) {
        return;
    }
    if info.si_code <= 0 || !redirect(info, &mut context.uc_mcontext.gregs) {
        signals::hand_on(signal, info);
    }
}

/// Makes a faulting kernel thread go on in [`report`]; false if this was none.
fn redirect(info: &libc::siginfo_t, registers: &mut [libc::greg_t; 23]) -> bool {
    let sp = registers[libc::REG_RSP as usize] as usize;
    // SAFETY: null, or the desk of the CPUs that this host thread runs, which it keeps meanwhile.
    let Some(desk) = (unsafe { DESK.get().as_ref() }) else { return false };
    let Some(head) = head_at(sp) else { return false };
    let Some(oops) = desk.stack_of(head.cpu()) else { return false };
    if sp & !(SLOT_SIZE - 1) == oops.stack.base() {
        return false;
    }
    // SAFETY: only this host thread uses the cell, and it was not in `report`.
    unsafe { *oops.fault.get() = Some(describe(info, registers)) };
    let word = top_word(oops.stack.base()) as *mut *const Head;
    // SAFETY: the oops stack is this CPU's own and not in use; a word for the return address that
    // a called function expects lies below its top.
    unsafe {
        word.write(head);
        ((oops.stack.top() - size_of::<usize>()) as *mut usize).write(0);
    }
    registers[libc::REG_RSP as usize] = (oops.stack.top() - size_of::<usize>()) as i64;
    registers[libc::REG_RBP as usize] = 0;
    registers[libc::REG_RDI as usize] = std::ptr::from_ref(oops) as i64;
    registers[libc::REG_RIP as usize] = report as *const () as i64;
    registers[libc::REG_EFL as usize] &= !(FLAG_DIRECTION | FLAG_ALIGNMENT);
    true
}

/// Goes on after a fault: on the oops stack, outside of signal context.
extern "C" fn report(oops: &OopsStack) -> ! {
    // SAFETY: written by the handler on this host thread just before; nobody else uses it.
    match unsafe { (*oops.fault.get()).take() } {
        Some(fault) => interrupt::report_fault(&fault),
        None => kthreads_base::fatal("a fault without a description"),
    }
}

fn describe(info: &libc::siginfo_t, registers: &[libc::greg_t; 23]) -> Fault {
    use libc::{
        REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RAX, REG_RBP,
        REG_RBX, REG_RCX, REG_RDI, REG_RDX, REG_RIP, REG_RSI, REG_RSP,
    };
    let register = |number: i32| registers[number as usize] as u64;
    let ip = register(REG_RIP) as usize;
    let sp = register(REG_RSP) as usize;
    // SAFETY: these signals carry an address.
    let address = unsafe { info.si_addr() } as usize;
    let trap = registers[libc::REG_TRAPNO as usize];
    let error = registers[libc::REG_ERR as usize];
    let guard = sp & !(SLOT_SIZE - 1);
    let is_struck = trap == TRAP_GENERAL_PROTECTION && STRUCK.contains(ip);
    let cause = match trap {
        _ if is_struck => FaultCause::Execute,
        TRAP_PAGE_FAULT if (guard..guard + PAGE).contains(&address) => FaultCause::StackOverflow,
        TRAP_PAGE_FAULT if error & ERROR_EXECUTE != 0 => FaultCause::Execute,
        TRAP_PAGE_FAULT if error & ERROR_WRITE != 0 => FaultCause::Write,
        TRAP_PAGE_FAULT => FaultCause::Read,
        TRAP_GENERAL_PROTECTION if is_privileged(ip) => FaultCause::Other(trap as u32),
        TRAP_GENERAL_PROTECTION | TRAP_STACK_SEGMENT => FaultCause::NonCanonical,
        TRAP_DIVIDE => FaultCause::Divide,
        TRAP_INVALID_OPCODE => FaultCause::InvalidOpcode,
        _ => FaultCause::Other(trap as u32),
    };
    let registers = [
        REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11,
        REG_R12, REG_R13, REG_R14, REG_R15,
    ];
    Fault {
        cause,
        address: match trap {
            _ if is_struck => Some(ip),
            TRAP_PAGE_FAULT => Some(address),
            _ => None,
        },
        ip,
        sp,
        bp: register(REG_RBP) as usize,
        registers: registers.map(register),
    }
}

/// Whether the instruction at `ip`, which the processor would not run, is one of those that only
/// a real kernel may use.
fn is_privileged(ip: usize) -> bool {
    // A jump to a non-canonical address faults there, where there is nothing to read.
    if ip >> 47 != 0 {
        return false;
    }
    // SAFETY: the processor has just fetched the instruction from there.
    let opcode = unsafe { (ip as *const u8).read() };
    matches!(opcode, HLT | CLI | STI)
}
