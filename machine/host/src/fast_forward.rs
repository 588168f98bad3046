//! Time that jumps when nothing happens.
//!
//! # What is promised
//!
//! While a CPU runs, the clock runs as the host's does. While none runs, it stands. When none
//! runs, nothing is in flight and nobody holds the clock, time jumps to the nearest end of a
//! rest: a timer, the end of a delay, or the end of the kernel's patience. If there is none, nothing ever happens again unless
//! somebody outside sees to it, and the clock stands.
//!
//! # Why nothing is missed
//!
//! One count says what is under way: [`Counts::running`], the CPUs that are not at rest, and
//! [`Counts::holds`], the threads of the host that act on the kernel from outside. The count, the
//! states of the CPUs and the standing clock change under one lock, so there is one order of all
//! changes, and the jump is a step in it like the others:
//!
//! - A CPU counts from before it starts. It stops counting when it rests ([`Flight::rest`]) or
//!   ends ([`Flight::leave`]), itself and under the lock, after it has seen that no interrupt is
//!   pending on it.
//! - A CPU at rest is made running by whoever wakes it, who counts it *on its behalf* in the same
//!   step ([`Flight::wake`]), long before its host thread goes on. So a wake-up under way is
//!   counted.
//! - An interrupt is raised (`pending`) before the lock is asked for. If a CPU raises it, that
//!   CPU runs and counts until the receiver does: there is no moment in between. If a host thread
//!   raises it, the step that would jump looks for pending interrupts first ([`Flight::settle`]),
//!   so it wakes the receiver in place of jumping, or it came before the interrupt was raised.
//!   What comes before is no business of the interrupt's, unless the host thread wants it to be:
//!   then it takes a hold first, and no jump happens until it lets go.
//! - Timers of running CPUs cannot be overtaken: a jump needs that no CPU runs. When one rests,
//!   its timer is among those the jump is measured by.
//!
//! Whoever brings the count to zero, a CPU or the holder of the last hold, does the jump in that
//! same step. It wakes all whose time has come, so the count is above zero again, or it finds
//! that no time will ever come.
//!
//! The signal handlers of this crate take no lock, so none can find this one taken beneath it.

use std::ptr;
use std::sync::{Mutex, MutexGuard};

use kthreads_base::Nanos;

use crate::cpu::{self, ABSENT, Cpu, RESTING, RUNNING, is_rest};
use crate::rest::{Core, Heeds};
use crate::sys;

/// Who keeps time from jumping.
pub(crate) struct Flight {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    /// CPUs that are not at rest.
    running: u32,
    /// Host threads that hold the clock.
    holds: u32,
    /// CPUs, one a bit, that were made running and must still be woken in the host.
    woken: u64,
}

impl Flight {
    pub(crate) fn new() -> Flight {
        Flight { counts: Mutex::new(Counts::default()) }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Ends a step; wakes in the host who was made running in it. Not before: they would run into
    /// the lock.
    fn end(&self, core: &Core, mut counts: MutexGuard<'_, Counts>) {
        let mut woken = std::mem::take(&mut counts.woken);
        drop(counts);
        while woken != 0 {
            sys::futex_wake(&core.cpus[woken.trailing_zeros() as usize].state);
            woken &= woken - 1;
        }
    }

    /// Counts all CPUs, which are about to start.
    pub(crate) fn begin(&self, core: &Core) {
        let mut counts = self.lock();
        for cpu in &core.cpus {
            cpu.set_state(RUNNING);
        }
        counts.running = core.cpus.len() as u32;
        core.clock.run_on();
    }

    /// A CPU has ended.
    pub(crate) fn leave(&self, core: &Core, cpu: &Cpu) {
        let mut counts = self.lock();
        cpu.set_state(ABSENT);
        counts.running -= 1;
        self.settle(core, &mut counts);
        self.end(core, counts);
    }

    /// Rests the calling CPU until `until`, or until what it heeds.
    pub(crate) fn rest(&self, core: &Core, cpu: &Cpu, until: Nanos, heeds: Heeds) {
        let mut counts = self.lock();
        if core.has_reason_to_run(cpu, until, heeds) {
            return;
        }
        cpu.set_until(until);
        cpu.set_state(heeds.state());
        counts.running -= 1;
        self.settle(core, &mut counts);
        self.end(core, counts);
        core.gate.expect(core.next_host_event());
        while is_rest(cpu.state()) {
            sys::futex_wait(&cpu.state, heeds.state(), None);
        }
        core.on_running();
        core.gate.expect(core.next_host_event());
    }

    /// Has a CPU take the interrupt that was just raised on it.
    pub(crate) fn disturb(&self, core: &Core, cpu: &Cpu, was_pending: bool) {
        if cpu.state() == RESTING {
            let mut counts = self.lock();
            if cpu.state() == RESTING {
                self.wake(core, &mut counts, cpu);
                return self.end(core, counts);
            }
        }
        if !was_pending {
            core.press(cpu);
        }
    }

    /// Wakes the CPUs at rest whose time has come, and lets the timers of all go off.
    pub(crate) fn tend(&self, core: &Core) {
        let mut counts = self.lock();
        self.wake_due(core, &mut counts);
        for cpu in &core.cpus {
            cpu.fire_timer(core.clock.now());
        }
        self.end(core, counts);
    }

    pub(crate) fn hold(&self) {
        self.lock().holds += 1;
    }

    pub(crate) fn let_go(&self, core: &Core) {
        let mut counts = self.lock();
        counts.holds -= 1;
        self.settle(core, &mut counts);
        self.end(core, counts);
    }

    /// If nothing is under way: stops the clock, and moves it on as far as the next event.
    fn settle(&self, core: &Core, counts: &mut Counts) {
        while counts.running == 0 {
            core.clock.stand_at(core.clock.now());
            self.wake_due(core, counts);
            if counts.running != 0 || counts.holds != 0 {
                return;
            }
            let at_rest = core.cpus.iter().filter(|cpu| is_rest(cpu.state()));
            let next = at_rest.map(Cpu::next_event).min().unwrap_or(Nanos::NEVER);
            // Of CPUs that are deaf or have ended, none looks: the nearest end of a rest comes first.
            let listener = core.cpus.iter().find(|cpu| cpu.state() == RESTING);
            let patience = listener.map_or(Nanos::NEVER, |_| core.patience_of_the_awaited());
            if next.min(patience) == Nanos::NEVER {
                return;
            }
            core.clock.stand_at(core.clock.now().max(next.min(patience)));
            if let Some(cpu) = listener.filter(|_| patience < next) {
                cpu.raise();
                self.wake(core, counts, cpu);
            }
            self.wake_due(core, counts);
        }
    }

    fn wake_due(&self, core: &Core, counts: &mut Counts) {
        let now = core.clock.now();
        for cpu in core.cpus.iter().filter(|cpu| is_rest(cpu.state())) {
            cpu.fire_timer(now);
            let is_disturbed = cpu.state() == RESTING && cpu.is_pending();
            if is_disturbed || cpu.until() <= now {
                self.wake(core, counts, cpu);
            }
        }
    }

    fn wake(&self, core: &Core, counts: &mut Counts, cpu: &Cpu) {
        cpu.set_state(RUNNING);
        counts.running += 1;
        core.clock.run_on();
        if !ptr::eq(cpu, cpu::this_cpu()) {
            counts.woken |= 1 << cpu.number;
        }
    }
}

impl Core {
    /// When, in the host's time, the first of all CPUs has something to do. NEVER while the clock
    /// stands: then it is for the jump.
    pub(crate) fn next_host_event(&self) -> Nanos {
        if self.clock.is_standing() {
            return Nanos::NEVER;
        }
        let events = self.cpus.iter().map(|cpu| match cpu.state() {
            ABSENT => Nanos::NEVER,
            RUNNING => cpu.timer(),
            _ => cpu.next_event(),
        });
        self.clock.to_host(events.min().unwrap_or(Nanos::NEVER))
    }
}
