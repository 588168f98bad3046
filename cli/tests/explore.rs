//! `kthreads explore`: every bug module is found, every right one is clean, and what was found can
//! be had again.

mod tool;

use std::path::Path;

use tool::Run;

fn module(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../modules/bugs/interleaving");
    folder.join(name).to_string_lossy().into_owned()
}

fn explore(name: &str, options: &[&str]) -> (Run, String) {
    let path = module(name);
    let mut arguments = vec!["explore", &path];
    arguments.extend(options);
    let output = tool::kthreads(&arguments);
    let text = output.out.clone();
    (output, text)
}

/// What each bug module is to be reported with, and with which options beside the usual ones.
const BUGS: &[(&str, &str, &[&str])] = &[
    ("lost_stop.c", "lost wake-up: cleaner was to be woken before it fell asleep", &[]),
    ("lost_stop_nova.c", "lost wake-up: cleaner", &["--as-linux", "5.15"]),
    ("lost_wakeup.c", "lost wake-up: consumer", &[]),
    ("race.c", "data race: data race on count: work race.c:13 / work race.c:13", &[]),
    ("deadlock.c", "report: WARNING: possible circular locking dependency detected", &[]),
    ("deadlock.c", "deadlock: sh in kthread_stop", &["--no-lockdep"]),
    ("spin_twice.c", "kthreads: this is the same lock: the task waits for itself", &[]),
    ("unchecked.c", "report: BUG: kernel NULL pointer dereference", &["--fail-nth", "1"]),
];

const RIGHT: &[(&str, &[&str])] = &[
    ("kept_stop.c", &[]),
    ("lost_stop_nova.c", &[]),
    ("kept_wakeup.c", &[]),
    ("norace.c", &[]),
    ("nodeadlock.c", &[]),
    ("handoff.c", &[]),
    ("park_handoff.c", &[]),
    ("complete_all.c", &[]),
    ("checked.c", &["--fail-nth", "1"]),
];

#[test]
fn every_bug_is_found_and_replayed() {
    for (name, report, options) in BUGS {
        let (output, text) = explore(name, options);
        assert_eq!(output.status, Some(1), "{name}: {}", output.describe());
        assert!(text.contains(report), "{name}: {text}");
        assert!(output.log().is_empty(), "{name}: the kernels' logs are not shown");
        let string = text.lines().find_map(|line| line.strip_prefix("replay string: "));
        let string = string.unwrap_or_else(|| panic!("{name}: no replay string in {text}"));
        let path = module(name);
        let mut arguments = vec!["replay", string, &path];
        let is_of_both =
            |option: &&&str| option.contains("linux") || ["5.15", "--no-lockdep"].contains(*option);
        arguments.extend(options.iter().filter(is_of_both));
        for _ in 0..2 {
            let again = tool::kthreads(&arguments);
            let again_text = &again.out;
            assert_eq!(again.status, Some(1), "{name}: {again_text}");
            assert!(again_text.contains(report), "{name}: {again_text}");
        }
    }
}

/// The names of the sources of a folder, without their endings.
fn sources(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(tool::root().join(folder)).expect("it is part of the sources");
    let names = entries.map(|entry| entry.expect("it can be read").file_name().into_string());
    let names = names.map(|name| name.expect("the names are plain"));
    names.filter_map(|name| name.strip_suffix(".c").map(str::to_owned)).collect()
}

fn explore_locking(folder: &str, name: &str, schedules: &str) -> Run {
    let path = tool::root().join(folder).join(format!("{name}.c"));
    let path = path.to_string_lossy();
    tool::kthreads(&["explore", &path, "--schedules", schedules, "--seed", "3"])
}

#[test]
fn mistakes_with_locks_are_found_and_twins_are_clean() {
    let folder = "modules/bugs/locking";
    for name in sources(folder) {
        let run = explore_locking(folder, &name, "100");
        let (out, is_twin) = (&run.out, name.ends_with("_fixed"));
        assert_eq!(run.status, Some(i32::from(!is_twin)), "{name}: {}", run.describe());
        let is_found = out.contains("report: WARNING: ") && out.contains("replay string: ");
        assert!(is_twin || is_found, "{name}: {out}");
    }
}

#[test]
fn what_is_right_with_locks_is_clean() {
    let folder = "modules/bugs/locking/silent";
    // One takes more steps than a schedule may have.
    for name in sources(folder).iter().filter(|name| *name != "very_many_locks") {
        let run = explore_locking(folder, name, "100");
        assert_eq!(run.status, Some(0), "{name}: {}", run.describe());
    }
}

#[test]
fn each_mistake_with_locks_is_told_of_once() {
    let run = || {
        let (output, text) =
            explore("../locking/two_mistakes.c", &["--keep-going", "--schedules", "60"]);
        assert_eq!(output.status, Some(1), "{text}");
        text
    };
    let text = run();
    assert_eq!(text.matches("report: WARNING: possible circular").count(), 2, "{text}");
    let reports = |text: &str| text.lines().filter(|line| !line.contains("a second")).count();
    assert_eq!(reports(&text), reports(&run()));
}

#[test]
fn what_is_right_is_clean() {
    for (name, options) in RIGHT {
        let mut all = vec!["--schedules", "2000"];
        all.extend(*options);
        let (output, text) = explore(name, &all);
        assert_eq!(output.status, Some(0), "{name}: {text}");
        assert!(text.contains("0 bugs"), "{name}: {text}");
    }
}

#[test]
fn the_same_seed_gives_the_same_result() {
    let run = || explore("lost_wakeup.c", &["--seed", "7", "--jobs", "1"]).1;
    let without_rate = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("a second"));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(without_rate(&run()), without_rate(&run()));
}

#[test]
fn a_string_of_something_else_is_told_apart() {
    let path = module("race.c");
    let output = tool::kthreads(&["replay", "kt2.2.1.0.AB", &path]);
    let text = &output.err;
    assert!(text.contains("warning: the modules, the script or the level"), "{text}");
    let output = tool::kthreads(&["replay", "kt0.2.1.0.AB", &path]);
    assert_eq!(output.status, Some(2));
    let text = &output.err;
    assert!(text.contains("version kt0"), "{text}");
}

#[test]
fn choices_at_calls_only_find_what_is_no_race() {
    let (output, text) = explore("race.c", &["--level", "lock", "--schedules", "300"]);
    assert_eq!(output.status, Some(0), "{text}");
    let (output, text) = explore("deadlock.c", &["--level", "lock"]);
    assert_eq!(output.status, Some(1), "{text}");
}

#[test]
fn a_script_is_a_scenario_of_its_own() {
    let script = ["--script", "rmmod lost_stop & ps; wait", "--schedules", "5000"];
    let (output, text) = explore("lost_stop.c", &script);
    assert_eq!(output.status, Some(1), "{}", output.describe());
    assert!(text.contains("lost wake-up: cleaner"), "{text}");
    let (output, _) = explore("lost_stop.c", &["--script", "'"]);
    assert_eq!(output.status, Some(2));
}

#[test]
fn parts_of_a_campaign_are_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |number: u32| folder.path().join(format!("{number}.json")).display().to_string();
    for number in 1..=2 {
        let (path, shard) = (file(number), format!("{number}/2"));
        let options = ["--shard", &shard, "--schedules", "100", "--json", &path, "--keep-going"];
        let (output, _) = explore("race.c", &options);
        assert_eq!(output.status, Some(1), "{}", output.describe());
    }
    let joined = tool::kthreads(&["explore", "--merge", &file(1), &file(2)]);
    assert_eq!(joined.status, Some(1), "{}", joined.describe());
    assert!(joined.out.contains("of 100 schedules"), "{}", joined.out);
}
