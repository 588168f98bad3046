//! The guest: one boot of Linux that runs a list of cases.

use super::source::Case;
use kthreads_tests::c_case::{SHARED_HEADER, Seen};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The script that builds and boots, relative to the workspace.
pub(super) const SCRIPT: &str = "xtask/ask-linux.sh";

const CPUS: u32 = 2;
const CASE_LIMIT_SECONDS: u32 = 60;
const BOOT_LIMIT_SECONDS: u32 = 60;
const SECONDS_PER_CASE: u32 = 10;
const MARK: &str = "ask-linux: ";

/// How far a case came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ended,
    TimedOut,
    GuestLost,
}

/// Everything that came out of one case.
pub(super) struct Answer {
    pub(super) release: String,
    pub(super) cpus: u32,
    pub(super) outcome: Outcome,
    pub(super) script: Vec<String>,
    pub(super) log: Vec<String>,
    errors: Vec<String>,
}

impl Answer {
    /// An answer that did not come from a guest.
    pub(super) fn of(cpus: u32, outcome: Outcome, script: Vec<String>, log: Vec<String>) -> Self {
        Self { release: "ours".to_owned(), cpus, outcome, script, log, errors: Vec::new() }
    }

    /// What the result is picked from.
    pub(super) fn seen(&self) -> Seen<'_> {
        let Answer { release, cpus, script, log, .. } = self;
        Seen { release, cpus: *cpus, script, log }
    }

    /// All that was printed, for a failure's report.
    pub(super) fn as_text(&self) -> String {
        [&self.script[..], &self.log[..]].concat().join("\n")
    }

    fn new(release: &str) -> Self {
        Self {
            release: release.to_owned(),
            cpus: CPUS,
            outcome: Outcome::GuestLost,
            script: Vec::new(),
            log: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Prints all that the case left, for whoever looks into it.
    pub(super) fn show(&self, name: &str) {
        println!("--- {name}: {:?}", self.outcome);
        for (title, lines) in
            [("script", &self.script), ("errors", &self.errors), ("log", &self.log)]
        {
            for line in lines {
                println!("{title:>6} | {line}");
            }
        }
    }
}

/// Where the guest's parts come from.
pub(super) struct Guest {
    script: PathBuf,
    cases: PathBuf,
}

impl Guest {
    pub(super) fn new(root: &Path) -> Self {
        Self { script: root.join(SCRIPT), cases: root.join("tests/cases") }
    }

    /// Boots once and returns the answers in order; fewer than asked for when the guest was lost on the way.
    pub(super) fn ask(&self, cases: &[Case]) -> Result<Vec<Answer>, String> {
        let work = std::env::temp_dir().join(format!("ask-linux-{}", std::process::id()));
        std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
        let console = self.boot(&work, cases);
        let _ = std::fs::remove_dir_all(&work);
        Ok(split_console(&console?))
    }

    fn boot(&self, work: &Path, cases: &[Case]) -> Result<String, String> {
        let cases_count = u32::try_from(cases.len()).unwrap_or(u32::MAX);
        let limit = SECONDS_PER_CASE.saturating_mul(cases_count).saturating_add(BOOT_LIMIT_SECONDS);
        let mut command = Command::new(&self.script);
        command.args(["--smp", &CPUS.to_string(), "--limit", &limit.to_string()]);
        command.arg("--script").arg(write(work, "list", &list_script(cases))?);
        command.arg("--add").arg(self.cases.join(SHARED_HEADER));
        for case in cases {
            command.arg("--add").arg(write(work, &format!("{}.script", case.name), &case.script)?);
        }
        command.args(cases.iter().map(|case| &case.path));
        let output =
            command.output().map_err(|error| format!("{}: {error}", self.script.display()))?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0 | 4) => {
                eprint!("{complaint}");
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            _ => Err(complaint.trim_end().to_owned()),
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, String> {
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// The guest's script: each case with an empty log, its output kept apart and printed between marks.
fn list_script(cases: &[Case]) -> String {
    let mut text = format!(
        "one() {{\n\
         \x20 dmesg -c >/dev/null\n\
         \x20 echo \"{MARK}begin $1\"\n\
         \x20 timeout {CASE_LIMIT_SECONDS} sh /$1.script >/output 2>/errors </dev/null\n\
         \x20 status=$?\n\
         \x20 echo \"{MARK}script\"; cat /output\n\
         \x20 echo \"{MARK}errors\"; cat /errors\n\
         \x20 echo \"{MARK}log\"; dmesg -r\n\
         \x20 echo \"{MARK}end $status\"\n\
         }}\n\
         echo \"{MARK}release $(uname -r)\"\n"
    );
    for case in cases {
        text.push_str(&format!("one {}\n", case.name));
    }
    text
}

/// What `timeout` of busybox says of a command that it had to end (128 + SIGTERM).
const TIMED_OUT_STATUS: &str = "143";

/// Which list of the answer the console's lines belong to.
#[derive(Clone, Copy)]
enum Section {
    None,
    Script,
    Errors,
    Log,
}

fn split_console(console: &str) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    let (mut release, mut section) = (String::new(), Section::None);
    for line in console.lines() {
        let Some(mark) = line.strip_prefix(MARK) else {
            if let Some(answer) = answers.last_mut() {
                keep(answer, section, line);
            }
            continue;
        };
        let (word, value) = mark.split_once(' ').unwrap_or((mark, ""));
        match (word, answers.last_mut()) {
            ("release", _) => value.clone_into(&mut release),
            ("begin", _) => answers.push(Answer::new(&release)),
            ("end", Some(answer)) => answer.outcome = outcome(value),
            _ => {}
        }
        section = match word {
            "script" => Section::Script,
            "errors" => Section::Errors,
            "log" => Section::Log,
            _ => Section::None,
        };
    }
    answers
}

fn outcome(status: &str) -> Outcome {
    if status == TIMED_OUT_STATUS { Outcome::TimedOut } else { Outcome::Ended }
}

fn keep(answer: &mut Answer, section: Section, line: &str) {
    let list = match section {
        Section::None => return,
        Section::Script => &mut answer.script,
        Section::Errors => &mut answer.errors,
        Section::Log => &mut answer.log,
    };
    list.push(line.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_is_split_by_case() {
        let console = "noise\nask-linux: release 6.1\nask-linux: begin a\nask-linux: script\ncase: x\n\
                       ask-linux: errors\noops\nask-linux: log\n<6>[ 1.0] case: y\nask-linux: end 0\n\
                       ask-linux: begin b\n";
        let answers = split_console(console);
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[0].outcome, Outcome::Ended);
        assert_eq!(answers[0].release, "6.1");
        assert_eq!(answers[0].script, ["case: x"]);
        assert_eq!(answers[0].errors, ["oops"]);
        assert_eq!(answers[0].log, ["<6>[ 1.0] case: y"]);
        assert_eq!(answers[1].outcome, Outcome::GuestLost);
    }

    #[test]
    fn a_case_that_was_ended_is_told_apart() {
        let answers = split_console("ask-linux: begin a\nask-linux: end 143\n");
        assert_eq!(answers[0].outcome, Outcome::TimedOut);
    }
}
