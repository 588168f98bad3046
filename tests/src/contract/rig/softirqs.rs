//! Softirqs that leave their stack for a while, and are interrupted there.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use kthreads_base::softirq::{SoftirqEnd, in_softirq, run_softirq};
use kthreads_base::{SLOT_SIZE, current_head, run_on};

use super::Rig;

/// What is known of the softirqs of each CPU.
pub(super) struct Softirqs {
    are_wanted: AtomicBool,
    done: Vec<AtomicU64>,
    /// The stack that the last interrupt within a softirq ran on, by its lowest address.
    met_on: Vec<AtomicUsize>,
}

impl Softirqs {
    pub(super) fn new(cpus: u32) -> Softirqs {
        Softirqs {
            are_wanted: AtomicBool::new(false),
            done: (0..cpus).map(|_| AtomicU64::new(0)).collect(),
            met_on: (0..cpus).map(|_| AtomicUsize::new(0)).collect(),
        }
    }
}

fn stack_here() -> usize {
    let here = 0u8;
    core::ptr::from_ref(&here) as usize & !(SLOT_SIZE - 1)
}

impl Rig {
    /// From now on each interrupt runs a softirq.
    pub fn softirq_on_interrupt(&self) {
        self.softirqs.are_wanted.store(true, Ordering::SeqCst);
    }

    /// How many softirqs `cpu` has run to their end.
    pub fn softirqs_done(&self, cpu: u32) -> u64 {
        self.softirqs.done[cpu as usize].load(Ordering::SeqCst)
    }

    /// At the end of an interrupt: runs a softirq, if they are wanted and this is within none.
    pub(super) fn after_interrupt(&self, cpu: usize) {
        if in_softirq() {
            self.softirqs.met_on[cpu].store(stack_here(), Ordering::SeqCst);
        } else if self.softirqs.are_wanted.load(Ordering::SeqCst) {
            assert_eq!(run_softirq(), SoftirqEnd::Done);
            self.softirqs.done[cpu].fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A softirq: goes to another stack, and is interrupted there.
    pub(super) fn leave_softirq_stack(&self) {
        let cpu = current_head().cpu();
        let mut stack = self.machine.stack_alloc().expect("a stack");
        let before = self.taken(cpu);
        run_on(&mut stack, &mut || {
            self.machine.send_interrupt(cpu);
            self.with_interrupts(|| {
                self.spin_until("an interrupt of a softirq", || self.taken(cpu) > before);
            });
        });
        let met_on = self.softirqs.met_on[cpu as usize].load(Ordering::SeqCst);
        assert_eq!(met_on, stack.base(), "the stack that it was interrupted on");
        self.machine.stack_free(stack);
    }
}
