//! The tests of every machine, booted on the pc in QEMU.

use std::num::NonZero;
use std::path::Path;
use std::time::{Duration, Instant};

use kthreads_qemu::{End, Guest, ImageSource, Lines, Options};
use kthreads_tests::c_case::SHARED_HEADER;
use kthreads_tests::plan::{Clocks, Part, Plan};

use crate::ask_linux::ours;
use crate::ask_linux::source::{self, Case};
use crate::{ask_linux, tools};

const IMAGE: &str = "kthreads-tests-image";
const USAGE: &str = "\
usage: cargo xtask pc [--cpus N] [--verbose] [WORD]...

Boots the tests on the pc machine. The words are those of a plan (tests/src/plan.rs), for instance
`parts=contract,cases`, `only=timers`, `clocks=fast-forward` or `ring-seconds=60`; without any, what
`cargo xtask test` boots is booted.";

/// As much as ten thousand threads need, and some.
const MEMORY_MIB: u32 = 512;

/// How long a boot may take beside what its plan asks for: hosts may be slow.
const PATIENCE: Duration = Duration::from_secs(300);

/// How much is shown of what the guest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
    /// What failed, and the sum.
    Failures,
    /// Everything.
    All,
}

/// One boot.
struct Boot {
    cpus: usize,
    plan: Plan,
}

/// Runs `cargo xtask pc`.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let (mut cpus, mut show, mut words) = (None, Show::Failures, Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--cpus" => cpus = Some(parse_cpus(args.next())?),
            "--verbose" => show = Show::All,
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(());
            }
            word => words.push(word),
        }
    }
    let Some(cpus) = cpus else {
        return match words.is_empty() {
            true => boot_all(&boots(), &[], show),
            false => boot_all(&[Boot { cpus: 2, plan: plan(&words)? }], &[], show),
        };
    };
    boot_all(&[Boot { cpus, plan: plan(&words)? }], &[], show)
}

fn parse_cpus(word: Option<&String>) -> Result<usize, String> {
    let cpus = word.and_then(|word| word.parse().ok()).filter(|cpus| *cpus > 0);
    cpus.ok_or_else(|| "--cpus needs a number".to_owned())
}

fn plan(words: &[&str]) -> Result<Plan, String> {
    Plan::parse(&words.join(" ")).map_err(|error| format!("{error}\n{USAGE}"))
}

/// Boots all that belongs to the test suite.
pub(crate) fn test() -> Result<(), String> {
    boot_all(&boots(), &[], Show::Failures)
}

/// Runs the named C cases, or all, on the pc.
pub(crate) fn cases(names: &[String]) -> Result<(), String> {
    let plan = Plan { parts: vec![Part::CCases], ..Plan::default() };
    boot_all(&[Boot { cpus: ours::CPUS as usize, plan }], names, Show::All)
}

/// What the test suite boots: everything with four processors, and with one and two what depends
/// on their number.
fn boots() -> Vec<Boot> {
    let quick = |parts: &[Part]| Plan {
        parts: parts.to_vec(),
        clocks: Clocks::FastForward,
        ..Plan::default()
    };
    vec![
        Boot { cpus: 1, plan: quick(&[Part::Contract, Part::Cases, Part::CCases, Part::Faults]) },
        Boot { cpus: 2, plan: quick(&[Part::Contract, Part::Cases, Part::CCases]) },
        Boot { cpus: 4, plan: Plan::default() },
    ]
}

fn boot_all(boots: &[Boot], names: &[String], show: Show) -> Result<(), String> {
    tools::pc()?;
    let image = ImageSource::new(IMAGE).find(&mut |text| println!("xtask: {text}"));
    let image = image.map_err(|error| error.to_string())?;
    let folder = ask_linux::find_root()?.join("tests/cases");
    let has_c_cases = boots.iter().any(|boot| boot.plan.parts.contains(&Part::CCases));
    let cases = if has_c_cases { source::load(&folder, names)? } else { Vec::new() };
    let initrd = if has_c_cases { pack(&folder, &cases)? } else { Vec::new() };
    let mut failed = 0;
    for Boot { cpus, plan } in boots {
        let plan = Plan { c_cases: cases.len(), ..plan.clone() };
        println!("xtask: the tests on the pc, {cpus} CPUs: {plan}");
        if let Err(failure) = boot(&image, &initrd, *cpus, &plan, show) {
            println!("xtask: {failure}");
            failed += 1;
        }
    }
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} boots failed", boots.len())) }
}

/// Builds the modules of the cases, and packs them with their sources and records.
fn pack(folder: &Path, cases: &[Case]) -> Result<Vec<u8>, String> {
    let command = ours::build_command()?;
    let place = std::env::temp_dir().join(format!("kthreads-pc-cases-{}", std::process::id()));
    std::fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    let built = ours::each(cases, |case| {
        let module = place.join(format!("{}.ko", case.name));
        ours::build_module(&command, case, &module)?;
        let mut files = vec![read(&module)?, read(&case.path)?];
        files.extend(read(&case.record()).ok());
        Ok(files)
    });
    // What is left in the temporary folder is the system's to clean.
    let _ = std::fs::remove_dir_all(&place);
    let mut files = vec![read(&folder.join(SHARED_HEADER))?];
    for (case, built) in cases.iter().zip(built) {
        files.extend(built.map_err(|error: String| format!("{}: {error}", case.name))?);
    }
    let files: Vec<_> =
        files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    kthreads_qemu::pack(&files).map_err(|error| format!("the initial RAM disk: {error}"))
}

/// A file's name without its folder, and its content.
fn read(path: &Path) -> Result<(String, Vec<u8>), String> {
    let content = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, content))
}

fn boot(image: &Path, initrd: &[u8], cpus: usize, plan: &Plan, show: Show) -> Result<(), String> {
    let options = Options {
        initrd: initrd.to_vec(),
        command_line: plan.to_string(),
        cpus: NonZero::new(cpus).unwrap_or(NonZero::<usize>::MIN),
        memory_mib: MEMORY_MIB,
        limit: Some(PATIENCE + Duration::from_secs(plan.ring_seconds)),
        ..Options::new(image.to_owned())
    };
    let started = Instant::now();
    let guest = Guest::start(&options).map_err(|error| error.to_string())?;
    let mut last = String::new();
    let mut lines = Lines::new(|line| {
        if show == Show::All || !is_good(line) {
            println!("  {line}");
        }
        line.clone_into(&mut last);
    });
    let outcome = guest.run(&mut |bytes| lines.push(bytes));
    lines.finish();
    let seconds = started.elapsed().as_secs_f64();
    match outcome.end {
        End::Status(0) => {
            println!("xtask: passed with {cpus} CPUs in {seconds:.1} s");
            Ok(())
        }
        End::Status(1) => Err(format!("tests have failed on the pc with {cpus} CPUs")),
        _ => Err(format!("on the pc with {cpus} CPUs: {outcome}; its last line was `{last}`")),
    }
}

/// Whether a line tells of a test that passed, or need not run.
fn is_good(line: &str) -> bool {
    line.split_once(" ... ").is_some_and(|(_, what)| {
        what == "ok" || what.ends_with(" ok") || what.starts_with("not run")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_is_told_from_what_did_not() {
        for good in ["a ... ok", "a ... (5 KiB) ok", "a ... not run: needs Unwinding"] {
            assert!(is_good(good), "{good}");
        }
        for bad in ["a ... FAILED: x", "a ... ", "    BUG: x", "tests: 3 passed, 0 failed", "ok"] {
            assert!(!is_good(bad), "{bad}");
        }
    }

    #[test]
    fn every_part_is_booted() {
        let whole = Plan::default();
        assert!(boots().iter().any(|boot| boot.plan.parts == whole.parts));
        assert_eq!(boots().iter().map(|boot| boot.cpus).collect::<Vec<_>>(), [1, 2, 4]);
    }
}
