//! What a machine asks from outside of its CPUs, answered slowly on demand: it must have its answer
//! before the kernel may go.

use core::hint::{black_box, spin_loop};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use kthreads_base::on_kernel_stack;

/// For how many turns a slow answer waits for the kernel's end: far longer than ending takes.
const TURNS: u32 = 50_000;
/// How many answers are slow: if all were, a machine whose interrupts ask might do nothing else.
const SLOW_ANSWERS: u32 = 16;
/// As much as one stack has.
const STACK: usize = 64 * 1024;

/// Who asks, and whether one of them came too late.
#[derive(Default)]
pub struct Asked {
    /// An address on the stack of who ends the kernel: nobody waits there.
    ender: AtomicUsize,
    slow_left: AtomicU32,
    under_way: AtomicU32,
    is_gone: AtomicBool,
    was_asked_when_gone: AtomicBool,
}

impl Asked {
    /// It takes long to answer the next few who ask on no kernel stack.
    pub fn slowly(&self) {
        self.slow_left.store(SLOW_ANSWERS, Ordering::SeqCst);
    }

    /// Whether somebody is being answered.
    pub fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) > 0
    }

    /// Says that the caller is going to end the kernel.
    pub fn will_be_ended_here(&self) {
        self.ender.store(stack_address(), Ordering::SeqCst);
    }

    /// The kernel is gone, or would be; whether anybody was asking it then.
    pub fn when_gone(&self) -> bool {
        self.is_gone.store(true, Ordering::SeqCst);
        while self.is_under_way() {
            spin_loop();
        }
        self.was_asked_when_gone.load(Ordering::SeqCst)
    }

    /// What is done about each question.
    pub(super) fn ask(&self) {
        let is_ender = stack_address().abs_diff(self.ender.load(Ordering::SeqCst)) < STACK;
        if on_kernel_stack() || is_ender {
            return;
        }
        let order = Ordering::SeqCst;
        if self.slow_left.fetch_update(order, order, |left| left.checked_sub(1)).is_err() {
            return;
        }
        self.under_way.fetch_add(1, Ordering::SeqCst);
        for _ in 0..TURNS {
            if self.is_gone.load(Ordering::SeqCst) {
                self.was_asked_when_gone.store(true, Ordering::SeqCst);
                break;
            }
            spin_loop();
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An address on the caller's stack.
fn stack_address() -> usize {
    let here = 0_u8;
    black_box(&raw const here) as usize
}
