//! What every machine owes the kernel, as cases that use nothing but the seam.
//!
//! A case gets a machine that was not started yet, runs code of its own on its CPUs by way of a
//! [`Rig`], and tells why if the machine breaks its contract. No case bounds time from above.
//!
//! What a case checks on a CPU it asserts; where a panic cannot be caught, the machine's panic
//! handler calls [`Rig::die_of_panic`].

mod contexts;
mod delays;
mod ends;
mod faults;
mod images;
mod interrupts;
mod outside;
mod preemption;
mod rig;
mod timers;

use alloc::sync::Arc;

use kthreads_base::Machine;

use crate::Verdict;

pub use rig::{Fiber, Rig, boot, start, try_boot};

/// What a case asks of a machine that not every machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it holds on every machine.
    Nothing,
    /// Panics unwind, so that `Machine::catch` can return their message.
    Unwinding,
    /// Kernel code runs without the processor's privileges, so that privileged instructions
    /// fault.
    Unprivileged,
    /// An interrupt leaves the 128 bytes below the stack pointer alone. Modules and kernels are
    /// compiled not to rely on it.
    RedZone,
}

/// A case: a name, and a function that tells whether the machine keeps its contract.
#[derive(Clone, Copy)]
pub struct Case {
    /// The name.
    pub name: &'static str,
    /// What the machine must have for it.
    pub needs: Needs,
    /// The case; the machine was not started yet.
    pub run: fn(&Arc<dyn Machine>) -> Verdict,
}

macro_rules! cases {
    (@needs) => { Needs::Nothing };
    (@needs $needs:ident) => { Needs::$needs };
    ($($module:ident :: $name:ident $(needs $needs:ident)?),* $(,)?) => {
        &[$(Case {
            name: stringify!($name),
            needs: cases!(@needs $($needs)?),
            run: $module::$name,
        }),*]
    };
}

/// Cases for every machine.
pub const CASES: &[Case] = cases![
    contexts::every_cpu_runs_once,
    contexts::contexts_go_on_where_they_left,
    contexts::contexts_keep_registers,
    contexts::contexts_move_between_cpus,
    contexts::call_on_runs_on_the_other_stack,
    contexts::stacks_are_distinct,
    contexts::half_made_frames_have_a_caller,
    contexts::panics_are_caught needs Unwinding,
    interrupts::interrupts_wait_until_they_are_on,
    interrupts::idle_returns_at_once_if_pending,
    interrupts::idle_cpus_are_woken,
    interrupts::busy_cpus_are_interrupted,
    interrupts::interrupts_are_not_lost,
    interrupts::what_is_beneath_a_softirq_stays,
    ends::nobody_asks_when_all_have_ended,
    timers::timers_are_not_early,
    timers::a_timer_can_be_replaced,
    timers::a_past_deadline_is_due_at_once,
    timers::busy_cpus_get_their_timers,
    timers::time_never_goes_back,
    timers::the_kernel_is_told_the_time,
    delays::delays_are_not_short,
    delays::interrupts_end_delays,
    delays::delays_without_interrupts_are_whole,
    images::images_are_zeroed_and_writable,
    images::protection_is_kept,
    images::code_runs,
    faults::each_cause_is_told,
    faults::privileged_instructions_fault needs Unprivileged,
    faults::deep_recursion_hits_the_guard,
    faults::all_cpus_fault_at_once,
    preemption::loops_are_interrupted,
    preemption::red_zones_survive needs RedZone,
    preemption::registers_survive,
    preemption::loops_move_between_cpus,
    preemption::interrupts_off_is_respected,
];

/// Cases that use the machine from outside its CPUs.
pub const OUTSIDE_CASES: &[Case] =
    cases![outside::jobs_come_from_outside, outside::a_killed_job_is_told];
