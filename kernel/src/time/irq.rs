//! Interrupts: the clock, the softirq that runs timers.
//!
//! A hardware interrupt does little: it moves jiffies on, wakes sleepers whose time has come and
//! charges the running task. Timers run in softirq context, interrupts on, right after it, unless
//! the interrupted code has softirqs disabled; then local_bh_enable runs them.

use core::sync::atomic::Ordering;

use kthreads_base::Nanos;
use kthreads_base::softirq::{SoftirqEnd, run_softirq};

use super::{Jiffies, Kind, Timer, TimerFn};
use crate::Kernel;
use crate::cx::*;
use crate::kernel::Cpu;
use crate::report::AtomicState;

impl Kernel {
    /// Serves what is pending on this CPU. On the interrupt stack, interrupts off.
    pub(crate) fn hard_interrupt(&self) {
        let cx = self.cx();
        let head = &cx.task.head;
        let cpu = head.cpu();
        head.preempt_add(HARDIRQ_OFFSET);
        cx.head.note(crate::observe::INTERRUPTED, cpu as usize, 0);
        let now = self.machine.now();
        let taken = &self.cpus[cpu as usize].watch.interrupts;
        taken.store(taken.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.jiffies.advance(now);
        self.load_catch_up();
        self.wake_sleepers(cpu, now);
        self.tick(cpu, now.0);
        self.check_doorbell();
        self.check_hung_look(now);
        let here = &self.cpus[cpu as usize];
        let expiries = self.expiries(cpu);
        let due = |expiry: Jiffies| expiry.is_at_or_before(self.jiffies.now());
        if expiries.into_iter().flatten().any(due) {
            here.softirq_pending.store(true, Ordering::Relaxed);
        }
        // What was programmed has come; the machine forgets it once it is over.
        here.programmed.store(u64::MAX, Ordering::Relaxed);
        self.set_clock_for(here, expiries);
        head.preempt_sub(HARDIRQ_OFFSET);
        if here.softirq_pending.load(Ordering::Relaxed) && !cx.in_interrupt() {
            self.run_softirqs();
        }
        self.halt_if_asked();
    }

    /// Runs the pending softirqs of this CPU (Linux: __do_softirq).
    pub fn run_softirqs(&self) {
        let cx = self.cx();
        let head = &cx.task.head;
        let irqs = head.irq_save();
        let cpu = head.cpu();
        let here = &self.cpus[cpu as usize];
        head.preempt_add(SOFTIRQ_OFFSET);
        let count = head.preempt_count.load(Ordering::Relaxed);
        let locks = head.held.mark();
        while here.softirq_pending.swap(false, Ordering::Relaxed) {
            if run_softirq() == SoftirqEnd::GivenUp {
                head.irq_save();
                head.preempt_count.store(count, Ordering::Relaxed);
                head.held.truncate(locks);
                // There may be more timers to run.
                here.softirq_pending.store(true, Ordering::Relaxed);
            }
        }
        head.preempt_sub(SOFTIRQ_OFFSET);
        self.set_next_timer(cpu);
        head.irq_restore(irqs);
    }

    /// Runs the timers that are due. On the CPU's stack for softirqs.
    pub(crate) fn run_timers(&self) {
        let head = kthreads_base::current_head();
        let cpu = head.cpu();
        head.irq_restore(0);
        let call = &mut |timer: &Timer, function: TimerFn| self.call_timer(timer, function);
        self.timers.run_expired(cpu, self.jiffies.now(), call);
        head.irq_save();
    }

    /// Whether softirqs wait for local_bh_enable.
    pub fn softirqs_pending(&self) -> bool {
        let irqs = kthreads_base::IrqGuard::new();
        let cpu = kthreads_base::current_head().cpu() as usize;
        drop(irqs);
        self.cpus[cpu].softirq_pending.load(Ordering::Relaxed)
    }

    fn call_timer(&self, timer: &Timer, function: TimerFn) {
        let address = function as usize;
        let cx = self.cx();
        let before = AtomicState::now(&cx);
        self.call_timer_function(&cx.task.head, timer.address(), || timer.call(function));
        if let Some(left) = before.restore(&cx) {
            self.report_timer_imbalance(&cx, address, &left);
        }
    }

    /// When this CPU's first timers are due, a standard one and a deferrable one.
    fn expiries(&self, cpu: u32) -> [Option<Jiffies>; 2] {
        [Kind::Standard, Kind::Deferrable].map(|kind| self.timers.next_expiry(cpu, kind))
    }

    /// Programs this CPU's clock for its first timer. Interrupts off.
    pub(crate) fn set_next_timer(&self, cpu: u32) {
        self.set_clock_for(&self.cpus[cpu as usize], self.expiries(cpu));
    }

    /// Programs this CPU's clock for its first timer. An idle CPU does not wake for deferrable
    /// ones: they run when something else has woken it. Interrupts off.
    ///
    /// Not for timers that are due and wait for the softirq, at whose end this is done again: the
    /// clock would interrupt at once, time and again, before the softirq gets to them.
    fn set_clock_for(&self, here: &Cpu, [standard, deferrable]: [Option<Jiffies>; 2]) {
        let is_idle = self.idle_cpus() & here.bit != 0;
        let is_left = here.softirq_pending.load(Ordering::Relaxed);
        let when =
            |next: Option<Jiffies>| next.map_or(Nanos::NEVER, |expiry| self.jiffies.at(expiry));
        let at = match () {
            () if is_left => Nanos::NEVER,
            () if is_idle => when(standard),
            () => when(standard).min(when(deferrable)),
        };
        here.next_timer.store(at.0, Ordering::Relaxed);
        self.program_clock(here);
    }

    /// After a timer was armed: the CPU whose first timer it now is must know.
    pub(crate) fn timer_armed(&self, armed: super::Armed) -> bool {
        if let Some(earlier) = armed.earlier {
            let irqs = kthreads_base::IrqGuard::new();
            let here = kthreads_base::current_head().cpu();
            if earlier.cpu == here {
                self.set_next_timer(here);
            } else {
                self.machine.send_interrupt(earlier.cpu);
            }
            drop(irqs);
        }
        armed.was_pending
    }
}
