//! Runs tests, one after the other, each on a machine of its own, and says what came of each.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use kthreads_base::{Machine, Nanos};
use kthreads_kernel::{Booted, Config, Kernel};
use kthreads_pc::{Clock, PcConfig, PcMachine};
use kthreads_tests::c_case::Cpus;
use kthreads_tests::contract::{self, Needs};
use kthreads_tests::plan::{Clocks, Part, Plan};
use kthreads_tests::stress::{Forced, many_faults, many_threads, rings};
use kthreads_tests::{Verdict, cases, judge};

use crate::files::Files;
use crate::{c_cases, pc};

/// Fewer than this and the case of the full task table takes its time.
const CASE_THREADS_MAX: u32 = 300;

/// As many CPUs as there are processors.
pub(crate) const ALL: u32 = 0;

/// What is left of a log of a boot that nobody reads on.
const LOG_BYTES: usize = 1 << 17;

/// Runs the tests of a plan and counts.
pub(crate) struct Runner<'a> {
    plan: &'a Plan,
    passed: usize,
    failed: usize,
    not_run: usize,
}

impl Runner<'_> {
    /// Begins with nothing run.
    pub(crate) fn new(plan: &Plan) -> Runner<'_> {
        Runner { plan, passed: 0, failed: 0, not_run: 0 }
    }

    /// Runs everything; returns whether all that should run did, and passed.
    pub(crate) fn run(mut self, initrd: &'static [u8]) -> bool {
        for part in &self.plan.parts {
            match part {
                Part::Contract => self.each_clock(Runner::contract),
                Part::Cases => self.each_clock(Runner::cases),
                Part::CCases => self.c_cases(Files(initrd)),
                Part::Threads => self.threads(),
                Part::Faults => self.faults(),
                Part::Rings => self.rings(),
            }
        }
        let Runner { plan, passed, failed, not_run } = self;
        pc::write(format_args!("tests: {passed} passed, {failed} failed, {not_run} not run\n"));
        let ran = passed + failed + not_run;
        let is_complete = plan.count().is_none_or(|count| count == ran);
        if !is_complete {
            pc::write(format_args!("tests: these are not all that the plan has\n"));
        }
        failed == 0 && passed > 0 && is_complete
    }

    fn each_clock(&mut self, run: fn(&mut Self, Clock)) {
        if self.plan.clocks == Clocks::Both {
            run(self, Clock::Real);
        }
        run(self, Clock::FastForward);
    }

    /// Runs a test if it is wanted, and says what came of it. The name comes first: of a test
    /// that never ends it is all there is.
    pub(crate) fn test(&mut self, name: &str, body: impl FnOnce() -> Verdict) {
        if !name.contains(&*self.plan.only) {
            return;
        }
        pc::write(format_args!("{name} ... "));
        match body() {
            Ok(()) => {
                self.passed += 1;
                pc::write(format_args!("ok\n"));
            }
            Err(why) => {
                self.failed += 1;
                pc::write(format_args!("FAILED: {why}\n"));
            }
        }
    }

    /// Says of a test why it cannot be run.
    fn do_not(&mut self, name: &str, why: fmt::Arguments<'_>) {
        if name.contains(&*self.plan.only) {
            self.not_run += 1;
            pc::write(format_args!("{name} ... not run: {why}\n"));
        }
    }

    fn contract(&mut self, clock: Clock) {
        pc::runs_kernel(false);
        for case in contract::CASES.iter().chain(contract::OUTSIDE_CASES) {
            let name = format!("contract: {} ({clock:?})", case.name);
            if case.needs != Needs::Nothing {
                self.do_not(&name, format_args!("it needs {:?}", case.needs));
                continue;
            }
            self.test(&name, || {
                let machine: Arc<dyn Machine> = machine(ALL, clock)?;
                (case.run)(&machine)?;
                match Arc::strong_count(&machine) {
                    1 => Ok(()),
                    count => Err(format!("the machine is still in use {count} times")),
                }
            });
        }
        pc::runs_kernel(true);
    }

    fn cases(&mut self, clock: Clock) {
        for case in cases::all() {
            self.test(&format!("case: {} ({clock:?})", case.name), || {
                let kernel = kernel(clock, CASE_THREADS_MAX)?;
                case.run_in(&kernel)
            });
        }
        for case in cases::OUTSIDE {
            self.test(&format!("case: {} ({clock:?})", case.name), || {
                (case.run)(&*kernel(clock, CASE_THREADS_MAX)?)
            });
        }
    }

    fn c_cases(&mut self, files: Files) {
        for name in c_cases::names(files) {
            let title = format!("C case: {name}");
            match c_cases::source(files, name) {
                Ok(source) if source.cpus == Cpus::Two && processors() < 2 => {
                    self.do_not(&title, format_args!("it needs two CPUs"));
                }
                source => self.test(&title, || c_cases::run(files, &source?)),
            }
        }
    }

    fn threads(&mut self) {
        let count = self.plan.threads;
        self.test(&format!("stress: {count} threads at once"), || {
            let kernel = kernel(Clock::Real, count + CASE_THREADS_MAX)?;
            let before = kernel.machine().memory().free;
            judge(&kernel, kernel.try_enter_as("stress", |cx| many_threads(cx, count)))?;
            let after = kernel.machine().memory().free;
            let kept = before.saturating_sub(after) >> 10;
            pc::write(format_args!("({kept} KiB kept for others to come) "));
            Ok(())
        });
    }

    fn faults(&mut self) {
        self.test("stress: threads that fault, all at once", || {
            let kernel = kernel(Clock::Real, CASE_THREADS_MAX)?;
            let died = kernel.try_enter_as("stress", many_faults);
            let died = died.map_err(|error| format!("{error}"))?;
            match kernel.bug_count() {
                count if count == died => Ok(()),
                count => Err(format!("{died} threads died, {count} reports came")),
            }
        });
    }

    fn rings(&mut self) {
        let span = Nanos(self.plan.ring_seconds * Nanos::SECOND.0);
        self.test(&format!("stress: rings for {} s", self.plan.ring_seconds), || {
            let kernel = kernel(Clock::Real, CASE_THREADS_MAX)?;
            let run = kernel.try_enter_as("stress", |cx| rings(cx, span, Forced::Yes));
            let seen = judge(&kernel, run)?;
            pc::write(format_args!("({seen:?}) "));
            match seen.preemptions {
                0 => Err("nobody was preempted".into()),
                _ => Ok(()),
            }
        });
    }
}

/// How many processors there are; none if no machine can be had, as every test will say.
fn processors() -> u32 {
    machine(ALL, Clock::Real).map_or(0, |machine| machine.cpu_count())
}

/// The machine, with so many processors.
pub(crate) fn machine(cpus: u32, clock: Clock) -> Result<Arc<PcMachine>, String> {
    PcMachine::new(PcConfig { cpus, clock }).map_err(|error| format!("{error}"))
}

/// Boots a kernel on all processors.
fn kernel(clock: Clock, threads_max: u32) -> Result<Booted, String> {
    let config = Config { threads_max, log_bytes: LOG_BYTES, ..Config::default() };
    Kernel::boot(machine(ALL, clock)?, config).map_err(|errno| format!("the kernel: {errno}"))
}
