//! Busy delays.

use alloc::sync::Arc;

use kthreads_base::{Machine, Nanos};

use super::rig::boot;

pub(super) fn delays_are_not_short(machine: &Arc<dyn Machine>) {
    boot(machine, |rig, cpu| {
        for micros in [0, 1, 10, 49, 51, 200, 2000] {
            let until = rig.machine.now() + Nanos::from_micros(micros);
            rig.machine.delay(cpu, until);
            assert!(rig.machine.now() >= until, "{micros} us");
        }
    });
}

pub(super) fn interrupts_end_delays(machine: &Arc<dyn Machine>) {
    const ROUNDS: u64 = 50;
    boot(machine, |rig, cpu| {
        let far = Nanos(3600 * Nanos::SECOND.0);
        for round in 1..=ROUNDS {
            rig.machine.set_timer(cpu, rig.machine.now() + Nanos::from_micros(100 * (round % 3)));
            rig.with_interrupts(|| {
                while rig.taken(cpu) < round {
                    rig.machine.delay(cpu, far);
                    kthreads_base::interrupt_point();
                }
            });
            assert!(rig.machine.now() < far, "the delay was not ended");
        }
    });
}

pub(super) fn delays_without_interrupts_are_whole(machine: &Arc<dyn Machine>) {
    boot(machine, |rig, cpu| {
        for micros in [20, 400, 1500] {
            rig.machine.send_interrupt(cpu);
            let until = rig.machine.now() + Nanos::from_micros(micros);
            rig.machine.set_timer(cpu, until - Nanos::from_micros(10));
            rig.machine.delay(cpu, until);
            assert!(rig.machine.now() >= until, "{micros} us");
            rig.take_interrupts();
            assert!(rig.taken(cpu) > 0);
        }
    });
}
