//! Cases seen from outside the kernel: entering it, and its end.

use core::arch::asm;

use kthreads_kernel::task::state::TASK_UNINTERRUPTIBLE;
use kthreads_kernel::{Cx, EnterError, Kernel};

use super::OutsideCase;
use crate::Verdict;
use crate::verdict::{same, why};

pub(super) const CASES: &[OutsideCase] = &[
    OutsideCase { name: "whoever enters gets the result", run: results },
    OutsideCase { name: "an entered task that is killed is told", run: killed },
    OutsideCase { name: "a panic stops all CPUs and tells who waits", run: panic },
];

fn results(kernel: &Kernel) -> Verdict {
    for number in 0..300_u64 {
        let squared = kernel.try_enter_as("squares", |cx| {
            if number.is_multiple_of(3) {
                cx.yield_now();
            }
            number * number
        });
        same("the result", squared, Ok(number * number))?;
    }
    Ok(())
}

fn killed(kernel: &Kernel) -> Verdict {
    for _ in 0..20 {
        let faults = kernel.try_enter_as("faults", |_| {
            // SAFETY: not safe: the write is to fault, which ends the task; nobody owns address 0.
            unsafe { asm!("mov qword ptr [{address}], 0", address = in(reg) 0_usize) };
        });
        same("a killed task", faults, Err(EnterError::Ended))?;
        same("the next one", kernel.try_enter_as("lives", |_| 5), Ok(5))?;
    }
    Ok(())
}

fn panic(kernel: &Kernel) -> Verdict {
    // Busy, resting, and waiting for what never comes: all of it ends.
    let started = kernel.try_enter_as("starts", |cx| {
        for cpu in 0..cx.kernel.nr_cpus() {
            let busy = cx.create("busy", |cx: &Cx<'_>| {
                loop {
                    cx.cond_resched();
                }
            });
            let _runs_on = busy.expect("a thread").bind(cx, cpu).wake(cx);
            let waits = cx.spawn("waits", |cx| {
                cx.task.set_state(TASK_UNINTERRUPTIBLE);
                cx.kernel.schedule(cx);
            });
            let _waits_on = waits.expect("a thread");
        }
        cx.sleep(20);
    });
    started.map_err(|error| why(kernel, error))?;
    let panics: Result<(), _> =
        kernel.try_enter_as("panics", |cx| cx.kernel.panic(cx, "to see it end"));
    same("a task that panics the kernel", panics, Err(EnterError::Ended))?;
    same("whether it has panicked", kernel.has_panicked(), true)?;
    same("whoever comes later", kernel.try_enter_as("late", |_| 5), Err(EnterError::Ended))
}
