//! Runs the same cases on this project's own kernel and compares with what real Linux answered.

use super::guest::{Answer, Outcome};
use super::source::{self, Case};
use super::{find_root, settle_one};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kthreads_tests::c_case::{Cpus, Output};

/// How many CPUs the records were made with.
pub(crate) const CPUS: u32 = 2;

/// How many cases are built or run at a time.
const AT_A_TIME: usize = 2;

/// With how many CPUs cases run on the host.
const CPUS_HERE: [u32; 3] = [1, CPUS, 8];

/// Runs `cargo xtask cases [--machine host|sim|pc] [--cpus 1,2,8] [NAME...]`.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let (mut machine, mut cpus, mut names) = ("host", CPUS_HERE.to_vec(), Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--machine" => machine = value()?,
            "--cpus" => cpus = parse_cpus(value()?)?,
            name => names.push(name.to_owned()),
        }
    }
    match machine {
        "host" => run_here(&names, &cpus),
        "sim" => super::sim::run(&names),
        "pc" => crate::pc::cases(&names),
        other => Err(format!("there is no machine `{other}`: host, sim or pc")),
    }
}

fn parse_cpus(list: &str) -> Result<Vec<u32>, String> {
    let number = |word: &str| word.parse().ok().filter(|cpus| *cpus > 0);
    let cpus: Option<Vec<u32>> = list.split(',').map(number).collect();
    cpus.ok_or_else(|| format!("--cpus needs numbers, `1,2,8`, not `{list}`"))
}

/// Builds each case once and runs it with each number of CPUs.
fn run_here(names: &[String], cpus: &[u32]) -> Result<(), String> {
    let command = build_command()?;
    let cases = source::load(&find_root()?.join("tests/cases"), names)?;
    let results = each(&cases, |case| run_one(&command, case, cpus));
    tell(&cases, &results)
}

/// Says which cases failed, and how many did not.
pub(super) fn tell(cases: &[Case], results: &[Result<(), String>]) -> Result<(), String> {
    let mut failed = 0;
    for (case, result) in cases.iter().zip(results) {
        if let Err(failure) = result {
            println!("{}: {failure}", case.name);
            failed += 1;
        }
    }
    println!("cases: {} passed, {failed} failed", cases.len() - failed);
    if failed == 0 { Ok(()) } else { Err("not every case answers as Linux did".to_owned()) }
}

/// Calls `body` for each case, several at a time; the results are in the cases' order.
pub(crate) fn each<R: Send>(cases: &[Case], body: impl Fn(&Case) -> R + Sync) -> Vec<R> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { return };
                    let result = body(case);
                    results.lock().unwrap_or_else(|e| e.into_inner()).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(|e| e.into_inner());
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Builds the command `kthreads` and says where it is: beside this program.
pub(crate) fn build_command() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--quiet", "--package", "kthreads"]).status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("kthreads does not build".to_owned());
    }
    let me = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    Ok(me.with_file_name("kthreads"))
}

/// Builds the module of a case.
pub(crate) fn build_module(command: &Path, case: &Case, module: &Path) -> Result<(), String> {
    let built = output(Command::new(command).arg("build").arg(&case.path).arg("-o").arg(module))?;
    if built.status.success() {
        return Ok(());
    }
    Err(format!("does not build:\n{}", String::from_utf8_lossy(&built.stderr)))
}

/// Runs a case with each number of CPUs that it can be shown with; an error says what is not as
/// recorded.
fn run_one(command: &Path, case: &Case, cpus: &[u32]) -> Result<(), String> {
    let place = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
    build_module(command, case, &place.path().join(format!("{}.ko", case.name)))?;
    let can_be_shown = |cpus: &&u32| case.cpus == Cpus::Any || **cpus == CPUS;
    let mut failures = Vec::new();
    for cpus in cpus.iter().filter(can_be_shown) {
        let answer = ask(command, case, place.path(), *cpus)?;
        if let Some(failure) = settle_one(case, &answer, super::Mode::Check)? {
            failures.push(format!("with {cpus} CPUs: {failure}\n{}", answer.as_text()));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn ask(command: &Path, case: &Case, place: &Path, cpus: u32) -> Result<Answer, String> {
    let (script, count) = (case.whole_script(), cpus.to_string());
    let options = ["run", "--quiet", "--fast-forward", "--cpus", &count, "--script", &script];
    let ran =
        output(Command::new("timeout").arg("60").arg(command).args(options).current_dir(place))?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let Some(Output { script, log }) = Output::split(&text) else {
        let errors = String::from_utf8_lossy(&ran.stderr);
        let status = ran.status;
        return Err(format!(
            "did not get to its end with {cpus} CPUs ({status}):\n{text}\n{errors}"
        ));
    };
    Ok(Answer::of(cpus, Outcome::Ended, script, log))
}

fn output(command: &mut Command) -> Result<std::process::Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|error| format!("{name}: {error}"))
}
