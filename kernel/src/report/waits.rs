//! What a task waits for, and who could end its wait.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use crate::Kernel;
use crate::backtrace::{Origin, Trace};
use crate::task::Task;
use crate::task::state::{TASK_NEW, TASK_PARKED, state_letter};
use crate::wait::Awaited;

/// How many tasks are named that could end a wait.
const MOST_NAMED: usize = 4;

/// A sentence about a task's state.
struct Doing<'a>(&'a Kernel, &'a Task);

impl core::fmt::Display for Doing<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Doing(kernel, task) = *self;
        let (comm, pid) = (task.comm(), task.pid());
        let exit_state = task.head.exit_state.load(Ordering::Relaxed);
        let (_, state) = state_letter(task.state(), exit_state);
        write!(f, "{comm} (pid {pid}, {state}")?;
        match kernel.wait_channel(task) {
            Some(place) => write!(f, " in {place})"),
            None => f.write_str(")"),
        }
    }
}

impl Kernel {
    /// Says in lines what a sleeping task waits for and who could end that.
    pub(crate) fn explain_wait(&self, task: &Task, trace: Option<&Trace>) -> Vec<String> {
        let comm = task.comm();
        let place = trace.and_then(|trace| self.describe_innermost(trace));
        let place = place.map_or_else(String::new, |place| format!(", at {place}"));
        let mut lines = Vec::new();
        match (self.special_wait(task), task.awaits()) {
            (Some((what, other)), _) => {
                lines.push(format!("{comm} waits {what}{place}"));
                lines.extend(other.map(|other| format!("that is up to {}", Doing(self, other))));
            }
            (None, Some((kind, address))) => {
                let (kind_name, name) = (kind.name(), self.object_name(address));
                lines.push(format!("{comm} waits for {kind_name} {name}{place}"));
                self.explain_wakers(kind, address, &mut lines);
            }
            (None, None) => lines.push(format!("{comm} waits for a wake-up{place}")),
        }
        lines
    }

    /// What a task waits for inside one of the kernel's own functions, and for whom.
    fn special_wait(&self, task: &Task) -> Option<(String, Option<&Task>)> {
        if task.state() == TASK_NEW || self.is_not_started(task) {
            return Some(("to be started: nobody has called wake_up_process".to_string(), None));
        }
        if task.state() & TASK_PARKED != 0 {
            return Some(("parked, for kthread_unpark".to_string(), None));
        }
        let function = self.named_wait_function(task)?;
        if let Some((Awaited::Completion, address)) = task.awaits() {
            let owner = self.tasks.iter().find(|other| other.kthread.owns(address));
            if let Some(owner) = owner {
                let (comm, pid) = (owner.comm(), owner.pid());
                return Some((format!("in {function} for {comm} (pid {pid})"), Some(owner)));
            }
        }
        let sleeps = function.starts_with("msleep");
        Some((format!("in {function}"), None)).filter(|_| sleeps || task.awaits().is_none())
    }

    fn explain_wakers(&self, kind: Awaited, address: usize, lines: &mut Vec<String>) {
        let verb = match kind {
            Awaited::Mutex => "it is held by",
            Awaited::Semaphore => "it was taken, and not given back, by",
            Awaited::Completion | Awaited::Queue => "",
        };
        let before = lines.len();
        for task in self.holders_of(address).take(MOST_NAMED).filter(|_| !verb.is_empty()) {
            let taken = task.head.held.iter().find(|held| held.address == address);
            let place = taken.and_then(|held| self.describe_call(held.taken_at));
            let place =
                place.map_or_else(String::new, |place| format!(", which took it at {place}"));
            lines.push(format!("{verb} {}{place}", Doing(self, task)));
        }
        if kind == Awaited::Mutex && lines.len() == before {
            lines.push("no live thread holds it: who did has ended".to_string());
        }
        if kind == Awaited::Mutex {
            return;
        }
        match self.waits.last_waker(address).map(|pid| (pid, self.find_task(pid))) {
            Some((_, Some(task))) => {
                lines.push(format!("the last to wake through it was {}", Doing(self, task)));
            }
            Some((pid, None)) => {
                lines.push(format!("the last to wake through it was pid {pid}, which has ended"));
            }
            None => lines.push("nobody has woken through it lately".to_string()),
        }
    }

    /// The trace of a task that does not run.
    pub(crate) fn trace_of(&self, task: &Task) -> Option<Trace> {
        Origin::of_resting(task).map(|origin| self.trace_from(&origin))
    }
}
