//! `kthreads explore` and `kthreads replay`.

pub(crate) mod args;
mod scenario;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kthreads_explore::{Campaign, Config, FailPlan, Found, Progress, ReplayString, Report};
use kthreads_shell::syntax;

use crate::build::{Instrument, instrumentation};
use crate::objects::{self, Prepared};
use crate::{args as cli, status};
use args::{CliExplore, CliReplay, Level, Subject};
use scenario::ModuleScenario;

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
    let (scenario, hash) = prepare(&command.subject)?;
    let config = config(command, hash);
    let is_shown = io::stderr().is_terminal();
    let flag = Arc::new(AtomicBool::new(false));
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, flag.clone());
    let interrupted = || flag.load(Ordering::Relaxed);
    let report = Campaign::new(config, &scenario).run(&mut |report| {
        if is_shown {
            eprint!("\r{}\x1b[K", progress(report));
        }
        if interrupted() || scenario.not_loaded().is_some() {
            Progress::Stop
        } else {
            Progress::GoOn
        }
    });
    if is_shown {
        eprint!("\r\x1b[K");
    }
    if let Some(text) = scenario.not_loaded() {
        return Err((text, status::NOT_LOADED));
    }
    for found in &report.found {
        println!("{}", report.explain(found, &scenario));
    }
    println!("{}", summary(&report));
    if let (Some(path), Some(found)) = (&command.subject.trace, report.found.first()) {
        write_trace(path, found)?;
    }
    if !report.found.is_empty() {
        return Ok(status::BUG);
    }
    Ok(if interrupted() { status::INTERRUPTED } else { status::CLEAN })
}

fn try_replay(command: &CliReplay) -> Result<u8, Refusal> {
    let string: ReplayString =
        command.string.parse().map_err(|error| (format!("{error}"), status::USAGE))?;
    let (scenario, hash) = prepare(&command.subject)?;
    if string.hash != hash {
        eprintln!("kthreads: warning: the modules, the script or the level are not those that the");
        eprintln!("kthreads: string was made of: it may show something else, or nothing");
    }
    let kernel = kernel_config(&command.subject);
    let ran = string.run(&Config { kernel, ..Config::default() }, &scenario);
    if let Some(text) = scenario.not_loaded() {
        return Err((text, status::NOT_LOADED));
    }
    if let Some(story) = &ran.story {
        print!("{}", story.text(&|address| kthreads_explore::Scenario::place(&scenario, address)));
    }
    for finding in &ran.findings {
        println!("{}: {}", finding.kind, finding.text.trim_end());
    }
    if ran.misfits > 0 {
        eprintln!(
            "kthreads: {} of its choices could not be made: this is another build, or a module \
             that is not deterministic",
            ran.misfits
        );
    }
    if ran.findings.is_empty() {
        println!("nothing was found");
        return Ok(status::CLEAN);
    }
    Ok(status::BUG)
}

/// Builds what is to be explored; also returns what stands for it in replay strings.
fn prepare(subject: &Subject) -> Result<(ModuleScenario, u32), Refusal> {
    let script = subject.script.as_deref().map(syntax::parse).transpose();
    let script =
        script.map_err(|error| (format!("the script is wrong: {error}"), status::USAGE))?;
    let arguments = cli::group_modules(subject.modules.clone())
        .map_err(|error| (error.to_string(), status::USAGE))?;
    let wanted = subject.level == Level::Access;
    let instrument = if wanted { instrumentation() } else { Instrument::Nothing };
    if wanted && instrument == Instrument::Nothing {
        eprintln!("kthreads: warning: this compiler cannot instrument accesses of memory");
        eprintln!(
            "kthreads: choices are taken at calls of the kernel only, and no races are found"
        );
    }
    let modules = objects::prepare_for(&arguments, instrument)
        .map_err(|error| (error.to_string(), status::NOT_LOADED))?;
    let hash = hash(&modules, subject);
    let tells_accesses = instrument == Instrument::Accesses;
    let scenario = ModuleScenario::new(modules, script, tells_accesses);
    Ok((scenario.map_err(|text| (text, status::NOT_LOADED))?, hash))
}

/// A number that differs for modules, parameters, scripts and levels that differ. The object
/// files are no part of it beyond their text: they hold paths of temporary files.
fn hash(modules: &[Prepared], subject: &Subject) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut mix = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for module in modules {
        mix(module.object.name.as_bytes());
        mix(&(module.object.bytes.len() as u64).to_le_bytes());
        module.parameters.iter().for_each(|parameter| mix(parameter.as_bytes()));
    }
    mix(subject.script.as_deref().unwrap_or_default().as_bytes());
    mix(&[subject.level as u8]);
    (hash ^ hash >> 32) as u32
}

fn kernel_config(subject: &Subject) -> kthreads_kernel::Config {
    kthreads_kernel::Config { linux: subject.as_linux, ..Config::default().kernel }
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

fn rate(report: &Report) -> f64 {
    report.schedules as f64 / report.elapsed.as_secs_f64().max(1e-9)
}

fn progress(report: &Report) -> String {
    format!(
        "{} schedules, {:.0} a second, {} distinct, {} bugs",
        report.schedules,
        rate(report),
        report.distinct,
        report.found.len()
    )
}

fn summary(report: &Report) -> String {
    let mut text = format!("kthreads: {}", progress(report));
    if report.covered_all {
        text.push_str("; these are all schedules within the bound");
    }
    if report.forced > 0 {
        text.push_str(&format!(
            "; {} had code that comes to no point and cannot be repeated",
            report.forced
        ));
    }
    text
}

fn write_trace(path: &std::path::Path, found: &Found) -> Result<(), Refusal> {
    let unwritable = |error| (format!("cannot write {}: {error}", path.display()), status::USAGE);
    let mut file = std::fs::File::create(path).map_err(unwritable)?;
    file.write_all(found.story.trace().as_bytes()).map_err(unwritable)
}
