//! Runs the same cases on this project's own kernel and compares with what real Linux answered.

use super::guest::{Answer, Outcome};
use super::source::{self, Case};
use super::{find_root, settle_one};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kthreads_tests::c_case::Output;

/// How many CPUs the records were made with.
pub(crate) const CPUS: u32 = 2;

/// How many cases are built or run at a time.
const AT_A_TIME: usize = 2;

/// Runs `cargo xtask cases [--machine host|sim|pc] [NAME...]`.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    match args {
        [option, machine, names @ ..] if option == "--machine" => match machine.as_str() {
            "host" => run_here(names),
            "sim" => super::sim::run(names),
            "pc" => crate::pc::cases(names),
            other => Err(format!("there is no machine `{other}`: host, sim or pc")),
        },
        names => run_here(names),
    }
}

fn run_here(names: &[String]) -> Result<(), String> {
    let command = build_command()?;
    let cases = source::load(&find_root()?.join("tests/cases"), names)?;
    let results = each(&cases, |case| run_one(&command, case));
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

/// Runs a case; an error says what is not as recorded.
fn run_one(command: &Path, case: &Case) -> Result<(), String> {
    let place =
        std::env::temp_dir().join(format!("kthreads-case-{}-{}", case.name, std::process::id()));
    std::fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    let answer = ask(command, case, &place);
    // What is left in the temporary folder is the system's to clean.
    let _ = std::fs::remove_dir_all(&place);
    let answer = answer?;
    match settle_one(case, &answer, super::Mode::Check)? {
        None => Ok(()),
        Some(failure) => Err(format!("{failure}\n{}", answer.as_text())),
    }
}

fn ask(command: &Path, case: &Case, place: &Path) -> Result<Answer, String> {
    build_module(command, case, &place.join(format!("{}.ko", case.name)))?;
    let script = case.whole_script();
    let cpus = CPUS.to_string();
    let options = ["run", "--quiet", "--fast-forward", "--cpus", &cpus, "--script", &script];
    let ran =
        output(Command::new("timeout").arg("60").arg(command).args(options).current_dir(place))?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let Some(Output { script, log }) = Output::split(&text) else {
        let errors = String::from_utf8_lossy(&ran.stderr);
        return Err(format!("did not get to its end ({}):\n{text}\n{errors}", ran.status));
    };
    Ok(Answer::of(CPUS, Outcome::Ended, script, log))
}

fn output(command: &mut Command) -> Result<std::process::Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|error| format!("{name}: {error}"))
}
