//! The CPUs of a machine and its time: who can go on, and what is due.
//!
//! Only the host thread that drives the machine touches this, on whichever stack it is.

use std::sync::atomic::{AtomicUsize, Ordering};

use kthreads_base::context::FRAME_RECORD;
use kthreads_base::frames::Place;
use kthreads_base::{CpuLocal, Head, Nanos, SLOT_SIZE};
use kthreads_host::arena;

use crate::chooser::{Again, Chooser, Next, Point};
use crate::config::{OnStuck, Stuck};
use crate::cpu::{Cpu, Doing, NEVER};
use crate::points::{Quiet, ThreadPoints};

/// How far time moves when all that goes on is that CPUs spin: first, and at most.
const FIRST_SPIN: u64 = 1_000;
const LONGEST_SPIN: u64 = 1_000_000;
/// How often the kernel is told the time, at least.
const TELL_EVERY: u64 = 1_000_000;

/// When the chooser, or who stands in for it, decided that the running CPU goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decided {
    /// Now, so that nothing has changed since.
    Now,
    Earlier,
}

/// All of a machine that moves.
pub(crate) struct Core {
    pub(crate) cpus: Box<[Cpu]>,
    /// The CPU that goes on; None while the host thread does.
    pub(crate) current: Option<u32>,
    /// The stack pointer of the host thread while a CPU goes on.
    pub(crate) outside: AtomicUsize,
    pub(crate) now: u64,
    /// When the first timer or delay is over.
    pub(crate) next_event: u64,
    pub(crate) steps: u64,
    pub(crate) step_limit: u64,
    pub(crate) step_nanos: u64,
    pub(crate) turn_limit: u32,
    /// How many points and choices there were since the chooser was put in, the one that is being
    /// decided on not counted.
    pub(crate) number: u64,
    /// When the chooser is to be asked again.
    pub(crate) again: Again,
    /// The CPUs that could go on when it was asked last, and the thread of the one that did.
    asked: (u64, u32),
    quiet: Quiet,
    /// How many steps a nanosecond is, as a fraction of 2^32.
    steps_per_nano: u64,
    /// How many points each thread has come to, where somebody wants to know.
    pub(crate) points: Option<ThreadPoints>,
    /// Steps since another CPU went on.
    pub(crate) turn: u32,
    /// CPUs that can go on, for sure; one a bit.
    running: u64,
    /// CPUs that do not, but may be able to.
    waiting: u64,
    spinning: u64,
    spin_span: u64,
    pub(crate) tell_at: u64,
    look_at: u64,
    look_every: u64,
    longest_hold: u64,
    last: u32,
    /// What was found that the host thread must hear of.
    pub(crate) stuck: Option<Stuck>,
    pub(crate) is_abandoned: bool,
    /// Somebody is being asked what to do about a stuck machine.
    pub(crate) is_asking: bool,
    pub(crate) chooser: Box<dyn Chooser>,
    /// The kinds of notes that the chooser is told of, one a bit.
    pub(crate) heeds: u32,
    pub(crate) on_stuck: Option<OnStuck>,
}

/// What of [`Core`] goes back to what it was with the kernel; CPUs without their stack pointers.
pub(crate) struct Moving {
    cpus: Box<[(Doing, u64, *const CpuLocal)]>,
    pub(crate) now: u64,
    next_event: u64,
    pub(crate) steps: u64,
    turn: u32,
    running: u64,
    waiting: u64,
    spinning: u64,
    spin_span: u64,
    tell_at: u64,
    last: u32,
}

// SAFETY: the pointers are those of a machine's CPUs, and as free to move as the machine is.
unsafe impl Send for Moving {}

impl Core {
    /// What of this goes back.
    pub(crate) fn moving(&self) -> Moving {
        Moving {
            cpus: self.cpus.iter().map(|cpu| (cpu.doing, cpu.timer, cpu.local)).collect(),
            now: self.now,
            next_event: self.next_event,
            steps: self.steps,
            turn: self.turn,
            running: self.running,
            waiting: self.waiting,
            spinning: self.spinning,
            spin_span: self.spin_span,
            tell_at: self.tell_at,
            last: self.last,
        }
    }

    /// Goes back; no limit of steps, nobody is to look, nothing is stuck.
    pub(crate) fn set_moving(&mut self, kept: &Moving) {
        for (cpu, (doing, timer, local)) in self.cpus.iter_mut().zip(&kept.cpus) {
            (cpu.doing, cpu.timer, cpu.local) = (*doing, *timer, *local);
        }
        self.current = None;
        self.quiet = Quiet::NONE;
        self.now = kept.now;
        self.next_event = kept.next_event;
        self.steps = kept.steps;
        self.step_limit = u64::MAX;
        self.turn = kept.turn;
        self.running = kept.running;
        self.waiting = kept.waiting;
        self.spinning = kept.spinning;
        self.spin_span = kept.spin_span;
        self.tell_at = kept.tell_at;
        self.look_every = NEVER;
        self.look_at = NEVER;
        self.last = kept.last;
        self.stuck = None;
        self.is_abandoned = false;
    }

    pub(crate) fn new(cpus: Box<[Cpu]>, config: &mut crate::SimConfig) -> Core {
        let chooser = std::mem::replace(&mut config.chooser, Box::new(crate::InOrder));
        Core {
            cpus,
            current: None,
            outside: AtomicUsize::new(0),
            now: 0,
            next_event: NEVER,
            steps: 0,
            step_limit: config.step_limit,
            step_nanos: config.step_nanos,
            turn_limit: config.turn_limit,
            number: 0,
            again: Again::AT_ONCE,
            asked: (0, 0),
            quiet: Quiet::NONE,
            steps_per_nano: (1 << 32) / config.step_nanos.max(1),
            points: config.counts_points.then(ThreadPoints::default),
            turn: 0,
            running: 0,
            waiting: 0,
            spinning: 0,
            spin_span: FIRST_SPIN,
            tell_at: 0,
            look_at: config.look_every.0,
            look_every: config.look_every.0,
            longest_hold: config.longest_hold.0,
            last: 0,
            stuck: None,
            is_abandoned: false,
            is_asking: false,
            heeds: chooser.heeds(),
            chooser,
            on_stuck: config.on_stuck.take(),
        }
    }

    /// Changes what a CPU does.
    pub(crate) fn set_doing(&mut self, cpu: u32, doing: Doing) {
        self.end_quiet();
        let bit = 1 << cpu;
        self.cpus[cpu as usize].doing = doing;
        for mask in [&mut self.running, &mut self.waiting, &mut self.spinning] {
            *mask &= !bit;
        }
        match doing {
            Doing::Nothing => {}
            Doing::Running => self.running |= bit,
            Doing::Spinning => self.spinning |= bit,
            Doing::Resting | Doing::Delaying { .. } | Doing::Locked { .. } => self.waiting |= bit,
        }
        self.find_next_event();
    }

    /// The CPUs that can go on now.
    #[inline]
    pub(crate) fn runnable(&mut self) -> u64 {
        let mut left = self.waiting;
        while left != 0 {
            let cpu = left.trailing_zeros();
            left &= left - 1;
            if self.cpus[cpu as usize].can_go_on(self.now) {
                self.set_doing(cpu, Doing::Running);
            }
        }
        self.running
    }

    /// Whether all CPUs have ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.running | self.waiting | self.spinning == 0
    }

    /// Puts another chooser in, for which counting begins anew; returns the one before.
    pub(crate) fn set_chooser(&mut self, chooser: Box<dyn Chooser>) -> Box<dyn Chooser> {
        self.end_quiet();
        self.number = 0;
        self.again = Again::AT_ONCE;
        self.heeds = chooser.heeds();
        std::mem::replace(&mut self.chooser, chooser)
    }

    /// The time where the running CPU is.
    #[inline]
    pub(crate) fn time(&self) -> u64 {
        self.now + u64::from(self.quiet.passed()) * self.step_nanos
    }

    /// Passes a point if the chooser does not mind that the CPU has gone on to another thread: true
    /// if that was all.
    #[inline]
    pub(crate) fn follows(&mut self) -> bool {
        !self.again.if_changed && self.quiet.follow()
    }

    /// Counts a choice that is none of a point; returns its number.
    #[inline]
    pub(crate) fn count_choice(&mut self) -> u64 {
        let number = self.number + u64::from(self.quiet.passed());
        self.number += 1;
        self.quiet.shorten();
        number
    }

    /// Counts what was passed; the next point is looked at.
    #[inline]
    pub(crate) fn end_quiet(&mut self) {
        let Some(passed) = self.quiet.end() else { return };
        self.steps += u64::from(passed);
        self.turn += passed;
        self.number += u64::from(passed);
        self.now += u64::from(passed) * self.step_nanos;
    }

    /// From here on, points of the running thread are passed until something is due. What may
    /// change without an event, so that the chooser is to be asked, is looked at each time.
    pub(crate) fn begin_quiet(&mut self, decided: Decided) {
        let of_chooser = self.again.at.saturating_sub(self.number);
        if of_chooser == 0
            || self.points.is_some()
            || self.spinning != 0
            || self.stuck.is_some()
            || self.again.if_changed
                && (self.waits_for_lock()
                    || decided == Decided::Earlier && self.has_changed_since())
        {
            return;
        }
        let until_event = self.next_event.min(self.tell_at).saturating_sub(self.now);
        let of_time = until_event.saturating_sub(1).min(u64::from(u32::MAX));
        // Rounded down: a look too early changes nothing.
        let of_time = (of_time * self.steps_per_nano) >> 32;
        let of_steps = self.step_limit.saturating_sub(self.steps + 1);
        let of_turn = u64::from(self.turn_limit.saturating_sub(self.turn));
        let of = of_time.min(of_steps).min(of_turn).min(of_chooser) as u32;
        if of != 0 {
            self.quiet = Quiet::begin(of);
        }
    }

    /// Whether a CPU waits for a lock: it can go on when the word changes, which nobody tells.
    fn waits_for_lock(&self) -> bool {
        let mut left = self.waiting;
        while left != 0 {
            let cpu = left.trailing_zeros();
            left &= left - 1;
            if matches!(self.cpus[cpu as usize].doing, Doing::Locked { .. }) {
                return true;
            }
        }
        false
    }

    /// Whether the chooser is to be asked at a point that a CPU has come to.
    pub(crate) fn is_to_ask(&self, runnable: u64) -> bool {
        self.number >= self.again.at || self.again.if_changed && self.has_changed(runnable)
    }

    /// Whether other CPUs can go on than when the chooser was asked last, or this one runs another
    /// thread.
    fn has_changed(&self, runnable: u64) -> bool {
        let (asked, thread) = self.asked;
        asked != runnable || thread != kthreads_base::current_head().index.load(Ordering::Relaxed)
    }

    /// As [`has_changed`](Core::has_changed), now.
    fn has_changed_since(&mut self) -> bool {
        let runnable = self.runnable();
        self.has_changed(runnable)
    }

    /// Asks the chooser; an answer that cannot be is taken for the usual one.
    pub(crate) fn ask(&mut self, current: Option<u32>, runnable: u64) -> Next {
        // A box of no size: nothing is allocated.
        let mut chooser = std::mem::replace(&mut self.chooser, Box::new(crate::InOrder));
        let point = Point::new(self, current, runnable);
        let (next, again) = arena::outside(|| chooser.next_and_again(&point));
        let can_go_on = |cpu: u32| runnable & (1_u64.checked_shl(cpu).unwrap_or(0)) != 0;
        let next = match next {
            Next::Run(cpu) if can_go_on(cpu) => next,
            Next::PassTime if point.may_pass => next,
            _ => Next::Run(point.usual()),
        };
        let usual = point.usual();
        let runs = if let Next::Run(cpu) = next { cpu } else { usual };
        self.chooser = chooser;
        self.again = again;
        if again.if_changed {
            self.asked = (runnable, self.thread_of(runs));
        }
        next
    }

    /// Counts a step of a CPU, after which those that spin look again.
    #[inline(always)]
    pub(crate) fn count_step(&mut self) {
        self.steps += 1;
        if let Some(points) = &mut self.points {
            arena::outside(|| points.count());
        }
        self.turn += 1;
        self.now += self.step_nanos;
        if self.steps >= self.step_limit && self.stuck.is_none() {
            self.stuck = Some(Stuck::StepLimit);
        }
        if self.spinning != 0 {
            self.stop_spinning();
        }
        self.spin_span = FIRST_SPIN;
        if self.now >= self.next_event {
            self.fire_due();
        }
    }

    fn stop_spinning(&mut self) {
        while self.spinning != 0 {
            self.set_doing(self.spinning.trailing_zeros(), Doing::Running);
        }
    }

    /// Counts a turn of a loop that waits.
    pub(crate) fn count_relax(&mut self) {
        self.steps += 1;
        if self.steps >= self.step_limit && self.stuck.is_none() {
            self.stuck = Some(Stuck::StepLimit);
        }
    }

    /// Lets time pass when no CPU can go on; false if nothing will ever happen by itself.
    pub(crate) fn advance(&mut self) -> bool {
        if self.spinning != 0 {
            self.now = self.next_event.min(self.now + self.spin_span).max(self.now);
            self.spin_span = (self.spin_span * 2).min(LONGEST_SPIN);
            self.stop_spinning();
            self.fire_due();
            return true;
        }
        self.pass_time()
    }

    /// Lets time pass until the next event; false if there is none.
    pub(crate) fn pass_time(&mut self) -> bool {
        if self.next_event == NEVER {
            return false;
        }
        self.now = self.now.max(self.next_event);
        self.fire_due();
        true
    }

    /// Raises the interrupts of timers that are due, and ends delays.
    #[cold]
    fn fire_due(&mut self) {
        for number in 0..self.cpus.len() as u32 {
            let cpu = &mut self.cpus[number as usize];
            if cpu.timer <= self.now {
                cpu.timer = NEVER;
                cpu.raise();
            }
            if cpu.can_go_on(self.now) && cpu.doing != Doing::Running {
                self.set_doing(number, Doing::Running);
            }
        }
        self.find_next_event();
    }

    fn find_next_event(&mut self) {
        self.next_event = self.cpus.iter().map(Cpu::next_event).min().unwrap_or(NEVER);
    }

    pub(crate) fn set_timer(&mut self, cpu: u32, deadline: Nanos) {
        self.end_quiet();
        self.cpus[cpu as usize].timer = deadline.0;
        self.find_next_event();
    }

    pub(crate) fn set_look_every(&mut self, span: Nanos) {
        self.look_every = span.0;
        self.look_at = self.now.saturating_add(span.0);
    }

    /// Whether time may pass though somebody could go on.
    #[inline]
    pub(crate) fn may_hold(&self) -> bool {
        self.next_event != NEVER && self.next_event.saturating_sub(self.now) <= self.longest_hold
    }

    /// Whether the kernel should be told the time now.
    pub(crate) fn should_tell(&mut self) -> bool {
        let should = self.now >= self.tell_at;
        if should {
            self.tell_at = self.now + TELL_EVERY;
            if self.now >= self.look_at && self.stuck.is_none() {
                self.look_at = self.now.saturating_add(self.look_every);
                self.stuck = Some(Stuck::Look);
            }
        }
        should
    }

    /// The first of `runnable` after the CPU that went on last.
    pub(crate) fn next_in_turn(&self, runnable: u64) -> u32 {
        let bit = 1_u64 << self.last;
        let later = runnable & !((bit - 1) | bit);
        if later != 0 { later } else { runnable }.trailing_zeros()
    }

    /// Notes that `cpu` goes on now.
    pub(crate) fn go_on(&mut self, cpu: u32) {
        if self.last != cpu {
            self.turn = 0;
        }
        self.last = cpu;
        self.current = Some(cpu);
    }

    /// The thread of each CPU that rests, with where it does.
    pub(crate) fn places(&self) -> impl Iterator<Item = (u32, Place)> {
        let numbers = 0..self.cpus.len() as u32;
        numbers.filter_map(|cpu| {
            let sp = self.cpus[cpu as usize].sp.load(Ordering::Relaxed);
            let place = Place { sp, bp: sp + FRAME_RECORD };
            (sp != 0).then(|| (self.thread_of(cpu), place))
        })
    }

    /// The slot index of the thread that a CPU runs.
    pub(crate) fn thread_of(&self, cpu: u32) -> u32 {
        if self.current == Some(cpu) && kthreads_base::on_kernel_stack() {
            return kthreads_base::current_head().index.load(Ordering::Relaxed);
        }
        let sp = self.cpus[cpu as usize].sp.load(Ordering::Relaxed);
        let top = ((sp | (SLOT_SIZE - 1)) - (size_of::<usize>() - 1)) as *const *const Head;
        // SAFETY: the CPU's context rests on a slot whose top word names its thread.
        unsafe { (*top).as_ref() }.map_or(u32::MAX, |head| head.index.load(Ordering::Relaxed))
    }
}
