//! `kthreads run`.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kthreads_base::Nanos;
use kthreads_kernel::Cx;
use kthreads_kernel::signal::{SIGKILL, Sender, Target};
use kthreads_kernel::task::state::{TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::task::{Spawn, Start, Task, TaskId};
use kthreads_shell::syntax::{self, Script};
use kthreads_shell::{Ended, Stream};

use crate::args::{Debugger, RunCommand, ScriptSource};
use crate::interrupts::Interrupts;
use crate::objects::Prepared;
use crate::session::Session;
use crate::summary::summary;
use crate::{gdb, lockup, objects, parameters, status, supervisor};

/// What ends a script whose time is over, as timeout(1) does.
const SIGTERM: u32 = 15;

/// How long a task that is to end gets before it is looked at again.
const BREATH: Nanos = Nanos::from_millis(1);

/// Does `kthreads run`; returns the exit status.
pub(crate) fn run(command: &RunCommand) -> u8 {
    if command.debugger == Debugger::Start {
        return gdb::start();
    }
    let script = match command.script.as_ref().map(read_script).transpose() {
        Ok(script) => script,
        Err(error) => {
            eprintln!("kthreads: {error}");
            return status::USAGE;
        }
    };
    let modules = match objects::prepare(&command.machine.modules) {
        Ok(modules) => modules,
        Err(error) => {
            eprintln!("kthreads: {error}");
            return status::NOT_LOADED;
        }
    };
    if let Err(error) = parameters::check(&modules) {
        eprintln!("kthreads: {error}");
        return status::USAGE;
    }
    let plan = Plan { script, limit: command.limit.map(nanos) };
    let run = || run_kernel(command, modules, &plan);
    match command.debugger {
        Debugger::None => supervisor::run(run),
        Debugger::Start | Debugger::Announce => run(),
    }
}

/// Runs a kernel from its boot to its end; returns the exit status.
fn run_kernel(command: &RunCommand, modules: Vec<Prepared>, plan: &Plan) -> u8 {
    let (session, hold) = match Session::start(&command.machine, command.log, modules) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("kthreads: {error}");
            return status::NOT_LOADED;
        }
    };
    if command.debugger == Debugger::None {
        lockup::watch(&session, command.machine.hung_task_seconds);
    }
    if command.debugger == Debugger::Announce {
        session.kernel.enter(|_| session.host.loader.watch(gdb::announcer()));
    }
    let interrupts = Interrupts::watch(&session);
    let me = session.clone();
    // One task does it all: between two of them time could jump.
    let whole = |cx: &Cx<'_>| plan.carry_out(&me, &interrupts, cx);
    let status = session.kernel.enter_holding("sh", hold, whole).unwrap_or_else(|error| {
        session.died(&error);
        status::BUG
    });
    session.console.close(&session.kernel);
    status
}

fn nanos(span: Duration) -> Nanos {
    Nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

fn read_script(source: &ScriptSource) -> Result<Script, String> {
    match source {
        ScriptSource::Text(text) => {
            syntax::parse(text).map_err(|error| format!("the script is wrong: {error}"))
        }
        ScriptSource::File(path) => {
            let text = fs::read_to_string(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            syntax::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
        }
    }
}

/// What a run is to do between loading and unloading.
struct Plan {
    script: Option<Script>,
    limit: Option<Nanos>,
}

impl Plan {
    /// Loads, runs, unloads, sums up; returns the exit status. In the kernel.
    fn carry_out(&self, session: &Arc<Session>, interrupts: &Interrupts, cx: &Cx<'_>) -> u8 {
        if session.load(cx).is_ok() {
            self.run(session, cx);
        }
        // What has come too late for the script must not disturb the unloading.
        let _ = session.shell.take_signal(cx);
        session.shell.signal_jobs(cx, SIGTERM);
        session.unload(cx);
        if interrupts.happened() {
            session.call_for(status::INTERRUPTED);
        }
        cx.kernel.finish_log();
        session.console.write(Stream::Output, &summary(session, cx));
        session.status(cx)
    }

    fn run(&self, session: &Arc<Session>, cx: &Cx<'_>) {
        let Some(script) = &self.script else { return session.wait(cx, self.limit) };
        let timeout = self.limit.and_then(|limit| start_timeout(session, cx, limit));
        let ended = match session.shell.run(cx, script) {
            Ended::Finished => session.shell.wait_for_jobs(cx),
            ended => ended,
        };
        if let Some(task) = timeout {
            end_timeout(cx, task);
        }
        if let Ended::Exit(code) = ended {
            session.call_for(code as u8);
        }
    }
}

/// Ends the task that [`start_timeout`] started, and waits until it has: it is not to be counted
/// with what the modules leave behind.
fn end_timeout(cx: &Cx<'_>, task: TaskId) {
    if let Some(task) = cx.kernel.task_by_id(task) {
        // It may have ended just now.
        let _ = cx.kernel.send_signal(task, SIGKILL, Sender::User, Target::Process);
    }
    let is_alive = |task: &Task| task.head.exit_state.load(Ordering::Relaxed) == 0;
    while cx.kernel.task_by_id(task).is_some_and(is_alive) {
        cx.kernel.sleep_until(cx, cx.kernel.uptime() + BREATH, TASK_UNINTERRUPTIBLE);
    }
}

/// Starts the task that ends the script when its time is over.
fn start_timeout(session: &Arc<Session>, cx: &Cx<'_>, limit: Nanos) -> Option<TaskId> {
    let (me, deadline) = (session.clone(), cx.kernel.uptime() + limit);
    let body = Box::new(move |cx: &Cx<'_>| {
        if cx.kernel.sleep_until(cx, deadline, TASK_INTERRUPTIBLE) {
            me.shell.signal_script(cx, SIGTERM);
        }
        0
    });
    let parent = cx.task.get_ref();
    let spawn = Spawn { name: "timeout", start: Start::Body(body), parent, flags: 0, done: None };
    match cx.kernel.spawn(spawn) {
        Ok(task) => {
            let id = task.id();
            cx.kernel.wake_up_new_task(task);
            Some(id)
        }
        Err(errno) => {
            session.tell(&format!("--for has no effect: {errno}"));
            None
        }
    }
}
