//! Contexts: what goes on on a stack, saved while something else does.
//!
//! A context that does not run is one number: the stack pointer below which nothing of it lies.
//! What it points to, from low to high addresses: rbx, rbp, and the address to go on at. The last
//! two are a frame record as the System V ABI knows it, so a back trace of a resting context begins
//! at [`FRAME_RECORD`] above its stack pointer.
//!
//! To switch is code of whoever does it, not a function of its own: the compiler saves what is in
//! use there and nothing else. The floating-point control words belong to a context too, but
//! nothing here ever changes them. All machines are x86-64 and switch alike, so this is no part of
//! [`Machine`](crate::Machine).

use core::arch::{asm, naked_asm};
use core::sync::atomic::AtomicUsize;

use crate::stack::Stack;

/// How many words a resting context keeps on its stack.
const SAVED_WORDS: usize = 3;

/// How far above a resting context's stack pointer its frame record lies, in bytes.
pub const FRAME_RECORD: usize = size_of::<usize>();

/// Saves the running context, stores its stack pointer in `save`, and resumes `resume`. Returns
/// when somebody resumes the saved one.
///
/// The store is the last thing that is done for the old context: nothing touches its stack after
/// it, and on x86-64 a store is a release. The new context is entered by a jump, since a return
/// would go where the processor's return predictor does not expect it: three times slower.
///
/// # Safety
///
/// `resume` came from [`prepare`] or from `save`, and is used once; its stack is intact.
#[inline(always)]
pub unsafe fn switch(save: &AtomicUsize, resume: usize) {
    // SAFETY: by the caller's promise there is a context to resume. Whoever resumes this one finds
    // its stack as it was, the two registers that the compiler keeps for itself are put back, and
    // all others are given up.
    unsafe {
        asm!(
            "lea rax, [rip + 2f]",
            "push rax",
            "push rbp",
            "push rbx",
            "mov [rdi], rsp",
            "mov rsp, rsi",
            "pop rbx",
            "pop rbp",
            "pop rax",
            "jmp rax",
            "2:",
            inlateout("rdi") core::ptr::from_ref(save) => _,
            inlateout("rsi") resume => _,
            lateout("r12") _,
            lateout("r13") _,
            lateout("r14") _,
            lateout("r15") _,
            clobber_abi("C"),
        );
    }
}

/// Calls `function` with the stack pointer at `top`, and moves it back.
///
/// The frame pointer keeps the old stack pointer, so the chain of frames leads from the new stack
/// to the old one.
///
/// # Safety
///
/// `top` is the 16-byte aligned top of a stack that is free until this returns.
#[unsafe(naked)]
pub unsafe extern "C" fn call_on(top: usize, function: extern "C" fn()) {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "mov rsp, rdi",
        "call rsi",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
    )
}

/// Lays out a fresh context at the top of `stack` that begins in `entry`; returns the stack
/// pointer to resume it with.
///
/// `entry` finds the stack as after a call from nowhere: a null return address, and a null frame
/// pointer that ends back traces.
pub fn prepare(stack: &Stack, entry: extern "C" fn() -> !) -> usize {
    // SAFETY: the stack is owned by the caller, mapped at its top, and nobody runs on it.
    unsafe { prepare_at(stack.top(), entry) }
}

/// As [`prepare`], on any stack whose 16-byte aligned upper end is `top`.
///
/// # Safety
///
/// Nobody uses that stack, and the words below `top` are mapped.
pub unsafe fn prepare_at(top: usize, entry: extern "C" fn() -> !) -> usize {
    let mut words = [0; SAVED_WORDS + 1];
    words[SAVED_WORDS - 1] = entry as usize;
    let sp = top - size_of_val(&words);
    // SAFETY: by the caller's promise the words are mapped and nobody's.
    unsafe { (sp as *mut [usize; SAVED_WORDS + 1]).write(words) };
    sp
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::SLOT_SIZE;
    use core::sync::atomic::Ordering;
    use std::alloc::{Layout, alloc, dealloc};
    use std::vec::Vec;

    struct Slot {
        stack: Stack,
        layout: Layout,
    }

    impl Slot {
        fn new() -> Slot {
            let layout = Layout::from_size_align(SLOT_SIZE, SLOT_SIZE).expect("a valid layout");
            // SAFETY: the layout has a size.
            let base = unsafe { alloc(layout) } as usize;
            assert_ne!(base, 0);
            // SAFETY: the memory was just allocated for this slot alone.
            Slot { stack: unsafe { Stack::from_base(base) }, layout }
        }
    }

    impl Drop for Slot {
        fn drop(&mut self) {
            // SAFETY: allocated in `new` with this layout; no context in it is resumed again.
            unsafe { dealloc(self.stack.base() as *mut u8, self.layout) };
        }
    }

    std::thread_local! {
        static MAIN: AtomicUsize = const { AtomicUsize::new(0) };
        static FIBER: AtomicUsize = const { AtomicUsize::new(0) };
        static SEEN: core::cell::RefCell<Vec<usize>> = const { core::cell::RefCell::new(Vec::new()) };
    }

    fn stack_pointer() -> usize {
        let sp: usize;
        // SAFETY: reads a register.
        unsafe { core::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack)) };
        sp
    }

    fn note(value: usize) {
        SEEN.with(|seen| seen.borrow_mut().push(value));
    }

    fn to_main() {
        MAIN.with(|main| {
            FIBER.with(|fiber| {
                let resume = main.swap(0, Ordering::Relaxed);
                // SAFETY: the main context rests in `to_fiber`, and the swap uses it once.
                unsafe { switch(fiber, resume) };
            });
        });
    }

    fn to_fiber() {
        MAIN.with(|main| {
            FIBER.with(|fiber| {
                let resume = fiber.swap(0, Ordering::Relaxed);
                // SAFETY: the fiber rests, and the swap uses it once.
                unsafe { switch(main, resume) };
            });
        });
    }

    extern "C" fn counts() -> ! {
        for turn in 0.. {
            note(turn);
            to_main();
        }
        unreachable!()
    }

    #[unsafe(naked)]
    extern "C" fn entry_stack_pointer() -> ! {
        naked_asm!("mov rdi, rsp", "push rdi", "call {note}", "call {leave}", "ud2",
            note = sym note_entry, leave = sym leave)
    }

    extern "C" fn note_entry(sp: usize) {
        note(sp % 16);
    }

    extern "C" fn leave() {
        to_main();
    }

    #[test]
    fn a_context_goes_on_where_it_left() {
        let slot = Slot::new();
        FIBER.with(|fiber| fiber.store(prepare(&slot.stack, counts), Ordering::Relaxed));
        for _ in 0..5 {
            to_fiber();
        }
        SEEN.with(|seen| assert_eq!(*seen.borrow(), [0, 1, 2, 3, 4]));
    }

    #[test]
    fn a_context_begins_as_if_it_had_been_called() {
        let slot = Slot::new();
        let sp = prepare(&slot.stack, entry_stack_pointer);
        FIBER.with(|fiber| fiber.store(sp, Ordering::Relaxed));
        to_fiber();
        SEEN.with(|seen| assert_eq!(*seen.borrow(), [8]));
    }

    #[test]
    fn call_on_runs_on_the_other_stack_and_comes_back() {
        extern "C" fn body() {
            note(stack_pointer() & !(SLOT_SIZE - 1));
        }
        let slot = Slot::new();
        let before = stack_pointer();
        // SAFETY: the slot is free.
        unsafe { call_on(slot.stack.top(), body) };
        assert!(before.abs_diff(stack_pointer()) < 4096);
        SEEN.with(|seen| assert_eq!(*seen.borrow(), [slot.stack.base()]));
    }
}
