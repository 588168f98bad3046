//! What every machine owes the kernel, as cases that use nothing but the seam.
//!
//! A case gets a machine that was not started yet, runs code of its own on its CPUs by way of a
//! [`Rig`], and panics if the machine breaks its contract. No case bounds time from above.

mod contexts;
mod delays;
mod faults;
mod images;
mod interrupts;
mod outside;
mod preemption;
mod rig;
mod timers;

use alloc::sync::Arc;

use kthreads_base::Machine;

pub use rig::{Fiber, Rig, boot, start};

/// A case: a name, and a function that panics if the machine does not keep its contract.
#[derive(Clone, Copy)]
pub struct Case {
    /// The name.
    pub name: &'static str,
    /// The case; the machine was not started yet.
    pub run: fn(&Arc<dyn Machine>),
}

macro_rules! cases {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$(Case { name: stringify!($name), run: $module::$name }),*]
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
    contexts::panics_are_caught,
    interrupts::interrupts_wait_until_they_are_on,
    interrupts::idle_returns_at_once_if_pending,
    interrupts::idle_cpus_are_woken,
    interrupts::busy_cpus_are_interrupted,
    interrupts::interrupts_are_not_lost,
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
    faults::deep_recursion_hits_the_guard,
    faults::all_cpus_fault_at_once,
    preemption::loops_are_interrupted,
    preemption::registers_survive,
    preemption::loops_move_between_cpus,
    preemption::interrupts_off_is_respected,
];

/// Cases for machines that are part of a process with threads of its own.
pub const OUTSIDE_CASES: &[Case] =
    cases![outside::jobs_come_from_outside, outside::a_killed_job_is_told];
