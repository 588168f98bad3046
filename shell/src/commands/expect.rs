//! expect and expect-no: what makes a script a test.
//!
//! A shell keeps a place in the log, at first its very beginning. `expect TEXT` looks for the
//! first line behind that place that contains the text, and moves the place behind that line. So
//! a row of expectations demands their lines in that order, and one that is written twice demands
//! two lines. `expect-no TEXT` demands that no line behind the place contains the text, and does
//! not move it. `dmesg -c` and `dmesg -C` move the place to the end.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use core::sync::atomic::Ordering;
use core::time::Duration;

use kthreads_base::Nanos;
use kthreads_kernel::Cx;
use kthreads_kernel::log::Reader;
use kthreads_kernel::task::state::TASK_INTERRUPTIBLE;

use super::{Info, Place};
use crate::duration::parse;
use crate::interpreter::Call;
use crate::log::{self, Record};

/// How many lines of the log a failed expectation shows.
const SHOWN: usize = 10;
/// How soon the log is looked at again: after this share of the time that has passed ...
const SHARE: u64 = 16;
/// ... but at least, and at most, so much.
const SHORTEST: Nanos = Nanos::from_millis(1);
const LONGEST: Nanos = Nanos::from_millis(100);

pub(super) const COMMANDS: &[Info] = &[
    Info {
        name: "expect",
        usage: "expect TEXT [within SECONDS]",
        about: "fails unless the log shows TEXT, now or within so many seconds",
        more: "It searches behind the line that the last `expect` found (at first from the \
               beginning, and behind `dmesg -C` from there): a row of them demands their lines in \
               that order. A failed one prints the last lines, the script goes on, and the exit \
               status becomes 1. TEXT is plain text.",
        place: Place::Inline,
        run: expect,
    },
    Info {
        name: "expect-no",
        usage: "expect-no TEXT [within SECONDS]",
        about: "fails if the log shows TEXT, now or within so many seconds",
        more: "It searches behind the line that the last `expect` found, as `expect` does.",
        place: Place::Inline,
        run: expect_no,
    },
];

/// What is expected, and for how long.
struct Wanted {
    text: String,
    within: Option<Duration>,
}

impl Wanted {
    /// Several words are one text, as for echo.
    fn parse(arguments: &[String]) -> Option<Wanted> {
        let (words, within) = match arguments {
            [words @ .., word, span] if word == "within" && !words.is_empty() => {
                (words, Some(parse(span).ok()?))
            }
            words => (words, None),
        };
        let text = words.join(" ");
        (!text.is_empty()).then_some(Wanted { text, within })
    }

    fn after(&self) -> String {
        let seconds = |within: Duration| format!(" within {} seconds", within.as_secs_f64());
        self.within.map(seconds).unwrap_or_default()
    }
}

fn expect(call: &mut Call<'_>) -> i32 {
    let Some(wanted) = Wanted::parse(call.arguments) else { return misused(call) };
    match search(call, &wanted) {
        Search::Found(found) => {
            call.shell.expect_from().store(found.sequence + 1, Ordering::Relaxed);
            0
        }
        Search::Absent => {
            let Wanted { text, .. } = &wanted;
            let what = format!("the log does not show '{text}'{}", wanted.after());
            failed(call, &what, &last_lines(call))
        }
        Search::Interrupted => 1,
    }
}

fn expect_no(call: &mut Call<'_>) -> i32 {
    let Some(wanted) = Wanted::parse(call.arguments) else { return misused(call) };
    match search(call, &wanted) {
        Search::Found(found) => {
            let what = format!("the log shows '{}':", wanted.text);
            failed(call, &what, &format!("  {}", found.line))
        }
        Search::Absent => 0,
        Search::Interrupted => 1,
    }
}

/// An expectation that cannot be read is not met.
fn misused(call: &Call<'_>) -> i32 {
    call.shell.count_failed_expectation();
    call.usage()
}

fn failed(call: &Call<'_>, what: &str, lines: &str) -> i32 {
    call.shell.count_failed_expectation();
    call.fail(&format!("line {}: {what}\n{lines}", call.line))
}

/// A line that was found.
struct Found {
    sequence: u64,
    line: String,
}

enum Search {
    Found(Found),
    Absent,
    /// A signal for the script came first.
    Interrupted,
}

/// Where the search begins.
fn start(call: &Call<'_>) -> u64 {
    let cleared = Reader::since_clear(call.cx.kernel.log_ring()).next;
    call.shell.expect_from().load(Ordering::Relaxed).max(cleared)
}

/// Looks for the text until it is there or the time is over.
fn search(call: &Call<'_>, wanted: &Wanted) -> Search {
    let kernel = call.cx.kernel;
    let began = kernel.uptime();
    let within = wanted.within.unwrap_or_default();
    let deadline = began + Nanos(u64::try_from(within.as_nanos()).unwrap_or(u64::MAX));
    let mut from = start(call);
    loop {
        let is_over = kernel.uptime() >= deadline;
        // A line that was left open is as good as one that is not.
        kernel.finish_log();
        if let Some(found) = find(call.cx, &mut from, &wanted.text) {
            return Search::Found(found);
        }
        if is_over {
            return Search::Absent;
        }
        let passed = kernel.uptime() - began;
        let pause = Nanos(passed.0 / SHARE).clamp(SHORTEST, LONGEST);
        let next = (kernel.uptime() + pause).min(deadline);
        if !kernel.sleep_until(call.cx, next, TASK_INTERRUPTIBLE) {
            return Search::Interrupted;
        }
    }
}

/// Looks through the records from `from` on, and moves that on.
fn find(cx: &Cx<'_>, from: &mut u64, text: &str) -> Option<Found> {
    let mut found = None;
    log::for_each(
        cx.kernel.log_ring(),
        *from,
        &mut |Record { sequence, text: line, line: shown, .. }| {
            *from = sequence + 1;
            let is_it = line.contains(text);
            if is_it {
                found = Some(Found { sequence, line: shown });
            }
            !is_it
        },
    );
    found
}

fn last_lines(call: &Call<'_>) -> String {
    let mut last = VecDeque::new();
    let mut count = 0_u64;
    log::for_each(call.cx.kernel.log_ring(), start(call), &mut |record| {
        count += 1;
        if last.len() == SHOWN {
            last.pop_front();
        }
        last.push_back(record.line);
        true
    });
    if last.is_empty() {
        return "  nothing was logged since the last expectation that was met".to_string();
    }
    let mut text = match count > last.len() as u64 {
        true => format!("  the last of {count} lines since the last one that was met:"),
        false => "  the lines since the last one that was met:".to_string(),
    };
    for line in last {
        text.push_str("\n  ");
        text.push_str(&line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn parsed(text: &str) -> Option<(String, Option<u64>)> {
        let arguments: Vec<_> = text.split(' ').map(String::from).collect();
        let wanted = Wanted::parse(&arguments)?;
        Some((wanted.text, wanted.within.map(|within| within.as_millis() as u64)))
    }

    #[test]
    fn several_words_are_one_text() {
        assert_eq!(parsed("Hello"), Some(("Hello".into(), None)));
        assert_eq!(parsed("has been woke up"), Some(("has been woke up".into(), None)));
        assert_eq!(parsed("a b within 0.5"), Some(("a b".into(), Some(500))));
        assert_eq!(parsed("within 5"), Some(("within 5".into(), None)));
        assert_eq!(parsed("a within b within 1"), Some(("a within b".into(), Some(1000))));
    }

    #[test]
    fn what_is_no_expectation_is_refused() {
        assert!(Wanted::parse(&[]).is_none());
        assert!(Wanted::parse(&[String::new()]).is_none());
        assert!(parsed("a within soon").is_none());
    }
}
