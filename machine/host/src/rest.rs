//! How a CPU rests in the host, and how it is disturbed: the real clock.
//!
//! # No interrupt is slept through
//!
//! A CPU that goes to rest stores its state, then reads `pending`. Who raises an interrupt stores
//! `pending`, then reads the state. All four are sequentially consistent, so at least one of the
//! two sees the other: the CPU does not rest, or it is woken. The host rests the CPU on its state
//! word only if that word still says so.

use std::ptr;
use std::time::Duration;

use kthreads_base::Nanos;

use crate::clock::MachineClock;
use crate::cpu::{self, Cpu, RESTING, RESTING_DEAF, RUNNING};
use crate::monitor::Gate;
use crate::{preempt, sys};

/// What ends a rest before its time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heeds {
    /// Any interrupt.
    Interrupts,
    /// Nothing: interrupts are off, so none could be taken.
    Nothing,
}

impl Heeds {
    pub(crate) fn state(self) -> u32 {
        match self {
            Heeds::Interrupts => RESTING,
            Heeds::Nothing => RESTING_DEAF,
        }
    }

    pub(crate) fn is_disturbed(self, cpu: &Cpu) -> bool {
        self == Heeds::Interrupts && cpu.is_pending()
    }
}

/// The CPUs and what they share.
pub(crate) struct Core {
    pub(crate) cpus: Vec<Cpu>,
    pub(crate) clock: MachineClock,
    pub(crate) gate: Gate,
}

impl Core {
    /// Lets the timer go off if it is due; says whether there is no reason to rest.
    pub(crate) fn has_reason_to_run(&self, cpu: &Cpu, until: Nanos, heeds: Heeds) -> bool {
        let now = self.clock.now();
        cpu.fire_timer(now);
        until <= now || heeds.is_disturbed(cpu)
    }

    /// Rests the calling CPU until `until`, or until what it heeds; the real clock.
    pub(crate) fn rest(&self, cpu: &Cpu, until: Nanos, heeds: Heeds) {
        while !self.has_reason_to_run(cpu, until, heeds) {
            cpu.set_state(heeds.state());
            if !heeds.is_disturbed(cpu) {
                let end = until.min(cpu.timer());
                sys::futex_wait(&cpu.state, heeds.state(), self.span_to(end));
            }
            cpu.set_state(RUNNING);
        }
        self.gate.on_running();
    }

    /// How long the host must wait for machine time `end`; None for ever.
    fn span_to(&self, end: Nanos) -> Option<Duration> {
        (end != Nanos::NEVER).then(|| Duration::from_nanos((end - self.clock.now()).0))
    }

    /// Has a CPU take the interrupt that was just raised on it; the real clock.
    pub(crate) fn disturb(&self, cpu: &Cpu, was_pending: bool) {
        if cpu.leave_rest() {
            sys::futex_wake(&cpu.state);
        } else if !was_pending {
            self.press(cpu);
        }
    }

    /// Interrupts a running CPU in module text. One's own CPU needs no pressing: it takes what is
    /// pending when it leaves the kernel. Nor does one for which somebody did it before: if that
    /// came to nothing, the monitor tries again.
    pub(crate) fn press(&self, cpu: &Cpu) {
        if cpu.state() == RUNNING && !ptr::eq(cpu::this_cpu(), cpu) {
            preempt::send(cpu);
        }
    }
}
