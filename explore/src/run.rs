//! One schedule.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kthreads_base::Nanos;
use kthreads_kernel::log::{LOG_LINE_MAX, Read, Reader};
use kthreads_kernel::{Cx, Kernel};
use kthreads_sim::{Chooser, InOrder, Reaction, SimMachine, Stuck};

use crate::anchor::{Anchored, Places};
use crate::choices::Choices;
use crate::config::{Config, FailPlan, Reports};
use crate::finding::{Finding, Kind};
use crate::quiet;
use crate::races::Races;
use crate::recorder::Recorder;
use crate::reported::reported;
use crate::room::{Prepared, Resident, Room};
use crate::story::Story;
use crate::strategy::Strategy;
use crate::stuck::{Running, Sleeps, explain};

/// How often it is looked whether a task hangs.
const LOOK_EVERY: Nanos = Nanos(10 * Nanos::SECOND.0);
/// How many steps finding out why a schedule does not go on may take.
const STEPS_TO_END: u64 = 50_000;

/// What is done with a freshly booted kernel.
pub trait Scenario: Sync {
    /// Makes what every schedule needs of a kernel, once after its boot: all schedules find it as it
    /// is then.
    fn prepare(&self, cx: &Cx<'_>) -> Prepared {
        let _ = cx;
        Box::new(())
    }

    /// Does it, with what was prepared. What it panics with is a finding.
    fn run(&self, kernel: &Kernel, prepared: &Prepared);

    /// Whether accesses of memory are told, so that races can be found.
    fn tells_accesses(&self) -> bool {
        false
    }

    /// Names a place in a module: function, file and line.
    fn place(&self, address: usize) -> Option<String> {
        let _ = address;
        None
    }

    /// Names a variable.
    fn variable(&self, address: usize) -> Option<String> {
        let _ = address;
        None
    }
}

impl<F: Fn(&Kernel) + Sync> Scenario for F {
    fn run(&self, kernel: &Kernel, _: &Prepared) {
        self(kernel);
    }
}

/// What is written down of a schedule besides what was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Its story.
    Story,
    /// Where each choice was made.
    Places,
    /// Nothing.
    Nothing,
}

/// What came of one schedule.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What was found; empty if all was well.
    pub findings: Vec<Finding>,
    /// What was chosen.
    pub choices: Choices,
    /// The same, by where it was chosen, if that was to be told.
    pub(crate) anchored: Vec<Anchored>,
    /// Differs for schedules that differ.
    pub hash: u64,
    /// How many steps it had.
    pub steps: u64,
    /// How many allocations and creations of threads could have failed.
    pub fails_seen: u32,
    /// Whether code that came to no point had to be forced, so that it cannot be repeated.
    pub was_forced: bool,
    /// How many choices could not be made as they were to be: of a replay only.
    pub misfits: u32,
    /// What happened, if it was to be told.
    pub story: Option<Story>,
    /// The kernel's log.
    pub log: Vec<String>,
}

/// What the machine's hook and the runner share.
#[derive(Default)]
struct Watch {
    kernel: Option<Arc<Kernel>>,
    recorder: Option<Box<dyn Chooser>>,
    finding: Option<Finding>,
    sleeps: Sleeps,
}

fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a scenario under one schedule, in the scenario's room; gives the strategy back.
pub fn run_schedule(
    config: &Config,
    strategy: Box<dyn Strategy>,
    seed: u64,
    scenario: &dyn Scenario,
    telling: Telling,
    room: &mut Room,
) -> (Ran, Box<dyn Strategy>) {
    let fail = if strategy.decides_failures() { FailPlan::None } else { config.fail };
    let mut recorder = Recorder::new(strategy, fail, seed);
    recorder.story = (telling == Telling::Story).then(Story::default);
    recorder.places = (telling == Telling::Places).then(Places::default);
    let races = if telling == Telling::Story { Races::with_traces } else { Races::default };
    recorder.races = scenario.tells_accesses().then(races);
    let resident = room.enter(config, scenario);
    let (kernel, machine) = (&resident.kernel, &resident.machine);
    let watch = Arc::new(Mutex::new(Watch::default()));
    lock(&watch).kernel = Some(kernel.share());
    // The boot is the same in all schedules.
    machine.replace_chooser(Box::new(recorder));
    machine.set_counts_points(telling == Telling::Places);
    machine.set_steps_left(config.step_limit);
    machine.set_look_every(LOOK_EVERY);
    machine.set_on_stuck(Some(hook(watch.clone(), config.hung_after())));
    let before = machine.steps();
    let panicked = quiet::catch(|| scenario.run(kernel, &resident.prepared)).err();
    let (mut ran, strategy) = finish(&resident, &watch, panicked, scenario, config.reports);
    ran.steps -= before;
    room.leave(resident);
    (ran, strategy)
}

/// Says what came of a schedule.
fn finish(
    resident: &Resident,
    watch: &Mutex<Watch>,
    panicked: Option<String>,
    scenario: &dyn Scenario,
    reports: Reports,
) -> (Ran, Box<dyn Strategy>) {
    let (kernel, machine) = (&resident.kernel, &resident.machine);
    machine.set_on_stuck(None);
    let steps = machine.steps();
    let chooser = machine.replace_chooser(Box::new(InOrder));
    let mut watch = lock(watch);
    let chooser: Box<dyn Any> = watch.recorder.take().unwrap_or(chooser);
    watch.kernel = None;
    let mut recorder = match chooser.downcast::<Recorder>() {
        Ok(recorder) => *recorder,
        Err(_) => unreachable!("the recorder is put back"),
    };
    let log = read_log(kernel);
    let mut findings = Vec::new();
    if let Some(races) = recorder.races.take() {
        findings.extend(races.findings(scenario));
    }
    findings.extend(std::mem::take(&mut recorder.freed).findings(scenario));
    let stopped = watch.finding.take();
    if kernel.bug_count() > 0 && reports == Reports::Fail {
        findings.extend(reported(&log));
    }
    if stopped.is_some() {
        // That tells of tasks that hang, too.
        findings.retain(|finding| finding.kind != Kind::HungTask);
    }
    match (stopped, panicked) {
        (Some(finding), _) => findings.push(finding),
        // A thread that dies of a report takes the scenario with it.
        (None, Some(_)) if !findings.is_empty() => {}
        (None, Some(message)) => findings.push(Finding::new(Kind::Panic, message)),
        (None, None) => {}
    }
    let ran = Ran {
        findings,
        choices: std::mem::take(&mut recorder.choices),
        anchored: std::mem::take(&mut recorder.anchored),
        hash: recorder.hash,
        steps,
        fails_seen: recorder.fails_seen,
        was_forced: machine.was_forced(),
        misfits: recorder.misfits(),
        story: recorder.story.take(),
        log: log.into_iter().map(|(_, line)| line).collect(),
    };
    (ran, recorder.into_strategy())
}

/// What is done when the machine is stuck, or when it is time to look.
fn hook(watch: Arc<Mutex<Watch>>, hung_after: Nanos) -> kthreads_sim::OnStuck {
    Box::new(move |machine, stuck| {
        let Some(kernel) = lock(&watch).kernel.clone() else { return Reaction::Abandon };
        if lock(&watch).finding.is_some() {
            return Reaction::Abandon;
        }
        let now = kthreads_base::Machine::now(machine);
        let kind = match stuck {
            Stuck::Deadlock => Kind::Deadlock,
            Stuck::StepLimit => Kind::BusyLoop,
            Stuck::Look if lock(&watch).sleeps.look(&kernel, now, hung_after) => Kind::HungTask,
            Stuck::Look => return Reaction::Retry,
        };
        stop(machine, &kernel, &watch, kind);
        Reaction::Retry
    })
}

/// Notes why a schedule is stopped, and stops its kernel.
fn stop(machine: &SimMachine, kernel: &Arc<Kernel>, watch: &Mutex<Watch>, kind: Kind) {
    let recorder = machine.replace_chooser(Box::new(InOrder));
    let known: &dyn Any = &*recorder;
    let wakes = known.downcast_ref::<Recorder>().map(|recorder| recorder.idle_wakes.clone());
    lock(watch).recorder = Some(recorder);
    let running = Running::on(machine);
    machine.set_steps_left(STEPS_TO_END);
    let wakes = wakes.unwrap_or_default();
    let finding = kernel.try_enter_as("explorer", |cx| explain(cx, kind, &wakes, &running));
    // Where not even that goes on, CPUs spin for each other.
    let livelock = |_| Finding::new(Kind::Livelock, "every CPU spins for another".to_owned());
    // What was written in the kernel goes with it.
    lock(watch).finding = Some(finding.unwrap_or_else(livelock).copy());
    machine.set_steps_left(STEPS_TO_END);
    kernel.halt();
}

/// The lines of a kernel's log, with when they were written.
fn read_log(kernel: &Kernel) -> Vec<(Nanos, String)> {
    let ring = kernel.log_ring();
    let mut reader = Reader::from_oldest(ring);
    let mut buffer = Box::new([0; LOG_LINE_MAX]);
    let mut lines = Vec::new();
    loop {
        match reader.read(ring, &mut buffer) {
            Read::Record { text, info, .. } => {
                lines.push((info.time, String::from_utf8_lossy(text).into_owned()));
            }
            Read::Dropped(_) => {}
            Read::Nothing => return lines,
        }
    }
}
