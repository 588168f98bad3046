//! Every module of modules/bugs does what is expected of it, and its repaired twin is silent: on 1, 2
//! and 8 CPUs, and explored. `modules/bugs/README.md` says what is expected, `cargo xtask bugs` runs
//! some of them alone, or more often.

mod tool;

use std::path::Path;
use std::sync::OnceLock;

use kthreads_bugs::{
    Bench, Budget, MOST_DIFFERING_LINES, Machine, Matrix, Module, Role, differing_lines,
};
use tool::{kthreads, root};

/// How many schedules are explored of what is right.
const SCHEDULES: u64 = 300;

/// The modules.
fn all() -> Vec<Module> {
    kthreads_bugs::all().expect("they are part of the sources")
}

fn bench(machine: Machine) -> Bench {
    Bench::new(Path::new(env!("CARGO_BIN_EXE_kthreads")), machine, all()).expect("they build")
}

/// Runs everything once.
fn check_all(bench: &Bench, cpus: u32) {
    let outcome = Matrix { cpus: vec![cpus], runs: 1 }.run(bench);
    assert!(outcome.failures.is_empty(), "{outcome}");
}

/// What the tests on the host have in common: the modules are built once.
fn host() -> &'static Bench {
    static HOST: OnceLock<Bench> = OnceLock::new();
    HOST.get_or_init(|| bench(Machine::Host))
}

#[test]
fn bugs_are_reported_and_twins_are_silent_on_1_cpu() {
    check_all(host(), 1);
}

#[test]
fn bugs_are_reported_and_twins_are_silent_on_2_cpus() {
    check_all(host(), 2);
}

#[test]
fn bugs_are_reported_and_twins_are_silent_on_8_cpus() {
    check_all(host(), 8);
}

#[test]
fn bugs_are_found_and_twins_are_clean_when_explored() {
    check_all(&bench(Machine::Sim(Budget::Schedules(SCHEDULES))), 2);
}

#[test]
fn each_bug_has_an_expectation_and_a_twin_that_differs_by_few_lines() {
    let modules = all();
    let bugs: Vec<_> = modules.iter().filter(|module| module.role() == Role::Bug).collect();
    assert!(bugs.len() >= 150, "only {} were found", bugs.len());
    for bug in bugs {
        let source = bug.source();
        let is_expected = bug.read("expected").is_some() || bug.read("explored").is_some();
        assert!(is_expected, "{source} has no .expected nor .explored");
        let (wrong, right) = (bug.read("c"), read(&source.replace(".c", "_fixed.c")));
        let count = differing_lines(&wrong.expect("its source"), &right);
        assert!((1..=MOST_DIFFERING_LINES).contains(&count), "{source}: {count} lines differ");
    }
}

#[test]
fn each_file_belongs_to_a_module() {
    let known = ["c", "expected", "explored", "script", "args", "machines"];
    let sources: Vec<_> = all().iter().map(Module::source).collect();
    for folder in
        ["", "silent", "calls", "locking", "interleaving", "locking/silent", "interleaving/silent"]
    {
        let folder = format!("modules/bugs/{folder}");
        let folder = folder.trim_end_matches('/');
        for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
            let name = entry.expect("a file").file_name().into_string().expect("a plain name");
            let Some((stem, ending)) = name.split_once('.') else { continue };
            let is_known =
                known.contains(&ending) && sources.contains(&format!("{folder}/{stem}.c"));
            assert!(is_known || name == "README.md", "{folder}/{name}");
        }
    }
}

#[test]
fn each_bug_is_in_the_documentation() {
    let docs = read("docs/reports.md") + &read("docs/explore.md");
    let is_named = |module: &Module| docs.contains(&format!("`{}`", module.name()));
    let bugs = all().into_iter().filter(|module| module.role() == Role::Bug);
    let unnamed: Vec<_> = bugs.filter(|bug| !is_named(bug)).map(|bug| bug.source()).collect();
    assert!(unnamed.is_empty(), "neither docs/reports.md nor docs/explore.md has {unnamed:?}");
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn locks_are_looked_at_unless_that_is_turned_off() {
    let run = |script: &str, more: &[&str]| {
        let source = "modules/bugs/locking/lock_order.c";
        let mut arguments = vec!["run", source, "--fast-forward", "--script", script];
        arguments.extend(more);
        kthreads(&arguments)
    };
    let known = run("sleep 1; cat /proc/lockdep /proc/lockdep_stats", &[]);
    for line in ["FD:    1 (table_lock){+.+.}-{3:3}", " -> (&device->lock){+.+.}-{3:3}"] {
        assert!(known.out.lines().any(|shown| shown == line), "{line}: {}", known.describe());
    }
    assert!(known.out.contains("direct dependencies:                     1 [max: 8192]"));
    assert_eq!(known.status, Some(1));
    let gone = run("sleep 1; rmmod lock_order; cat /proc/lockdep_stats", &[]);
    for what in ["lock-classes:", "direct dependencies:", "known locks:"] {
        let line = gone.out.lines().find(|line| line.contains(what)).unwrap_or_default();
        let number = line.split_whitespace().find(|word| word.parse::<u32>().is_ok());
        assert_eq!(number, Some("0"), "{what} {}", gone.describe());
    }
    let off = run("sleep 1; cat /proc/sys/kernel/prove_locking", &["--no-lockdep"]);
    assert_eq!(off.status, Some(0), "{}", off.describe());
    assert!(off.out.starts_with("0\n") || off.out.contains("\n0\n"), "{}", off.describe());
    let script =
        "rmmod lock_order; echo 0 > /proc/sys/kernel/prove_locking; insmod lock_order; sleep 1";
    let late = run(script, &[]);
    let reports = late.log().iter().filter(|line| line.contains("circular")).count();
    assert!(reports <= 1, "{}", late.describe());
    let on = run(
        "echo 0 > /proc/sys/kernel/prove_locking; echo 1 > /proc/sys/kernel/prove_locking",
        &[],
    );
    assert!(
        on.err.contains("Invalid argument") || on.out.contains("Invalid argument"),
        "{}",
        on.describe()
    );
}
