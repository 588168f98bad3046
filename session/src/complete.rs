//! How a line could go on.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kthreads_kernel::Cx;
use kthreads_shell::command_names;

use crate::Session;

/// Characters between which a word stands.
const BREAKS: &[char] = &[' ', '\t', '\n', ';', '&', '(', '>', '\'', '"'];

/// Is the place of a cursor in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Where the last word begins.
    pub start: usize,
    /// The word, as far as it was written.
    pub word: &'a str,
    /// The name of the command it belongs to, which is empty if the word is the name.
    pub command: &'a str,
}

/// Finds out where in a line the end of `before` is.
pub fn place(before: &str) -> Place<'_> {
    let start = before.rfind(BREAKS).map_or(0, |at| at + 1);
    let statement = before[..start].rfind([';', '&', '\n', '(']).map_or(0, |at| at + 1);
    let command = before[statement..start].split_whitespace().next().unwrap_or("");
    Place { start, word: &before[start..], command }
}

/// All that could stand where `word` begins, behind the command's name; also what does not begin
/// like it. In the kernel.
pub(crate) fn candidates<O>(
    session: &Session<O>,
    cx: &Cx<'_>,
    command: &str,
    word: &str,
) -> Vec<String> {
    match command {
        "" | "help" => command_names().map(str::to_owned).collect(),
        "rmmod" => cx.kernel.modules().iter().map(|module| module.name().to_owned()).collect(),
        "insmod" => session.library.names().map(str::to_owned).collect(),
        "kill" | "renice" | "taskset" | "chrt" => {
            cx.kernel.all_tasks().iter().map(|task| task.pid().to_string()).collect()
        }
        "pkill" | "pgrep" | "pidof" => {
            cx.kernel.all_tasks().iter().map(|task| task.full_name()).collect()
        }
        _ if word.starts_with('/') => paths(cx, word),
        _ => Vec::new(),
    }
}

fn paths(cx: &Cx<'_>, word: &str) -> Vec<String> {
    let folder = word.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if folder.is_empty() { "/" } else { folder };
    let names = cx.kernel.proc_list(cx, path).unwrap_or_default();
    names.iter().map(|entry| format!("{folder}/{}", entry.name)).collect()
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
        for (text, (start, word, command)) in cases {
            assert_eq!(place(text), Place { start, word, command }, "{text}");
        }
    }
}
