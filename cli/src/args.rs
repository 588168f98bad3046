//! The command line: what can be written, and what it means.

mod boot;
mod examples;
mod modules;
#[cfg(test)]
mod tests;
mod tools;

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use kthreads_kernel::Linux;
use kthreads_session::Show;
use kthreads_shell::duration;

pub(crate) use boot::{BootCommand, Start};
use examples::{BUILD_EXAMPLES, EXAMPLES, RUN_EXAMPLES, SHELL_EXAMPLES};
pub(crate) use modules::ModuleArgument;
pub(crate) use tools::{FlagsCommand, FlagsForm, NewCommand};

use crate::explore::args::{CliExplore, CliReplay, EXPLORE_EXAMPLES, REPLAY_EXAMPLES};

/// The most virtual CPUs a kernel can have.
const MOST_CPUS: usize = 64;

/// Runs, watches and debugs Linux kernel-thread modules in an ordinary process.
#[derive(Debug, Parser)]
#[command(name = "kthreads", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Loads modules, follows the log, runs a script, unloads what is left.
    #[command(after_help = RUN_EXAMPLES)]
    Run(CliRun),
    /// Boots the kernel on bare metal, in QEMU, and does there what run does.
    #[command(after_help = boot::BOOT_EXAMPLES)]
    Boot(boot::CliBoot),
    /// Loads modules and opens a prompt with history and completion.
    #[command(after_help = SHELL_EXAMPLES)]
    Shell(CliShell),
    /// Runs modules under many schedules, to find races, deadlocks and lost wake-ups.
    #[command(after_help = EXPLORE_EXAMPLES)]
    Explore(CliExplore),
    /// Runs the one schedule that a replay string stands for.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(CliReplay),
    /// Compiles a module and does not load it.
    #[command(after_help = BUILD_EXAMPLES)]
    Build(CliBuild),
    /// Writes a small module with a thread, and a script that tests it.
    #[command(after_help = examples::NEW_EXAMPLES)]
    New(tools::CliNew),
    /// Prints what an editor needs to know modules: the compiler's flags.
    #[command(after_help = examples::FLAGS_EXAMPLES)]
    Flags(tools::CliFlags),
    /// Makes a running kernel show what all its threads do (as SIGQUIT does).
    #[command(after_help = examples::STACKS_EXAMPLES)]
    Stacks(tools::CliStacks),
}

#[derive(Debug, Args)]
struct CliMachine {
    /// Modules in the order to load them: a .c file, a .ko file, or a directory with a Kbuild or
    /// Makefile; the parameters of each follow it.
    #[arg(value_name = "FILE|DIR [name=value]...")]
    modules: Vec<String>,
    /// Sets how many CPUs the kernel has, 1 to 64 [default: as many as the host].
    #[arg(long, value_name = "N", value_parser = parse_cpus)]
    cpus: Option<NonZero<usize>>,
    /// Lets time jump ahead whenever nothing is left to do but wait.
    #[arg(long)]
    fast_forward: bool,
    /// Reports tasks that sleep uninterruptibly for so many seconds of kernel time; 0 for never.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    hung_task_timeout: u64,
    /// Reports CPUs that take no interrupt for so many seconds of kernel time, or run one thing
    /// for twice as many; 0 for never.
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(0..=60))]
    watchdog_thresh: u64,
    /// Does not look whether the order or the context in which locks are taken could end in a
    /// deadlock.
    #[arg(long)]
    no_lockdep: bool,
    /// Behaves as this release of Linux, where they differ: 5.15 or 6.1.
    #[arg(long, value_name = "RELEASE", default_value_t)]
    as_linux: Linux,
}

#[derive(Debug, Args)]
struct CliRun {
    #[command(flatten)]
    work: CliWork,
    /// Sets how much memory the kernel has, as 64M or 2G [default: half of the host's].
    #[arg(long, value_name = "SIZE", value_parser = tools::parse_size)]
    memory: Option<u64>,
    /// Runs it all under GDB, which knows the modules: `break FUNCTION`, `run`, `bt`, `info locals`.
    #[arg(long)]
    gdb: bool,
    /// Announces modules to a debugger that is there, or attaches later; nobody supervises.
    #[arg(long, conflicts_with = "gdb")]
    debuggable: bool,
}

/// What a run does, on any machine.
#[derive(Debug, Args)]
struct CliWork {
    #[command(flatten)]
    machine: CliMachine,
    /// Ends after so many seconds of kernel time, as 10, 0.5 or 2m.
    #[arg(long = "for", value_name = "SECONDS", value_parser = duration::parse)]
    limit: Option<Duration>,
    /// Runs these commands, then ends.
    #[arg(long, value_name = "CMDS", conflicts_with = "script_file")]
    script: Option<String>,
    /// Runs the commands of a file, then ends.
    #[arg(long, value_name = "F")]
    script_file: Option<PathBuf>,
    /// Does not show the log, only what the script prints and the summary.
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Args)]
struct CliShell {
    #[command(flatten)]
    machine: CliMachine,
    /// Sets how much memory the kernel has, as 64M or 2G [default: half of the host's].
    #[arg(long, value_name = "SIZE", value_parser = tools::parse_size)]
    memory: Option<u64>,
}

#[derive(Debug, Args)]
struct CliBuild {
    /// Sources that make one module together, or directories with a Kbuild or Makefile.
    #[arg(value_name = "FILE|DIR", required = true)]
    files: Vec<PathBuf>,
    /// Writes the module to this file, which gives it its name.
    #[arg(short, long, value_name = "X.ko")]
    output: Option<PathBuf>,
}

/// Groups words on the command line to modules, each with its parameters.
pub(crate) fn group_modules(words: Vec<String>) -> Result<Vec<ModuleArgument>, UsageError> {
    modules::group(words)
}

/// Is what the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// `kthreads run`.
    Run(RunCommand),
    /// `kthreads boot`.
    Boot(BootCommand),
    /// `kthreads shell`.
    Shell(MachineOptions),
    /// `kthreads explore`.
    Explore(Box<CliExplore>),
    /// `kthreads replay`.
    Replay(Box<CliReplay>),
    /// `kthreads build`.
    Build(BuildCommand),
    /// `kthreads new`.
    New(NewCommand),
    /// `kthreads flags`.
    Flags(FlagsCommand),
    /// `kthreads stacks`, of this process if one is named.
    Stacks(Option<u32>),
}

/// Is what a kernel is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MachineOptions {
    /// The modules to load, in order.
    pub(crate) modules: Vec<ModuleArgument>,
    /// How many virtual CPUs there are.
    pub(crate) cpus: NonZero<usize>,
    /// How time passes.
    pub(crate) clock: Clock,
    /// How much memory it has, in bytes; none for half of the host's.
    pub(crate) memory_bytes: Option<u64>,
    /// When an uninterruptible sleep counts as a hang; 0 for never.
    pub(crate) hung_task_seconds: u64,
    /// When a CPU that takes no interrupt is locked up; 0 for never.
    pub(crate) watchdog_seconds: u64,
    /// Whether locks are looked at.
    pub(crate) lockdep: Lockdep,
    /// Which Linux it behaves as.
    pub(crate) linux: Linux,
}

/// Says whether the order and the context in which locks are taken are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lockdep {
    /// They are.
    On,
    /// They are not.
    Off,
}

/// Says how kernel time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// As the host's.
    Real,
    /// It jumps to the next timer when every CPU is idle.
    FastForward,
}

/// Is what `kthreads run` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunCommand {
    /// The kernel and its modules.
    pub(crate) machine: MachineOptions,
    /// The kernel time after which to end, if there is one.
    pub(crate) limit: Option<Duration>,
    /// The commands to run, if there are any.
    pub(crate) script: Option<ScriptSource>,
    /// Whether the log is shown.
    pub(crate) show: Show,
    /// What it has to do with a debugger.
    pub(crate) debugger: Debugger,
}

/// Says what a run has to do with a debugger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Debugger {
    /// Nothing.
    None,
    /// It is to be started, and the run under it.
    Start,
    /// It is there, or may come: modules are announced to it.
    Announce,
}

/// Says where a script's text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ScriptSource {
    /// The command line.
    Text(String),
    /// A file.
    File(PathBuf),
}

/// Is what `kthreads build` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BuildCommand {
    /// Sources, or directories; never empty.
    pub(crate) files: Vec<PathBuf>,
    /// The file to write, if it was named.
    pub(crate) output: Option<PathBuf>,
}

/// Says what is wrong with a command line that clap had nothing against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UsageError {
    /// A parameter stands before the first module.
    ParameterFirst(String),
    /// Time would run ahead for ever.
    EndlessFastForward,
    /// Several sources and no name for the module.
    UnnamedModule,
    /// `-o` names something that is no module.
    NotAModule(PathBuf),
    /// Files and directories are mixed, or several directories given with `-o`.
    MixedTargets,
    /// A module to write has a name that C does not allow.
    NotAName(String),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::ParameterFirst(word) => write!(
                f,
                "'{word}' is a parameter, but no module stands before it: write FILE {word} (if \
                 it is a file, write ./{word})"
            ),
            UsageError::EndlessFastForward => f.write_str(
                "with --fast-forward time would run ahead for ever: add --for SECONDS, or --script \
                 'sleep SECONDS' with what to do then",
            ),
            UsageError::UnnamedModule => {
                f.write_str("several sources make one module: name it with -o NAME.ko")
            }
            UsageError::NotAModule(path) => write!(
                f,
                "-o {}: a module's file name ends in .ko: write -o {}",
                path.display(),
                path.with_extension("ko").display()
            ),
            UsageError::MixedTargets => f.write_str(
                "sources and directories cannot make one module: build them one after the other",
            ),
            UsageError::NotAName(name) => write!(
                f,
                "'{name}' cannot be a module's name: begin with a letter, and use letters, digits \
                 and _, at most {} of them",
                tools::LONGEST_NAME
            ),
        }
    }
}

impl std::error::Error for UsageError {}

/// Parses the process's command line. Help and usage errors end the process, these with status 2.
pub(crate) fn parse() -> Command {
    let cli = Cli::parse();
    let name = cli.command.name();
    checked(cli).unwrap_or_else(|error| usage(name, &error).exit())
}

/// Gives a usage error the form that clap gives its own.
fn usage(subcommand: &str, error: &UsageError) -> clap::Error {
    let mut root = Cli::command();
    root.build();
    let command = root.find_subcommand_mut(subcommand);
    command.map_or_else(
        || clap::Error::raw(ErrorKind::ValueValidation, error),
        |command| command.error(ErrorKind::ValueValidation, error),
    )
}

impl CliCommand {
    fn name(&self) -> &'static str {
        match self {
            CliCommand::Run(_) => "run",
            CliCommand::Boot(_) => "boot",
            CliCommand::Shell(_) => "shell",
            CliCommand::Explore(_) => "explore",
            CliCommand::Replay(_) => "replay",
            CliCommand::Build(_) => "build",
            CliCommand::New(_) => "new",
            CliCommand::Flags(_) => "flags",
            CliCommand::Stacks(_) => "stacks",
        }
    }
}

fn checked(cli: Cli) -> Result<Command, UsageError> {
    match cli.command {
        CliCommand::Run(run) => checked_run(run).map(Command::Run),
        CliCommand::Boot(boot) => boot::checked(boot).map(Command::Boot),
        CliCommand::Shell(shell) => checked_shell(shell).map(Command::Shell),
        CliCommand::Explore(explore) => Ok(Command::Explore(Box::new(explore))),
        CliCommand::Replay(replay) => Ok(Command::Replay(Box::new(replay))),
        CliCommand::Build(build) => checked_build(build).map(Command::Build),
        CliCommand::New(new) => tools::checked_new(new).map(Command::New),
        CliCommand::Flags(flags) => Ok(Command::Flags(flags.into())),
        CliCommand::Stacks(stacks) => Ok(Command::Stacks(stacks.pid)),
    }
}

fn checked_run(run: CliRun) -> Result<RunCommand, UsageError> {
    let mut command = checked_work(run.work)?;
    command.machine.memory_bytes = run.memory;
    let is_endless = command.script.is_none() && command.limit.is_none();
    if command.machine.clock == Clock::FastForward && is_endless {
        return Err(UsageError::EndlessFastForward);
    }
    command.debugger = match (run.gdb, run.debuggable) {
        (true, _) => Debugger::Start,
        (_, true) => Debugger::Announce,
        _ => Debugger::None,
    };
    Ok(command)
}

/// Checks what run and boot have in common.
fn checked_work(work: CliWork) -> Result<RunCommand, UsageError> {
    let machine = checked_machine(work.machine)?;
    let script =
        work.script.map(ScriptSource::Text).or_else(|| work.script_file.map(ScriptSource::File));
    let show = if work.quiet { Show::Nothing } else { Show::Log };
    Ok(RunCommand { machine, limit: work.limit, script, show, debugger: Debugger::None })
}

fn checked_shell(shell: CliShell) -> Result<MachineOptions, UsageError> {
    let machine = checked_machine(shell.machine)?;
    Ok(MachineOptions { memory_bytes: shell.memory, ..machine })
}

fn checked_machine(machine: CliMachine) -> Result<MachineOptions, UsageError> {
    Ok(MachineOptions {
        modules: modules::group(machine.modules)?,
        cpus: machine.cpus.unwrap_or_else(host_cpus),
        clock: if machine.fast_forward { Clock::FastForward } else { Clock::Real },
        memory_bytes: None,
        hung_task_seconds: machine.hung_task_timeout,
        watchdog_seconds: machine.watchdog_thresh,
        lockdep: if machine.no_lockdep { Lockdep::Off } else { Lockdep::On },
        linux: machine.as_linux,
    })
}

fn checked_build(build: CliBuild) -> Result<BuildCommand, UsageError> {
    let CliBuild { files, output } = build;
    let folders = files.iter().filter(|file| file.is_dir()).count();
    if folders > 0 && (folders < files.len() || (folders > 1 && output.is_some())) {
        return Err(UsageError::MixedTargets);
    }
    match &output {
        None if folders == 0 && files.len() > 1 => Err(UsageError::UnnamedModule),
        Some(path) if path.extension().is_none_or(|extension| extension != "ko") => {
            Err(UsageError::NotAModule(path.clone()))
        }
        _ => Ok(BuildCommand { files, output }),
    }
}

fn parse_cpus(text: &str) -> Result<NonZero<usize>, String> {
    text.parse::<NonZero<usize>>()
        .ok()
        .filter(|cpus| cpus.get() <= MOST_CPUS)
        .ok_or_else(|| format!("write a number from 1 to {MOST_CPUS}"))
}

fn host_cpus() -> NonZero<usize> {
    let most = NonZero::new(MOST_CPUS).unwrap_or(NonZero::<usize>::MIN);
    std::thread::available_parallelism().map_or(NonZero::<usize>::MIN, |cpus| cpus.min(most))
}
