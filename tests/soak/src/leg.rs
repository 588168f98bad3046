//! One kernel of a soak, from boot to end.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kthreads_capi::module::ModuleLoader;
use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::audit::Books;
use kthreads_kernel::{Booted, Config, EnterError, Fault, Kernel, LockLimits};

use crate::arguments::Arguments;
use crate::dice::Dice;
use crate::driver::{Driver, Tools};
use crate::journal::Journal;
use crate::modules::Modules;
use crate::shared::Shared;
use crate::{invariants, memory};

/// How many operations a driver does in a round.
const OPERATIONS: u32 = 300;
/// How often it is looked whether drivers get on.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a kernel that is stuck has to say what its tasks do.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How many lines of the log are shown.
const LOG_LINES: usize = 80;
/// Pids come round soon.
const PID_MAX: i32 = 1024;
const THREADS_MAX: u32 = 200;

/// A kernel and what is done with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    number: u64,
    cpus: u32,
    clock: Clock,
    lockdep: bool,
    fault: Option<Fault>,
    patience: Duration,
    seed: u64,
}

/// What a leg came to.
pub(crate) struct Sum {
    rounds: u64,
    operations: u64,
    bytes: usize,
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Leg { number, cpus, clock, lockdep, .. } = self;
        write!(f, "kernel {number}: {cpus} CPUs, clock {clock:?}, lockdep {lockdep}")
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sum { rounds, operations, bytes } = self;
        write!(f, "{rounds} rounds, {operations} operations, {} KiB at rest", bytes / 1024)
    }
}

impl Leg {
    /// The leg with that number: kinds of kernels take turns.
    pub(crate) fn new(number: u64, arguments: &Arguments, seed: u64) -> Leg {
        let cpus = arguments.cpus.unwrap_or([1, 2, 4][number as usize % 3]);
        let clock = if number.is_multiple_of(2) { Clock::FastForward } else { Clock::Real };
        let lockdep = (number / 2).is_multiple_of(2);
        let patience = Duration::from_secs(arguments.patience);
        Leg { number, cpus, clock, lockdep, fault: arguments.fault, patience, seed }
    }

    fn boot(&self) -> Booted {
        let host = HostConfig { cpus: self.cpus, clock: self.clock, ..HostConfig::default() };
        let lockdep = self.lockdep.then_some(LockLimits::USUAL);
        let config = Config {
            pid_max: PID_MAX,
            threads_max: THREADS_MAX,
            lockdep,
            fault: self.fault,
            // Where time jumps, minutes pass while the host does not come to look.
            hung_task_seconds: if self.clock == Clock::Real { 120 } else { 0 },
            ..Config::default()
        };
        let machine = HostMachine::new(host).expect("a machine");
        Kernel::boot(machine, config).expect("a kernel")
    }

    /// Soaks a kernel until `end`.
    ///
    /// # Errors
    ///
    /// When something that must hold does not: what, and what led to it.
    pub(crate) fn run(&self, modules: &Arc<Modules>, end: Instant) -> Result<Sum, String> {
        let leg = *self;
        let boot = move || {
            let kernel = Arc::new(leg.boot());
            let loader = Arc::new(kernel.enter(ModuleLoader::new));
            let before = kernel.enter(|cx| invariants::settle(cx, None));
            (kernel, loader, before)
        };
        let (kernel, loader, before) = within(self.patience, "the boot", boot)?;
        let before = before.map_err(|wrong| format!("at the beginning: {}", wrong.join("\n")))?;
        let mut dice = Dice::new(self.seed);
        let mut sum = Sum { rounds: 0, operations: 0, bytes: 0 };
        while sum.rounds == 0 || Instant::now() < end {
            let round = Round { leg: self, kernel: &kernel, loader: &loader, modules, before };
            sum.operations += round.run(&mut dice)?;
            sum.bytes = memory::allocated();
            sum.rounds += 1;
        }
        Ok(sum)
    }
}

/// Drivers at work, and a look at what they have left.
struct Round<'a> {
    leg: &'a Leg,
    kernel: &'a Arc<Booted>,
    loader: &'a Arc<ModuleLoader>,
    modules: &'a Arc<Modules>,
    before: Books,
}

type Drove = JoinHandle<Result<(), EnterError>>;

impl Round<'_> {
    /// Runs; returns how many operations were done.
    fn run(&self, dice: &mut Dice) -> Result<u64, String> {
        let drivers = self.leg.cpus as usize + 1;
        let journal = Arc::new(Journal::new(drivers));
        let (kernel, theirs) = (self.kernel.clone(), journal.clone());
        let share = move || kernel.enter(|cx| Arc::new(Shared::new(cx, theirs)));
        let shared = within(self.leg.patience, "the beginning of a round", share)?;
        let start = |number| self.start(number, &shared, Dice::new(dice.next()));
        let drivers: Vec<Drove> = (0..drivers).map(start).collect();
        while drivers.iter().any(|driver| !driver.is_finished()) {
            thread::sleep(LOOK_EVERY);
            let stuck = journal.stuck(self.leg.patience);
            let wrong: Vec<String> = journal.violations().into_iter().chain(stuck).collect();
            if !wrong.is_empty() {
                return Err(self.failure(&journal, &wrong));
            }
        }
        let mut wrong = journal.violations();
        for driver in drivers {
            match driver.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => wrong.push(format!("a driver died: {error}")),
                Err(_) => wrong.push("a driver's host thread panicked".to_owned()),
            }
        }
        if wrong.is_empty() {
            wrong = self.clean_up(shared);
        }
        if wrong.is_empty() { Ok(journal.count()) } else { Err(self.failure(&journal, &wrong)) }
    }

    /// Starts a driver: a host thread that runs in the kernel.
    fn start(&self, number: usize, shared: &Arc<Shared>, dice: Dice) -> Drove {
        let (kernel, shared) = (self.kernel.clone(), shared.clone());
        let (modules, loader) = (self.modules.clone(), self.loader.clone());
        thread::spawn(move || {
            let tools = Tools { shared, modules, loader };
            kernel.try_enter_as("driver", |cx| {
                Driver::new(cx, number, &tools, dice).drive(OPERATIONS);
            })
        })
    }

    /// Unloads all modules and looks whether all is as before.
    fn clean_up(&self, shared: Arc<Shared>) -> Vec<String> {
        let (kernel, modules) = (self.kernel.clone(), self.modules.clone());
        let (loader, before) = (self.loader.clone(), self.before);
        let clean = move || {
            kernel.try_enter_as("cleaner", |cx| {
                let mut wrong = Vec::new();
                wrong.extend(modules.rmmod_all(cx, &loader).err());
                match Arc::try_unwrap(shared) {
                    Ok(shared) => wrong.extend(end(cx, shared, before)),
                    Err(_) => wrong.push("a thread has not let go of what it shares".to_owned()),
                }
                wrong
            })
        };
        match within(self.leg.patience, "the clean-up", clean) {
            Ok(Ok(wrong)) => wrong,
            Ok(Err(error)) => vec![format!("the clean-up died: {error}")],
            Err(stuck) => vec![stuck],
        }
    }

    /// What is wrong, what led to it, and how the kernel is.
    fn failure(&self, journal: &Arc<Journal>, wrong: &[String]) -> String {
        let mut text = String::from("soak: VIOLATED:\n");
        wrong.iter().for_each(|wrong| text += &format!("  {wrong}\n"));
        text += &format!("the last operations:\n{}", journal.tail());
        text += &format!("the end of the log:\n{}", invariants::log_tail(self.kernel, LOG_LINES));
        // A kernel that is stuck may not answer.
        let kernel = self.kernel.clone();
        let show = move || kernel.try_enter_as("last_words", |cx| cx.kernel.show_tasks(cx)).is_ok();
        match within(LAST_WORDS, "the last look", show) {
            Ok(true) => text += &invariants::log_tail(self.kernel, usize::MAX),
            _ => text += "(the kernel does not answer)\n",
        }
        text
    }
}

/// Does something on a host thread of its own, and waits for it for so long.
fn within<R: Send + 'static>(
    patience: Duration,
    what: &str,
    act: impl FnOnce() -> R + Send + 'static,
) -> Result<R, String> {
    let (sender, result) = channel();
    thread::spawn(move || sender.send(act()));
    result.recv_timeout(patience).map_err(|_| format!("{what} has not ended for {patience:?}"))
}

/// Ends what was shared. In the kernel.
fn end(cx: &kthreads_kernel::Cx<'_>, mut shared: Shared, before: Books) -> Vec<String> {
    let destroyed = shared.take_bench().map_or(Ok(()), |bench| bench.destroy(cx));
    let mut wrong = Vec::from_iter(destroyed.err());
    wrong.extend(invariants::at_rest(cx, &shared, before));
    wrong
}
