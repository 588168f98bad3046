//! How a CPU rests in the host, and how it is disturbed: the real clock.
//!
//! # No interrupt is slept through
//!
//! A CPU that goes to rest stores its state, then reads `pending`. Who raises an interrupt stores
//! `pending`, then reads the state. All four are sequentially consistent, so at least one of the
//! two sees the other: the CPU does not rest, or it is woken. The host rests the CPU on its state
//! word only if that word still says so.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use kthreads_base::{Nanos, Upcalls};

use crate::away::Away;
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
    pub(crate) away: Away,
    /// The kernel, from `start` to the end of `join`: a boxed `Arc<dyn Upcalls>`.
    upcalls: AtomicPtr<Arc<dyn Upcalls>>,
}

impl Drop for Core {
    fn drop(&mut self) {
        // SAFETY: nobody has a reference any more.
        unsafe { self.detach() };
    }
}

impl Core {
    pub(crate) fn new(cpus: Vec<Cpu>) -> Core {
        let upcalls = AtomicPtr::new(ptr::null_mut());
        let (clock, gate, away) = (MachineClock::new(), Gate::new(), Away::new());
        Core { cpus, clock, gate, away, upcalls }
    }

    /// Ties the machine to a kernel.
    pub(crate) fn attach(&self, upcalls: Arc<dyn Upcalls>) {
        self.upcalls.store(Box::into_raw(Box::new(upcalls)), Ordering::Release);
    }

    /// Lets go of the kernel, if there is one.
    ///
    /// # Safety
    ///
    /// Nobody asks for it any more: no CPU runs, nor does the monitor.
    pub(crate) unsafe fn detach(&self) {
        let upcalls = self.upcalls.swap(ptr::null_mut(), Ordering::AcqRel);
        if !upcalls.is_null() {
            // SAFETY: made by `attach`, taken out by the swap, and nobody uses it.
            drop(unsafe { Box::from_raw(upcalls) });
        }
    }

    /// The kernel, for CPUs and the monitor, and for whoever acts while they run.
    pub(crate) fn upcalls(&self) -> Option<&dyn Upcalls> {
        // SAFETY: null, or the box that `join` frees once none of those run.
        unsafe { self.upcalls.load(Ordering::Acquire).as_ref() }.map(|upcalls| &**upcalls)
    }

    /// Tells the kernel if nothing could run for a while.
    pub(crate) fn look_for_stop(&self) {
        let tell = |span| self.upcalls().into_iter().for_each(|upcalls| upcalls.excuse(span));
        self.away.look(self.clock.host_now(), tell);
    }

    /// Until when a CPU may rest that nothing else wakes.
    pub(crate) fn patience(&self) -> Nanos {
        self.upcalls().map_or(Nanos::NEVER, Upcalls::patience)
    }

    /// As `patience`, but never while nobody outside waits for what the kernel does.
    pub(crate) fn patience_of_the_awaited(&self) -> Nanos {
        let awaited = self.upcalls().is_some_and(Upcalls::is_awaited);
        if awaited { self.patience() } else { Nanos::NEVER }
    }

    /// Lets the timer go off if it is due; says whether there is no reason to rest.
    pub(crate) fn has_reason_to_run(&self, cpu: &Cpu, until: Nanos, heeds: Heeds) -> bool {
        let now = self.clock.now();
        cpu.fire_timer(now);
        if heeds == Heeds::Interrupts && self.patience() <= now {
            cpu.raise();
        }
        until <= now || heeds.is_disturbed(cpu)
    }

    /// Rests the calling CPU until `until`, or until what it heeds; the real clock.
    pub(crate) fn rest(&self, cpu: &Cpu, until: Nanos, heeds: Heeds) {
        cpu.set_until(until);
        while !self.has_reason_to_run(cpu, until, heeds) {
            cpu.set_state(heeds.state());
            if !heeds.is_disturbed(cpu) {
                let end = until.min(cpu.timer()).min(self.patience());
                sys::futex_wait(&cpu.state, heeds.state(), self.span_to(end));
            }
            cpu.set_state(RUNNING);
        }
        self.on_running();
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
