//! The build driver: from C sources to modules that can be loaded.
//!
//! There is no cache of built modules: the compiler takes a few hundredths of a second for a
//! module, and half of that to read the headers, which finding the right cached one would need.

mod compiler;
mod editor;
mod error;
mod headers;
mod kbuild;
mod plan;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use compiler::Compiler;
pub(crate) use compiler::Instrument;
pub(crate) use editor::{CompileCommand, compile_commands, editor_flags};
pub(crate) use error::BuildError;
use plan::{ModulePlan, Unit};

/// Is something that modules are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// C or assembly sources that make one module together, named after the first.
    Sources(Vec<PathBuf>),
    /// A directory with a Kbuild or Makefile.
    Directory(PathBuf),
    /// A module that is built already.
    Module(PathBuf),
}

impl Target {
    /// Finds out what a path on the command line stands for.
    pub(crate) fn of(path: &Path) -> Result<Self, BuildError> {
        if path.is_dir() {
            return Ok(Target::Directory(path.to_owned()));
        }
        if !path.exists() {
            return Err(BuildError::NotFound(path.to_owned()));
        }
        if path.extension().is_some_and(|extension| extension == "ko") {
            return Ok(Target::Module(path.to_owned()));
        }
        match plan::language(path) {
            Some(_) => Ok(Target::Sources(vec![path.to_owned()])),
            None => Err(BuildError::UnknownKind(path.to_owned())),
        }
    }
}

/// Says where the modules are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// To a directory that lives as long as the [`Build`].
    Temporary,
    /// To this directory, each under its own name.
    Directory(PathBuf),
    /// To this file, which gives the module its name; there must be only one module.
    File(PathBuf),
}

/// Says whether the compiler colours its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// It does: they go to a terminal.
    Always,
    /// It leaves that to its own judgement, which is not to.
    Never,
}

/// Is what to build, where, and how.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What to build, in this order.
    pub(crate) targets: Vec<Target>,
    /// Where to.
    pub(crate) place: Place,
    /// How the compiler's messages look.
    pub(crate) colour: Colour,
    /// What is put into the modules beside their own code.
    pub(crate) instrument: Instrument,
}

/// What the compiler that would be used can put into modules.
pub(crate) fn instrumentation() -> Instrument {
    let cc = std::env::var("CC").ok();
    let compiler = Compiler::find(cc.as_deref(), Colour::Never, Instrument::Accesses);
    let able = compiler.is_ok_and(|compiler| compiler.can_instrument());
    if able { Instrument::Accesses } else { Instrument::Nothing }
}

/// Is the modules that were built. What was built in a temporary directory goes with it.
#[derive(Debug)]
pub(crate) struct Build {
    /// The modules, in the order of the targets.
    pub(crate) modules: Vec<Module>,
    _workspace: Option<tempfile::TempDir>,
}

/// Is a module that is ready to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Module {
    /// The name it is loaded under.
    pub(crate) name: String,
    /// The object file.
    pub(crate) path: PathBuf,
    /// Which of the targets it belongs to: a directory can make several.
    pub(crate) target: usize,
}

/// Builds modules; what the compiler says goes to `messages`, also if all is well.
pub(crate) fn build(request: &Request, messages: &mut dyn Write) -> Result<Build, BuildError> {
    let mut modules = Vec::new();
    let mut jobs = Vec::new();
    let workspace = needs_compiler(request).then(new_workspace).transpose()?;
    for (target_index, target) in request.targets.iter().enumerate() {
        if let Target::Module(path) = target {
            let name = plan::identifier(&plan::stem(path)?);
            modules.push(Module { name, path: path.clone(), target: target_index });
            continue;
        }
        let mut warnings = Vec::new();
        let plans = plan::plan(target, &mut warnings);
        warnings.iter().for_each(|warning| show(messages, warning.as_bytes()));
        for plan in plans? {
            let index = modules.len();
            let folder = workspace.as_ref().map(|dir| dir.path().join(index.to_string()));
            let job = Job::new(plan, &request.place, folder.unwrap_or_default())?;
            let (name, path) = (job.name.clone(), job.output.clone());
            modules.push(Module { name, path, target: target_index });
            jobs.push(job);
        }
    }
    check_outputs(&request.place, &modules)?;
    if !jobs.is_empty() {
        let cc = std::env::var("CC").ok();
        run_jobs(
            &Compiler::find(cc.as_deref(), request.colour, request.instrument)?,
            &jobs,
            messages,
        )?;
    }
    Ok(Build { modules, _workspace: workspace })
}

fn needs_compiler(request: &Request) -> bool {
    request.targets.iter().any(|target| !matches!(target, Target::Module(_)))
}

fn new_workspace() -> Result<tempfile::TempDir, BuildError> {
    tempfile::Builder::new().prefix("kthreads-").tempdir().map_err(BuildError::Workspace)
}

fn check_outputs(place: &Place, modules: &[Module]) -> Result<(), BuildError> {
    if matches!(place, Place::File(_)) && modules.len() > 1 {
        let names = modules.iter().map(|module| module.name.clone()).collect();
        return Err(BuildError::TooManyForOutput(names));
    }
    for (index, module) in modules.iter().enumerate() {
        if modules[..index].iter().any(|other| other.path == module.path)
            && matches!(place, Place::Directory(_))
        {
            return Err(BuildError::SameName(module.name.clone()));
        }
    }
    Ok(())
}

/// Is a module to compile: each unit has its object file, and one becomes the module at once.
struct Job {
    name: String,
    output: PathBuf,
    units: Vec<(Unit, PathBuf)>,
}

impl Job {
    fn new(plan: ModulePlan, place: &Place, folder: PathBuf) -> Result<Self, BuildError> {
        fs::create_dir_all(&folder).map_err(BuildError::Workspace)?;
        let file = format!("{}.ko", plan.stem);
        let output = match place {
            Place::Temporary => folder.join(file),
            Place::Directory(directory) => directory.join(file),
            Place::File(path) => path.clone(),
        };
        let name = plan::identifier(&plan::stem(&output)?);
        let single = plan.units.len() == 1;
        let object = |index: usize| {
            if single { output.clone() } else { folder.join(format!("part{index}.o")) }
        };
        let units = plan.units.into_iter().enumerate().map(|(i, unit)| (unit, object(i))).collect();
        Ok(Job { name, output, units })
    }
}

/// Compiles everything, as many sources at a time as there are cores, then links.
fn run_jobs(compiler: &Compiler, jobs: &[Job], messages: &mut dyn Write) -> Result<(), BuildError> {
    let all: Vec<_> = jobs
        .iter()
        .flat_map(|job| job.units.iter().map(move |(unit, object)| (job, unit, object)))
        .collect();
    let outputs =
        in_parallel(&all, |(job, unit, object)| compiler.compile(unit, &job.name, object));
    let mut failed: Vec<PathBuf> = Vec::new();
    let mut last_status: Option<ExitStatus> = None;
    for ((_, unit, _), output) in all.iter().zip(outputs) {
        let output = output?;
        show_output(messages, &output);
        if !output.status.success() {
            failed.push(unit.source.clone());
            last_status = Some(output.status);
        }
    }
    if let Some(status) = last_status {
        return Err(BuildError::NotCompiled { sources: failed, status });
    }
    jobs.iter().filter(|job| job.units.len() > 1).try_for_each(|job| link(compiler, job, messages))
}

fn link(compiler: &Compiler, job: &Job, messages: &mut dyn Write) -> Result<(), BuildError> {
    let objects: Vec<_> = job.units.iter().map(|(_, object)| object.clone()).collect();
    let output = compiler.link(&objects, &job.output)?;
    show_output(messages, &output);
    if output.status.success() {
        return Ok(());
    }
    Err(BuildError::NotLinked { module: job.name.clone(), status: output.status })
}

fn show_output(messages: &mut dyn Write, output: &Output) {
    show(messages, &output.stdout);
    show(messages, &output.stderr);
}

/// Writes a message. If nobody can read it any more, the build goes on without.
fn show(messages: &mut dyn Write, text: &[u8]) {
    let _ = messages.write_all(text);
}

/// Does something with each item, on as many threads as there are cores; results keep the order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(items.len());
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    // Relaxed is enough: the counter only hands out numbers, the results come through join().
    let worker = || {
        let mut done = Vec::new();
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            done.push((index, work(item)));
        }
        done
    };
    let mut results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
            .collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
