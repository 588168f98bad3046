//! Runs the C cases on real Linux and records what it answered.
//!
//! What a case is and what is kept of its answer stands in tests/src/c_case.rs; the answer is written
//! to `tests/cases/NAME.linux`, by this tool only.
//!
//! A guest runs all cases one after the other, each with an empty log. Cases whose script has no `rmmod` leave
//! a blocked thread behind on purpose and come last. A case that does not end is named, and those that the
//! same guest could not run any more get a guest of their own.

mod guest;
pub(crate) mod ours;
mod sim;
pub(crate) mod source;

use guest::{Answer, Guest, Outcome};
use kthreads_tests::c_case::Record;
use source::Case;
use std::path::{Path, PathBuf};

const USAGE: &str = "\
usage: cargo xtask ask-linux [NAME...] [--check] [--verbose]

Builds the cases of tests/cases (all, or those named), runs them on Linux 6.1 in QEMU and writes what came
out to tests/cases/NAME.linux.

  --check    compare with the records instead of writing them
  --verbose  show the whole log of each case, and what its commands complained about";

/// What to do with the answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Write,
    Check,
}

/// How much to show of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    Summary,
    Everything,
}

struct Options {
    names: Vec<String>,
    mode: Mode,
    show: Show,
}

/// Runs `cargo xtask ask-linux` with the arguments that follow the subcommand.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let Some(options) = parse(args)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let root = find_root()?;
    let folder = root.join("tests/cases");
    let mut cases = source::load(&folder, &options.names)?;
    cases.sort_by_key(|case| (case.leaves_module_loaded(), case.name.clone()));
    let answers = ask_all(&Guest::new(&root), &cases)?;
    let failures = settle(&cases, &answers, &options)?;
    println!("{} cases asked, {} not settled", cases.len(), failures.len());
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn parse(args: &[String]) -> Result<Option<Options>, String> {
    let mut options = Options { names: Vec::new(), mode: Mode::Write, show: Show::Summary };
    for arg in args {
        match arg.as_str() {
            "--help" | "-h" => return Ok(None),
            "--check" => options.mode = Mode::Check,
            "--verbose" => options.show = Show::Everything,
            unknown if unknown.starts_with('-') => {
                return Err(format!("unknown option {unknown}\n{USAGE}"));
            }
            name => options.names.push(name.trim_end_matches(".c").to_owned()),
        }
    }
    Ok(Some(options))
}

/// Finds the workspace: the nearest folder upwards that holds the cases and the script.
pub(crate) fn find_root() -> Result<PathBuf, String> {
    let here = std::env::current_dir().map_err(|error| format!("current directory: {error}"))?;
    here.ancestors()
        .find(|path| path.join("tests/cases").is_dir() && path.join(guest::SCRIPT).is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| {
            format!("no tests/cases and {} at or above {}", guest::SCRIPT, here.display())
        })
}

/// Asks for every case, in a fresh guest whenever one did not reach the end of its list.
fn ask_all(guest: &Guest, cases: &[Case]) -> Result<Vec<Answer>, String> {
    let mut answers: Vec<Answer> = Vec::new();
    let mut pending: &[Case] = cases;
    while !pending.is_empty() {
        println!("booting Linux for {} cases", pending.len());
        let batch = guest.ask(pending)?;
        if batch.is_empty() {
            return Err("the guest did not get as far as the first case".to_owned());
        }
        pending = &pending[batch.len()..];
        answers.extend(batch);
    }
    Ok(answers)
}

/// Writes or compares the records; returns a message for each case that is not as it should be.
fn settle(cases: &[Case], answers: &[Answer], options: &Options) -> Result<Vec<String>, String> {
    let mut failures = Vec::new();
    for (case, answer) in cases.iter().zip(answers) {
        if options.show == Show::Everything {
            answer.show(&case.name);
        }
        if let Some(failure) = settle_one(case, answer, options.mode)? {
            answer.show(&case.name);
            failures.push(format!("{}: {failure}", case.name));
        }
    }
    Ok(failures)
}

fn settle_one(case: &Case, answer: &Answer, mode: Mode) -> Result<Option<String>, String> {
    match answer.outcome {
        Outcome::Ended => {}
        Outcome::TimedOut => return Ok(Some("its script did not end in time".to_owned())),
        Outcome::GuestLost => return Ok(Some("the guest hung or died in it".to_owned())),
    }
    let record = Record::new(case, answer.seen());
    if record.is_empty() {
        return Ok(Some("it reported nothing".to_owned()));
    }
    let path = case.record();
    if mode == Mode::Check {
        return Ok(match std::fs::read_to_string(&path) {
            Ok(recorded) => record.difference(&recorded),
            Err(_) => Some(format!("no record {}", path.display())),
        });
    }
    std::fs::write(&path, record.to_text())
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(None)
}
