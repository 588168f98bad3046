extern crate std;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Barrier, Mutex};
use std::vec;
use std::vec::Vec;

use kthreads_base::{CpuLocal, Fault, Head, Machine, Nanos, Upcalls, cpu};
use kthreads_host::{HostConfig, HostMachine};

use core::pin::Pin;
use std::boxed::Box;

use kthreads_base::current_head;

use super::super::jiffies::JiffiesClock;
use super::*;

/// A kernel that only runs `body` on each CPU.
struct Rig {
    locals: Vec<CpuLocal>,
    idle: Vec<Head>,
    body: Box<dyn Fn(u32) + Send + Sync>,
    failed: AtomicBool,
}

impl Upcalls for Rig {
    fn local(&self, cpu: u32) -> &CpuLocal {
        &self.locals[cpu as usize]
    }
    fn idle_head(&self, cpu: u32) -> &Head {
        &self.idle[cpu as usize]
    }
    fn cpu_main(&self, cpu: u32) {
        if catch_unwind(AssertUnwindSafe(|| (self.body)(cpu))).is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
    }
    fn interrupt(&self) {}
    fn preempt(&self) {}
    fn thread_main(&self) -> ! {
        unreachable!("there are no threads")
    }
    fn fault(&self, fault: &Fault) -> ! {
        panic!("{fault:?}")
    }
    fn clock(&self, _now: Nanos) {}
}

/// Runs `body` on the kernel stacks of so many CPUs at once.
fn on_cpus(cpus: u32, body: impl Fn(u32) + Send + Sync + 'static) {
    let config = HostConfig { cpus, ..HostConfig::default() };
    let machine: Arc<dyn Machine> = HostMachine::new(config).expect("a machine");
    let rig = Arc::new(Rig {
        locals: (0..cpus).map(CpuLocal::new::<Rig>).collect(),
        idle: (0..cpus).map(|_| Head::default()).collect(),
        body: Box::new(body),
        failed: AtomicBool::new(false),
    });
    cpu::start(&rig, &machine).expect("stacks");
    machine.join();
    assert!(!rig.failed.load(Ordering::Relaxed), "see the panic above");
}

extern "C" fn nothing(_: &Timer) {}

fn timer(flags: u32) -> Pin<Box<Timer>> {
    let timer = Box::pin(Timer::new());
    timer.init(nothing, flags, 0);
    timer
}

fn here(cpu: u32, now: u64) -> Here {
    Here { cpu, now: Jiffies(now) }
}

fn timers(cpus: u32) -> Timers {
    Timers::new(cpus, Jiffies(0)).expect("memory")
}

fn run(timers: &Timers, cpu: u32, now: u64, mut call: impl FnMut(&Timer)) {
    timers.run_expired(cpu, Jiffies(now), &mut |timer, _| call(timer));
}

#[test]
fn adding_changing_and_deleting_answer_as_linux_does() {
    on_cpus(1, |_| {
        let (timer, timers) = (timer(0), timers(1));
        timer.set_expires(Jiffies(10));
        let earlier = Some(Earlier { cpu: 0, kind: Kind::Standard });
        let added = timers.add(timer.as_ref(), here(0, 0));
        assert_eq!(added, Ok(Armed { was_pending: false, earlier }));
        assert_eq!(timers.add(timer.as_ref(), here(0, 0)), Err(AlreadyPending));
        assert_eq!(timers.next_expiry(0, Kind::Standard), Some(Jiffies(11)));
        let same = timers.modify(timer.as_ref(), Jiffies(10), here(0, 0));
        assert_eq!(same, Armed { was_pending: true, earlier: None });
        let sooner = timers.modify(timer.as_ref(), Jiffies(5), here(0, 0));
        assert_eq!(sooner, Armed { was_pending: true, earlier });
        assert!(timers.reduce(timer.as_ref(), Jiffies(8), here(0, 0)).was_pending);
        assert_eq!(timer.expires(), Jiffies(5));
        assert!(timers.delete(&timer));
        assert!(!timers.delete(&timer));
        assert!(!timers.modify_pending(timer.as_ref(), Jiffies(9), here(0, 0)).was_pending);
        assert!(!timer.is_pending());
        assert_eq!(timers.try_delete_sync(&timer), Attempt::Deleted(false));
        assert_eq!(timers.next_expiry(0, Kind::Standard), None);
    });
}

#[test]
fn a_timer_goes_to_the_cpu_that_arms_it() {
    on_cpus(1, |_| {
        let (timer, timers) = (timer(Timer::PINNED), timers(3));
        let _ = timers.modify(timer.as_ref(), Jiffies(10), here(0, 0));
        let moved = timers.modify(timer.as_ref(), Jiffies(20), here(2, 0));
        let earlier = Some(Earlier { cpu: 2, kind: Kind::Standard });
        assert_eq!(moved, Armed { was_pending: true, earlier });
        assert_eq!(timers.next_expiry(0, Kind::Standard), None);
        assert_eq!(timer.flags() & Timer::INIT_MASK, Timer::PINNED);
        assert!(timers.delete(&timer));
        assert!(timers.add_on(timer.as_ref(), here(1, 0)).is_ok());
        assert_eq!(timers.add_on(timer.as_ref(), here(0, 0)), Err(AlreadyPending));
        assert_eq!(timers.next_expiry(1, Kind::Standard), Some(Jiffies(21)));
    });
}

#[test]
fn a_deferrable_timer_is_in_a_wheel_of_its_own() {
    on_cpus(1, |_| {
        let (timer, timers) = (timer(Timer::DEFERRABLE), timers(1));
        let _ = timers.modify(timer.as_ref(), Jiffies(10), here(0, 0));
        assert_eq!(timers.next_expiry(0, Kind::Standard), None);
        assert_eq!(timers.next_expiry(0, Kind::Deferrable), Some(Jiffies(11)));
        let mut count = 0;
        run(&timers, 0, 11, |_| count += 1);
        assert_eq!(count, 1);
    });
}

#[test]
fn while_its_function_runs_a_timer_stays_and_is_not_deleted_for_good() {
    on_cpus(1, |_| {
        let (timer, timers) = (timer(0), timers(2));
        let _ = timers.modify(timer.as_ref(), Jiffies(1), here(0, 0));
        let mut count = 0;
        run(&timers, 0, 2, |running| {
            count += 1;
            assert_eq!(running.address(), timer.address());
            assert_eq!(timers.try_delete_sync(&timer), Attempt::Running);
            assert!(!timers.delete(&timer));
            assert!(!timers.modify(timer.as_ref(), Jiffies(5), here(1, 2)).was_pending);
            assert_eq!(timer.flags() & Timer::CPU_MASK, 0);
            assert_eq!(timers.try_delete_sync(&timer), Attempt::Running);
            assert!(timer.is_pending());
        });
        assert_eq!(count, 1);
        assert_eq!(timers.try_delete_sync(&timer), Attempt::Deleted(true));
    });
}

#[test]
fn a_timer_that_was_shut_down_is_never_armed_again() {
    on_cpus(1, |_| {
        let (timer, timers) = (timer(0), timers(1));
        let _ = timers.modify(timer.as_ref(), Jiffies(1), here(0, 0));
        run(&timers, 0, 2, |_| {
            assert!(!timers.shutdown(&timer));
            assert!(!timers.modify(timer.as_ref(), Jiffies(5), here(0, 2)).was_pending);
            assert!(!timer.is_pending());
        });
        assert!(timer.function().is_none());
        assert!(!timers.shutdown_sync(&timer, &mut || panic!("it does not run")));
        assert!(timers.add(timer.as_ref(), here(0, 2)).is_ok());
        assert!(!timer.is_pending());
    });
}

#[test]
fn a_function_may_free_its_timer() {
    on_cpus(1, |_| {
        let timers = timers(1);
        // Dropped first, but by then there are none.
        let mut owned: Vec<Pin<Box<Timer>>> = (0..100).map(|_| timer(0)).collect();
        for timer in &owned {
            let _ = timers.modify(timer.as_ref(), Jiffies(1), here(0, 0));
        }
        run(&timers, 0, 2, |timer| {
            let address = timer.address();
            owned.retain(|timer| timer.address() != address);
        });
        assert!(owned.is_empty());
    });
}

#[test]
fn interrupts_are_off_in_the_function_of_an_irqsafe_timer_only() {
    on_cpus(1, |_| {
        let (plain, safe, timers) = (timer(0), timer(Timer::IRQSAFE), timers(1));
        current_head().irq_restore(0);
        for expires in 1..3 {
            let _ = timers.modify(plain.as_ref(), Jiffies(expires), here(0, 0));
            let _ = timers.modify(safe.as_ref(), Jiffies(3 - expires), here(0, 0));
            let mut seen = vec![];
            run(&timers, 0, 10, |timer| {
                let is_safe = timer.flags() & Timer::IRQSAFE != 0;
                seen.push((is_safe, current_head().irqs_off.load(Ordering::Relaxed)));
            });
            seen.sort_unstable();
            assert_eq!(seen, [(false, 0), (true, 1)]);
            assert_eq!(current_head().irqs_off.load(Ordering::Relaxed), 0);
        }
        current_head().irq_save();
    });
}

#[test]
fn timers_left_pending_may_outlive_their_wheels() {
    on_cpus(1, |_| {
        let timer = timer(0);
        let timers = timers(1);
        let _ = timers.modify(timer.as_ref(), Jiffies(100), here(0, 0));
        assert_eq!(timers.detach_where(&mut |_| false), 0);
        drop(timers);
        assert!(!timer.is_pending());
    });
}

const CPUS: u32 = 4;
const SHARED: usize = 2;

/// What the CPUs of the race share: timers that all of them arm and delete, and one each that
/// nobody else touches.
struct Race {
    timers: Timers,
    clock: JiffiesClock,
    shared: Vec<Pin<Box<Timer>>>,
    own: Vec<Pin<Box<Timer>>>,
    /// For each shared timer: armings that found it not pending, less deletions that found it
    /// pending, less runs.
    balance: Vec<Mutex<i64>>,
    /// For each own timer: how often it ran, and whether it runs.
    own_runs: Vec<(AtomicU32, AtomicBool)>,
    start: Barrier,
    total_runs: AtomicU64,
}

impl Race {
    fn new() -> Race {
        let race = Race {
            timers: timers(CPUS),
            clock: JiffiesClock::new(),
            shared: (0..SHARED).map(|_| timer(0)).collect(),
            own: (0..CPUS).map(|_| timer(0)).collect(),
            balance: (0..SHARED).map(|_| Mutex::new(0)).collect(),
            own_runs: (0..CPUS).map(|_| Default::default()).collect(),
            start: Barrier::new(CPUS as usize),
            total_runs: AtomicU64::new(0),
        };
        for (index, timer) in race.shared.iter().chain(&race.own).enumerate() {
            timer.set_data(index as u64);
        }
        race
    }

    fn count(&self, index: usize, change: bool, by: i64) {
        if change {
            *self.balance[index].lock().expect("nobody panicked") += by;
        }
    }

    fn run_here(&self, cpu: u32) {
        self.timers.run_expired(cpu, self.clock.now(), &mut |timer, _| {
            assert!(timer.expires().is_before(self.clock.now()), "it ran early");
            self.total_runs.fetch_add(1, Ordering::Relaxed);
            let index = timer.data() as usize;
            if index < SHARED {
                self.count(index, true, -1);
                return;
            }
            let (runs, is_running) = &self.own_runs[index - SHARED];
            is_running.store(true, Ordering::Relaxed);
            runs.fetch_add(1, Ordering::Relaxed);
            core::hint::spin_loop();
            is_running.store(false, Ordering::Relaxed);
        });
    }

    /// One random thing done to a shared timer.
    fn disturb(&self, cpu: u32, random: u64) {
        let index = random as usize % SHARED;
        let timer = self.shared[index].as_ref();
        let here = Here { cpu, now: self.clock.now() };
        let expires = here.now + Jiffies(random >> 8 & 7);
        match random >> 16 & 7 {
            0 => self.count(index, self.timers.delete(&timer), -1),
            1 => {
                let relax = &mut || self.run_or_relax(cpu, random);
                self.count(index, self.timers.delete_sync(&timer, relax), -1);
            }
            2 => {
                let _ = self.timers.modify_pending(timer, expires, here);
            }
            3 => self.count(index, !self.timers.reduce(timer, expires, here).was_pending, 1),
            _ => self.count(index, !self.timers.modify(timer, expires, here).was_pending, 1),
        }
    }

    fn run_or_relax(&self, cpu: u32, random: u64) {
        if random >> 20 & 1 == 0 {
            self.run_here(cpu);
        }
        current_head().relax();
    }

    /// Arms the own timer, on this CPU or another, and deletes it: it must rest from then on.
    fn use_own(&self, cpu: u32, random: u64) {
        let timer = self.own[cpu as usize].as_ref();
        let on = (random >> 24) as u32 % CPUS;
        let now = self.clock.now();
        timer.set_expires(now);
        let armed = self.timers.add_on(timer, Here { cpu: on, now });
        assert!(armed.is_ok_and(|armed| !armed.was_pending));
        self.run_or_relax(cpu, random);
        let was_pending = self.timers.delete_sync(&timer, &mut || current_head().relax());
        let (runs, is_running) = &self.own_runs[cpu as usize];
        assert!(!is_running.load(Ordering::Relaxed));
        assert_eq!(runs.swap(0, Ordering::Relaxed), u32::from(!was_pending));
    }

    fn cpu_main(&self, cpu: u32) {
        self.start.wait();
        let mut random = 0x9E37_79B9_7F4A_7C15 ^ u64::from(cpu);
        for turn in 0..100_000u64 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            self.disturb(cpu, random);
            if random >> 28 & 3 == 0 {
                self.use_own(cpu, random);
            }
            if random >> 32 & 3 == 0 {
                self.clock.advance(Nanos(turn * 200_000));
                self.run_here(cpu);
            }
        }
    }

    fn check(&self) {
        for (index, timer) in self.shared.iter().enumerate() {
            self.count(index, self.timers.delete(timer), -1);
            assert_eq!(*self.balance[index].lock().expect("nobody panicked"), 0);
        }
        assert!(self.total_runs.load(Ordering::Relaxed) > 100);
    }
}

#[test]
fn on_many_cpus_each_arming_ends_in_one_run_or_one_deletion() {
    let race = Race::new();
    on_cpus(CPUS, move |cpu| {
        race.cpu_main(cpu);
        if race.start.wait().is_leader() {
            race.check();
        }
    });
}

#[test]
fn a_timer_that_cpus_pull_to_and_fro_is_in_one_wheel_at_a_time() {
    const TURNS: u64 = 100_000;
    let timer = timer(0);
    let timers = timers(2);
    let (armed, deleted) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Barrier::new(2);
    on_cpus(2, move |cpu| {
        start.wait();
        for turn in 0..TURNS {
            let here = here(cpu, 0);
            if !timers.modify(timer.as_ref(), Jiffies(turn * 2 + u64::from(cpu)), here).was_pending
            {
                armed.fetch_add(1, Ordering::Relaxed);
            }
            if turn % 4 == 3 && timers.delete(&timer) {
                deleted.fetch_add(1, Ordering::Relaxed);
            }
        }
        if start.wait().is_leader() {
            let left = u64::from(timers.delete(&timer));
            let deleted = deleted.load(Ordering::Relaxed) + left;
            assert_eq!(armed.load(Ordering::Relaxed), deleted);
            assert_eq!(timers.detach_where(&mut |_| true), 0);
            assert_eq!([0, 1].map(|cpu| timers.next_expiry(cpu, Kind::Standard)), [None, None]);
        }
    });
}
