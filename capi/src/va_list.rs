//! The arguments after `...`, as the x86-64 ABI passes them.
//!
//! A variadic export is a naked function: it saves the registers that carry arguments, builds a
//! `va_list` on its stack and calls a Rust function with its fixed arguments and a pointer to it.
//! It has a frame record like any function, so that back traces lead through it.
//! Modules are compiled without floating point, so only integer registers count.

use kthreads_kernel::format::Args;

/// C's `va_list`: how far the arguments have been read, and where they are.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct VaList {
    /// The offset of the next argument in the register save area.
    gp_offset: u32,
    fp_offset: u32,
    /// The next argument on the stack.
    overflow: *const u64,
    registers: *const u8,
}

/// What the save area holds of integer registers, in bytes.
const SAVED: u32 = 48;

impl VaList {
    /// The address that a variadic export returns to. Before the first argument is read only.
    pub(crate) fn return_address(&self) -> usize {
        // SAFETY: the word below the stack arguments is the return address.
        unsafe { self.overflow.sub(1).read() as usize }
    }
}

impl Args for VaList {
    fn next(&mut self) -> u64 {
        if self.gp_offset < SAVED {
            // SAFETY: the caller's save area holds six registers.
            let word = unsafe { self.registers.add(self.gp_offset as usize).cast::<u64>().read() };
            self.gp_offset += 8;
            return word;
        }
        // SAFETY: the caller's stack arguments, or what lies above them if the format wants more
        // than it gave: the stack's own memory.
        let word = unsafe { self.overflow.read_unaligned() };
        // SAFETY: one past what was read.
        self.overflow = unsafe { self.overflow.add(1) };
        word
    }
}

/// A pointer to a `va_list`, as C passes one to a function.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct VaPtr(*mut VaList);

impl VaPtr {
    /// The pointer that stands at an address.
    pub(crate) fn at(address: u64) -> VaPtr {
        VaPtr(address as *mut VaList)
    }

    /// The list itself; what is read from it stays read.
    pub(crate) fn get<'a>(self) -> &'a mut VaList {
        // SAFETY: C passes a va_list that is in use by this call alone.
        unsafe { &mut *self.0 }
    }

    /// A copy of the list (C: va_copy).
    pub(crate) fn copy(self) -> VaList {
        *self.get()
    }
}

/// Makes a variadic export: `variadic!(name, 2, rdx => target)` passes two fixed arguments and,
/// in the register of the third, a pointer to the list.
macro_rules! variadic {
    ($(#[$meta:meta])* $name:ident, $fixed:literal, $register:literal => $target:path) => {
        $(#[$meta])*
        // SAFETY: the body follows the C calling convention: it leaves the callee-saved registers
        // and the fixed arguments as they are, keeps the stack aligned to 16, and returns.
        #[unsafe(naked)]
        pub(crate) extern "C" fn $name() {
            core::arch::naked_asm!(
                "push rbp",
                "mov rbp, rsp",
                "sub rsp, 80",
                "mov [rsp + 32], rdi",
                "mov [rsp + 40], rsi",
                "mov [rsp + 48], rdx",
                "mov [rsp + 56], rcx",
                "mov [rsp + 64], r8",
                "mov [rsp + 72], r9",
                "mov dword ptr [rsp], {gp}",
                "mov dword ptr [rsp + 4], 176",
                "lea rax, [rsp + 96]",
                "mov [rsp + 8], rax",
                "lea rax, [rsp + 32]",
                "mov [rsp + 16], rax",
                concat!("mov ", $register, ", rsp"),
                "call {target}",
                "leave",
                "ret",
                gp = const 8 * $fixed,
                target = sym $target,
            )
        }
    };
}
