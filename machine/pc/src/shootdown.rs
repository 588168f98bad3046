//! Having all processors forget what they remember of the page tables.
//!
//! Who changes the tables takes the next number, asks the others by interrupt, and waits until
//! each has seen that number: it then has reloaded its tables after the change. All this happens
//! with interrupts off, so that the caller stays on its processor; two that wait for each other
//! answer while they wait.

use core::sync::atomic::{AtomicU64, Ordering};

use x86_64::instructions::{interrupts, tlb};

use crate::apic::{self, Vector};
use crate::processor::{self, Processor};

static ASKED: AtomicU64 = AtomicU64::new(0);

/// Answers what was asked of the calling processor.
pub(crate) fn answer(processor: &Processor) {
    let asked = ASKED.load(Ordering::SeqCst);
    if processor.flushed.load(Ordering::Relaxed) < asked {
        tlb::flush_all();
        processor.flushed.store(asked, Ordering::SeqCst);
    }
}

/// Has every processor forget what it remembers; returns when all have.
pub(crate) fn flush_everywhere() {
    interrupts::without_interrupts(|| {
        tlb::flush_all();
        let others = || processor::others();
        if others().next().is_none() {
            return;
        }
        let number = ASKED.fetch_add(1, Ordering::SeqCst) + 1;
        others().for_each(|other| apic::send(other, Vector::Flush));
        let me = processor::this();
        for other in others() {
            while other.flushed.load(Ordering::SeqCst) < number {
                answer(me);
                core::hint::spin_loop();
            }
        }
    });
}
