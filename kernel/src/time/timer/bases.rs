//! The timers of a kernel: which wheel a timer is in, and who may touch it.
//!
//! # Which lock a timer belongs to
//!
//! The flags name the CPU whose wheel the timer belongs to, pending or not; its fields change
//! only under that wheel's lock. Whoever wants it reads the flags, takes the lock they name, and
//! reads them again: they name another wheel only by a change made under the lock just taken.
//! While a timer goes from one wheel to another it is in neither, and [`Timer::MIGRATING`] keeps
//! everybody waiting; the mover has interrupts off until the flags name the new wheel, under
//! the new lock. So the locks order all there is to order, and the fields are read and written
//! relaxed. One wheel's lock is never taken while another's is held.
//!
//! # Who may free a timer
//!
//! Whoever has deleted it and made sure that its function does not run, or the function itself.
//! The wheel remembers which function runs by the timer's address and never follows it, so a
//! function may free its timer, or arm it again: on its own CPU, because a timer whose function
//! runs does not change CPUs (but for `add_on`), so that waiting for it looks in the right place.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::pin::Pin;

use kthreads_base::explore::{NOTE_GIVES, NOTE_TAKES};
use kthreads_base::slab::NoMemory;
use kthreads_base::{IrqGuard, SpinGuard, SpinLock, current_head, note};

use super::super::jiffies::Jiffies;
use super::super::wheel::{Arming, Begun, NextExpiry, Wheel};
use super::{Timer, TimerFn};
use crate::audit::Findings;
use crate::observe;

/// Which of a CPU's two wheels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Timers that an idle CPU wakes for.
    Standard,
    /// Timers that wait until the CPU is awake for another reason.
    Deferrable,
}

/// Who arms a timer.
#[derive(Clone, Copy, Debug)]
pub struct Here {
    /// The CPU of the caller, to which the timer goes.
    pub cpu: u32,
    /// The jiffy that it is.
    pub now: Jiffies,
}

/// A wheel whose next expiry is earlier than it was: that CPU's clock must be set anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The CPU.
    pub cpu: u32,
    /// Which of its wheels; an idle CPU need not care for the deferrable one.
    pub kind: Kind,
}

/// What arming a timer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Armed {
    /// Whether the timer was pending: what mod_timer returns.
    pub was_pending: bool,
    /// The CPU whose clock is to be set anew, if one is.
    pub earlier: Option<Earlier>,
}

/// The timer is pending, and so was not added; Linux warns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyPending;

/// What an attempt to delete a timer for good came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Its function runs, so nothing was taken out (-1).
    Running,
    /// It is not pending now, and does not run; tells whether it was pending (1 or 0).
    Deleted(bool),
}

/// Whether a deleted timer may be armed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    MayArm,
    ShutDown,
}

#[repr(align(64))]
struct Base {
    wheel: SpinLock<Wheel>,
}

/// The timers of a kernel: two wheels for each CPU. All calls need a kernel stack.
pub struct Timers {
    cpus: Box<[[Base; 2]]>,
}

impl Timers {
    /// Makes the empty wheels of `cpus` CPUs, at least one.
    pub fn new(cpus: u32, now: Jiffies) -> Result<Timers, NoMemory> {
        let base = || Ok(Base { wheel: SpinLock::new(Wheel::new(now)?) });
        let mut all = Vec::new();
        all.try_reserve_exact(cpus as usize).map_err(|_| NoMemory)?;
        for _ in 0..cpus.max(1) {
            all.push([base()?, base()?]);
        }
        Ok(Timers { cpus: all.into_boxed_slice() })
    }

    /// The CPU that the flags name. C may have left anything there: any wheel will do then.
    fn cpu_in(&self, flags: u32) -> u32 {
        (flags & Timer::CPU_MASK) % self.cpus.len() as u32
    }

    fn base(&self, cpu: u32, kind: Kind) -> &Base {
        &self.cpus[cpu as usize % self.cpus.len()][kind as usize]
    }

    /// Takes the lock of the wheel that the timer belongs to (lock_timer_base).
    fn lock_of(&self, timer: &Timer) -> SpinGuard<'_, Wheel> {
        loop {
            let flags = timer.flags() & Timer::WHEEL_MASK;
            if flags & Timer::MIGRATING == 0 {
                let guard = self.base(self.cpu_in(flags), kind_in(flags)).wheel.lock();
                if timer.flags() & Timer::WHEEL_MASK == flags {
                    return guard;
                }
            }
            current_head().relax();
        }
    }

    /// Makes the detached timer, whose wheel is locked, belong to `cpu`; returns the lock of the
    /// wheel it belongs to then. Interrupts are off.
    fn bring<'a>(
        &'a self,
        from: SpinGuard<'a, Wheel>,
        timer: &Timer,
        cpu: u32,
    ) -> SpinGuard<'a, Wheel> {
        if self.cpu_in(timer.flags()) == cpu {
            return from;
        }
        timer.set_migrating();
        drop(from);
        let to = self.base(cpu, kind_in(timer.flags())).wheel.lock();
        timer.set_cpu(cpu);
        to
    }

    /// Arms `timer` with the expiry it has (add_timer).
    pub fn add(&self, timer: Pin<&Timer>, here: Here) -> Result<Armed, AlreadyPending> {
        if timer.is_pending() {
            return Err(AlreadyPending);
        }
        Ok(self.change(timer, timer.expires(), Arming::Always, here))
    }

    /// Arms `timer` with the expiry it has on the CPU that `on` names, whatever CPU this is
    /// (add_timer_on). It goes there even if its function runs elsewhere at this moment.
    pub fn add_on(&self, timer: Pin<&Timer>, on: Here) -> Result<Armed, AlreadyPending> {
        if timer.is_pending() {
            return Err(AlreadyPending);
        }
        let _irqs = IrqGuard::new();
        let mut from = self.lock_of(timer.get_ref());
        if timer.function().is_none() {
            return Ok(Armed { was_pending: false, earlier: None });
        }
        let (wheel, held) = from.split();
        let was_pending = wheel.detach(held, timer.get_ref());
        let to = self.bring(from, timer.get_ref(), self.cpu_in(on.cpu));
        Ok(Armed { was_pending, earlier: self.insert(to, timer, on.now) })
    }

    /// Changes the expiry of `timer`, and arms it if it is not pending (mod_timer).
    pub fn modify(&self, timer: Pin<&Timer>, expires: Jiffies, here: Here) -> Armed {
        self.change_or_keep(timer, expires, Arming::Always, here)
    }

    /// Changes the expiry of `timer` if it is pending (mod_timer_pending).
    pub fn modify_pending(&self, timer: Pin<&Timer>, expires: Jiffies, here: Here) -> Armed {
        self.change_or_keep(timer, expires, Arming::IfPending, here)
    }

    /// Makes `timer` expire at `expires` unless it does so earlier already (timer_reduce).
    pub fn reduce(&self, timer: Pin<&Timer>, expires: Jiffies, here: Here) -> Armed {
        self.change_or_keep(timer, expires, Arming::IfEarlier, here)
    }

    /// Settles without the lock what needs no change: networking does it all the time.
    fn change_or_keep(
        &self,
        timer: Pin<&Timer>,
        expires: Jiffies,
        arming: Arming,
        here: Here,
    ) -> Armed {
        let later = timer.expires().ticks_since(expires);
        let is_fine = later == 0 || (arming == Arming::IfEarlier && later < 0);
        if timer.is_pending() && is_fine {
            return Armed { was_pending: true, earlier: None };
        }
        self.change(timer, expires, arming, here)
    }

    fn change(&self, timer: Pin<&Timer>, expires: Jiffies, arming: Arming, here: Here) -> Armed {
        let _irqs = IrqGuard::new();
        let mut from = self.lock_of(timer.get_ref());
        let (wheel, held) = from.split();
        let was_pending = match wheel.begin_change(held, timer.get_ref(), expires, arming, here.now)
        {
            Begun::Settled(was_pending) => return Armed { was_pending, earlier: None },
            Begun::Detached(was_pending) => was_pending,
        };
        let to = if wheel.is_running(timer.get_ref()) {
            from
        } else {
            self.bring(from, timer.get_ref(), self.cpu_in(here.cpu))
        };
        timer.set_expires(expires);
        Armed { was_pending, earlier: self.insert(to, timer, here.now) }
    }

    fn insert(
        &self,
        mut to: SpinGuard<'_, Wheel>,
        timer: Pin<&Timer>,
        now: Jiffies,
    ) -> Option<Earlier> {
        observe::gives_here(timer.get_ref());
        let (wheel, held) = to.split();
        wheel.forward(now);
        let flags = timer.flags();
        match wheel.enqueue(held, timer) {
            NextExpiry::Kept => None,
            NextExpiry::Earlier => Some(Earlier { cpu: self.cpu_in(flags), kind: kind_in(flags) }),
        }
    }

    /// Takes `timer` out if it is pending; returns whether it was (del_timer). Its function may
    /// be running.
    pub fn delete(&self, timer: &Timer) -> bool {
        if !timer.is_pending() {
            return false;
        }
        let mut guard = self.lock_of(timer);
        let (wheel, held) = guard.split();
        wheel.detach(held, timer)
    }

    /// Takes `timer` out if it is pending, and lets it never be armed again (timer_shutdown).
    pub fn shutdown(&self, timer: &Timer) -> bool {
        let mut guard = self.lock_of(timer);
        let (wheel, held) = guard.split();
        timer.shut_down();
        wheel.detach(held, timer)
    }

    /// Takes `timer` out if its function does not run (try_to_del_timer_sync).
    pub fn try_delete_sync(&self, timer: &Timer) -> Attempt {
        self.attempt(timer, Afterwards::MayArm)
    }

    /// Deletes `timer` and waits until its function does not run; returns whether it was pending
    /// (del_timer_sync). Calls `relax` between attempts.
    pub fn delete_sync(&self, timer: &Timer, relax: &mut dyn FnMut()) -> bool {
        self.until_deleted(timer, Afterwards::MayArm, relax)
    }

    /// As [`Timers::delete_sync`], and lets the timer never be armed again
    /// (timer_shutdown_sync).
    pub fn shutdown_sync(&self, timer: &Timer, relax: &mut dyn FnMut()) -> bool {
        self.until_deleted(timer, Afterwards::ShutDown, relax)
    }

    fn until_deleted(
        &self,
        timer: &Timer,
        afterwards: Afterwards,
        relax: &mut dyn FnMut(),
    ) -> bool {
        loop {
            match self.attempt(timer, afterwards) {
                Attempt::Deleted(was_pending) => return was_pending,
                Attempt::Running => relax(),
            }
        }
    }

    fn attempt(&self, timer: &Timer, afterwards: Afterwards) -> Attempt {
        let mut guard = self.lock_of(timer);
        let (wheel, held) = guard.split();
        if afterwards == Afterwards::ShutDown {
            timer.shut_down();
        }
        if wheel.is_running(timer) {
            return Attempt::Running;
        }
        observe::takes_here(timer);
        Attempt::Deleted(wheel.detach(held, timer))
    }

    /// Whether the function of `timer` runs at this moment.
    pub fn is_running(&self, timer: &Timer) -> bool {
        self.lock_of(timer).is_running(timer)
    }

    /// Runs the timers of `cpu` that are due at `now`: what the timer softirq does. One caller
    /// at a time for each CPU.
    ///
    /// `call` calls the function, with no lock held, and with interrupts as they are here but
    /// off for [`Timer::IRQSAFE`]; the timer may be gone once it has.
    pub fn run_expired(&self, cpu: u32, now: Jiffies, call: &mut dyn FnMut(&Timer, TimerFn)) {
        for kind in [Kind::Standard, Kind::Deferrable] {
            run_wheel(&self.base(cpu, kind).wheel, now, call);
        }
    }

    /// When the wheel of `cpu` is due next, if it has timers.
    pub fn next_expiry(&self, cpu: u32, kind: Kind) -> Option<Jiffies> {
        self.base(cpu, kind).wheel.lock().next_expiry()
    }

    /// Whether a timer lies at an address and is pending, if those are its flags and bucket. The
    /// address is compared and never followed.
    pub(crate) fn is_in_bucket(&self, address: usize, flags: u32, bucket: usize) -> bool {
        let mut guard = self.base(self.cpu_in(flags), kind_in(flags)).wheel.lock();
        let (wheel, held) = guard.split();
        wheel.holds(held, address, bucket)
    }

    /// How many timers are pending.
    pub(crate) fn pending(&self) -> u32 {
        let count = |base: &Base| {
            let mut guard = base.wheel.lock();
            let (wheel, held) = guard.split();
            let mut count = 0;
            wheel.for_each(held, &mut |_, _| count += 1);
            count
        };
        self.cpus.iter().flatten().map(count).sum()
    }

    /// Looks at all wheels.
    pub(crate) fn audit(&self, found: &mut Findings) {
        for (cpu, bases) in (0..).zip(&self.cpus) {
            for (kind, base) in [Kind::Standard, Kind::Deferrable].into_iter().zip(bases) {
                let mut guard = base.wheel.lock();
                let (wheel, held) = guard.split();
                wheel.audit(held, &mut |timer, wrong| {
                    let function = timer.function_address();
                    found.add(format_args!(
                        "a timer of CPU {cpu}, {kind:?}, for {function:#x}: {wrong}"
                    ));
                });
                wheel.for_each(held, &mut |timer, _| {
                    let flags = timer.flags() & Timer::WHEEL_MASK;
                    if (self.cpu_in(flags), kind_in(flags)) != (cpu, kind) {
                        found.add(format_args!("a timer of CPU {cpu} names another: {flags:#x}"));
                    }
                });
            }
        }
    }

    /// Takes out every pending timer that `matches`, on all CPUs; returns how many: for the
    /// timers that a module leaves behind. `matches` must not call back here.
    pub fn detach_where(&self, matches: &mut dyn FnMut(&Timer) -> bool) -> usize {
        let mut count = 0;
        for base in self.cpus.iter().flatten() {
            let mut guard = base.wheel.lock();
            let (wheel, held) = guard.split();
            count += wheel.detach_where(held, matches);
        }
        count
    }
}

impl Drop for Timers {
    /// Takes out what is still pending: the timers outlive their wheels.
    fn drop(&mut self) {
        for base in self.cpus.iter_mut().flatten() {
            let (wheel, held) = base.wheel.exclusive();
            wheel.detach_where(&held, &mut |_| true);
        }
    }
}

fn kind_in(flags: u32) -> Kind {
    if flags & Timer::DEFERRABLE != 0 { Kind::Deferrable } else { Kind::Standard }
}

fn run_wheel(wheel: &SpinLock<Wheel>, now: Jiffies, call: &mut dyn FnMut(&Timer, TimerFn)) {
    let mut kept = None;
    loop {
        // Interrupts go off before the timer is marked as running and, for an IRQSAFE one, come
        // on after the mark is gone: so an interrupt that deletes it never waits for what it
        // has interrupted.
        let irqs = kept.take().unwrap_or_else(IrqGuard::new);
        let ran = wheel.lock().hand_out(
            |wheel, held| wheel.next_due(held, now),
            |timer, function| {
                let keep = timer.flags() & Timer::IRQSAFE != 0;
                let irqs = Some(irqs).filter(|_| keep);
                let address = core::ptr::from_ref(timer) as usize;
                note(NOTE_TAKES, address, observe::NO_LOCK);
                call(timer, function);
                note(NOTE_GIVES, address, observe::NO_LOCK);
                irqs
            },
        );
        match ran {
            Some(irqs) => kept = irqs,
            None => return,
        }
    }
}
