//! Where interrupts and exceptions come in.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::frames::Place;
use kthreads_base::{Fault, FaultCause, SLOT_SIZE, head, interrupt_point, on_kernel_stack, stack};
use x86_64::VirtAddr;
use x86_64::instructions::tables::{DescriptorTablePointer, lidt};
use x86_64::instructions::{hlt, interrupts};
use x86_64::registers::control::Cr2;

use crate::apic::{self, Vector};
use crate::processor::{self, Processor};
use crate::{clock, lockup, machine, outside, power, rest, segments, serial, shootdown};

const NMI: u64 = 2;
const INVALID_OPCODE: u64 = 6;
const DIVIDE: u64 = 0;
const DOUBLE_FAULT: u64 = 8;
const STACK_SEGMENT: u64 = 12;
const GENERAL_PROTECTION: u64 = 13;
const PAGE_FAULT: u64 = 14;
const MACHINE_CHECK: u64 = 18;
const ERROR_WRITE: u64 = 1 << 1;
const ERROR_EXECUTE: u64 = 1 << 4;

/// What boot.s has saved of who was interrupted, from low to high addresses.
#[repr(C)]
pub(crate) struct Frame {
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    rdi: u64,
    rsi: u64,
    rdx: u64,
    rcx: u64,
    rbx: u64,
    rax: u64,
    rbp: u64,
    vector: u64,
    error: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

/// The descriptor of a vector: an interrupt gate.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
struct Gate {
    low: u64,
    high: u64,
}

struct Gates([AtomicGate; 256]);

/// A gate that is written once at the start.
struct AtomicGate([AtomicU64; 2]);

static GATES: Gates = Gates([const { AtomicGate([const { AtomicU64::new(0) }; 2]) }; 256]);

unsafe extern "C" {
    static vector_stubs: u8;
}

const STUB_SIZE: usize = 16;
const KERNEL_CODE: u64 = 0x08;
const PRESENT_INTERRUPT_GATE: u64 = 0x8e;

fn gate(vector: usize) -> Gate {
    // SAFETY: boot.s has one entry a vector there; only the address is used.
    let stub = unsafe { core::ptr::from_ref(&vector_stubs) } as u64 + (vector * STUB_SIZE) as u64;
    let low = stub & 0xffff
        | KERNEL_CODE << 16
        | u64::from(segments::stack_of(vector)) << 32
        | PRESENT_INTERRUPT_GATE << 40
        | (stub >> 16 & 0xffff) << 48;
    Gate { low, high: stub >> 32 }
}

/// Writes the table of all vectors.
pub(crate) fn init() {
    for (vector, entry) in GATES.0.iter().enumerate() {
        let Gate { low, high } = gate(vector);
        entry.0[0].store(low, Ordering::Relaxed);
        entry.0[1].store(high, Ordering::Relaxed);
    }
}

/// Has the calling processor use the table.
pub(crate) fn load() {
    let base = VirtAddr::from_ptr(&raw const GATES);
    let limit = (size_of::<Gates>() - 1) as u16;
    // SAFETY: the table is static, and its gates lead to boot.s.
    unsafe { lidt(&DescriptorTablePointer { limit, base }) };
}

/// An interrupt, on the stack of who was interrupted, with interrupts off.
#[unsafe(no_mangle)]
extern "C" fn pc_interrupt(frame: &Frame) {
    let me = processor::this();
    let is = |vector: Vector| frame.vector == vector as u64;
    if is(Vector::Spurious) {
        return;
    }
    apic::end_of_interrupt();
    if is(Vector::Flush) {
        return shootdown::answer(me);
    }
    if is(Vector::Stop) {
        stop();
    }
    if is(Vector::Serial) {
        serial::take_input();
    }
    // The boot processor is where the kernel is let go, so it is there, or known to be gone.
    if me.number() != 0 && !me.is_cpu.load(Ordering::SeqCst) {
        return;
    }
    rest::on_interrupt(me);
    machine::tell_time(clock::now());
    if on_kernel_stack() {
        deliver(me, frame);
    }
}

/// Lets the kernel take what is pending, if its virtual interrupts are on, and preempt.
fn deliver(me: &Processor, frame: &Frame) {
    let are_off = head::current_head().irqs_off.load(Ordering::Relaxed) != 0;
    if !are_off && me.number() == 0 && outside::is_wanted() {
        outside::run();
    }
    lockup::judge(me, frame);
    if are_off {
        return;
    }
    interrupts::enable();
    // The thread may go on on another processor after this.
    interrupt_point();
    interrupts::disable();
}

fn stop() -> ! {
    loop {
        interrupts::disable();
        hlt();
    }
}

/// An exception, on the processor's stack for it, with interrupts off.
#[unsafe(no_mangle)]
extern "C" fn pc_exception(frame: &Frame) {
    match frame.vector {
        NMI => return report_nmi(frame),
        DOUBLE_FAULT => power::die(format_args!("double fault at {:#x}", frame.rip), frame),
        MACHINE_CHECK => power::die(format_args!("machine check at {:#x}", frame.rip), frame),
        _ => {}
    }
    let me = processor::this();
    let own = me.exception_stack.load(Ordering::Relaxed);
    let sp = frame.rsp as usize;
    if sp & !(SLOT_SIZE - 1) == own {
        power::die(format_args!("a fault while one was reported, at {:#x}", frame.rip), frame);
    }
    if !stack::in_range(sp) {
        power::die(format_args!("a fault outside of the kernel, at {:#x}", frame.rip), frame);
    }
    let fault = describe(frame);
    let top_word = |address: usize| (address | (SLOT_SIZE - 1)) - 7;
    // SAFETY: the slot of `sp` is one that code runs on, so its top word names a thread; the
    // exception stack is ours, and nobody is on it but us.
    unsafe { (top_word(own) as *mut usize).write(*(top_word(sp) as *const usize)) };
    // Nobody may take the CPU from the thread here: the next who faults needs this stack.
    head::current_head().irq_save();
    interrupts::enable();
    kthreads_base::interrupt::report_fault(&fault)
}

/// A non-maskable interrupt is told and ended: something outside wants to know that we live.
fn report_nmi(frame: &Frame) {
    let cpu = processor::this().number();
    serial_line(format_args!("NMI received on CPU {cpu} at {:#x}\n", frame.rip));
}

fn serial_line(text: core::fmt::Arguments<'_>) {
    // Writing to the line does not fail.
    let _ = core::fmt::write(&mut power::Console, text);
}

fn describe(frame: &Frame) -> Fault {
    let address = Cr2::read_raw() as usize;
    let is_page_fault = frame.vector == PAGE_FAULT;
    let sp = frame.rsp as usize;
    let slot = sp & !(SLOT_SIZE - 1);
    let is_overflow = (slot..slot + stack::guard_size()).contains(&address);
    let cause = match frame.vector {
        PAGE_FAULT if is_overflow => FaultCause::StackOverflow,
        PAGE_FAULT if frame.error & ERROR_EXECUTE != 0 => FaultCause::Execute,
        PAGE_FAULT if frame.error & ERROR_WRITE != 0 => FaultCause::Write,
        PAGE_FAULT => FaultCause::Read,
        GENERAL_PROTECTION if frame.error != 0 => FaultCause::Other(frame.vector as u32),
        GENERAL_PROTECTION | STACK_SEGMENT => FaultCause::NonCanonical,
        DIVIDE => FaultCause::Divide,
        INVALID_OPCODE => FaultCause::InvalidOpcode,
        vector => FaultCause::Other(vector as u32),
    };
    let registers = [
        frame.rax, frame.rbx, frame.rcx, frame.rdx, frame.rsi, frame.rdi, frame.r8, frame.r9,
        frame.r10, frame.r11, frame.r12, frame.r13, frame.r14, frame.r15,
    ];
    Fault {
        cause,
        address: is_page_fault.then_some(address),
        ip: frame.rip as usize,
        sp,
        bp: frame.rbp as usize,
        registers,
    }
}

impl Frame {
    /// The instruction where it was interrupted.
    pub(crate) fn ip(&self) -> usize {
        self.rip as usize
    }

    /// The stack pointer and the frame pointer where it was interrupted.
    pub(crate) fn place(&self) -> Place {
        Place { sp: self.rsp as usize, bp: self.rbp as usize }
    }
}

/// In the order that Linux has.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Frame { rip, rsp, rflags, error, rax, rbx, rcx, rdx, rsi, rdi, rbp, .. } = self;
        let Frame { r8, r9, r10, r11, r12, r13, r14, r15, .. } = self;
        writeln!(f, "RIP: {rip:#x}")?;
        writeln!(f, "RSP: {rsp:016x} EFLAGS: {rflags:08x} error: {error:x}")?;
        writeln!(f, "RAX: {rax:016x} RBX: {rbx:016x} RCX: {rcx:016x}")?;
        writeln!(f, "RDX: {rdx:016x} RSI: {rsi:016x} RDI: {rdi:016x}")?;
        writeln!(f, "RBP: {rbp:016x} R08: {r8:016x} R09: {r9:016x}")?;
        writeln!(f, "R10: {r10:016x} R11: {r11:016x} R12: {r12:016x}")?;
        writeln!(f, "R13: {r13:016x} R14: {r14:016x} R15: {r15:016x}")
    }
}
