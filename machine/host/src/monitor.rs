//! The thread that watches the clock for CPUs that are busy.
//!
//! A CPU at rest wakes by itself when its timer is due. One that runs a module may not look at
//! the clock for long, so one thread does it for all: it lets due timers go off, interrupts the
//! CPUs that have not taken what is pending, and tells the kernel the time. It does so every
//! [`TICK`], or when the nearest timer of a running CPU is due, and sleeps while all CPUs rest, or
//! nearly so.
//!
//! It also has the kernel judge whether a CPU does one thing for too long. The judge takes no lock.
//! Only when there is something to report does the monitor enter the kernel, as a thread that is no
//! CPU: a report takes locks that nobody holds for longer than it takes to log a line.
//!
//! # No timer is missed
//!
//! [`Gate::wake`] says when the monitor will look next, in the host's time: never while it
//! sleeps, zero while it looks or has been told to. The monitor stores it, then reads timers and
//! states once more; who sets a timer or leaves rest stores that, then reads `wake`. All are
//! sequentially consistent, so one of the two sees the other.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use kthreads_base::{Machine, Nanos, Stack, Upcalls, cpu};

use crate::cpu::{Cpu, RUNNING};
use crate::machine::HostMachine;
use crate::rest::Core;
use crate::{preempt, sys};

/// How often the monitor looks while CPUs run: the kernel's own tick.
const TICK: Nanos = Nanos::from_millis(4);
/// After how many looks without a running CPU it goes to sleep. Not at once: waking it costs a
/// CPU that runs every few milliseconds more than the looks cost the host.
const QUIET_LOOKS: u32 = 8;
/// How often it looks although all CPUs rest, while the time for which they do may be held against
/// somebody: so a stop of the process does not pass for that.
const QUIET_TICK: Nanos = Nanos::from_millis(1000);

/// Where the monitor sleeps.
pub(crate) struct Gate {
    pokes: AtomicU32,
    wake: AtomicU64,
    is_closed: AtomicBool,
}

impl Gate {
    pub(crate) fn new() -> Gate {
        Gate {
            pokes: AtomicU32::new(0),
            wake: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Sees to it that the monitor looks at host time `at`.
    #[inline]
    pub(crate) fn expect(&self, at: Nanos) {
        if at.0 < self.wake.load(Ordering::SeqCst) {
            self.poke();
        }
    }

    /// Whether the monitor sleeps until it is told to look.
    #[inline]
    fn is_asleep(&self) -> bool {
        self.wake.load(Ordering::SeqCst) == Nanos::NEVER.0
    }

    /// Ends the monitor.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.poke();
    }

    #[cold]
    fn poke(&self) {
        self.pokes.fetch_add(1, Ordering::SeqCst);
        if self.wake.swap(0, Ordering::SeqCst) != 0 {
            sys::futex_wake(&self.pokes);
        }
    }
}

impl Core {
    /// A CPU runs: wakes the monitor if it sleeps.
    #[inline]
    pub(crate) fn on_running(&self) {
        if self.gate.is_asleep() {
            self.expect_monitor();
            self.gate.poke();
        }
    }

    /// The monitor is about to look: should the process be stopped before it does, that shows.
    pub(crate) fn expect_monitor(&self) {
        self.away.expect(self.clock.host_now());
    }
}

/// What the monitor thread does until the gate is closed. `stack` is for its reports.
pub(crate) fn watch(machine: &HostMachine, upcalls: &dyn Upcalls, stack: &Stack) {
    let core = &machine.core;
    let gate = &core.gate;
    let mut quiet_looks = 0;
    loop {
        let pokes = gate.pokes.load(Ordering::SeqCst);
        gate.wake.store(0, Ordering::SeqCst);
        if gate.is_closed.load(Ordering::SeqCst) {
            return;
        }
        core.look_for_stop();
        look(machine, upcalls);
        judge(machine, upcalls, stack);
        let is_quiet = !core.cpus.iter().any(is_running);
        quiet_looks = if is_quiet { quiet_looks + 1 } else { 0 };
        let now = core.clock.host_now();
        let latest = if quiet_looks > QUIET_LOOKS { Nanos::NEVER } else { now + TICK };
        let wake = latest.min(machine.next_watched());
        let is_counted = is_time_counted(machine, upcalls);
        let end = if is_counted { wake.min(now + QUIET_TICK) } else { wake };
        core.away.expect(end);
        gate.wake.store(wake.0, Ordering::SeqCst);
        let slept_too_early = wake == Nanos::NEVER && core.cpus.iter().any(is_running);
        if slept_too_early || machine.next_watched() < wake {
            continue;
        }
        let span = (end != Nanos::NEVER).then(|| Duration::from_nanos((end - now).0));
        sys::futex_wait(&gate.pokes, pokes, span);
    }
}

/// Has the kernel judge the CPUs that run, and report what it finds.
fn judge(machine: &HostMachine, upcalls: &dyn Upcalls, stack: &Stack) {
    let running = machine.core.cpus.iter().filter(|cpu| is_running(cpu));
    let found = running.filter(|cpu| upcalls.judge(cpu.number)).count();
    if found > 0 {
        cpu::call_as_watcher(upcalls, stack);
    }
}

/// Whether somebody sleeps or delays for whom the time counts, and it passes.
fn is_time_counted(machine: &HostMachine, upcalls: &dyn Upcalls) -> bool {
    let core = &machine.core;
    let delays = || core.cpus.iter().any(|cpu| cpu.until() != Nanos::NEVER);
    !core.clock.is_standing() && (upcalls.patience() != Nanos::NEVER || delays())
}

fn is_running(cpu: &Cpu) -> bool {
    cpu.state() == RUNNING
}

fn look(machine: &HostMachine, upcalls: &dyn Upcalls) {
    machine.tend_timers();
    let now = machine.core.clock.now();
    upcalls.clock(now);
    if upcalls.patience() <= now {
        machine.send_interrupt(0);
    }
    for cpu in machine.core.cpus.iter().filter(|cpu| is_running(cpu) && cpu.is_pending()) {
        preempt::send(cpu);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_right_after_a_cpu_has_begun_to_run_shows() {
        let core = Core::new(Vec::new());
        core.gate.wake.store(Nanos::NEVER.0, Ordering::SeqCst);
        core.on_running();
        let mut told = None;
        core.away.look(core.clock.host_now() + Nanos::SECOND, |late| told = Some(late));
        assert!(told.is_some_and(|late| late >= Nanos::SECOND));
    }
}
