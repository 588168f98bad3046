//! Time that jumps, and never over anything.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use kthreads_base::{Machine, Nanos};
use kthreads_host::{Clock, HostMachine};
use kthreads_tests::contract::{Rig, boot, start};

const CPUS: [u32; 3] = [1, 2, 8];
/// Far enough that no host is so slow as to get there by waiting.
const FAR: Nanos = Nanos(100_000 * Nanos::SECOND.0);

fn on_each(what: &str, test: impl Fn(Arc<HostMachine>)) {
    for cpus in CPUS {
        common::guarded(&format!("{what} with {cpus} CPUs"), || {
            test(common::machine(cpus, Clock::FastForward));
        });
    }
}

fn seam(machine: &Arc<HostMachine>) -> Arc<dyn Machine> {
    machine.clone()
}

/// A number between 0 and `below`, the same in every run.
fn pick(seed: &mut u64, below: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed % below
}

#[test]
fn rests_of_years_take_no_time() {
    on_each("rests", |machine| {
        boot(&seam(&machine), |rig, cpu| {
            let mut seed = 0x9e37_79b9 + u64::from(cpu);
            for turn in 1..=3000 {
                let deadline = rig.machine.now() + Nanos(pick(&mut seed, FAR.0));
                if pick(&mut seed, 3) == 0 {
                    rig.machine.delay(cpu, deadline);
                    assert!(rig.machine.now() >= deadline, "turn {turn}");
                    continue;
                }
                let taken = rig.taken(cpu);
                rig.machine.set_timer(cpu, deadline);
                rig.idle_until(cpu, || rig.taken(cpu) > taken);
                assert!(rig.taken_at(cpu) >= deadline, "turn {turn}");
            }
        });
        assert!(machine.now() > FAR);
    });
}

/// While a message goes round, every CPU that rests has a timer far away: if a jump missed a
/// wake-up in flight, time would get there.
#[test]
fn no_jump_overtakes_a_wake_up() {
    const ROUNDS: u64 = 4000;
    on_each("wake-ups", |machine| {
        let token = AtomicU64::new(0);
        boot(&seam(&machine), move |rig, cpu| {
            let cpus = u64::from(rig.cpus());
            rig.machine.set_timer(cpu, FAR);
            for round in 0..ROUNDS {
                let mine = round * cpus + u64::from(cpu);
                rig.idle_until(cpu, || token.load(Ordering::SeqCst) >= mine);
                assert!(rig.machine.now() < FAR, "time jumped at round {round}");
                token.store(mine + 1, Ordering::SeqCst);
                rig.machine.send_interrupt((cpu + 1) % rig.cpus());
            }
        });
    });
}

/// CPUs rest until times of their own; whoever wakes must find that no time was passed over at
/// which somebody else was due and has not been woken.
#[test]
fn the_nearest_time_comes_first() {
    on_each("order", |machine| {
        let due: Vec<AtomicU64> = (0..machine.cpu_count()).map(|_| AtomicU64::new(0)).collect();
        boot(&seam(&machine), move |rig, cpu| {
            let mut seed = 0x1234_5678 + u64::from(cpu);
            rig.all_together();
            for turn in 1..=1500 {
                // Hours apart, so that the time CPUs are busy for does not count.
                let hours = 1 + pick(&mut seed, 50);
                let deadline = rig.machine.now() + Nanos(hours * 3600 * Nanos::SECOND.0);
                due[cpu as usize].store(deadline.0, Ordering::SeqCst);
                let taken = rig.taken(cpu);
                rig.machine.set_timer(cpu, deadline);
                rig.idle_until(cpu, || rig.taken(cpu) > taken);
                let late = rig.taken_at(cpu) - deadline;
                assert!(late < Nanos(3600 * Nanos::SECOND.0), "turn {turn}: {late:?} late");
                due[cpu as usize].store(u64::MAX, Ordering::SeqCst);
                let now = rig.machine.now().0;
                let missed = due.iter().map(|due| due.load(Ordering::SeqCst)).min();
                let hour = 3600 * Nanos::SECOND.0;
                assert!(missed.is_none_or(|due| due == 0 || now < due.saturating_add(hour)));
            }
        });
    });
}

#[test]
fn time_goes_on_while_a_cpu_is_busy() {
    on_each("busy", |machine| {
        boot(&seam(&machine), |rig, cpu| {
            let later = rig.machine.now() + Nanos::from_millis(30);
            if cpu == 0 {
                // Others rest meanwhile; their time comes by the clock, not by a jump.
                return rig.spin_until("the time", || rig.machine.now() >= later);
            }
            rig.machine.set_timer(cpu, rig.machine.now() + Nanos::from_millis(5));
            rig.idle_until(cpu, || rig.taken(cpu) > 0);
        });
    });
}

/// A rig whose CPUs wake every far while, until told to stop.
struct Ticking {
    rig: Arc<Rig>,
    is_over: Arc<AtomicBool>,
}

impl Ticking {
    fn start(machine: &Arc<HostMachine>) -> Ticking {
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = is_over.clone();
        let rig = start(&seam(machine), move |rig, cpu| {
            while !stop.load(Ordering::SeqCst) {
                rig.machine.set_timer(cpu, rig.machine.now() + FAR);
                rig.machine.idle(cpu);
                rig.take_interrupts();
            }
        });
        Ticking { rig, is_over }
    }

    fn stop(self) {
        self.is_over.store(true, Ordering::SeqCst);
        (0..self.rig.cpus()).for_each(|cpu| self.rig.machine.send_interrupt(cpu));
        self.rig.finish();
    }
}

#[test]
fn a_held_clock_stands() {
    on_each("hold", |machine| {
        let hold = machine.hold_clock();
        let ticking = Ticking::start(&machine);
        // When all rest, the clock stands: the same time twice, a while apart.
        let mut before = machine.now();
        loop {
            thread::sleep(Duration::from_millis(2));
            let now = machine.now();
            if now == before {
                break;
            }
            before = now;
        }
        assert!(machine.now() < FAR);
        drop(hold);
        while machine.now() < Nanos(50 * FAR.0) {
            thread::yield_now();
        }
        ticking.stop();
    });
}

#[test]
fn no_time_passes_between_holds() {
    on_each("holds", |machine| {
        let first = machine.hold_clock();
        let ticking = Ticking::start(&machine);
        let mut hold = machine.hold_clock();
        drop(first);
        for turn in 0..300 {
            ticking.rig.machine.send_interrupt(turn % machine.cpu_count());
            let next = machine.hold_clock();
            drop(hold);
            hold = next;
            assert!(machine.now() < FAR, "time jumped while the clock was held");
        }
        drop(hold);
        ticking.stop();
    });
}

#[test]
fn without_a_deadline_nothing_happens() {
    on_each("nothing", |machine| {
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = is_over.clone();
        let rig = start(&seam(&machine), move |rig, cpu| {
            rig.idle_until(cpu, || stop.load(Ordering::SeqCst));
        });
        for _ in 0..100 {
            (0..machine.cpu_count()).for_each(|cpu| machine.send_interrupt(cpu));
            assert!(machine.now() < FAR);
        }
        is_over.store(true, Ordering::SeqCst);
        (0..machine.cpu_count()).for_each(|cpu| machine.send_interrupt(cpu));
        rig.finish();
    });
}
