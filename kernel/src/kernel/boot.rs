//! How a kernel starts: idle tasks, init (pid 1) and kthreadd (pid 2).

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use core::ops::Deref;
use core::pin::Pin;
use core::sync::atomic::Ordering;

use kthreads_base::Machine;

use super::Kernel;
use crate::task::state::*;
use crate::task::{Spawn, Start, ThreadBody};
use crate::{Config, Cx, Errno};

impl Kernel {
    /// Starts a kernel on a machine: its CPUs, init (pid 1) and kthreadd (pid 2).
    ///
    /// # Errors
    ///
    /// ENOMEM when the machine has no memory for the first tasks.
    pub fn boot(machine: Arc<dyn Machine>, config: Config) -> Result<Booted, Errno> {
        let mut kernel = Kernel::new(machine.clone(), config)?;
        // One more than there are CPUs: for whoever watches them from outside.
        kernel.tasks.make_first(machine.cpu_count() + 1)?;
        kernel.seat_idle_tasks();
        let kernel = Arc::new(kernel);
        for cpu in 0..machine.cpu_count() {
            kernel.make_idle(cpu);
        }
        kernel.make_watcher();
        kthreads_base::cpu::start(&kernel, &machine).map_err(|_| Errno::ENOMEM)?;
        machine.wait_host(&kernel.booted);
        Ok(Booted { kernel })
    }

    fn seat_idle_tasks(&mut self) {
        for (cpu, index) in self.cpus.iter_mut().zip(0..) {
            let idle = self.tasks.pin(index);
            cpu.current.set(Some(idle));
            cpu.rq.get_mut().start(idle);
        }
    }

    fn make_idle(&self, cpu: u32) {
        let task = self.tasks.get(cpu);
        let order = Ordering::Relaxed;
        task.set_comm(&format!("swapper/{cpu}"));
        task.head.flags.store(PF_KTHREAD | PF_IDLE, order);
        task.head.static_prio.store(crate::sched::DEFAULT_PRIO, order);
        task.head.prio.store(crate::sched::DEFAULT_PRIO, order);
        task.head.cpus_mask.store(1 << cpu, order);
        task.head.active_mm.store(self.init_mm_address(), order);
        task.head.on_cpu.store(1, order);
        // Its loop looks for work itself: an interrupt never preempts it, or one that comes each
        // time it has just begun to run would do so on top of the last.
        task.head.preempt_count.store(1, order);
        task.head.usage.store(2, order);
        task.sched.cpu.set(Some(Pin::new(&self.cpus[cpu as usize])));
        // It is never in line, and never sleeps.
        task.sched.on_rq.store(1, order);
    }

    fn make_watcher(&self) {
        let task = self.tasks.get(self.nr_cpus());
        task.set_comm("watchdog");
        task.head.flags.store(PF_KTHREAD | PF_IDLE, Ordering::Relaxed);
    }

    /// The first thing CPU 0 does: pid 1, then pid 2 (Linux: rest_init).
    pub(crate) fn rest_init(&self) {
        self.tasks.open(self.nr_cpus() + 1);
        let idle = self.tasks.get(0);
        let spawn = |name: &'static str, body: ThreadBody, flags| {
            let spawn = Spawn { name, start: Start::Body(body), parent: idle, flags, done: None };
            self.spawn(spawn)
        };
        let init = spawn("init", Box::new(|cx| cx.kernel.init_main(cx)), 0);
        let kthreadd = spawn("kthreadd", Box::new(|cx| cx.kernel.kthreadd_main(cx)), PF_KTHREAD);
        let (Ok(init), Ok(kthreadd)) = (init, kthreadd) else {
            kthreads_base::fatal("there is no memory for the first tasks");
        };
        self.init.store(init.index(), Ordering::Release);
        self.kthreadd.store(kthreadd.index(), Ordering::Release);
        self.wake_up_new_task(init);
        self.wake_up_new_task(kthreadd);
        if self.start_khungtaskd(kthreadd).is_err() {
            kthreads_base::fatal("there is no memory for the first tasks");
        }
        self.machine.wake_host(&self.booted);
    }

    /// What pid 1 does here: it stands for user space, and sleeps.
    fn init_main(&self, cx: &Cx<'_>) -> ! {
        loop {
            cx.task.set_state(TASK_INTERRUPTIBLE);
            if !self.has_jobs() {
                let _waits = cx.waits_in(crate::proc::WaitsIn::Wait);
                self.schedule(cx);
            }
            cx.task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
            cx.task.flush_signals();
            self.take_jobs(cx);
        }
    }
}

/// A running kernel. Dropping it stops its CPUs; tasks that are still there never run again.
pub struct Booted {
    kernel: Arc<Kernel>,
}

impl Booted {
    /// The kernel, to be kept by whoever watches it from outside.
    pub fn share(&self) -> Arc<Kernel> {
        self.kernel.clone()
    }
}

impl Deref for Booted {
    type Target = Kernel;
    fn deref(&self) -> &Kernel {
        &self.kernel
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        self.kernel.halt();
        self.kernel.machine.join();
    }
}
