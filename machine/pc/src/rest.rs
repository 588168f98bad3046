//! How a processor rests, what ends its rest, and time that jumps when nothing happens.
//!
//! # No interrupt is slept through
//!
//! A processor looks for a reason to run with its interrupts off, and halts by the one
//! instruction that turns them on and halts. Who raises an interrupt for it stores `pending`
//! first and then sends a real one.
//!
//! # Fast-forward
//!
//! While a CPU runs, the clock runs; while none runs, it stands; when none runs and nobody holds
//! the clock, it jumps to the nearest end of a rest. [`Counts`] says what is under way, and all
//! of it changes under one lock, so that there is one order of all changes:
//!
//! - A CPU stops counting when it rests, itself, after it has seen that nothing is pending on it.
//! - It is counted again by whoever wakes it, in the same step that finds it at rest.
//! - Who brings the count to zero looks for pending interrupts, then jumps, in the same step.
//!
//! A halted processor's own timer is off while the clock stands. When it runs on, whoever lets it
//! has the ends of all rests among the times that its timer is set to, and so has whoever rests
//! after it: as long as the clock runs, some processor's timer goes off at the next of them.
//!
//! A strand outside the kernel does not count: what it wants of the kernel it raises as an
//! interrupt, or it holds the clock.

use core::sync::atomic::{AtomicBool, Ordering};

use kthreads_base::Nanos;
use x86_64::instructions::interrupts;

use crate::apic::{self, Vector};
use crate::hard_lock::HardLock;
use crate::processor::{self, Processor};
use crate::{clock, machine, outside};

/// How often a processor that runs is interrupted: what reads the time from memory alone (C's
/// jiffies) must see it go on.
const TICK: u64 = 4_000_000;

/// How time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// As in the world.
    #[default]
    Real,
    /// It jumps to the next timer when all CPUs are idle.
    FastForward,
}

struct Counts {
    /// CPUs that do not rest.
    running: u32,
    /// Who holds the clock.
    holds: u32,
}

static COUNTS: HardLock<Counts> = HardLock::new(Counts { running: 0, holds: 0 });
/// Whether the clock is the one that jumps; changed while no CPU runs.
static IS_FAST: AtomicBool = AtomicBool::new(false);

fn is_fast() -> bool {
    IS_FAST.load(Ordering::Relaxed)
}

/// What ends a rest before its time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heeds {
    /// Any interrupt.
    Interrupts,
    /// Nothing: virtual interrupts are off, so none could be taken.
    Nothing,
}

/// Counts `cpus` CPUs that are about to start.
pub(crate) fn begin(kind: Clock, cpus: u32) {
    COUNTS.lock().running = cpus;
    IS_FAST.store(kind == Clock::FastForward, Ordering::Relaxed);
    clock::run_on();
}

/// The calling CPU has ended; it is not counted any more.
pub(crate) fn leave() {
    let mut counts = COUNTS.lock();
    counts.running -= 1;
    settle(&mut counts);
    if counts.running == 0 {
        // What comes now is outside of any kernel.
        clock::run_on();
    }
}

/// Keeps time from jumping.
pub(crate) fn hold() {
    COUNTS.lock().holds += 1;
}

/// Takes a hold back.
pub(crate) fn let_go() {
    let mut counts = COUNTS.lock();
    counts.holds -= 1;
    settle(&mut counts);
}

/// Rests the calling processor until `until`, or until what it heeds. With [`Heeds::Nothing`] or
/// virtual interrupts off it stays the calling processor's; else the caller may be elsewhere
/// when it returns.
pub(crate) fn rest(me: &Processor, until: Nanos, heeds: Heeds) {
    let raised = me.raised.load(Ordering::SeqCst);
    loop {
        interrupts::disable();
        // The caller may have been moved to another processor, before it came here or while it
        // rested: an interrupt came before that.
        let was_moved = !core::ptr::eq(processor::this(), me);
        if was_moved || has_been_disturbed(me, raised, heeds) {
            break;
        }
        if has_reason_to_run(me, until, heeds) {
            break;
        }
        if me.number() == 0 && outside::is_wanted() {
            outside::run();
            interrupts::enable();
            continue;
        }
        go_to_rest(me, until, heeds);
        while me.rests.load(Ordering::SeqCst) {
            interrupts::enable_and_hlt();
            interrupts::disable();
            if has_been_disturbed(me, raised, heeds) {
                end_rest(me);
                break;
            }
            if me.number() == 0 && outside::is_wanted() && me.rests.load(Ordering::SeqCst) {
                outside::run();
            }
        }
    }
    interrupts::enable();
}

fn has_been_disturbed(me: &Processor, raised: u64, heeds: Heeds) -> bool {
    heeds == Heeds::Interrupts && me.raised.load(Ordering::SeqCst) != raised
}

fn has_reason_to_run(me: &Processor, until: Nanos, heeds: Heeds) -> bool {
    let now = clock::now();
    me.fire_timer(now);
    until <= now || heeds == Heeds::Interrupts && me.is_pending()
}

/// Notes that the processor rests, unless that wakes it at once.
fn go_to_rest(me: &Processor, until: Nanos, heeds: Heeds) {
    let mut counts = COUNTS.lock();
    me.until.store(until.0, Ordering::SeqCst);
    me.is_deaf.store(heeds == Heeds::Nothing, Ordering::SeqCst);
    me.rests.store(true, Ordering::SeqCst);
    counts.running -= 1;
    settle(&mut counts);
    if me.rests.load(Ordering::SeqCst) {
        arm(me);
    }
}

/// Ends a rest whose reason was seen before whoever raised it has ended it.
fn end_rest(me: &Processor) {
    let mut counts = COUNTS.lock();
    if core::ptr::eq(processor::this(), me) && me.rests.load(Ordering::SeqCst) {
        wake(&mut counts, me);
    }
}

/// Ends the rest of a processor for which there is a reason to run. From its own interrupt, or
/// from another processor, which then still has to interrupt it.
fn wake_if_due(processor: &Processor) {
    let mut counts = COUNTS.lock();
    wake_due(&mut counts, processor);
}

fn wake_due(counts: &mut Counts, processor: &Processor) -> bool {
    if !processor.rests.load(Ordering::SeqCst) {
        return false;
    }
    let now = clock::now();
    processor.fire_timer(now);
    let is_deaf = processor.is_deaf.load(Ordering::SeqCst);
    let is_due = processor.until.load(Ordering::SeqCst) <= now.0;
    if !is_due && (is_deaf || !processor.is_pending()) {
        return false;
    }
    wake(counts, processor);
    true
}

fn wake(counts: &mut Counts, processor: &Processor) {
    processor.rests.store(false, Ordering::SeqCst);
    processor.until.store(u64::MAX, Ordering::SeqCst);
    counts.running += 1;
    clock::run_on();
}

/// If nothing is under way: stops the clock, and moves it on as far as the next event.
fn settle(counts: &mut Counts) {
    if !is_fast() {
        return;
    }
    let me = processor::this();
    while counts.running == 0 {
        clock::stand_at(clock::now());
        wake_all_due(counts, me);
        if counts.running != 0 || counts.holds != 0 {
            return;
        }
        let next = at_rest().map(Processor::next_event).min().unwrap_or(Nanos::NEVER);
        let patience = machine::patience_of_the_awaited();
        if next.min(patience) == Nanos::NEVER {
            return;
        }
        let hears = |cpu: &&Processor| !cpu.is_deaf.load(Ordering::SeqCst);
        match at_rest().find(hears).filter(|_| patience < next) {
            Some(cpu) => {
                clock::stand_at(clock::now().max(patience));
                cpu.raise();
            }
            None if next == Nanos::NEVER => return,
            None => clock::stand_at(clock::now().max(next)),
        }
    }
}

fn wake_all_due(counts: &mut Counts, me: &Processor) {
    for other in processor::all() {
        if wake_due(counts, other) && !core::ptr::eq(other, me) {
            apic::send(other, Vector::Kick);
        }
    }
}

/// Has a CPU take the interrupt that was just raised on it.
pub(crate) fn disturb(to: &Processor, was_pending: bool) {
    let rests = to.rests.load(Ordering::SeqCst);
    if rests {
        wake_if_due(to);
    }
    if rests || !was_pending {
        apic::send(to, Vector::Kick);
    }
}

/// What every interrupt of the calling processor does about its timer and its rest.
pub(crate) fn on_interrupt(me: &Processor) {
    let now = clock::now();
    me.fire_timer(now);
    if machine::patience() <= now {
        me.raise();
    }
    if is_fast() {
        let now = clock::now();
        if at_rest().any(|cpu| cpu.next_event() <= now || cpu.is_pending()) {
            wake_all_due(&mut COUNTS.lock(), me);
        }
    } else if me.rests.load(Ordering::SeqCst) {
        wake_if_due(me);
    }
    arm(me);
}

fn at_rest() -> impl Iterator<Item = &'static Processor> {
    processor::all().iter().filter(|cpu| cpu.rests.load(Ordering::SeqCst))
}

/// The kernel has set another deadline.
pub(crate) fn set_timer(me: &Processor, deadline: Nanos) {
    interrupts::without_interrupts(|| {
        me.timer.store(deadline.0, Ordering::SeqCst);
        if deadline.0 < me.armed.load(Ordering::Relaxed) {
            arm(me);
        }
    });
}

/// Sets the processor's interrupt timer to what it needs next; interrupts are off.
fn arm(me: &Processor) {
    let now = clock::now().0;
    let rests = me.rests.load(Ordering::SeqCst);
    let mut next = me.next_event().0;
    if !rests {
        next = next.min((now / TICK + 1) * TICK);
    } else if !is_fast() {
        next = next.min(machine::patience().0);
    }
    if is_fast() {
        next = at_rest().map(|cpu| cpu.next_event().0).fold(next, u64::min);
    }
    me.armed.store(next, Ordering::Relaxed);
    // While the clock stands no time of its own comes; who lets it run on interrupts us.
    if next == u64::MAX || clock::stands() {
        return apic::stop_timer();
    }
    apic::set_timer(next.saturating_sub(now));
}
