//! How CPUs take turns.
//!
//! Every context, the host thread's included, gives up by choosing who goes on and switching to
//! that one. Nothing of [`Core`] is borrowed across a switch.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kthreads_base::head::PF_EXITING;
use kthreads_base::{Head, Nanos, SLOT_SIZE, cpu};
use kthreads_host::arena;
use kthreads_host::process::{self, Seat};

use crate::chooser::Next;
use crate::config::{Reaction, Stuck};
use crate::core::{Core, Decided};
use crate::cpu::Doing;
use crate::machine::SimMachine;

/// How long a host thread that does not drive sleeps before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// As how many steps one counts that code had to be brought to: so much could have been done in the
/// time that it took until somebody looked.
const STEPS_OF_A_FORCED_ONE: u64 = 2000;

thread_local! {
    /// The machine that the calling host thread drives.
    static DRIVEN: Cell<*const SimMachine> = const { Cell::new(ptr::null()) };
}

/// Where a CPU's context begins.
extern "C" fn cpu_start() -> ! {
    // SAFETY: set by the thread that drives, which keeps the machine meanwhile.
    let machine = unsafe { &*DRIVEN.get() };
    let number = machine.core().current.unwrap_or(0);
    let upcalls = machine.upcalls();
    if let Some(upcalls) = upcalls {
        cpu::enter_cpu(upcalls, number, &machine.core().cpus[number as usize].idle_stack);
    }
    machine.core().set_doing(number, Doing::Nothing);
    machine.give_up(number);
    kthreads_base::fatal("a CPU that has ended was resumed")
}

impl SimMachine {
    /// Lays out the CPUs' contexts.
    pub(crate) fn make_contexts(&self) {
        let Some(upcalls) = self.upcalls() else { return };
        for number in 0..self.core().cpus.len() as u32 {
            let cpu = &mut self.core().cpus[number as usize];
            cpu.local = upcalls.local(number);
            let word = (cpu.base_stack.base() + SLOT_SIZE - size_of::<usize>()) as *mut *const Head;
            // SAFETY: the stack is the CPU's own and not in use yet.
            unsafe { word.write(upcalls.idle_head(number)) };
            let sp = kthreads_base::context::prepare(&cpu.base_stack, cpu_start);
            cpu.sp.store(sp, Ordering::Relaxed);
            self.core().set_doing(number, Doing::Running);
        }
    }

    /// A point of the running CPU.
    #[inline]
    pub(crate) fn point(&self) {
        let core = self.core();
        let Some(me) = core.current else { return };
        if core.follows() {
            return;
        }
        core.end_quiet();
        core.count_step();
        let decided = self.look(me);
        let core = self.core();
        if core.current == Some(me) {
            core.begin_quiet(decided);
        }
    }

    /// Looks what is to happen at a point; comes back when the CPU goes on.
    fn look(&self, me: u32) -> Decided {
        let core = self.core();
        self.publish(core);
        if core.stuck.is_some() || self.asks_outside.load(Ordering::Relaxed) {
            core.number += 1;
            self.go_outside(me);
            return Decided::Earlier;
        }
        if self.owes_images() && !self.only_ends(me) {
            self.settle_images();
        }
        let runnable = core.runnable();
        let is_alone = runnable == 1 << me;
        if is_alone && !core.may_hold() || std::thread::panicking() || !SimMachine::has_room() {
            core.number += 1;
            return Decided::Earlier;
        }
        if core.turn > core.turn_limit && !is_alone {
            core.number += 1;
            self.resume(me, core.next_in_turn(runnable));
            return Decided::Earlier;
        }
        let next =
            if core.is_to_ask(runnable) { core.ask(Some(me), runnable) } else { Next::Run(me) };
        core.number += 1;
        match next {
            Next::Run(next) if next == me => {
                core.go_on(me);
                return Decided::Now;
            }
            Next::Run(next) => self.resume(me, next),
            Next::PassTime => {
                self.settle_images();
                core.pass_time();
                self.publish(core);
            }
        }
        Decided::Earlier
    }

    /// Whether all that the CPU does until it comes to another point or switches is to end its
    /// thread, which touches no module's memory any more.
    fn only_ends(&self, me: u32) -> bool {
        let flags = kthreads_base::current_head().flags.load(Ordering::Relaxed);
        flags & PF_EXITING != 0 && !self.core().cpus[me as usize].is_pending()
    }

    /// A point that a loop in module text was brought to: it comes to none by itself.
    pub(crate) fn forced(&self) {
        let core = self.core();
        let Some(me) = core.current else { return };
        self.was_forced.store(true, Ordering::Relaxed);
        core.end_quiet();
        core.steps += STEPS_OF_A_FORCED_ONE;
        core.count_step();
        self.publish(core);
        if core.stuck.is_some() || self.asks_outside.load(Ordering::Relaxed) {
            return self.go_outside(me);
        }
        self.settle_images();
        let runnable = core.runnable();
        let others = runnable & !(1 << me);
        if others != 0 {
            return self.resume(me, core.next_in_turn(others));
        }
        core.pass_time();
        self.publish(core);
    }

    /// Gives up the running CPU until it can go on.
    pub(crate) fn rest(&self, me: u32, doing: Doing) {
        let core = self.core();
        if core.stuck.is_some() {
            return self.go_outside(me);
        }
        if !self.asks_outside.load(Ordering::Relaxed) {
            self.settle_images();
        }
        core.set_doing(me, doing);
        self.give_up(me);
    }

    /// Lets another CPU go on, or the host thread if none can.
    fn give_up(&self, me: u32) {
        match self.pick() {
            Some(next) => self.resume(me, next),
            None => self.switch_outside(me),
        }
    }

    /// Which CPU goes on, when the one before cannot; None when the host thread has to see to it.
    fn pick(&self) -> Option<u32> {
        let core = self.core();
        loop {
            self.publish(core);
            if core.stuck.is_some() || core.has_ended() || self.asks_outside.load(Ordering::Relaxed)
            {
                return None;
            }
            let runnable = core.runnable();
            if runnable == 0 {
                if !core.advance() {
                    core.stuck = Some(Stuck::Deadlock);
                    return None;
                }
                continue;
            }
            if runnable.is_power_of_two() && !core.may_hold() {
                return Some(runnable.trailing_zeros());
            }
            let next = core.ask(None, runnable);
            core.number += 1;
            match next {
                Next::Run(next) => return Some(next),
                Next::PassTime => _ = core.pass_time(),
            }
        }
    }

    fn resume(&self, me: u32, next: u32) {
        let core = self.core();
        core.go_on(next);
        if next == me {
            return;
        }
        self.settle_images();
        let (save, to) = (&core.cpus[me as usize].sp, &core.cpus[next as usize].sp);
        let to = to.swap(0, Ordering::Relaxed);
        // SAFETY: taken out by the swap, so it is used once; the CPU's context rests there.
        unsafe { kthreads_base::context::switch(save, to) };
    }

    /// Lets the host thread go on; the CPU can go on afterwards.
    fn go_outside(&self, me: u32) {
        if !std::thread::panicking() {
            self.switch_outside(me);
        }
    }

    fn switch_outside(&self, me: u32) {
        let core = self.core();
        core.end_quiet();
        core.current = None;
        let to = core.outside.swap(0, Ordering::Relaxed);
        // SAFETY: the host thread's context rests in `run_until`; the swap uses it once.
        unsafe { kthreads_base::context::switch(&core.cpus[me as usize].sp, to) };
    }

    /// Shows the time to whoever asks.
    #[inline]
    fn publish(&self, core: &mut Core) {
        self.now.store(core.now, Ordering::Relaxed);
        self.watched.steps.store(core.steps, Ordering::Relaxed);
        if core.should_tell()
            && let Some(upcalls) = self.upcalls()
        {
            upcalls.clock(Nanos(core.now));
        }
    }

    /// Drives the CPUs until `is_done`; other threads of the host may drive meanwhile.
    pub(crate) fn drive(&self, word: Option<&AtomicU32>, is_done: impl Fn() -> bool) {
        arena::outside(|| self.drive_outside(word, is_done));
    }

    fn drive_outside(&self, word: Option<&AtomicU32>, is_done: impl Fn() -> bool) {
        while !is_done() {
            if DRIVEN.get() == ptr::from_ref(self) {
                // From within `on_stuck`: this thread drives already.
                self.run_until(&is_done);
                return;
            }
            let Ok(driver) = self.driver.try_lock() else {
                self.sleepers.fetch_add(1, Ordering::SeqCst);
                match word {
                    Some(word) => process::wait_word(word, 0, LOOK_AGAIN),
                    None => std::thread::sleep(LOOK_AGAIN),
                }
                self.sleepers.fetch_sub(1, Ordering::SeqCst);
                continue;
            };
            let Ok(_seat) = Seat::take(&self.oops) else {
                kthreads_base::fatal("no memory for a signal stack");
            };
            let before = DRIVEN.replace(self);
            self.watched.driver.store(process::thread_id(), Ordering::Relaxed);
            let again = self.run_until(&is_done);
            self.watched.driver.store(0, Ordering::Relaxed);
            DRIVEN.set(before);
            drop(driver);
            if again == Again::Later {
                std::thread::sleep(LOOK_AGAIN);
            }
        }
    }

    fn run_until(&self, is_done: &impl Fn() -> bool) -> Again {
        while !is_done() {
            self.asks_outside.store(false, Ordering::Relaxed);
            if self.core().is_abandoned {
                return Again::Later;
            }
            if let Some(stuck) = self.core().stuck.take() {
                match self.ask_about(stuck) {
                    Reaction::Retry => {}
                    Reaction::Wait => return Again::Later,
                    Reaction::Abandon => self.abandon(),
                }
                continue;
            }
            let Some(next) = self.pick() else {
                if self.core().has_ended() {
                    return Again::Later;
                }
                continue;
            };
            self.settle_images();
            let core = self.core();
            core.go_on(next);
            let to = core.cpus[next as usize].sp.swap(0, Ordering::Relaxed);
            // SAFETY: this thread drives. The context is taken out by the swap, so it is used once;
            // the CPU's rests there.
            unsafe {
                self.in_arena(|| kthreads_base::context::switch(&core.outside, to));
            }
            if self.sleepers.load(Ordering::SeqCst) != 0 {
                return Again::AtOnce;
            }
        }
        Again::AtOnce
    }

    /// Asks what to do about a machine that is stuck. Who is asked may drive the machine.
    fn ask_about(&self, stuck: Stuck) -> Reaction {
        let Some(mut on_stuck) = self.core().on_stuck.take() else {
            return match stuck {
                Stuck::Look => Reaction::Retry,
                // Stuck while somebody looks into why: there is no way on.
                _ if self.core().is_asking => Reaction::Abandon,
                Stuck::Deadlock => Reaction::Wait,
                Stuck::StepLimit => Reaction::Abandon,
            };
        };
        self.core().is_asking = true;
        let reaction = on_stuck(self, stuck);
        self.core().is_asking = false;
        self.core().on_stuck = Some(on_stuck);
        reaction
    }

    fn abandon(&self) {
        self.core().is_abandoned = true;
        self.is_abandoned.store(true, Ordering::Release);
    }
}

/// When a host thread that has stopped to drive should look again.
#[derive(PartialEq, Eq)]
enum Again {
    AtOnce,
    Later,
}
