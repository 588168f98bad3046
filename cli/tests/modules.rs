//! The modules of the repository say what their `.expected` files promise, on 1, 2 and 8 CPUs.

mod tool;

use std::fs;

use tool::{kthreads, root};

#[test]
fn all_say_what_they_promise_on_1_cpu() {
    check_all("1");
}

#[test]
fn all_say_what_they_promise_on_2_cpus() {
    check_all("2");
}

#[test]
fn all_say_what_they_promise_on_8_cpus() {
    check_all("8");
}

/// A module with its script and its expectations.
struct Example {
    name: String,
}

impl Example {
    /// The name of one of its files, from the root of the repository.
    fn file(&self, extension: &str) -> String {
        format!("modules/{0}/{0}.{extension}", self.name)
    }

    fn is_complete(&self) -> bool {
        let is_there = |extension: &&str| root().join(self.file(extension)).is_file();
        ["c", "script", "expected"].iter().all(is_there)
    }

    /// Runs it; says what is wrong, if something is.
    fn check(&self, cpus: &str) -> Result<(), String> {
        let (source, script) = (self.file("c"), self.file("script"));
        let run =
            kthreads(&["run", &source, "--fast-forward", "--cpus", cpus, "--script-file", &script]);
        let expected = root().join(self.file("expected"));
        let expected = fs::read_to_string(expected).expect("it was there");
        let expected: Vec<&str> = expected.trim_end().lines().collect();
        if run.status == Some(0) && appears(&expected, &run.log()) {
            return Ok(());
        }
        Err(format!("{} on {cpus} CPUs: {}", self.name, run.describe()))
    }
}

fn check_all(cpus: &str) {
    let examples = examples();
    assert!(examples.len() >= 8, "only {} modules were found", examples.len());
    let failures: Vec<String> =
        examples.iter().filter_map(|example| example.check(cpus).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn examples() -> Vec<Example> {
    let folders = fs::read_dir(root().join("modules")).expect("the folder is part of the sources");
    let example = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some(Example { name }).filter(Example::is_complete)
    };
    folders.filter_map(|entry| example(entry.expect("it can be read"))).collect()
}

/// Whether these lines stand in the log somewhere, one right after the other, where a line `...`
/// stands for any number of lines.
fn appears(expected: &[&str], log: &[&str]) -> bool {
    (0..=log.len()).any(|start| begins_with(&log[start..], expected))
}

fn begins_with(log: &[&str], expected: &[&str]) -> bool {
    let Some((first, rest)) = expected.split_first() else { return true };
    if first.trim() == "..." {
        return appears(rest, log);
    }
    let Some((line, after)) = log.split_first() else { return false };
    line_matches(first.trim_end(), line.trim_end()) && begins_with(after, rest)
}

/// Whether a line is the expected one, in which `...` stands for any text.
fn line_matches(expected: &str, line: &str) -> bool {
    let Some((first, others)) = expected.split_once("...") else { return expected == line };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let (middle, last) = others.rsplit_once("...").unwrap_or(("", others));
    for piece in middle.split("...") {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn lines_are_adjacent_unless_a_gap_is_allowed() {
    let log = ["a", "b", "c", "d"];
    assert!(appears(&["b", "c"], &log));
    assert!(!appears(&["b", "d"], &log));
    assert!(!appears(&["c", "b"], &log));
    assert!(appears(&["b", "...", "d"], &log));
    assert!(appears(&["a", "...", "b"], &log));
    assert!(!appears(&["b", "...", "a"], &log));
    assert!(!appears(&["d", "e"], &log));
}

#[test]
fn three_dots_stand_for_any_text_of_a_line() {
    assert!(line_matches("took ... ms", "took 12 ms"));
    assert!(line_matches("a...b...c", "abbc"));
    assert!(!line_matches("a...b...c", "a c"));
    assert!(!line_matches("took ... ms", "took ms"));
    assert!(!line_matches("took 1", "took 12"));
    assert!(line_matches("...", ""));
}
