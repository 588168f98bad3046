//! What a kernel's log reports.

use kthreads_base::Nanos;

use crate::finding::{Finding, Kind};

/// How many lines of a report are shown.
const LINES_SHOWN: usize = 16;
/// How many of one of the lock validator's: its table is part of it.
const LINES_OF_LOCKS: usize = 40;
/// What stands behind what there is to say about locks.
const END_OF_LOCKS: &str = "stack backtrace:";
/// What a report of a hung task begins with.
const HUNG: &str = "INFO: task ";

/// The first report in a log, and all that the lock validator has made: what is wrong with locks has
/// no bearing on what comes after it.
pub(crate) fn reported(log: &[(Nanos, String)]) -> Vec<Finding> {
    let lines: Vec<&str> = log.iter().map(|(_, line)| line.as_str()).collect();
    let first = lines.iter().position(|line| begins(line)).unwrap_or(0);
    let is_shown = |at: &usize| *at == first || is_about_locks(lines[*at]);
    let found = |at: usize| Finding { at: Some(log[at].0), ..finding(&lines[at..]) };
    (first..lines.len()).filter(is_shown).map(found).collect()
}

fn begins(line: &str) -> bool {
    ["BUG:", "WARNING:", "kthreads:", "Oops", "kernel BUG", "general protection", "divide", HUNG]
        .iter()
        .any(|start| line.starts_with(start))
}

/// What the report that begins with these lines is about.
fn finding(lines: &[&str]) -> Finding {
    let is_of_locks = lines.first().is_some_and(|line| is_about_locks(line));
    if !is_of_locks {
        let is_hung = lines.first().is_some_and(|line| line.starts_with(HUNG));
        let kind = if is_hung { Kind::HungTask } else { Kind::Report };
        return Finding::new(kind, lines[..lines.len().min(LINES_SHOWN)].join("\n"));
    }
    let shown = lines.iter().take(LINES_OF_LOCKS).take_while(|line| **line != END_OF_LOCKS);
    let shown: Vec<&str> = shown.copied().collect();
    let mut finding = Finding::new(Kind::Report, shown.join("\n"));
    finding.key.push_str(&names_of_locks(&shown).join(" "));
    finding
}

/// Whether a report is one of the lock validator's: those differ by the locks they are about.
fn is_about_locks(first: &str) -> bool {
    ["possible ", "inconsistent lock", "HARDIRQ-safe", "SOFTIRQ-safe", "bad unlock"]
        .iter()
        .any(|kind| first.strip_prefix("WARNING: ").is_some_and(|rest| rest.starts_with(kind)))
}

/// The names of the first two locks in a report, as in `(name){....}`.
fn names_of_locks<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let name = |line: &&'a str| {
        let (before, _) = line.split_once("){").or_else(|| line.split_once(") at:"))?;
        before.split_once('(').map(|(_, name)| name)
    };
    lines.iter().filter_map(name).take(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(log: &[&str]) -> Vec<Finding> {
        let stamped = (0..).zip(log).map(|(at, line)| (Nanos(at), (*line).to_owned()));
        reported(&stamped.collect::<Vec<_>>())
    }

    fn keys(log: &[&str]) -> Vec<String> {
        found(log).into_iter().map(|finding| finding.key).collect()
    }

    #[test]
    fn of_others_the_first_counts() {
        let log = ["a line", "BUG: one", "more", "WARNING: two"];
        assert_eq!(found(&log)[0].at, Some(Nanos(1)));
        assert_eq!(keys(&log), [Finding::new(Kind::Report, "BUG: one".to_owned()).key]);
    }

    #[test]
    fn a_hung_task_is_a_kind_of_its_own() {
        let log = ["INFO: task a:5 blocked", "kthreads: a waits for b", "INFO: task c:6 blocked"];
        let found = found(&log);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, &*found[0].key), (Kind::HungTask, "INFO: task a:# blocked"));
    }

    #[test]
    fn reports_of_locks_differ_by_the_locks() {
        let circle = "WARNING: possible circular locking dependency detected";
        let log = [
            circle,
            "10 (a){+.+.}-{2:2}, at: f",
            "20 (b){+.+.}-{2:2}, at: f",
            "stack backtrace:",
            "kthreads: something else",
            circle,
            "10 (a){+.+.}-{2:2}, at: g",
            "30 ((c)){....}-{0:0}, at: g",
            "WARNING: bad unlock balance detected!",
            "x/1 is trying to release lock (&d->s) at:",
        ];
        let keys = keys(&log);
        assert_eq!(keys.len(), 3);
        assert!(keys[0].ends_with("a b") && keys[1].ends_with("a (c)"), "{keys:?}");
        assert!(keys[2].ends_with("&d->s"), "{keys:?}");
    }
}
