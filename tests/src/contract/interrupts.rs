//! Interrupts between CPUs.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::{Machine, current_head, interrupt_point};

use super::Verdict;
use super::rig::try_boot;

pub(super) fn interrupts_wait_until_they_are_on(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        for turn in 0..100 {
            rig.machine.send_interrupt(cpu);
            interrupt_point();
            assert_eq!(rig.taken(cpu), turn, "taken with interrupts off");
            rig.take_interrupts();
            assert_eq!(rig.taken(cpu), turn + 1, "not taken with interrupts on");
        }
    })
}

pub(super) fn idle_returns_at_once_if_pending(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        for turn in 0..100 {
            rig.machine.send_interrupt(cpu);
            rig.machine.idle(cpu);
            assert_eq!(rig.taken(cpu), turn, "idle takes no interrupts");
            rig.machine.idle(cpu);
            rig.take_interrupts();
            assert_eq!(rig.taken(cpu), turn + 1);
        }
    })
}

pub(super) fn idle_cpus_are_woken(machine: &Arc<dyn Machine>) -> Verdict {
    const ROUNDS: u64 = 500;
    let token = AtomicU64::new(0);
    try_boot(machine, move |rig, cpu| {
        let cpus = u64::from(rig.cpus());
        let next = (cpu + 1) % rig.cpus();
        for round in 0..ROUNDS {
            let mine = round * cpus + u64::from(cpu);
            rig.idle_until(cpu, || token.load(Ordering::SeqCst) >= mine);
            assert_eq!(token.swap(mine + 1, Ordering::SeqCst), mine);
            rig.machine.send_interrupt(next);
        }
        // The first CPU's last round was begun by the last CPU's; take what that one sent.
        rig.idle_until(cpu, || rig.taken(cpu) > 0);
    })
}

pub(super) fn busy_cpus_are_interrupted(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        rig.all_together();
        let next = (cpu + 1) % rig.cpus();
        for round in 1..=200 {
            let before = rig.taken(cpu);
            rig.machine.send_interrupt(next);
            rig.with_interrupts(|| {
                rig.spin_until("an interrupt", || rig.taken(next) >= round || rig.cpus() == 1);
            });
            if rig.cpus() == 1 {
                assert!(rig.taken(cpu) > before);
            }
        }
        // Others may still wait for this CPU to take theirs.
        rig.with_interrupts(|| {
            rig.spin_until("the others", || (0..rig.cpus()).all(|other| rig.taken(other) >= 200));
        });
    })
}

/// Everybody sends to everybody, with a message; each message is seen though CPUs rest, spin and
/// turn interrupts off meanwhile.
pub(super) fn interrupts_are_not_lost(machine: &Arc<dyn Machine>) -> Verdict {
    const MESSAGES: u64 = 400;
    let sent: Vec<AtomicU64> = (0..machine.cpu_count()).map(|_| AtomicU64::new(0)).collect();
    let seen: Vec<AtomicU64> = (0..machine.cpu_count()).map(|_| AtomicU64::new(0)).collect();
    try_boot(machine, move |rig, cpu| {
        let me = cpu as usize;
        let mut taken = 0;
        let all = MESSAGES * u64::from(rig.cpus());
        for message in 0..MESSAGES {
            for other in 0..rig.cpus() {
                sent[other as usize].fetch_add(1, Ordering::SeqCst);
                rig.machine.send_interrupt(other);
            }
            match message % 3 {
                0 => rig.idle_until(cpu, || rig.taken(cpu) > taken),
                1 => rig.take_interrupts(),
                _ => current_head().relax(),
            }
            taken = rig.taken(cpu);
            seen[me].store(sent[me].load(Ordering::SeqCst), Ordering::SeqCst);
        }
        while seen[me].load(Ordering::SeqCst) < all {
            // Before resting: what was sent after the last look has an interrupt pending.
            let before = sent[me].load(Ordering::SeqCst);
            seen[me].store(before, Ordering::SeqCst);
            if before < all {
                rig.machine.idle(cpu);
                rig.take_interrupts();
            }
        }
    })
}

/// A softirq may be on another stack for a while. What it is to go back to lies on the interrupt
/// stack, so an interrupt that meets it there must not begin on that anew.
pub(super) fn what_is_beneath_a_softirq_stays(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        rig.softirq_on_interrupt();
        for turn in 1..=50 {
            rig.machine.send_interrupt(cpu);
            rig.with_interrupts(|| {
                rig.spin_until("a softirq", || rig.softirqs_done(cpu) >= turn);
            });
        }
    })
}
