//! `kthreads explore` and `kthreads replay`.

pub(crate) mod args;
mod files;
mod scenario;
mod workers;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kthreads_explore::{
    Campaign, Config, FailPlan, Outcome, Progress, Repeats, ReplayString, Report, strategy,
};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _, SectionKind};

use kthreads_shell::syntax::{self, Script};

use crate::build::{Instrument, instrumentation};
use crate::objects;
use crate::{args as cli, status};
use args::{CliExplore, CliReplay, Level, Subject};
use files::ResultFile;
use kthreads_session::Prepared as Module;
use scenario::ModuleScenario;
use workers::Telling;

/// Why nothing is explored: what to say, and the exit status.
type Refusal = (String, u8);

/// Does `kthreads explore`; returns the exit status.
pub(crate) fn explore(command: &CliExplore) -> u8 {
    match try_explore(command) {
        Ok(status) => status,
        Err((text, status)) => {
            eprintln!("kthreads: {text}");
            status
        }
    }
}

/// Does `kthreads replay`; returns the exit status.
pub(crate) fn replay(command: &CliReplay) -> u8 {
    match try_replay(command) {
        Ok(status) => status,
        Err((text, status)) => {
            eprintln!("kthreads: {text}");
            status
        }
    }
}

fn try_explore(command: &CliExplore) -> Result<u8, Refusal> {
    if !command.merge.is_empty() {
        return merge(&command.merge, command.json.as_deref());
    }
    let subject = Prepared::new(&command.subject)?;
    let jobs = jobs(command)?;
    let flag = Arc::new(AtomicBool::new(false));
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, flag.clone());
    let interrupted = || flag.load(Ordering::Relaxed);
    let is_shown = io::stderr().is_terminal();
    let mut json = command.json.as_deref().map(ResultFile::new);
    let follow = |outcome: &Outcome| {
        if is_shown {
            eprint!("\r{}\x1b[K", outcome.progress());
        }
        if let Some(json) = &mut json {
            json.follow(outcome);
        }
        !interrupted() && (outcome.found.is_empty() || command.keep_going)
    };
    let refused = |error: io::Error| (format!("no worker: {error}"), status::NOT_LOADED);
    let work =
        |number: usize, telling| work(command, &subject, (number, jobs), telling, &interrupted);
    let (outcome, deaths) = workers::run(jobs, work, follow).map_err(refused)?;
    if is_shown {
        eprint!("\r\x1b[K");
    }
    deaths.iter().for_each(|death| eprintln!("kthreads: {death}"));
    if outcome.schedules == 0 && deaths.is_empty() && !interrupted() {
        return Err(("nothing could be run".to_owned(), status::NOT_LOADED));
    }
    let is_read = show(&outcome);
    if let Some(path) = &command.json {
        files::write(path, &outcome.to_json())?;
    }
    if let (Some(path), Some(bug)) = (&command.subject.trace, outcome.found.first()) {
        files::write(path, &bug.trace)?;
    }
    Ok(match outcome.found.is_empty() && deaths.is_empty() {
        _ if interrupted() => status::INTERRUPTED,
        _ if !is_read => status::BROKEN_PIPE,
        true => status::CLEAN,
        false => status::BUG,
    })
}

/// What a worker does: its part of the campaign, telling of it as it goes.
fn work(
    command: &CliExplore,
    subject: &Prepared,
    (number, jobs): (usize, usize),
    mut telling: Telling,
    interrupted: &dyn Fn() -> bool,
) {
    let scenario = match subject.scenario() {
        Ok(scenario) => scenario,
        Err(text) => return eprintln!("kthreads: {text}"),
    };
    let (shard, shards) = command.shard.unwrap_or((0, 1));
    let part = (shard + shards * number as u64, shards * jobs as u64);
    let config = Config { shard: part, ..config(command, subject.hash) };
    let campaign = Campaign::new(config, &scenario).with_repeats(Repeats::Checked);
    let mut campaign = campaign.in_room(ModuleScenario::room());
    let outcome = |report: &Report| {
        let never_loaded = scenario.never_loaded();
        Outcome { never_loaded, ..Outcome::of(report, &scenario) }
    };
    let report = campaign.run(&mut |report| {
        let is_heard = telling.tell(&outcome(report));
        let is_over = interrupted() || !is_heard || scenario.not_loaded().is_some();
        if is_over { Progress::Stop } else { Progress::GoOn }
    });
    match scenario.not_loaded() {
        Some(text) if number == 0 => eprintln!("kthreads: {text}"),
        Some(_) => {}
        None => _ = telling.tell(&outcome(&report)),
    }
}

/// How many workers there are to be.
fn jobs(command: &CliExplore) -> Result<usize, Refusal> {
    let is_ordered = matches!(command.strategy, strategy::Kind::Bounded { .. });
    if is_ordered && command.shard.is_some() {
        let text = "dfs goes through schedules in order: it has no parts (--shard)";
        return Err((text.to_owned(), status::USAGE));
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(if is_ordered { 1 } else { command.jobs.map_or(cores, |jobs| jobs as usize) })
}

/// Joins results that were written with --json.
fn merge(paths: &[PathBuf], json: Option<&Path>) -> Result<u8, Refusal> {
    let read = |path: &PathBuf| {
        let wrong = |error: String| (format!("{}: {error}", path.display()), status::USAGE);
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Outcome::from_json(&text).map_err(wrong)
    };
    let outcomes = paths.iter().map(read).collect::<Result<Vec<_>, Refusal>>()?;
    let all = Outcome::join(&outcomes);
    show(&all);
    if let Some(path) = json {
        files::write(path, &all.to_json())?;
    }
    Ok(if all.found.is_empty() { status::CLEAN } else { status::BUG })
}

/// Shows what came of a campaign; whether somebody has read it.
fn show(outcome: &Outcome) -> bool {
    if let Some(who) = &outcome.strays {
        eprintln!(
            "kthreads: warning: what is run again goes another way, from {who} on: a module that"
        );
        eprintln!("kthreads: reads the host's clock, say, cannot be repeated, nor be made shorter");
    }
    if let Some(why) = &outcome.never_loaded {
        eprintln!("kthreads: warning: a module was loaded in no schedule: {why}");
    }
    let mut text = String::new();
    for bug in &outcome.found {
        text.push_str(&outcome.explain(bug));
        text.push('\n');
    }
    text.push_str(&format!("kthreads: {}", outcome.progress()));
    if outcome.covered_all {
        text.push_str("; these are all schedules within the bound");
    }
    if outcome.forced > 0 {
        text.push_str(&format!(
            "; {} had code that comes to no point and cannot be repeated",
            outcome.forced
        ));
    }
    text.push('\n');
    print(&text)
}

/// Writes to the standard output; whether somebody reads it.
fn print(text: &str) -> bool {
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

fn try_replay(command: &CliReplay) -> Result<u8, Refusal> {
    let string: ReplayString =
        command.string.parse().map_err(|error| (format!("{error}"), status::USAGE))?;
    let subject = Prepared::new(&command.subject)?;
    let scenario = subject.scenario().map_err(|text| (text, status::NOT_LOADED))?;
    if string.hash != subject.hash {
        eprintln!("kthreads: warning: the modules, the script or the options are not those that");
        eprintln!("kthreads: the string was made of: it may show something else, or nothing");
    }
    if !string.is_of_this_build() {
        eprintln!("kthreads: warning: another build of kthreads made the string: it may show");
        eprintln!("kthreads: something else, or nothing");
    }
    let kernel = kernel_config(&command.subject);
    let config = Config { kernel, ..Config::default() };
    let ran = string.run_in(&mut ModuleScenario::room(), &config, &scenario);
    if let Some(text) = scenario.not_loaded() {
        return Err((text, status::NOT_LOADED));
    }
    if ran.misfits > 0 && ran.findings.is_empty() {
        return Err((misfit(ran.misfits, &string), status::USAGE));
    }
    if let Some(story) = &ran.story {
        print(&story.text(&scenario, &ran.findings));
    }
    for finding in &ran.findings {
        print(&format!("{finding}\n"));
    }
    if ran.misfits > 0 {
        eprintln!("kthreads: warning: {}", misfit(ran.misfits, &string));
    }
    if ran.findings.is_empty() {
        print("nothing was found\n");
        return Ok(status::CLEAN);
    }
    Ok(status::BUG)
}

/// What there is to say about choices that could not be made.
fn misfit(count: u32, string: &ReplayString) -> String {
    let all = string.choices.list().len();
    format!(
        "the string does not fit: {count} of its {all} choices could not be made, so this is \
         another schedule: of another build, of other modules, or of one that reads a clock of the \
         host's"
    )
}

/// What is to be explored, before it needs a machine: workers are forked off from here.
struct Prepared {
    modules: Vec<Module>,
    script: Option<Script>,
    tells_accesses: bool,
    /// Stands for all of it in replay strings.
    hash: u32,
}

impl Prepared {
    fn new(subject: &Subject) -> Result<Prepared, Refusal> {
        if subject.modules.is_empty() {
            return Err(("no module: name a .c file to explore".to_owned(), status::USAGE));
        }
        let script = subject.script.as_deref().map(syntax::parse).transpose();
        let script =
            script.map_err(|error| (format!("the script is wrong: {error}"), status::USAGE))?;
        let arguments = cli::group_modules(subject.modules.clone())
            .map_err(|error| (error.to_string(), status::USAGE))?;
        let instrument = instrument(subject.level);
        let modules = objects::prepare_for(&arguments, instrument)
            .map_err(|error| (error.to_string(), status::NOT_LOADED))?;
        let hash = hash(&modules, subject);
        let tells_accesses = instrument == Instrument::Accesses && !subject.no_races;
        Ok(Prepared { modules, script, tells_accesses, hash })
    }

    fn scenario(&self) -> Result<ModuleScenario, String> {
        ModuleScenario::new(self.modules.clone(), self.script.clone(), self.tells_accesses)
    }
}

/// What to put into the modules, as far as the compiler can.
fn instrument(level: Level) -> Instrument {
    let wanted = level == Level::Access;
    let instrument = if wanted { instrumentation() } else { Instrument::Nothing };
    if wanted && instrument == Instrument::Nothing {
        eprintln!("kthreads: warning: this compiler cannot instrument accesses of memory");
        eprintln!(
            "kthreads: choices are taken at calls of the kernel only, and no races are found"
        );
    }
    instrument
}

/// A number that differs for modules, parameters, scripts and options that differ. The object
/// files are no part of it beyond what is loaded: they hold paths of temporary files.
fn hash(modules: &[Module], subject: &Subject) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut mix = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for module in modules {
        mix(module.object.name.as_bytes());
        let file = ElfFile64::<object::LittleEndian>::parse(&*module.object.bytes);
        let sections = file.iter().flat_map(|file| file.sections());
        for section in sections.filter(|section| is_loaded(section.kind())) {
            mix(section.data().unwrap_or_default());
        }
        module.parameters.iter().for_each(|parameter| mix(parameter.as_bytes()));
    }
    mix(subject.script.as_deref().unwrap_or_default().as_bytes());
    mix(&[subject.level as u8, subject.no_lockdep.into()]);
    mix(subject.as_linux.to_string().as_bytes());
    (hash ^ hash >> 32) as u32
}

fn is_loaded(section: SectionKind) -> bool {
    use SectionKind::{Data, ReadOnlyData, ReadOnlyString, Text};
    matches!(section, Data | ReadOnlyData | ReadOnlyString | Text)
}

fn kernel_config(subject: &Subject) -> kthreads_kernel::Config {
    let usual = Config::default().kernel;
    let lockdep = usual.lockdep.filter(|_| !subject.no_lockdep);
    kthreads_kernel::Config { linux: subject.as_linux, lockdep, ..usual }
}

fn config(command: &CliExplore, hash: u32) -> Config {
    let all = if command.time.is_some() { u64::MAX } else { Config::default().schedules };
    Config {
        schedules: command.schedules.unwrap_or(all),
        time: command.time,
        strategy: command.strategy,
        seed: command.seed,
        cpus: command.cpus,
        fail: match (command.fail_nth, command.fail_rate) {
            (Some(nth), _) => FailPlan::Nth(nth),
            (None, Some(rate)) => FailPlan::OneIn(rate),
            (None, None) => FailPlan::None,
        },
        step_limit: command.steps,
        keep_going: command.keep_going,
        shard: command.shard.unwrap_or((0, 1)),
        hash,
        kernel: kernel_config(&command.subject),
        ..Config::default()
    }
}
