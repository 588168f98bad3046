//! Runs modules with the command.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::machine::Trial;
use crate::matrix::each;
use crate::{Machine, Module, Role, root};

/// After so many seconds a run that does not end has failed.
const PATIENCE_SECONDS: &str = "120";

/// How many modules are built at a time.
const BUILT_AT_A_TIME: usize = 2;

/// What tells of a mistake in a log that is to be silent.
const COMPLAINTS: [&str; 5] = ["kthreads: ", "BUG", "WARNING", "Oops", "------------[ cut here ]"];

/// A machine with the modules to run on it.
pub struct Bench {
    command: PathBuf,
    machine: Machine,
    modules: Vec<Module>,
    /// What `kthreads build` made of them, if the machine takes that.
    built: HashMap<String, PathBuf>,
    /// Where that lies until this is dropped.
    _folder: TempDir,
}

/// What a run of the command came to.
struct Run {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Bench {
    /// Builds the modules for the machine with the command `kthreads` that lies at this path.
    pub fn new(command: &Path, machine: Machine, modules: Vec<Module>) -> Result<Bench, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("a folder: {error}"))?;
        let mut modules = modules;
        modules.retain(|module| machine.takes(module));
        let mut built = HashMap::new();
        if machine.takes_objects() {
            let build = |module: &Module| build(command, module, folder.path());
            for (module, result) in modules.iter().zip(each(&modules, BUILT_AT_A_TIME, build)) {
                built.insert(module.source(), result?);
            }
        }
        Ok(Bench { command: command.to_owned(), machine, modules, built, _folder: folder })
    }

    /// The machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The modules for which there is something to see on the machine.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Runs a module on so many CPUs; an error says what is not as expected.
    pub fn run(&self, module: &Module, cpus: u32) -> Result<(), String> {
        let source = module.source();
        let file = self.built.get(&source).cloned().unwrap_or_else(|| PathBuf::from(source));
        let trials = self.machine.trials(module, &file, cpus);
        trials.iter().try_for_each(|trial| self.attempt(module, trial))
    }

    fn attempt(&self, module: &Module, trial: &Trial) -> Result<(), String> {
        let run = self.start(trial.words.iter())?;
        let verdict = match (module.role(), &self.machine) {
            (Role::Bug, Machine::Sim(_)) => {
                run.shows(trial, run.out.lines(), 1).and_then(|()| self.replay(trial, &run))
            }
            (Role::Bug, _) => run.shows(trial, run.log(), 1),
            (_, Machine::Sim(_)) => run.is_clean(),
            _ => run.is_silent(trial),
        };
        verdict.map_err(|what| {
            format!("{what}\n  kthreads {}: {}", trial.words.join(" "), run.describe())
        })
    }

    /// Does one of its replay strings show again what was to be found? Other things may have been
    /// found besides, each with a string of its own.
    fn replay(&self, trial: &Trial, found: &Run) -> Result<(), String> {
        let mut missed = Err("there is no replay string".to_owned());
        for string in found.out.lines().filter_map(|line| line.strip_prefix("replay string: ")) {
            let words = ["replay", string].into_iter();
            let again = self.start(words.chain(trial.replay.iter().map(String::as_str)))?;
            let shown = trial.expectation.first().check(again.out.lines());
            if again.status == Some(1) && shown.is_ok() {
                return Ok(());
            }
            missed = Err(format!("{string} does not show it again: {}", again.describe()));
        }
        missed
    }

    fn start(&self, words: impl Iterator<Item: AsRef<OsStr>>) -> Result<Run, String> {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", PATIENCE_SECONDS]).arg(&self.command).args(words);
        Run::of(command.current_dir(root()).stdin(Stdio::null()).env_remove("CC"))
    }
}

/// Builds a module in a folder.
fn build(command: &Path, module: &Module, folder: &Path) -> Result<PathBuf, String> {
    let object = folder.join(format!("{}.ko", module.name()));
    let mut build = Command::new(command);
    build.arg("build").arg(module.source()).arg("-o").arg(&object).current_dir(root());
    let run = Run::of(build.env_remove("CC"))?;
    match run.status {
        Some(0) => Ok(object),
        _ => Err(format!("{} does not build: {}", module.source(), run.describe())),
    }
}

impl Run {
    fn of(command: &mut Command) -> Result<Run, String> {
        let output = command.output().map_err(|error| format!("cannot be run: {error}"))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Run { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) })
    }

    /// The lines of the log, without their time stamps.
    fn log(&self) -> impl Iterator<Item = &str> {
        self.out.lines().filter_map(without_stamp)
    }

    fn describe(&self) -> String {
        format!("status {:?}\n--- out\n{}--- err\n{}", self.status, self.out, self.err)
    }

    /// Does it show what is expected, and end with this status?
    fn shows<'a>(
        &self,
        trial: &Trial,
        lines: impl Iterator<Item = &'a str>,
        status: i32,
    ) -> Result<(), String> {
        let shown = trial.expectation.check(lines);
        shown.map_err(|miss| format!("the last of these lines is missing:\n{miss}"))?;
        self.ends_with_status(status)
    }

    /// Does it say nothing of a mistake beside what is expected, and leave nothing behind?
    fn is_silent(&self, trial: &Trial) -> Result<(), String> {
        self.shows(trial, self.log(), 0)?;
        let is_complaint = |line: &&str| {
            COMPLAINTS.iter().any(|word| line.contains(word)) && !trial.expectation.has(line)
        };
        if let Some(line) = self.log().find(is_complaint) {
            return Err(format!("it must be silent:\n  + {line}"));
        }
        match self.out.ends_with("kthreads: nothing is left behind\n") {
            true => Ok(()),
            false => Err("it must leave nothing behind".to_owned()),
        }
    }

    /// Was nothing found?
    fn is_clean(&self) -> Result<(), String> {
        self.ends_with_status(0)?;
        match self.out.contains(" 0 bugs") {
            true => Ok(()),
            false => Err("nothing may be found".to_owned()),
        }
    }

    fn ends_with_status(&self, status: i32) -> Result<(), String> {
        match self.status == Some(status) {
            true => Ok(()),
            false => Err(format!("it must end with status {status}")),
        }
    }
}

/// Takes `[    1.234567] ` from a line of the log; other lines are not of the log.
fn without_stamp(line: &str) -> Option<&str> {
    let (stamp, text) = line.strip_prefix('[')?.split_once("] ")?;
    let (seconds, micros) = stamp.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_stamp = digits(seconds.trim_start()) && digits(micros) && micros.len() == 6;
    is_stamp.then_some(text)
}
