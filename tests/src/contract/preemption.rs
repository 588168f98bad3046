//! Module text is interrupted anywhere, and does not notice.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::arch::asm;
use core::pin::Pin;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use kthreads_base::{Machine, Nanos, current_head};

use super::Verdict;
use super::images::{free_text, text};
use super::rig::{Fiber, Rig, try_boot};

/// Loops until the byte at rdi is not zero. r11 counts the turns; every other register that a
/// called function may change is only looked at.
///
/// ```text
/// 1:  lea  r11, [r11+1]
///     pause
///     test byte ptr [rdi], 0xff
///     jz   1b
///     ret
/// ```
const LOOP: &[u8] = &[
    0x4d, 0x8d, 0x5b, 0x01, // lea r11, [r11+1]
    0xf3, 0x90, // pause
    0xf6, 0x07, 0xff, // test byte ptr [rdi], 0xff
    0x74, 0xf5, // jz -11
    0xc3, // ret
];

/// The same loop between `mov [rsp-8], rsi` and `mov rsi, [rsp-8]`: a word below the stack
/// pointer, as the code of ordinary programs may keep it.
const RED_ZONE_LOOP: &[u8] = &[
    0x48, 0x89, 0x74, 0x24, 0xf8, // mov [rsp-8], rsi
    0x4d, 0x8d, 0x5b, 0x01, // lea r11, [r11+1]
    0xf3, 0x90, // pause
    0xf6, 0x07, 0xff, // test byte ptr [rdi], 0xff
    0x74, 0xf5, // jz -11
    0x48, 0x8b, 0x74, 0x24, 0xf8, // mov rsi, [rsp-8]
    0xc3, // ret
];

/// Adds up rsi numbers in a chain that any lost flag or register breaks: returns in rax.
///
/// ```text
///     xor  eax, eax
/// 1:  add  rax, rax           carries every other time
///     pause                   the longest of them, so the likeliest to be interrupted
///     adc  rax, rsi
///     rol  rax, 7
///     dec  rsi
///     jnz  1b
///     ret
/// ```
const CHAIN: &[u8] = &[
    0x31, 0xc0, // xor eax, eax
    0x48, 0x01, 0xc0, // add rax, rax
    0xf3, 0x90, // pause
    0x48, 0x11, 0xf0, // adc rax, rsi
    0x48, 0xc1, 0xc0, 0x07, // rol rax, 7
    0x48, 0xff, 0xce, // dec rsi
    0x75, 0xef, // jnz -17
    0xc3, // ret
];

fn chain(mut count: u64) -> u64 {
    let mut sum = 0_u64;
    while count != 0 {
        let (next, carry) = sum.overflowing_add(sum);
        sum = next.wrapping_add(count + u64::from(carry)).rotate_left(7);
        count -= 1;
    }
    sum
}

/// Calls the loop with known numbers in all registers a call may change, and checks them.
fn call_loop(code: NonNull<u8>, stop: &AtomicU32) {
    let (rax, rcx, rdx, rsi, r8, r9, r10): (u64, u64, u64, u64, u64, u64, u64);
    // SAFETY: the code is LOOP, which changes r11 alone and uses the stack as a function may.
    unsafe {
        asm!(
            "call {code}",
            code = in(reg) code.as_ptr(),
            in("rdi") stop,
            inlateout("rax") 0x11_u64 => rax,
            inlateout("rcx") 0x22_u64 => rcx,
            inlateout("rdx") 0x33_u64 => rdx,
            inlateout("rsi") 0x44_u64 => rsi,
            inlateout("r8") 0x55_u64 => r8,
            inlateout("r9") 0x66_u64 => r9,
            inlateout("r10") 0x77_u64 => r10,
            inlateout("r11") 0_u64 => _,
            clobber_abi("C"),
        );
    }
    assert_eq!([rax, rcx, rdx, rsi, r8, r9, r10], [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]);
}

/// A fiber that runs the loop with interrupts on until `stop`.
fn looper(rig: &Rig, code: NonNull<u8>, stop: &Arc<AtomicU32>) -> Pin<Box<Fiber>> {
    let (code, stop) = (code.as_ptr() as usize, stop.clone());
    rig.fiber(move |rig| {
        let code = NonNull::new(code as *mut u8).expect("an address");
        rig.with_interrupts(|| call_loop(code, &stop));
    })
}

pub(super) fn loops_are_interrupted(machine: &Arc<dyn Machine>) -> Verdict {
    interrupt(machine, LOOP)
}

pub(super) fn red_zones_survive(machine: &Arc<dyn Machine>) -> Verdict {
    interrupt(machine, RED_ZONE_LOOP)
}

fn interrupt(machine: &Arc<dyn Machine>, code: &'static [u8]) -> Verdict {
    try_boot(machine, move |rig, cpu| {
        let code = text(&*rig.machine, code);
        let stop = Arc::new(AtomicU32::new(0));
        rig.reschedule_on_interrupt();
        let fiber = looper(rig, code, &stop);
        for turn in 1..=5 {
            rig.machine.set_timer(cpu, rig.machine.now() + Nanos::from_micros(200 * turn));
            rig.resume(fiber.as_ref());
            assert!(!fiber.is_over(), "nothing but the timer can end the loop");
            assert!(rig.taken(cpu) >= turn);
        }
        assert!(rig.preemptions() >= 5);
        stop.store(1, Ordering::SeqCst);
        rig.run_to_end(fiber.as_ref());
        free_text(&*rig.machine, code);
    })
}

pub(super) fn registers_survive(machine: &Arc<dyn Machine>) -> Verdict {
    const COUNT: u64 = 200_000;
    try_boot(machine, |rig, cpu| {
        let code = text(&*rig.machine, CHAIN);
        // SAFETY: the image holds a function of this type.
        let function: extern "C" fn(u64, u64) -> u64 = unsafe { core::mem::transmute(code) };
        rig.reschedule_on_interrupt();
        let fibers = [1, 2, 3].map(|me| {
            rig.fiber(move |rig| {
                let sum = rig.with_interrupts(|| function(0, COUNT + me));
                assert_eq!(sum, chain(COUNT + me));
            })
        });
        while !fibers.iter().all(|fiber| fiber.is_over()) {
            for fiber in fibers.iter().filter(|fiber| !fiber.is_over()) {
                rig.machine.set_timer(cpu, rig.machine.now() + Nanos::from_micros(100));
                rig.resume(fiber.as_ref());
            }
        }
        fibers.iter().for_each(|fiber| rig.free(fiber));
        rig.all_together();
        free_text(&*rig.machine, code);
    })
}

pub(super) fn loops_move_between_cpus(machine: &Arc<dyn Machine>) -> Verdict {
    const TURNS: u32 = 30;
    let (turn, fiber) = (AtomicU32::new(0), AtomicPtr::<Fiber>::new(core::ptr::null_mut()));
    let stop = Arc::new(AtomicU32::new(0));
    let code = text(&**machine, LOOP).as_ptr() as usize;
    try_boot(machine, move |rig, cpu| {
        let code = NonNull::new(code as *mut u8).expect("an address");
        if cpu == 0 {
            rig.reschedule_on_interrupt();
            // SAFETY: nothing is moved out of the pin: it becomes a box again at the end.
            let made = unsafe { Pin::into_inner_unchecked(looper(rig, code, &stop)) };
            fiber.store(Box::into_raw(made), Ordering::Release);
        }
        rig.all_together();
        // SAFETY: stored above, pinned, and freed by CPU 0 after the last turn.
        let looping = || unsafe { Pin::new_unchecked(&*fiber.load(Ordering::Acquire)) };
        loop {
            rig.spin_until("my turn", || {
                let now = turn.load(Ordering::Acquire);
                now >= TURNS || now % rig.cpus() == cpu
            });
            let now = turn.load(Ordering::Acquire);
            if now >= TURNS {
                break;
            }
            rig.machine.set_timer(cpu, rig.machine.now() + Nanos::from_micros(100));
            rig.resume(looping());
            assert_eq!(looping().head().cpu(), cpu);
            turn.store(now + 1, Ordering::Release);
        }
        if cpu == 0 {
            stop.store(1, Ordering::SeqCst);
            rig.run_to_end(looping());
            // SAFETY: made from a box above; the other CPUs do not look at it any more.
            drop(unsafe { Box::from_raw(fiber.load(Ordering::Acquire)) });
            free_text(&*rig.machine, code);
        }
    })
}

pub(super) fn interrupts_off_is_respected(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        const COUNT: u64 = 1_000_000;
        let code = text(&*rig.machine, CHAIN);
        // SAFETY: the image holds a function of this type.
        let function: extern "C" fn(u64, u64) -> u64 = unsafe { core::mem::transmute(code) };
        rig.machine.set_timer(cpu, rig.machine.now());
        rig.machine.send_interrupt((cpu + 1) % rig.cpus());
        assert_eq!(current_head().irqs_off.load(Ordering::Relaxed), 1);
        assert_eq!(function(0, COUNT), chain(COUNT));
        assert_eq!(rig.taken(cpu), 0, "an interrupt was taken while they were off");
        rig.idle_until(cpu, || rig.taken(cpu) > 0);
        rig.all_together();
        free_text(&*rig.machine, code);
    })
}
