//! What modules run on, and how the command is told so.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Expectation, Module, Role};

/// What modules run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Machine {
    /// A process: `kthreads run`.
    Host,
    /// A kernel in QEMU: `kthreads boot`, with this image.
    Pc(PathBuf),
    /// Many schedules: `kthreads explore`.
    Sim(Budget),
}

/// How much is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So many schedules of what is right, and what explore does by itself of a bug.
    Schedules(u64),
    /// So many seconds, of a bug, its twin and what is right alike.
    Seconds(u64),
}

/// Is one thing to do with a module, and what must come of it.
pub(crate) struct Trial {
    /// The words for the command.
    pub(crate) words: Vec<String>,
    /// What must be shown.
    pub(crate) expectation: Expectation,
    /// The words to have a schedule again that was found, where they go on behind its string.
    pub(crate) replay: Vec<String>,
}

/// Options of explore that replay does not have: a replay string tells what they did.
const NOT_REPLAYED: [&str; 2] = ["--fail-nth", "--fail-rate"];

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Machine {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Machine::Host => "host",
            Machine::Pc(_) => "pc",
            Machine::Sim(_) => "sim",
        }
    }

    /// How many runs go on side by side: exploring takes all cores by itself.
    pub(crate) fn jobs(&self) -> usize {
        match self {
            Machine::Host | Machine::Pc(_) => 2,
            Machine::Sim(_) => 1,
        }
    }

    /// Are modules built before they are run? Exploring wants their sources.
    pub(crate) fn takes_objects(&self) -> bool {
        !matches!(self, Machine::Sim(_))
    }

    /// Is there anything to see of a module on this machine?
    pub(crate) fn takes(&self, module: &Module) -> bool {
        !self.trials(module, Path::new(""), 1).is_empty()
    }

    /// What is to be done with a module on so many CPUs; nothing if there is nothing to see here.
    pub(crate) fn trials(&self, module: &Module, file: &Path, cpus: u32) -> Vec<Trial> {
        if module.why_not_on(self).is_some() {
            return Vec::new();
        }
        let file = file.display().to_string();
        match self {
            Machine::Host => plain(module, &["run", &file], cpus),
            Machine::Pc(image) => {
                let image = image.display().to_string();
                plain(module, &["boot", "--image", &image, &file], cpus)
            }
            Machine::Sim(budget) => explored(module, &file, *budget, cpus),
        }
    }
}

/// Loads, does what the script says, unloads.
fn plain(module: &Module, words: &[&str], cpus: u32) -> Vec<Trial> {
    let expected = module.read("expected");
    if expected.is_none() && module.role() != Role::Right {
        return Vec::new();
    }
    let script = module.script().unwrap_or_else(|| match module.role() {
        Role::Bug | Role::Twin => "sleep 3".to_owned(),
        // Twice: what was known of a module goes with it.
        Role::Right => format!("sleep 3; rmmod {0}; insmod {0}; sleep 3", module.name()),
    });
    let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    words.extend(["--fast-forward", "--cpus"].map(str::to_owned));
    words.extend([cpus.to_string(), "--script".to_owned(), script]);
    words.extend(split(&module.read("args").unwrap_or_default()));
    let lines = expected.filter(|_| module.role() != Role::Twin).unwrap_or_default();
    vec![Trial { words, expectation: Expectation::new(&lines), replay: Vec::new() }]
}

/// Explores; once for each list of options in `NAME.explored`.
fn explored(module: &Module, file: &str, budget: Budget, cpus: u32) -> Vec<Trial> {
    let sections = module.read("explored").map(|text| sections(&text));
    // Without a word of what it prints, it must find something.
    let sections = sections.unwrap_or_else(|| vec![(String::new(), String::new())]);
    let budget = match (budget, module.role()) {
        (Budget::Schedules(_), Role::Bug) => Vec::new(),
        (Budget::Schedules(number), _) => vec!["--schedules".to_owned(), number.to_string()],
        (Budget::Seconds(number), _) => vec!["--time".to_owned(), number.to_string()],
    };
    let script = module.script().map(|script| ["--script".to_owned(), script]);
    let script: Vec<String> = script.into_iter().flatten().collect();
    let trial = |(options, lines): (String, String)| {
        let options: Vec<String> = split(&options).collect();
        let mut words = ["explore", file, "--cpus", &cpus.to_string()].map(str::to_owned).to_vec();
        words.extend(budget.iter().chain(&options).chain(&script).cloned());
        let is_known = |pair: &[String]| !NOT_REPLAYED.contains(&pair[0].as_str());
        let mut replay = vec![file.to_owned()];
        replay.extend(options.chunks(2).filter(|pair| is_known(pair)).flatten().cloned());
        replay.extend(script.iter().cloned());
        Trial { words, expectation: Expectation::new(&lines), replay }
    };
    sections.into_iter().map(trial).collect()
}

/// The options of each section, which stand in a line after `$`, those with a value first, and its
/// lines. What comes before any such line is a section without options.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections = vec![(String::new(), String::new())];
    for line in text.lines() {
        match (line.strip_prefix('$'), sections.last_mut()) {
            (None, Some((_, lines))) => lines.extend([line, "\n"]),
            (options, _) => sections.push((options.unwrap_or_default().to_owned(), String::new())),
        }
    }
    sections.retain(|(_, lines)| !lines.is_empty());
    sections
}

fn split(words: &str) -> impl Iterator<Item = String> {
    words.split_whitespace().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_their_options() {
        let expected = [("", "a\nb\n"), (" -x 1", "c\n")];
        let expected = expected.map(|(options, lines)| (options.to_owned(), lines.to_owned()));
        assert_eq!(sections("a\nb\n$ -x 1\nc\n"), expected);
        assert_eq!(sections("$ -x 1\nc\n"), expected[1..]);
    }
}
