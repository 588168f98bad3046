//! What is looked at when a schedule does not go on: who sleeps, where, and since when.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::Ordering;

use kthreads_base::Nanos;
use kthreads_base::frames::Place;
use kthreads_kernel::task::Task;
use kthreads_kernel::task::state::*;
use kthreads_kernel::{Cx, Kernel};
use kthreads_sim::SimMachine;

use crate::finding::{Finding, Kind};
use crate::recorder::IdleWake;
use crate::story::calls_from_modules;

/// Since when tasks have been in one sleep, by slot index: how often they had switched, and when
/// that was seen first.
#[derive(Default)]
pub(crate) struct Sleeps(HashMap<u32, (u64, Nanos)>);

impl Sleeps {
    /// Looks at all tasks; whether one has slept uninterruptibly for longer than `limit`.
    pub(crate) fn look(&mut self, kernel: &Kernel, now: Nanos, limit: Nanos) -> bool {
        let mut is_hung = false;
        let mut seen = HashMap::new();
        for task in kernel.all_tasks().into_iter().filter(|task| sleeps_deaf(task)) {
            let switches =
                task.head.nvcsw.load(Ordering::Relaxed) + task.head.nivcsw.load(Ordering::Relaxed);
            let since = match self.0.get(&task.index()) {
                Some((before, since)) if *before == switches => *since,
                _ => now,
            };
            is_hung |= now - since >= limit;
            seen.insert(task.index(), (switches, since));
        }
        self.0 = seen;
        is_hung
    }
}

/// Whether a task is in a sleep that the hung-task watchdog minds.
fn sleeps_deaf(task: &Task) -> bool {
    let state = task.state();
    state & TASK_UNINTERRUPTIBLE != 0 && state & (TASK_NOLOAD | TASK_WAKEKILL) == 0
}

/// Who sleeps and was to be woken just before it fell asleep. Who waits for a lock or a completion
/// looks at that before it sleeps, so nothing is lost there: a wake-up before was for something else.
fn lost<'w>(task: &Task, wakes: &'w [(u32, IdleWake)]) -> Option<&'w IdleWake> {
    let state = task.state();
    let is_asleep = state != TASK_RUNNING && state & (TASK_DEAD | TASK_NEW) == 0;
    let wake = wakes.iter().find(|(known, _)| *known == task.index());
    wake.map(|(_, wake)| wake).filter(|_| is_asleep && task.waits_for().is_none())
}

/// Where the threads that CPUs run are in modules, by slot index: the innermost call there. They go
/// on while this is told, so that it must be looked up before.
pub(crate) struct Running(Vec<(u32, usize)>);

impl Running {
    /// On a machine that stands still.
    pub(crate) fn on(machine: &SimMachine) -> Running {
        let places = machine.places().into_iter();
        Running(places.filter_map(|(thread, place)| Some((thread, innermost(place)?))).collect())
    }

    fn call_of(&self, task: &Task) -> Option<usize> {
        let known = self.0.iter().find(|(thread, _)| *thread == task.index());
        known.map(|(_, call)| *call)
    }
}

/// The innermost call from a module at a place.
fn innermost(place: Place) -> Option<usize> {
    let mut call = None;
    calls_from_modules(place, |address| call = call.or(Some(address)));
    call
}

/// What there is to look at.
struct Scene<'a> {
    cx: &'a Cx<'a>,
    wakes: &'a [(u32, IdleWake)],
    running: &'a Running,
}

/// Explains why nothing goes on. In the kernel.
pub(crate) fn explain(
    cx: &Cx<'_>,
    kind: Kind,
    wakes: &[(u32, IdleWake)],
    running: &Running,
) -> Finding {
    let scene = Scene { cx, wakes, running };
    let tasks = cx.kernel.all_tasks();
    // What waits as it always does is no part of it.
    let watchdog = cx.kernel.khungtaskd().pid();
    let first = |task: &&Task| ![1, 2, watchdog, cx.task.pid()].contains(&task.pid());
    let tasks: Vec<&Task> = tasks.into_iter().filter(first).collect();
    let missed = tasks.iter().find_map(|task| Some((*task, lost(task, wakes)?)));
    let blocked: Vec<&&Task> =
        tasks.iter().filter(|task| task.state() & (TASK_NORMAL | TASK_PARKED) != 0).collect();
    let place = |task: &Task| scene.where_it_is(task);
    let (mut text, mut key) = (String::new(), None);
    let kind = match (kind, &missed) {
        (Kind::Deadlock | Kind::HungTask, Some((task, _))) => {
            let _ = writeln!(
                text,
                "{} was to be woken before it fell asleep in {}, and sleeps for ever",
                task.comm(),
                place(task)
            );
            Kind::LostWakeup
        }
        (Kind::BusyLoop, _) => {
            let busy: Vec<String> = tasks
                .iter()
                .filter(|task| task.state() == TASK_RUNNING)
                .map(|task| format!("{} in {}", task.comm(), place(task)))
                .collect();
            let _ = writeln!(text, "the schedule does not end: {}", busy.join(", "));
            let busy = tasks.iter().filter(|task| task.state() == TASK_RUNNING);
            key = Some(busy.map(|task| task.comm().to_string()).collect::<Vec<_>>().join(" "));
            Kind::BusyLoop
        }
        _ => {
            let names: Vec<String> = blocked
                .iter()
                .filter(|task| kind != Kind::HungTask || sleeps_deaf(task))
                .map(|task| format!("{} in {}", task.comm(), place(task)))
                .collect();
            let _ = writeln!(text, "{}", names.join(", "));
            kind
        }
    };
    for task in &tasks {
        scene.describe(task, &mut text);
    }
    let finding = Finding::new(kind, text);
    // Where a loop is when it is stopped is chance.
    Finding { key: key.unwrap_or(finding.key), ..finding }
}

impl Scene<'_> {
    fn describe(&self, task: &Task, text: &mut String) {
        let (letter, _) = state_letter(task.state(), 0);
        let place = self.where_it_is(task);
        let _ = write!(text, "    {:<16} pid {:<4} {letter}  {place}", task.comm(), task.pid());
        if let Some(object) = task.waits_for()
            && let Some(name) = self.cx.kernel.name_of(object)
        {
            let _ = write!(text, "  waits for {}", name.as_str());
        }
        if let Some(wake) = lost(task, self.wakes) {
            let seconds = wake.time.0 as f64 / 1e9;
            let _ = write!(text, "  (at {seconds:.6} {} found it awake)", wake.by);
        }
        let _ = writeln!(text);
    }

    /// Where a task is: the function of the kernel it waits in, and the place in a module.
    fn where_it_is(&self, task: &Task) -> String {
        let rests = || innermost(Place::of_resting(&task.head)?);
        let module = self.running.call_of(task).or_else(rests).and_then(|call| self.line_of(call));
        match (self.cx.kernel.wait_channel(task), module) {
            (Some(waits), Some(module)) if !module.starts_with(&waits) => {
                format!("{waits}, {module}")
            }
            (_, Some(module)) => module,
            (Some(waits), None) => waits,
            (None, None) => "the kernel".to_owned(),
        }
    }

    /// The function of a module and its line that a call there is in. What was interrupted at the
    /// first instruction of a function is no call.
    fn line_of(&self, call: usize) -> Option<String> {
        [call.wrapping_sub(1), call].into_iter().find_map(|address| {
            let mut module = None;
            self.cx.kernel.with_symbol_line(address, &mut |symbol| {
                let line = symbol.line.map(|line| format!(" {line}")).unwrap_or_default();
                module = Some(format!("{}{line}", symbol.name));
            });
            module
        })
    }
}
