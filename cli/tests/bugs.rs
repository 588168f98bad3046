//! Every module of modules/bugs and modules/bugs/locking does what its `.expected` file says and ends
//! with status 1, and its repaired twin is silent and ends with status 0: on 1, 2 and 8 CPUs.
//!
//! The folders are the list. `NAME.c` is a bug if there is a `NAME.expected`; `NAME_fixed.c` is its
//! twin. `NAME.script`, if there is one, is run after loading, for the twin with its name put in
//! for the bug's; else three seconds pass. `NAME.args` has more words for the command line.
//! `modules/bugs/README.md` says more. To try one alone, put its name into the variable BUG.

mod tool;

use std::fs;
use std::path::PathBuf;

use tool::{Run, kthreads, root};

/// How many lines a twin may differ by.
const DIFFERING_LINES: usize = 5;

#[test]
fn bugs_are_reported_and_twins_are_silent_on_1_cpu() {
    check_all("1");
}

#[test]
fn bugs_are_reported_and_twins_are_silent_on_2_cpus() {
    check_all("2");
}

#[test]
fn bugs_are_reported_and_twins_are_silent_on_8_cpus() {
    check_all("8");
}

#[test]
fn twins_differ_by_few_lines() {
    for bug in bugs() {
        let (wrong, right) = (read(&bug, ".c"), read(&bug, "_fixed.c"));
        let count = differing_lines(&wrong, &right);
        assert!(count <= DIFFERING_LINES, "{bug}: {count} lines differ");
    }
}

#[test]
fn what_is_right_with_locks_is_not_told_of() {
    let entries = fs::read_dir(root().join(SILENT)).expect("the folder is part of the sources");
    let name = |entry: fs::DirEntry| {
        Some(entry.file_name().into_string().ok()?.strip_suffix(".c")?.to_owned())
    };
    let names: Vec<String> =
        entries.filter_map(|entry| name(entry.expect("it can be read"))).collect();
    assert!(names.len() >= 9, "only {names:?} were found");
    for name in names {
        let (source, script) = (format!("{SILENT}/{name}.c"), format!("sleep 3; rmmod {name}"));
        for cpus in ["1", "2"] {
            // Twice: what was known of a module goes with it.
            let script = format!("{script}; insmod {name}; {script}");
            let run =
                kthreads(&["run", &source, "--fast-forward", "--cpus", cpus, "--script", &script]);
            assert_eq!(run.status, Some(0), "{name}: {}", run.describe());
            assert!(run.out.ends_with("kthreads: nothing is left behind\n"), "{}", run.describe());
        }
    }
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

/// Where the bugs are.
const FOLDERS: [&str; 2] = ["modules/bugs", "modules/bugs/locking"];
/// Modules that do nothing wrong, though it may look so.
const SILENT: &str = "modules/bugs/locking/silent";

/// A file of a bug, which is called by its folder and its name.
fn path(bug: &str, ending: &str) -> PathBuf {
    root().join(format!("{bug}{ending}"))
}

/// The last part of what a bug is called.
fn name_of(bug: &str) -> &str {
    bug.rsplit('/').next().unwrap_or(bug)
}

fn read(name: &str, ending: &str) -> String {
    let path = path(name, ending);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All bugs, by folder and name.
fn bugs() -> Vec<String> {
    let mut bugs: Vec<String> = FOLDERS.into_iter().flat_map(bugs_in).collect();
    bugs.sort();
    assert!(bugs.len() >= 60, "only {} bugs were found", bugs.len());
    bugs
}

fn bugs_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder is part of the sources");
    let name = |entry: fs::DirEntry| {
        let file = entry.file_name().into_string().ok()?;
        file.strip_suffix(".expected").map(|name| format!("{folder}/{name}"))
    };
    entries.filter_map(|entry| name(entry.expect("it can be read"))).collect()
}

fn check_all(cpus: &str) {
    let only = std::env::var("BUG").ok();
    let chosen =
        bugs().into_iter().filter(|bug| only.as_ref().is_none_or(|only| only == name_of(bug)));
    let check = |bug: &String| {
        let results = [check_bug(bug, cpus), check_twin(bug, cpus)];
        results.into_iter().filter_map(Result::err).collect::<Vec<_>>()
    };
    let failures: Vec<String> = chosen.collect::<Vec<_>>().iter().flat_map(check).collect();
    assert!(failures.is_empty(), "on {cpus} CPUs:\n{}", failures.join("\n"));
}

/// Loads `module`, the bug or its twin, and does what the script of `bug` says.
fn run(bug: &str, module: &str, cpus: &str) -> Run {
    let source = format!("{module}.c");
    let script = match path(bug, ".script").is_file() {
        true => with_name(&read(bug, ".script"), name_of(bug), name_of(module)),
        false => String::from("sleep 3"),
    };
    let more = match path(bug, ".args").is_file() {
        true => read(bug, ".args"),
        false => String::new(),
    };
    let mut arguments = vec!["run", &source, "--fast-forward", "--cpus", cpus, "--script", &script];
    arguments.extend(more.split_whitespace());
    kthreads(&arguments)
}

/// The script with the module's name put in for the bug's, where that stands as a word.
fn with_name(script: &str, bug: &str, module: &str) -> String {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let mut text = String::new();
    let mut rest = script;
    while let Some(at) = rest.find(bug) {
        let (before, after) = (&rest[..at], &rest[at + bug.len()..]);
        let is_word = !before.ends_with(is_part) && !after.starts_with(is_part);
        text.push_str(before);
        text.push_str(if is_word { module } else { bug });
        rest = after;
    }
    text + rest
}

fn check_bug(bug: &str, cpus: &str) -> Result<(), String> {
    let run = run(bug, bug, cpus);
    let wrong = |what: &str| Err(format!("{bug}: {what}: {}", run.describe()));
    let log = run.log();
    let mut rest = log.iter();
    for expected in read(bug, ".expected").lines() {
        if !rest.any(|line| line_matches(expected.trim_end(), line.trim_end())) {
            return wrong(&format!("no line `{expected}', or not in this order"));
        }
    }
    if run.status != Some(1) {
        return wrong("it must end with status 1");
    }
    Ok(())
}

fn check_twin(bug: &str, cpus: &str) -> Result<(), String> {
    let twin = format!("{bug}_fixed");
    let run = run(bug, &twin, cpus);
    let wrong = |what: &str| Err(format!("{twin}: {what}: {}", run.describe()));
    if run.status != Some(0) {
        return wrong("it must end with status 0");
    }
    let words = ["kthreads: ", "BUG", "WARNING", "Oops", "------------[ cut here ]"];
    if run.log().iter().any(|line| words.iter().any(|word| line.contains(word))) {
        return wrong("it must be silent");
    }
    if !run.out.ends_with("kthreads: nothing is left behind\n") {
        return wrong("it must leave nothing behind");
    }
    Ok(())
}

/// Whether a line is the expected one, in which `...` stands for any text.
fn line_matches(expected: &str, line: &str) -> bool {
    let mut pieces = expected.split("...");
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// How many lines must be changed, added or taken out to make one text of the other.
fn differing_lines(wrong: &str, right: &str) -> usize {
    let (wrong, right): (Vec<_>, Vec<_>) = (wrong.lines().collect(), right.lines().collect());
    // The edit distance, row by row.
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, line) in wrong.iter().enumerate() {
        let mut next = vec![above + 1];
        for (left, other) in right.iter().enumerate() {
            let changed = row[left] + usize::from(line != other);
            next.push(changed.min(row[left + 1] + 1).min(next[left] + 1));
        }
        row = next;
    }
    row[right.len()]
}

#[test]
fn names_are_put_in_where_they_are_words() {
    assert_eq!(
        with_name("rmmod a; lsmod; cat a_b", "a", "a_fixed"),
        "rmmod a_fixed; lsmod; cat a_b"
    );
}

#[test]
fn distances_are_counted_in_lines() {
    assert_eq!(differing_lines("a\nb\nc", "a\nx\nc"), 1);
    assert_eq!(differing_lines("a\nb\nc", "a\nc"), 1);
    assert_eq!(differing_lines("a\nb", "b\na"), 2);
}
