//! What the line editor asks: is the line complete, and how could it go on.

use std::sync::Arc;

use kthreads_kernel::Cx;
use kthreads_shell::{command_names, syntax};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper as HelperTrait, Highlighter, Hinter};

use super::held::Held;

/// Characters between which a word stands.
const BREAKS: &[char] = &[' ', '\t', '\n', ';', '&', '(', '>', '\'', '"'];

/// Answers the line editor.
#[derive(Highlighter, Hinter)]
pub(super) struct Helper {
    held: Arc<Held>,
    files: FilenameCompleter,
}

impl HelperTrait for Helper {}

impl Helper {
    /// Answers for a kernel.
    pub(super) fn new(held: Arc<Held>) -> Helper {
        Helper { held, files: FilenameCompleter::new() }
    }

    fn in_kernel(&self, list: impl FnOnce(&Cx<'_>) -> Vec<String> + Send) -> Vec<String> {
        // A kernel that has ended knows no names; the next line tells.
        self.held.enter("host", |cx, _| list(cx)).unwrap_or_default()
    }

    /// All that could stand where `word` begins, behind the command's name.
    fn candidates(&self, command: &str, word: &str) -> Vec<String> {
        match command {
            "" | "help" => command_names().map(str::to_owned).collect(),
            "rmmod" => self.in_kernel(module_names),
            "insmod" => self.held.session.host.objects.names().map(str::to_owned).collect(),
            "kill" | "renice" | "taskset" | "chrt" => self.in_kernel(pids),
            "pkill" | "pgrep" | "pidof" => self.in_kernel(task_names),
            _ if word.starts_with('/') => self.paths(word),
            _ => Vec::new(),
        }
    }

    fn paths(&self, word: &str) -> Vec<String> {
        let folder = word.rsplit_once('/').map_or("", |(folder, _)| folder);
        let list = |cx: &Cx<'_>| {
            let path = if folder.is_empty() { "/" } else { folder };
            let names = cx.kernel.proc_list(cx, path).unwrap_or_default();
            names.iter().map(|entry| format!("{folder}/{}", entry.name)).collect()
        };
        self.in_kernel(list)
    }
}

fn module_names(cx: &Cx<'_>) -> Vec<String> {
    cx.kernel.modules().iter().map(|module| module.name().to_owned()).collect()
}

fn pids(cx: &Cx<'_>) -> Vec<String> {
    cx.kernel.all_tasks().iter().map(|task| task.pid().to_string()).collect()
}

fn task_names(cx: &Cx<'_>) -> Vec<String> {
    cx.kernel.all_tasks().iter().map(|task| task.full_name()).collect()
}

/// Splits what stands before the cursor: where the last word begins, the word, and the name of
/// the command it belongs to, which is empty if the word is the name.
fn split(before: &str) -> (usize, &str, &str) {
    let start = before.rfind(BREAKS).map_or(0, |at| at + 1);
    let statement = before[..start].rfind([';', '&', '\n', '(']).map_or(0, |at| at + 1);
    let command = before[statement..start].split_whitespace().next().unwrap_or("");
    (start, &before[start..], command)
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, word, command) = split(&line[..position]);
        let mut names = self.candidates(command, word);
        names.retain(|name| name.starts_with(word));
        names.sort_unstable();
        names.dedup();
        if command == "insmod" && names.is_empty() {
            return self.files.complete(line, position, context);
        }
        let pair = |name: String| Pair { display: name.clone(), replacement: name };
        Ok((start, names.into_iter().map(pair).collect()))
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let is_incomplete =
            syntax::parse(context.input()).is_err_and(|error| error.is_incomplete());
        Ok(if is_incomplete { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_knows_its_command() {
        let cases = [
            ("", (0, "", "")),
            ("in", (0, "in", "")),
            ("rmmod pa", (6, "pa", "rmmod")),
            ("ps; kill -9 1", (12, "1", "kill")),
            ("sleep 1 & rm", (10, "rm", "")),
            ("cat /proc/2/s", (4, "/proc/2/s", "cat")),
            ("echo $(pidof my", (13, "my", "pidof")),
            ("echo 1 >/sys/", (8, "/sys/", "echo")),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
