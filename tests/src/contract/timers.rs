//! The clock and the timers.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::{Machine, Nanos};

use super::Verdict;
use super::rig::try_boot;

pub(super) fn timers_are_not_early(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        for turn in 1..=40 {
            let span = Nanos::from_micros((turn * turn * 7 + u64::from(cpu) * 13) % 3000);
            let deadline = rig.machine.now() + span;
            rig.machine.set_timer(cpu, deadline);
            rig.idle_until(cpu, || rig.taken(cpu) == turn);
            assert!(rig.taken_at(cpu) >= deadline, "{:?} {deadline:?}", rig.taken_at(cpu));
        }
    })
}

pub(super) fn a_timer_can_be_replaced(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        let machine = &rig.machine;
        machine.set_timer(cpu, machine.now() + Nanos::from_micros(500));
        machine.set_timer(cpu, Nanos::NEVER);
        let later = machine.now() + Nanos::from_millis(3);
        rig.with_interrupts(|| machine.delay(cpu, later));
        assert!(machine.now() >= later);
        assert!(rig.taken(cpu) <= 1, "a timer went off more than once");
        let before = rig.taken(cpu);
        machine.set_timer(cpu, machine.now() + Nanos(3600 * Nanos::SECOND.0));
        machine.set_timer(cpu, machine.now() + Nanos::from_millis(1));
        rig.idle_until(cpu, || rig.taken(cpu) > before);
        assert!(machine.now() < Nanos(3600 * Nanos::SECOND.0));
    })
}

pub(super) fn a_past_deadline_is_due_at_once(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        for turn in 1..=20 {
            rig.machine.set_timer(cpu, Nanos(turn));
            rig.idle_until(cpu, || rig.taken(cpu) == turn);
        }
    })
}

pub(super) fn busy_cpus_get_their_timers(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        for turn in 1..=5 {
            let deadline = rig.machine.now() + Nanos::from_micros(300 * turn);
            rig.machine.set_timer(cpu, deadline);
            rig.with_interrupts(|| {
                rig.spin_until("the timer", || rig.taken(cpu) == turn);
            });
            assert!(rig.taken_at(cpu) >= deadline);
        }
    })
}

pub(super) fn time_never_goes_back(machine: &Arc<dyn Machine>) -> Verdict {
    let latest = AtomicU64::new(0);
    try_boot(machine, move |rig, cpu| {
        for turn in 0..3000_u64 {
            let before = latest.load(Ordering::SeqCst);
            let now = rig.machine.now().0;
            assert!(now >= before, "{now} after {before}");
            latest.fetch_max(now, Ordering::SeqCst);
            if turn % 100 == u64::from(cpu) {
                rig.machine.delay(cpu, Nanos(now) + Nanos::from_micros(60));
            }
        }
    })
}

pub(super) fn the_kernel_is_told_the_time(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        // Interrupts stay off and nobody rests: nothing but the machine can tell the time.
        let later = rig.machine.now() + Nanos::from_millis(10);
        rig.spin_until("the time", || rig.told() >= later);
        assert!(rig.told() <= rig.machine.now());
        assert_eq!(rig.taken(cpu), 0);
    })
}
