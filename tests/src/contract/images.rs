//! Memory for modules.

use alloc::sync::Arc;
use core::ptr::NonNull;

use kthreads_base::{FaultCause, Machine, Protection};

use super::Verdict;
use super::faults::fault_of;
use super::rig::{Rig, try_boot};

const PAGE: usize = 4096;

pub(super) fn images_are_zeroed_and_writable(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, _| {
        for round in 0..20_u8 {
            let len = PAGE * (1 + usize::from(round % 3));
            let image = rig.machine.image_alloc(len).expect("memory");
            assert!((image.as_ptr() as usize).is_multiple_of(PAGE));
            // SAFETY: `len` bytes of our own.
            unsafe {
                let bytes = core::slice::from_raw_parts_mut(image.as_ptr(), len);
                assert!(bytes.iter().all(|byte| *byte == 0));
                bytes.fill(0xa5);
                rig.machine.image_free(image, len);
            }
        }
    })
}

fn access(rig: &Rig, image: NonNull<u8>, access: Protection) {
    // SAFETY: the image is the case's own, one page.
    unsafe { rig.machine.image_protect(image, PAGE, access) };
}

pub(super) fn protection_is_kept(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, _| {
        let image = rig.machine.image_alloc(PAGE).expect("memory");
        let address = image.as_ptr() as usize;
        access(rig, image, Protection::Read);
        assert_eq!(fault_of(rig, move || super::faults::read(address)), None);
        let fault = fault_of(rig, move || super::faults::write(address + 8));
        assert_eq!(fault, Some((FaultCause::Write, Some(address + 8))));
        let fault = fault_of(rig, move || super::faults::jump(address));
        assert_eq!(fault, Some((FaultCause::Execute, Some(address))));
        access(rig, image, Protection::None);
        let fault = fault_of(rig, move || super::faults::read(address));
        assert_eq!(fault, Some((FaultCause::Read, Some(address))));
        access(rig, image, Protection::ReadWrite);
        assert_eq!(fault_of(rig, move || super::faults::write(address)), None);
        // SAFETY: nobody uses it any more.
        unsafe { rig.machine.image_free(image, PAGE) };
    })
}

/// Makes a page of module text from `code`.
pub(super) fn text(machine: &dyn Machine, code: &[u8]) -> NonNull<u8> {
    let image = machine.image_alloc(PAGE).expect("memory");
    assert!(code.len() <= PAGE);
    // SAFETY: a page of our own, read-write until it is protected.
    unsafe {
        image.as_ptr().copy_from_nonoverlapping(code.as_ptr(), code.len());
        machine.image_protect(image, PAGE, Protection::ReadExecute);
    }
    image
}

/// Frees what [`text`] made.
pub(super) fn free_text(machine: &dyn Machine, image: NonNull<u8>) {
    // SAFETY: the cases free it when nobody runs it any more.
    unsafe { machine.image_free(image, PAGE) };
}

pub(super) fn code_runs(machine: &Arc<dyn Machine>) -> Verdict {
    // mov eax, 42; ret
    const CODE: &[u8] = &[0xb8, 42, 0, 0, 0, 0xc3];
    try_boot(machine, |rig, _| {
        let image = text(&*rig.machine, CODE);
        // SAFETY: the image holds a function of this type.
        let function: extern "C" fn() -> u32 = unsafe { core::mem::transmute(image) };
        assert_eq!(function(), 42);
        let address = image.as_ptr() as usize;
        let fault = fault_of(rig, move || super::faults::write(address));
        assert_eq!(fault, Some((FaultCause::Write, Some(address))));
        free_text(&*rig.machine, image);
    })
}
