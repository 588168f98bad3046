//! How a kernel ends: by a panic, or because who has it lets it go.

use core::sync::atomic::Ordering;

use kthreads_base::head::TIF_NEED_RESCHED;
use kthreads_base::{IrqGuard, on_kernel_stack};

use super::Kernel;
use crate::{Cx, log};

impl Kernel {
    /// Stops the whole kernel (Linux: panic): no task runs any more, and host threads that wait
    /// for one are told.
    pub fn panic(&self, cx: &Cx<'_>, text: &str) -> ! {
        use crate::log::Level;
        self.count_bug();
        log!(cx, Level::Emergency, "Kernel panic - not syncing: {text}");
        self.dump_stack(cx);
        log!(cx, Level::Emergency, "---[ end Kernel panic - not syncing: {text} ]---");
        self.panicked.store(true, Ordering::Release);
        self.halt();
        loop {
            cx.task.head.preempt_count.store(0, Ordering::Relaxed);
            cx.task.head.ti_flags.fetch_or(TIF_NEED_RESCHED, Ordering::Relaxed);
            self.switch(cx, crate::sched::Switch::Preempted);
        }
    }

    /// Whether the kernel stopped by itself (panic).
    pub fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::Acquire)
    }

    /// Whether all CPUs have left their idle loops for good.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended_cpus.load(Ordering::SeqCst) == self.nr_cpus()
    }

    /// Tells all CPUs to end, whatever they do: no task runs any more, and host threads that wait
    /// for one are told that theirs was killed.
    pub fn halt(&self) {
        // Where interrupts are real, the caller's own CPU could take the caller's place away before
        // the others are told.
        let _all_are_told = on_kernel_stack().then(IrqGuard::new);
        self.halted.store(true, Ordering::Release);
        for cpu in 0..self.nr_cpus() {
            self.machine.send_interrupt(cpu);
        }
    }

    /// In an interrupt of a kernel that is to end: whatever runs here makes room for the idle
    /// task, which ends the CPU.
    pub(crate) fn halt_if_asked(&self) {
        if self.halted() {
            let head = kthreads_base::current_head();
            head.ti_flags.fetch_or(TIF_NEED_RESCHED, Ordering::Relaxed);
        }
    }

    /// The last thing a CPU does. CPU 0 waits for the others and takes back the stacks of the
    /// tasks that will never run again.
    pub(crate) fn cpu_ended(&self, cpu: u32) {
        self.ended_cpus.fetch_add(1, Ordering::SeqCst);
        if cpu != 0 {
            return;
        }
        while !self.has_ended() {
            self.machine.relax();
        }
        self.drop_jobs();
        for task in self.tasks.iter() {
            // Who waits outside for the task will not see it end otherwise.
            drop(task.belongings.lock().done.take());
            // A timer must not outlive the task it lies in.
            self.cancel_sleep(self.tasks.pin(task.index()));
            let stack = task.belongings.lock().stack.take();
            if let Some(stack) = stack {
                self.machine.stack_free(stack);
            }
        }
    }
}
