//! cat, grep, ls.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kthreads_kernel::Errno;

use super::{Info, Place};
use crate::files;
use crate::interpreter::Call;
use crate::pattern::Pattern;

pub(super) const COMMANDS: &[Info] = &[
    Info {
        name: "cat",
        usage: "cat PATH...",
        about: "prints files of /proc and /sys, as /proc/PID/status",
        more: "",
        place: Place::Inline,
        run: cat,
    },
    Info {
        name: "grep",
        usage: "grep [-civ] TEXT PATH...",
        about: "prints the lines of files that contain TEXT (-c: how many)",
        more: "TEXT is plain text; ^ ties it to a line's beginning, $ to its end. -v takes the \
               other lines, -i does not care for capitals.",
        place: Place::Inline,
        run: grep,
    },
    Info {
        name: "ls",
        usage: "ls [PATH...]",
        about: "lists directories of /proc and /sys",
        more: "",
        place: Place::Inline,
        run: ls,
    },
];

/// As open(2) and read(2) have it: a directory is no file.
fn read(call: &Call<'_>, path: &str) -> Result<String, Errno> {
    match files::read(call.cx, path) {
        Err(Errno::ENOENT) if files::list(call.cx, path).is_ok() => Err(Errno::EISDIR),
        other => other,
    }
}

fn cat(call: &mut Call<'_>) -> i32 {
    if call.arguments.is_empty() {
        return call.usage();
    }
    let mut status = 0;
    for path in call.arguments {
        match read(call, path) {
            Ok(text) => call.print(&text),
            Err(errno) => status = call.fail(&format!("{path}: {errno}")),
        }
    }
    status
}

/// What grep was asked to do.
#[derive(Default)]
struct Grep {
    counts: bool,
    inverts: bool,
    folds: bool,
    words: Vec<String>,
}

impl Grep {
    fn parse(arguments: &[String]) -> Option<Grep> {
        let mut grep = Grep::default();
        for word in arguments {
            let Some(letters) = word.strip_prefix('-').filter(|_| grep.words.is_empty()) else {
                grep.words.push(word.clone());
                continue;
            };
            for letter in letters.chars() {
                match letter {
                    'c' => grep.counts = true,
                    'v' => grep.inverts = true,
                    'i' => grep.folds = true,
                    // Patterns are plain text already.
                    'F' => {}
                    _ => return None,
                }
            }
        }
        (grep.words.len() >= 2).then_some(grep)
    }

    fn selects(&self, pattern: &str, line: &str) -> bool {
        let matches = match self.folds {
            true => Pattern::new(&pattern.to_lowercase()).matches(&line.to_lowercase()),
            false => Pattern::new(pattern).matches(line),
        };
        matches != self.inverts
    }
}

fn grep(call: &mut Call<'_>) -> i32 {
    let Some(grep) = Grep::parse(call.arguments) else { return call.usage() };
    let Some((pattern, paths)) = grep.words.split_first() else { return call.usage() };
    let mut status = 1;
    for path in paths {
        let text = match read(call, path) {
            Ok(text) => text,
            Err(errno) => {
                status = call.fail(&format!("{path}: {errno}")) + 1;
                continue;
            }
        };
        let lines: Vec<_> = text.lines().filter(|line| grep.selects(pattern, line)).collect();
        let prefix = if paths.len() > 1 { format!("{path}:") } else { String::new() };
        let shown = match grep.counts {
            true => format!("{prefix}{}\n", lines.len()),
            false => lines.iter().map(|line| format!("{prefix}{line}\n")).collect(),
        };
        call.print(&shown);
        if !lines.is_empty() && status == 1 {
            status = 0;
        }
    }
    status
}

fn ls(call: &mut Call<'_>) -> i32 {
    let root = ["/".to_string()];
    let paths = if call.arguments.is_empty() { &root } else { call.arguments };
    let mut status = 0;
    for path in paths {
        match files::list(call.cx, path) {
            Ok(names) => {
                let shown: String = names.iter().map(|name| format!("{name}\n")).collect();
                call.print(&shown);
            }
            Err(_) if files::read(call.cx, path).is_ok() => call.print_line(path),
            Err(errno) => {
                status = call.fail(&format!("cannot access '{path}': {errno}")) + 1;
            }
        }
    }
    status
}
