//! Every module of modules/bugs does what its `.expected` file says and ends with status 1, and
//! its repaired twin is silent and ends with status 0: on 1, 2 and 8 CPUs.
//!
//! The folder is the list. `NAME.c` is a bug if there is a `NAME.expected`; `NAME_fixed.c` is its
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

fn folder() -> PathBuf {
    root().join("modules/bugs")
}

fn path(name: &str, ending: &str) -> PathBuf {
    folder().join(format!("{name}{ending}"))
}

fn read(name: &str, ending: &str) -> String {
    let path = path(name, ending);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all bugs.
fn bugs() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the folder is part of the sources");
    let name = |entry: fs::DirEntry| {
        let file = entry.file_name().into_string().ok()?;
        file.strip_suffix(".expected").map(str::to_owned)
    };
    let mut bugs: Vec<String> =
        entries.filter_map(|entry| name(entry.expect("it can be read"))).collect();
    bugs.sort();
    assert!(bugs.len() >= 40, "only {} bugs were found", bugs.len());
    bugs
}

fn check_all(cpus: &str) {
    let only = std::env::var("BUG").ok();
    let chosen = bugs().into_iter().filter(|bug| only.as_ref().is_none_or(|only| only == bug));
    let check = |bug: &String| {
        let results = [check_bug(bug, cpus), check_twin(bug, cpus)];
        results.into_iter().filter_map(Result::err).collect::<Vec<_>>()
    };
    let failures: Vec<String> = chosen.collect::<Vec<_>>().iter().flat_map(check).collect();
    assert!(failures.is_empty(), "on {cpus} CPUs:\n{}", failures.join("\n"));
}

/// Loads `module`, a file of the folder, and does what the script of `bug` says.
fn run(bug: &str, module: &str, cpus: &str) -> Run {
    let source = format!("modules/bugs/{module}.c");
    let script = match path(bug, ".script").is_file() {
        true => with_name(&read(bug, ".script"), bug, module),
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
