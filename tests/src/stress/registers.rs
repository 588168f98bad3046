//! Threads that keep a pattern in every register while others take their CPU away.
//!
//! Kernel code uses the general registers only, so there is nothing else to keep; flags and what
//! a call may change are in the contract suite.

use core::arch::naked_asm;

use kthreads_kernel::Cx;

/// How many general registers there are beside the stack pointer.
const REGISTERS: usize = 15;

/// How often the loop inside turns: long enough that most interrupts come in it.
const TURNS: u64 = 100_000;

/// Whether Rust code is preempted at any point on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forced {
    /// It is: it need not give way.
    Yes,
    /// It gives way where it says so.
    No,
}

/// Fills all general registers but the stack pointer from `pattern`, counts `turns` down in
/// memory, and stores what the registers hold then to `pattern`.
#[unsafe(naked)]
extern "C" fn hold(_pattern: &mut [u64; REGISTERS], _turns: u64) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdi",
        "push rsi",
        "mov rax, [rdi]",
        "mov rbx, [rdi + 8]",
        "mov rcx, [rdi + 16]",
        "mov rdx, [rdi + 24]",
        "mov rsi, [rdi + 32]",
        "mov rbp, [rdi + 40]",
        "mov r8, [rdi + 48]",
        "mov r9, [rdi + 56]",
        "mov r10, [rdi + 64]",
        "mov r11, [rdi + 72]",
        "mov r12, [rdi + 80]",
        "mov r13, [rdi + 88]",
        "mov r14, [rdi + 96]",
        "mov r15, [rdi + 104]",
        "mov rdi, [rdi + 112]",
        "2: sub qword ptr [rsp], 1",
        "jnz 2b",
        // The pattern's address comes back, what rdi held goes where it was.
        "xchg rdi, [rsp + 8]",
        "mov [rdi], rax",
        "mov [rdi + 8], rbx",
        "mov [rdi + 16], rcx",
        "mov [rdi + 24], rdx",
        "mov [rdi + 32], rsi",
        "mov [rdi + 40], rbp",
        "mov [rdi + 48], r8",
        "mov [rdi + 56], r9",
        "mov [rdi + 64], r10",
        "mov [rdi + 72], r11",
        "mov [rdi + 80], r12",
        "mov [rdi + 88], r13",
        "mov [rdi + 96], r14",
        "mov [rdi + 104], r15",
        "mov rax, [rsp + 8]",
        "mov [rdi + 112], rax",
        "add rsp, 16",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}

/// Holds one pattern after the other until the thread is told to stop; returns how many.
///
/// # Panics
///
/// When a register did not keep its part.
pub fn hold_registers(cx: &Cx<'_>, forced: Forced) -> u64 {
    let (mut held, mut word) = (0, cx.task.pid() as u64);
    while !cx.should_stop() {
        let pattern = [0; REGISTERS].map(|_| {
            // Any odd factor whose bits look like noise would do.
            word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) + 1;
            word
        });
        let mut seen = pattern;
        hold(&mut seen, TURNS);
        assert_eq!(seen, pattern, "registers were changed behind a thread's back");
        held += 1;
        if forced == Forced::No {
            cx.cond_resched();
        }
    }
    held
}
