//! Interrupting module text by force.
//!
//! A signal asks a CPU to take what is pending. Its handler runs on a stack of its own and does
//! one thing: if the CPU was in module text, on a kernel stack, with interrupts on, it makes the
//! code go on in [`interrupted`], as if it had called it right there. That saves what a called
//! function may change and calls [`kthreads_base::interrupt_point`] like the end of any call into
//! the kernel. Module text uses general registers only, so these are all.
//!
//! Rust code is never interrupted by force, so it needs no protection from it; it takes what is
//! pending when it turns interrupts on, and when it returns to module text. A signal that comes
//! between that last look and the return does nothing; the monitor sends another.

use std::arch::naked_asm;
use std::ffi::c_void;
use std::sync::atomic::Ordering;

use kthreads_base::frames::Place;
use kthreads_base::{Head, SLOT_SIZE, stack};

use crate::cpu::{self, Cpu};
use crate::sys;
use crate::text::TEXT;

/// The signal: ignored by default, so one that comes late or astray does no harm, and the host
/// merges those that wait.
pub(crate) const SIGNAL: i32 = libc::SIGURG;

/// What code may use below its stack pointer without telling, by the ABI.
const RED_ZONE: usize = 128;

/// A thread with less stack left than this above the bottom of its slot is not interrupted.
const ROOM: usize = 8 * 1024;

/// Asks a CPU to take what is pending.
pub(crate) fn send(cpu: &Cpu) {
    let thread = cpu.thread.load(Ordering::Relaxed);
    if thread != 0 {
        sys::signal_thread(thread, SIGNAL);
    }
}

/// The thread that runs on the kernel stack to which `sp` points; None if it points to none.
pub(crate) fn head_at<'a>(sp: usize) -> Option<&'a Head> {
    if !stack::in_range(sp) {
        return None;
    }
    // SAFETY: the whole range is mapped, and the highest page of a slot is no guard page. The top
    // word of a slot that code runs on names a live head; that of a fresh slot is null.
    unsafe { (*(top_word(sp) as *const *const Head)).as_ref() }
}

/// The address of the top word of the slot to which `sp` points.
pub(crate) fn top_word(sp: usize) -> usize {
    (sp | (SLOT_SIZE - 1)) - (size_of::<usize>() - 1)
}

/// The handler of [`SIGNAL`].
pub(crate) extern "C" fn on_signal(_: i32, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel of the host hands a handler its own ucontext.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let ip = registers[libc::REG_RIP as usize] as usize;
    let sp = registers[libc::REG_RSP as usize] as usize;
    let bp = registers[libc::REG_RBP as usize] as usize;
    // SAFETY: null, or the CPU that this host thread is, which outlives the thread.
    if let Some(cpu) = unsafe { cpu::this_cpu().as_ref() } {
        cpu.sampler.answer(ip, Place { sp, bp });
    }
    // In this order: outside of module text the stack pointer may be of a stack that another CPU
    // already runs on, and outside of the range there is no head to find.
    if !TEXT.contains(ip) {
        return;
    }
    note(ip);
    if sp % SLOT_SIZE < ROOM {
        return;
    }
    let Some(head) = head_at(sp) else { return };
    if head.irqs_off.load(Ordering::Relaxed) != 0 {
        return;
    }
    let frame = sp - RED_ZONE - size_of::<usize>();
    // SAFETY: below all that the interrupted code uses, and above the bottom of the slot by ROOM.
    unsafe { (frame as *mut usize).write(ip) };
    registers[libc::REG_RSP as usize] = frame as i64;
    registers[libc::REG_RIP as usize] = interrupted as *const () as i64;
}

/// Notes where the CPU is in module text, for who wants to know if the program dies.
fn note(ip: usize) {
    // SAFETY: null, or the CPU that this host thread is, which outlives the thread.
    let cpu = unsafe { cpu::this_cpu().as_ref() };
    if let Some(note) = cpu.and_then(|cpu| cpu.note) {
        note.last_text.store(ip as u64, Ordering::Relaxed);
    }
}

/// Where interrupted code goes on: calls `take_interrupts` and returns to it, with every register
/// and flag as it was. The stack holds the address to return to, and beyond it the red zone.
#[unsafe(naked)]
extern "C" fn interrupted() {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "pushfq",
        "push rax",
        "push rcx",
        "push rdx",
        "push rsi",
        "push rdi",
        "push r8",
        "push r9",
        "push r10",
        "push r11",
        "cld",
        "and rsp, -16",
        "call {take}",
        "lea rsp, [rbp - 80]",
        "pop r11",
        "pop r10",
        "pop r9",
        "pop r8",
        "pop rdi",
        "pop rsi",
        "pop rdx",
        "pop rcx",
        "pop rax",
        "popfq",
        "pop rbp",
        "ret {red_zone}",
        take = sym take_interrupts,
        red_zone = const RED_ZONE,
    )
}

extern "C" fn take_interrupts() {
    kthreads_base::forced_point();
}
