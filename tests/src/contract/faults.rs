//! Faults: each ends the fiber it happens in, and nothing else.

use alloc::sync::Arc;
use core::arch::asm;
use core::sync::atomic::{AtomicUsize, Ordering};

use kthreads_base::{FaultCause, Machine, SLOT_SIZE, current_head};

use super::Verdict;
use super::rig::{Rig, try_boot};

/// Reads a word from `address`.
pub(super) fn read(address: usize) {
    // SAFETY: not safe: the cases want the fault; the memory is not Rust's.
    unsafe { asm!("mov {word}, [{address}]", word = out(reg) _, address = in(reg) address) };
}

/// Writes a zero word to `address`.
pub(super) fn write(address: usize) {
    // SAFETY: as for `read`.
    unsafe { asm!("mov qword ptr [{address}], 0", address = in(reg) address) };
}

/// Jumps to `address`.
pub(super) fn jump(address: usize) {
    // SAFETY: as for `read`.
    unsafe { asm!("call {address}", address = in(reg) address, clobber_abi("C")) };
}

fn divide_by_zero() {
    // SAFETY: as for `read`.
    unsafe {
        asm!("xor ecx, ecx", "div ecx", out("ecx") _, inout("eax") 1 => _, inout("edx") 0 => _);
    };
}

fn invalid_opcode() {
    // SAFETY: as for `read`.
    unsafe {
        asm!("ud2");
    };
}

fn privileged() {
    // SAFETY: as for `read`.
    unsafe { asm!("cli") };
}

/// Runs `body` in a fiber of its own; returns the cause and address of the fault that ended it,
/// if one did.
pub(super) fn fault_of(
    rig: &Rig,
    body: impl FnOnce() + Send + 'static,
) -> Option<(FaultCause, Option<usize>)> {
    let fiber = rig.fiber(move |_| body());
    rig.run_to_end(fiber.as_ref());
    let fault = *fiber.fault.lock();
    fault.map(|fault| (fault.cause, fault.address))
}

pub(super) fn each_cause_is_told(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, _| {
        let error_pointer = (-12_isize) as usize;
        assert_eq!(fault_of(rig, || write(0)), Some((FaultCause::Write, Some(0))));
        assert_eq!(fault_of(rig, || read(24)), Some((FaultCause::Read, Some(24))));
        assert_eq!(
            fault_of(rig, move || read(error_pointer)),
            Some((FaultCause::Read, Some(error_pointer)))
        );
        assert_eq!(fault_of(rig, || jump(0)), Some((FaultCause::Execute, Some(0))));
        let poison = 0xdead_0000_0000_0100;
        assert_eq!(fault_of(rig, move || read(poison)), Some((FaultCause::NonCanonical, None)));
        assert_eq!(fault_of(rig, move || jump(poison)), Some((FaultCause::NonCanonical, None)));
        assert_eq!(fault_of(rig, divide_by_zero), Some((FaultCause::Divide, None)));
        assert_eq!(fault_of(rig, invalid_opcode), Some((FaultCause::InvalidOpcode, None)));
        assert_eq!(fault_of(rig, || ()), None);
    })
}

pub(super) fn privileged_instructions_fault(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, _| {
        assert_eq!(fault_of(rig, privileged), Some((FaultCause::Other(13), None)));
    })
}

#[inline(never)]
fn descend(depth: usize) -> usize {
    let frame = [depth; 64];
    let frame = core::hint::black_box(&frame);
    match frame[depth % 64] {
        usize::MAX => 0,
        depth => descend(depth + 1) + frame[0],
    }
}

pub(super) fn deep_recursion_hits_the_guard(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, _| {
        let base = Arc::new(AtomicUsize::new(0));
        let told = base.clone();
        let fault = fault_of(rig, move || {
            told.store(current_head().stack.load(Ordering::Relaxed), Ordering::Relaxed);
            core::hint::black_box(descend(0));
        });
        let (cause, address) = fault.expect("a fault");
        assert_eq!(cause, FaultCause::StackOverflow);
        let base = base.load(Ordering::Relaxed);
        let address = address.expect("an address");
        assert!((base..base + SLOT_SIZE).contains(&address), "{address:#x} {base:#x}");
    })
}

pub(super) fn all_cpus_fault_at_once(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        rig.all_together();
        for turn in 0..100 {
            let address = 4096 + turn * 8 + cpu as usize * 4096;
            let fault = fault_of(rig, move || write(address));
            assert_eq!(fault, Some((FaultCause::Write, Some(address))));
        }
    })
}
