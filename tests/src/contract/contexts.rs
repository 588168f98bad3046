//! Contexts, stacks, and panics on them.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::arch::naked_asm;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use kthreads_base::frames::Place;
use kthreads_base::{Machine, SLOT_SIZE, current_head, stack};

use super::Verdict;
use super::rig::{Rig, give_back, try_boot};

pub(super) fn every_cpu_runs_once(machine: &Arc<dyn Machine>) -> Verdict {
    let ran = Arc::new(AtomicU64::new(0));
    let seen = ran.clone();
    try_boot(machine, move |_, cpu| {
        assert_eq!(current_head().cpu(), cpu);
        assert_eq!(current_head().irqs_off.load(Ordering::Relaxed), 1);
        assert_eq!(seen.fetch_or(1 << cpu, Ordering::SeqCst) & (1 << cpu), 0);
    })?;
    let (count, cpus) = (ran.load(Ordering::SeqCst).count_ones(), machine.cpu_count());
    if count == cpus { Ok(()) } else { Err(format!("{count} of {cpus} CPUs ran")) }
}

pub(super) fn contexts_go_on_where_they_left(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        let sum = Arc::new(AtomicU64::new(0));
        let fibers: Vec<_> = (0..300_u64)
            .map(|me| {
                let sum = sum.clone();
                rig.fiber(move |_| {
                    for turn in 0..3 {
                        sum.fetch_add(me * 10 + turn, Ordering::Relaxed);
                        assert_eq!(current_head().cpu(), cpu);
                        give_back();
                    }
                })
            })
            .collect();
        for turn in 0..3_u64 {
            sum.store(0, Ordering::Relaxed);
            fibers.iter().for_each(|fiber| rig.resume(fiber.as_ref()));
            let expected = 10 * 300 * 299 / 2 + 300 * turn;
            assert_eq!(sum.load(Ordering::Relaxed), expected);
        }
        fibers.iter().for_each(|fiber| rig.run_to_end(fiber.as_ref()));
    })
}

/// Loads what a called function must keep with numbers made from `seed`, calls `yields`, and
/// returns how many of them came back right.
#[unsafe(naked)]
extern "C" fn registers_kept(_seed: u64, _yields: extern "C" fn()) -> u32 {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdi",
        "lea rbx, [rdi + 1]",
        "lea rbp, [rdi + 2]",
        "lea r12, [rdi + 3]",
        "lea r13, [rdi + 4]",
        "lea r14, [rdi + 5]",
        "lea r15, [rdi + 6]",
        "call rsi",
        "pop rdi",
        "xor eax, eax",
        "sub rbx, rdi",
        "cmp rbx, 1",
        "jne 2f",
        "inc eax",
        "2: sub rbp, rdi",
        "cmp rbp, 2",
        "jne 3f",
        "inc eax",
        "3: sub r12, rdi",
        "cmp r12, 3",
        "jne 4f",
        "inc eax",
        "4: sub r13, rdi",
        "cmp r13, 4",
        "jne 5f",
        "inc eax",
        "5: sub r14, rdi",
        "cmp r14, 5",
        "jne 6f",
        "inc eax",
        "6: sub r15, rdi",
        "cmp r15, 6",
        "jne 7f",
        "inc eax",
        "7: pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

extern "C" fn yields() {
    give_back();
}

pub(super) fn contexts_keep_registers(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, _| {
        let make = |seed: u64| {
            rig.fiber(move |_| {
                for turn in 0..50 {
                    assert_eq!(registers_kept(seed * 1000 + turn, yields), 6);
                }
            })
        };
        let fibers: Vec<_> = (1..20).map(make).collect();
        for _ in 0..50 {
            fibers.iter().for_each(|fiber| rig.resume(fiber.as_ref()));
        }
        fibers.iter().for_each(|fiber| rig.run_to_end(fiber.as_ref()));
    })
}

pub(super) fn contexts_move_between_cpus(machine: &Arc<dyn Machine>) -> Verdict {
    const TURNS: u32 = 400;
    let turn = AtomicU32::new(0);
    let fiber = kthreads_base::SpinLock::new(None);
    try_boot(machine, move |rig, cpu| {
        if cpu == 0 {
            *fiber.lock() = Some(rig.fiber(move |rig| {
                for turn in 0..TURNS {
                    assert_eq!(current_head().cpu(), turn % rig.cpus());
                    assert_eq!(registers_kept(u64::from(turn), yields), 6);
                }
            }));
        }
        rig.all_together();
        // The lock is free: it is only taken to look at what stands in it since.
        let fiber = fiber.lock().as_ref().map(|fiber| core::ptr::from_ref(&**fiber));
        let fiber = fiber.expect("a fiber");
        // SAFETY: the fiber stays in its box until the end of the boot.
        let fiber = unsafe { core::pin::Pin::new_unchecked(&*fiber) };
        loop {
            rig.spin_until("my turn", || {
                let now = turn.load(Ordering::Acquire);
                now > TURNS || now % rig.cpus() == cpu
            });
            let now = turn.load(Ordering::Acquire);
            match now {
                TURNS => rig.run_to_end(fiber),
                _ if now > TURNS => return,
                _ => rig.resume(fiber),
            }
            turn.store(now + 1, Ordering::Release);
        }
    })
}

pub(super) fn call_on_runs_on_the_other_stack(machine: &Arc<dyn Machine>) -> Verdict {
    extern "C" fn on_the_fiber() {
        let here = 0_u8;
        current_head().nvcsw.store(core::ptr::from_ref(&here) as u64, Ordering::Relaxed);
    }
    try_boot(machine, |rig, _| {
        let fiber = rig.fiber(|rig| {
            let stack = rig.machine.stack_alloc().expect("a stack");
            let word = (stack.base() + SLOT_SIZE - size_of::<usize>()) as *mut usize;
            // SAFETY: the stack is ours; its top word is to name the running thread.
            unsafe {
                word.write(core::ptr::from_ref(&*current_head()) as usize);
                kthreads_base::context::call_on(stack.top(), on_the_fiber);
            }
            let seen = current_head().nvcsw.load(Ordering::Relaxed) as usize;
            assert_eq!(seen & !(SLOT_SIZE - 1), stack.base());
            rig.machine.stack_free(stack);
        });
        rig.run_to_end(fiber.as_ref());
    })
}

pub(super) fn stacks_are_distinct(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        let stacks: Vec<_> =
            (0..200).map(|_| rig.machine.stack_alloc().expect("a stack")).collect();
        let words = |base: usize| ((base + SLOT_SIZE - 4096)..base + SLOT_SIZE).step_by(8);
        for (index, stack) in stacks.iter().enumerate() {
            assert!(stack.base().is_multiple_of(SLOT_SIZE));
            assert!(stack::in_range(stack.base()) && stack::in_range(stack.top()));
            let mark = (index << 8) | cpu as usize;
            // SAFETY: the stack is ours and nobody runs on it.
            words(stack.base()).for_each(|word| unsafe { (word as *mut usize).write(mark) });
        }
        for (index, stack) in stacks.into_iter().enumerate() {
            let mark = (index << 8) | cpu as usize;
            for word in words(stack.base()) {
                // SAFETY: written above.
                assert_eq!(unsafe { (word as *const usize).read() }, mark);
            }
            rig.machine.stack_free(stack);
        }
    })
}

pub(super) fn half_made_frames_have_a_caller(machine: &Arc<dyn Machine>) -> Verdict {
    const CALLER: usize = 0x1234_5678;
    try_boot(machine, |rig, _| {
        let stack = rig.machine.stack_alloc().expect("a stack");
        let bp = stack.top() - 64 * size_of::<usize>();
        let sp = bp - 64 * size_of::<usize>();
        let seen_with = |words: [usize; 2]| {
            // SAFETY: the stack is ours and nobody runs on it.
            unsafe { (sp as *mut [usize; 2]).write(words) };
            Place { sp, bp }.frameless_return()
        };
        let at_first_instruction = seen_with([CALLER, bp]);
        let behind_the_push = seen_with([bp, CALLER]);
        let nowhere = Place { sp: 0, bp: 0 }.frameless_return();
        rig.machine.stack_free(stack);
        assert_eq!([at_first_instruction, behind_the_push, nowhere], [CALLER, CALLER, 0]);
    })
}

pub(super) fn panics_are_caught(machine: &Arc<dyn Machine>) -> Verdict {
    try_boot(machine, |rig, cpu| {
        let fiber = rig.fiber(move |rig| {
            let message = catch(rig, &mut || panic!("at {cpu}")).expect_err("a panic");
            assert!(message.contains(&format!("at {cpu}")), "{message}");
            assert_eq!(catch(rig, &mut || ()), Ok(()));
            let inner = catch(rig, &mut || {
                let inner = catch(rig, &mut || panic!("inner")).expect_err("a panic");
                panic!("outer after {inner}");
            });
            assert!(inner.expect_err("a panic").contains("outer after inner"));
        });
        rig.run_to_end(fiber.as_ref());
    })
}

fn catch(rig: &Rig, body: &mut dyn FnMut()) -> Result<(), String> {
    rig.machine.catch(body)
}
