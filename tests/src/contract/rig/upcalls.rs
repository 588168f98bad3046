//! What the machine calls.

use alloc::format;
use core::sync::atomic::Ordering;

use kthreads_base::head::TIF_NEED_RESCHED;
use kthreads_base::{CpuLocal, Fault, Head, Nanos, Upcalls, current_head, with_current};

use super::{Rig, end, give_back, this_fiber};

impl Upcalls for Rig {
    fn local(&self, cpu: u32) -> &CpuLocal {
        &self.locals[cpu as usize]
    }

    fn idle_head(&self, cpu: u32) -> &Head {
        &self.idle[cpu as usize].head
    }

    fn cpu_main(&self, cpu: u32) {
        // Not in the idle thread itself: where a panic cannot be caught, it ends its thread, and
        // this one must live to return.
        let fiber = self.fiber(move |rig| {
            if let Err(message) = rig.machine.catch(&mut || (rig.body)(rig, cpu)) {
                rig.fail(format!("CPU {cpu}: {message}"));
            }
        });
        self.run_to_end(fiber.as_ref());
    }

    fn interrupt(&self) {
        let head = current_head();
        let cpu = head.cpu() as usize;
        assert_eq!(head.irqs_off.load(Ordering::Relaxed), 1, "taken with interrupts off");
        self.taken_at[cpu].store(self.machine.now().0, Ordering::SeqCst);
        self.taken[cpu].fetch_add(1, Ordering::SeqCst);
        if self.reschedules.load(Ordering::SeqCst) {
            head.ti_flags.fetch_or(TIF_NEED_RESCHED, Ordering::Relaxed);
        }
        self.after_interrupt(cpu);
    }

    fn softirq(&self) {
        self.leave_softirq_stack();
    }

    fn preempt(&self) {
        let head = current_head();
        let flags = head.ti_flags.fetch_and(!TIF_NEED_RESCHED, Ordering::Relaxed);
        if flags & TIF_NEED_RESCHED == 0 {
            // Where interrupts are real, one that came in between has seen to it.
            return;
        }
        self.preemptions.fetch_add(1, Ordering::SeqCst);
        if this_fiber().back.load(Ordering::Relaxed).is_null() {
            return;
        }
        let irqs = head.irq_save();
        give_back();
        current_head().irq_restore(irqs);
    }

    fn thread_main(&self) -> ! {
        let fiber = this_fiber();
        // SAFETY: the running fiber is the only one to use its body.
        let mut body = unsafe { (*fiber.body.get()).take() };
        let mut run = || {
            if let Some(body) = body.take() {
                with_current::<Rig, _>(|rig, _| body(rig));
            }
        };
        if let Err(message) = self.machine.catch(&mut run) {
            self.fail(message);
        }
        end()
    }

    fn fault(&self, fault: &Fault) -> ! {
        *this_fiber().fault.lock() = Some(*fault);
        end()
    }

    fn patience(&self) -> Nanos {
        self.asked.ask();
        Nanos::NEVER
    }

    fn clock(&self, now: Nanos) {
        self.told.fetch_max(now.0, Ordering::SeqCst);
    }
}
