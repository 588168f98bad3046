//! What a machine calls in the kernel.

use core::sync::atomic::Ordering;

use kthreads_base::{CpuLocal, Fault, Head, Nanos, Upcalls};

use crate::Kernel;

impl Upcalls for Kernel {
    fn local(&self, cpu: u32) -> &CpuLocal {
        &self.cpus[cpu as usize].local
    }

    fn idle_head(&self, cpu: u32) -> &Head {
        &self.tasks.get(cpu).head
    }

    fn cpu_main(&self, cpu: u32) {
        if cpu == 0 {
            self.rest_init();
        }
        self.idle_loop(cpu);
        self.cpu_ended(cpu);
    }

    fn interrupt(&self) {
        self.hard_interrupt();
    }

    fn softirq(&self) {
        self.run_timers();
    }

    fn preempt(&self) {
        Kernel::preempt(self);
    }

    fn thread_main(&self) -> ! {
        self.task_main()
    }

    fn fault(&self, fault: &Fault) -> ! {
        self.oops_fault(fault)
    }

    fn clock(&self, now: Nanos) {
        self.jiffies.advance(now);
    }

    fn patience(&self) -> Nanos {
        self.next_hung_look()
    }

    fn is_awaited(&self) -> bool {
        Kernel::is_awaited(self)
    }

    fn judge(&self, cpu: u32) -> bool {
        Kernel::judge(self, cpu)
    }

    fn report_findings(&self) {
        Kernel::report_findings(self);
    }

    fn excuse(&self, span: Nanos) {
        self.excuse_all(span);
    }

    fn watcher(&self) -> Option<(&Head, &CpuLocal)> {
        Some((self.watcher_head(), &self.watcher))
    }

    fn is_unusual(&self) -> bool {
        self.config.fault.is_some()
    }

    fn killed(&self) {
        self.end_killed(&self.cx());
    }
}

impl Kernel {
    /// Whether the kernel has been told to end.
    #[inline(always)]
    pub(crate) fn halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }
}
