//! The tick, the timer interrupt, and the idle loop.
//!
//! A CPU ticks only while somebody waits for it; otherwise its clock is set to its next timer.

use core::sync::atomic::Ordering;

use kthreads_base::Nanos;
use kthreads_base::head::TIF_NEED_RESCHED;

use super::switch::Switch;
use crate::Kernel;
use crate::kernel::Cpu;

/// The turn of a round-robin task, in nanoseconds.
pub(crate) const RR_SLICE: u64 = 100_000_000;
/// The time between two ticks, in nanoseconds: 1/HZ.
pub(crate) const TICK: u64 = 4_000_000;

impl Cpu {
    /// Whether it ticks.
    #[inline(always)]
    pub(crate) fn ticks(&self) -> bool {
        self.next_tick.load(Ordering::Relaxed) != u64::MAX
    }
}

impl Kernel {
    /// Stops the tick of the calling CPU, which has nothing to do. While somebody waits, a tick that
    /// has been started goes on until then, or until it finds nobody waiting: setting the clock at
    /// each switch would cost more than the tick.
    pub(crate) fn stop_tick(&self, here: &Cpu) {
        here.next_tick.store(u64::MAX, Ordering::Relaxed);
        self.program_clock(here);
    }

    /// Starts the tick of the calling CPU, for which a first task has begun to wait.
    #[inline(always)]
    pub(crate) fn start_tick(&self, here: &Cpu) {
        if !here.ticks() {
            self.begin_to_tick(here);
        }
    }

    #[cold]
    #[inline(never)]
    fn begin_to_tick(&self, here: &Cpu) {
        here.next_tick.store(self.machine.now().0 + TICK, Ordering::Relaxed);
        self.program_clock(here);
    }

    /// Tells the machine when the calling CPU wants its next interrupt, if that has changed.
    pub(crate) fn program_clock(&self, here: &Cpu) {
        let wanted = here
            .next_tick
            .load(Ordering::Relaxed)
            .min(here.next_timer.load(Ordering::Relaxed))
            .min(here.next_sleeper.load(Ordering::Relaxed));
        if here.programmed.swap(wanted, Ordering::Relaxed) != wanted {
            self.machine.set_timer(here.local.number(), Nanos(wanted));
        }
    }

    /// The tick: charges the running task and lets another have its turn if it is over. A CPU that
    /// does not tick starts to if somebody has begun to wait, which another CPU's interrupt says.
    pub(crate) fn tick(&self, cpu: u32, now: u64) {
        let here = &self.cpus[cpu as usize];
        let next_tick = here.next_tick.load(Ordering::Relaxed);
        if next_tick == u64::MAX && here.rq.lock().has_waiting_behind_task() {
            here.next_tick.store(now + TICK, Ordering::Relaxed);
        }
        if now < next_tick {
            return;
        }
        let mut rq = here.rq.lock();
        rq.time_switches();
        let current = rq.current();
        let slice_over = !rq.is_at_rest() && rq.charge(current.get_ref(), now);
        let waiting = rq.waiting;
        let next = if waiting > 0 { now + TICK } else { u64::MAX };
        here.next_tick.store(next, Ordering::Relaxed);
        drop(rq);
        if waiting > 0 {
            if slice_over {
                current.head.ti_flags.fetch_or(TIF_NEED_RESCHED, Ordering::Release);
            }
            self.call_for_help(cpu);
        }
    }

    /// What a CPU does when nobody else wants it (Linux: do_idle).
    pub(crate) fn idle_loop(&self, cpu: u32) {
        let cx = self.cx();
        let idle = cx.task.get_ref();
        self.note_idle(cpu, true);
        while !self.halted() {
            idle.head.irq_save();
            if self.has_work(cpu) || self.need_resched(idle) {
                self.switch(&cx, Switch::Preempted);
                self.note_idle(cpu, true);
            } else {
                // Whatever interrupts it begins anew, however long it rests.
                idle.sched.passes.pass();
                self.machine.idle(cpu);
                self.charge_idle(cpu, idle);
                idle.sched.passes.pass();
            }
            idle.head.irq_restore(0);
        }
        idle.head.irq_save();
    }

    /// An idle CPU is charged for its rest at once: what interrupts it is not to be blamed.
    fn charge_idle(&self, cpu: u32, idle: &crate::task::Task) {
        let now = self.machine.now().0;
        let mut rq = self.cpus[cpu as usize].rq.lock();
        rq.time_switches();
        rq.charge(idle, now);
    }

    fn has_work(&self, cpu: u32) -> bool {
        self.cpus[cpu as usize].rq.lock().waiting > 0
    }
}
