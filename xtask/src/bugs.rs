//! `cargo xtask bugs`: the modules of modules/bugs and their twins, on any machine, any number of
//! times.

use std::time::Instant;

use kthreads_bugs::{Bench, Budget, Machine, Matrix, Module};
use kthreads_qemu::ImageSource;

use crate::ask_linux::ours;
use crate::tools;

const USAGE: &str = "\
usage: cargo xtask bugs [--machine host|pc|sim] [--cpus 1,2,8] [--runs N] [--seconds N] [NAME]...

Runs each module of modules/bugs, and its twin, and compares with what is expected. A NAME is that of a
bug, or a folder: `locking`, `interleaving/race`. Without --cpus there are 1, 2 and 8 on the host, else
2; each is run once. On the sim machine each is explored for --seconds, 10 if that is not said.";

/// What was asked for.
struct Plan {
    machine: String,
    cpus: Vec<u32>,
    runs: u32,
    seconds: u64,
    names: Vec<String>,
}

/// Runs `cargo xtask bugs`.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    if words.iter().any(|word| word == "--help" || word == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    let plan = plan(words)?;
    let machine = match plan.machine.as_str() {
        "host" => Machine::Host,
        "pc" => pc()?,
        "sim" => Machine::Sim(Budget::Seconds(plan.seconds)),
        other => return Err(format!("there is no machine `{other}`: host, pc or sim")),
    };
    let cpus = match (plan.cpus.is_empty(), &machine) {
        (false, _) => plan.cpus,
        (true, Machine::Host) => vec![1, 2, 8],
        (true, _) => vec![2],
    };
    run_on(machine, &Matrix { cpus, runs: plan.runs }, &plan.names)
}

/// Boots every module once: what the test suite does beside what runs in processes.
pub(crate) fn test_pc() -> Result<(), String> {
    run_on(pc()?, &Matrix { cpus: vec![2], runs: 1 }, &[])
}

fn pc() -> Result<Machine, String> {
    tools::pc()?;
    let image = ImageSource::new("kthreads-image").find(&mut |text| println!("xtask: {text}"));
    image.map(Machine::Pc).map_err(|error| error.to_string())
}

fn run_on(machine: Machine, matrix: &Matrix, names: &[String]) -> Result<(), String> {
    tools::compiler()?;
    let command = ours::build_command()?;
    let mut modules = kthreads_bugs::all().map_err(|error| format!("modules/bugs: {error}"))?;
    modules.retain(|module| is_meant(module, names));
    let bench = Bench::new(&command, machine, modules)?;
    let count = bench.modules().len();
    if count == 0 {
        return Err(format!("there is no such module on this machine: {}", names.join(", ")));
    }
    let (machine, cpus) = (bench.machine(), &matrix.cpus);
    println!("xtask: {count} modules on the {machine}, {cpus:?} CPUs, {} runs each", matrix.runs);
    let started = Instant::now();
    let outcome = matrix.run(&bench);
    println!("{outcome}; {:.0} s", started.elapsed().as_secs_f64());
    match outcome.failed() {
        0 => Ok(()),
        _ => Err("not every module does what is expected".to_owned()),
    }
}

/// Whether a module is one of those that were named; without names, all are.
fn is_meant(module: &Module, names: &[String]) -> bool {
    let source = module.source();
    let path = source.trim_start_matches("modules/bugs/");
    let fits = |name: &String| {
        name == module.bug_name()
            || *name == module.name()
            || path.starts_with(&format!("{name}/"))
            || path.trim_end_matches(".c").trim_end_matches("_fixed") == name
    };
    names.is_empty() || names.iter().any(fits)
}

fn plan(words: &[String]) -> Result<Plan, String> {
    let mut plan = Plan {
        machine: "host".to_owned(),
        cpus: Vec::new(),
        runs: 1,
        seconds: 10,
        names: Vec::new(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
        match word.as_str() {
            "--machine" => plan.machine = value()?.clone(),
            "--cpus" => plan.cpus = value()?.split(',').map(number).collect::<Result<_, _>>()?,
            "--runs" => plan.runs = number(value()?)?,
            "--seconds" => plan.seconds = number(value()?)?,
            option if option.starts_with('-') => return Err(format!("{option}?\n{USAGE}")),
            name => plan.names.push(name.trim_start_matches("modules/bugs/").to_owned()),
        }
    }
    Ok(plan)
}

fn number<N: std::str::FromStr + PartialOrd + From<u8>>(text: &str) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| *number >= N::from(1));
    number.ok_or_else(|| format!("`{text}` is no number\n{USAGE}"))
}
