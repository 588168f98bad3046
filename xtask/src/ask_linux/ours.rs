//! Runs the same cases on this project's own kernel and compares with what real Linux answered.

use super::guest::{Answer, Outcome};
use super::source::{self, Case};
use super::{find_root, settle_one};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What separates the script's own output from the log that is printed after it.
const LOG_MARK: &str = "-- the log --";

/// How many CPUs the records were made with.
const CPUS: u32 = 2;

/// Runs `cargo xtask cases [NAME...]`.
pub(crate) fn run(names: &[String]) -> Result<(), String> {
    let root = find_root()?;
    let command = build_command()?;
    let folder = root.join("tests/cases");
    let cases = source::load(&folder, names)?;
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(failure) = run_one(&command, &folder, case) {
                        let mut failures = failures.lock().unwrap_or_else(|e| e.into_inner());
                        failures.push(format!("{}: {failure}", case.name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(|e| e.into_inner());
    let passed = cases.len() - failures.len();
    for failure in &failures {
        println!("{failure}");
    }
    println!("cases: {passed} passed, {} failed", failures.len());
    if failures.is_empty() {
        return Ok(());
    }
    Err("not every case answers as Linux did".to_owned())
}

/// Builds the command `kthreads` and says where it is: beside this program.
fn build_command() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--quiet", "--package", "kthreads"]).status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("kthreads does not build".to_owned());
    }
    let me = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    Ok(me.with_file_name("kthreads"))
}

/// Returns what is not as recorded.
fn run_one(command: &Path, folder: &Path, case: &Case) -> Option<String> {
    let place =
        std::env::temp_dir().join(format!("kthreads-case-{}-{}", case.name, std::process::id()));
    let answer = std::fs::create_dir_all(&place)
        .map_err(|error| format!("{}: {error}", place.display()))
        .and_then(|()| ask(command, case, &place));
    let failure = answer.and_then(|answer| {
        let failure = settle_one(folder, case, &answer, super::Mode::Check)?;
        Ok(failure.map(|failure| format!("{failure}\n{}", answer.as_text())))
    });
    // What is left in the temporary folder is the system's to clean.
    let _ = std::fs::remove_dir_all(&place);
    failure.unwrap_or_else(Some)
}

fn ask(command: &Path, case: &Case, place: &Path) -> Result<Answer, String> {
    let module = place.join(format!("{}.ko", case.name));
    let built = output(Command::new(command).arg("build").arg(&case.path).arg("-o").arg(&module))?;
    if !built.status.success() {
        return Err(format!("does not build:\n{}", String::from_utf8_lossy(&built.stderr)));
    }
    let script = format!("{}\necho '{LOG_MARK}'\ndmesg -r\n", case.script);
    let cpus = CPUS.to_string();
    let options = ["run", "--quiet", "--fast-forward", "--cpus", &cpus, "--script", &script];
    let ran =
        output(Command::new("timeout").arg("60").arg(command).args(options).current_dir(place))?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let Some((script, log)) = text.split_once(LOG_MARK) else {
        let errors = String::from_utf8_lossy(&ran.stderr);
        return Err(format!("did not get to its end ({}):\n{text}\n{errors}", ran.status));
    };
    let lines = |text: &str| text.lines().map(str::to_owned).collect();
    Ok(Answer::of(CPUS, Outcome::Ended, lines(script), lines(log)))
}

fn output(command: &mut Command) -> Result<Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|error| format!("{name}: {error}"))
}
