//! Busy delays.

use alloc::sync::Arc;

use kthreads_base::{Machine, Nanos};

use super::Verdict;
use super::rig::try_boot;

pub(super) fn delays_are_not_short(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        for micros in [0, 1, 10, 49, 51, 200, 2000] {
            let until = rig.machine.now() + Nanos::from_micros(micros);
            rig.machine.delay(cpu, until);
            assert!(rig.machine.now() >= until, "{micros} us");
        }
    })
}

pub(super) fn interrupts_end_delays(machine: &Arc<dyn Machine>) -> Verdict {
    const ROUNDS: u64 = 50;
    try_boot(machine, |rig, cpu| {
        let mut ended = 0;
        for round in 1..=ROUNDS {
            rig.machine.set_timer(cpu, rig.machine.now() + Nanos::from_micros(100 * (round % 3)));
            rig.with_interrupts(|| {
                while rig.taken(cpu) < round {
                    let until = rig.machine.now() + Nanos(2 * Nanos::SECOND.0);
                    rig.machine.delay(cpu, until);
                    ended += u64::from(rig.machine.now() < until);
                    kthreads_base::interrupt_point();
                }
            });
        }
        // Where interrupts are real, one may be taken just before a delay, which it cannot end
        // then. That is rare.
        assert!(ended > 0, "no delay was ended by an interrupt");
    })
}

pub(super) fn delays_without_interrupts_are_whole(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        for micros in [20, 400, 1500] {
            rig.machine.send_interrupt(cpu);
            let until = rig.machine.now() + Nanos::from_micros(micros);
            rig.machine.set_timer(cpu, until - Nanos::from_micros(10));
            rig.machine.delay(cpu, until);
            assert!(rig.machine.now() >= until, "{micros} us");
            rig.take_interrupts();
            assert!(rig.taken(cpu) > 0);
        }
    })
}
