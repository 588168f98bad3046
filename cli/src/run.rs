//! `kthreads run`.

use std::fs;
use std::time::Duration;

use kthreads_base::Nanos;
use kthreads_session::{Plan, Prepared, wrong_script};
use kthreads_shell::syntax::{self, Script};

use crate::args::{Debugger, RunCommand, ScriptSource};
use crate::{gdb, interrupts, lockup, objects, parameters, session, status, supervisor};

/// Does `kthreads run`; returns the exit status.
pub(crate) fn run(command: &RunCommand) -> u8 {
    if command.debugger == Debugger::Start {
        return gdb::start();
    }
    let script = match command.script.as_ref().map(read_script).transpose() {
        Ok(script) => script.map(|script| script.parsed),
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
    let (session, hold) = match session::start(&command.machine, command.show, modules) {
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
        session.kernel.enter(|_| session.loader().watch(gdb::announcer()));
    }
    interrupts::watch(&session);
    let status = plan.run(&session, hold);
    session.outside.console.close(&session.kernel);
    status
}

/// A span as the kernel counts it.
pub(crate) fn nanos(span: Duration) -> Nanos {
    Nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

/// A script that can be run.
pub(crate) struct ReadScript {
    /// As it was written.
    pub(crate) text: String,
    /// What it means.
    pub(crate) parsed: Script,
}

/// Reads a script and finds what is wrong with it.
pub(crate) fn read_script(source: &ScriptSource) -> Result<ReadScript, String> {
    let (text, parsed) = match source {
        ScriptSource::Text(text) => {
            (text.clone(), syntax::parse(text).map_err(|error| wrong_script(&error))?)
        }
        ScriptSource::File(path) => {
            let text = fs::read_to_string(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let parsed =
                syntax::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            (text, parsed)
        }
    };
    Ok(ReadScript { text, parsed })
}
