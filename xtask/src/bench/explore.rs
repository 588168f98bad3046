//! Schedules a second: twenty hand-offs between two threads, by us, shuttle and loom.
//!
//! Every figure is that of one thread of the host; campaigns of the command run on all.

use std::path::PathBuf;
use std::process::Command;

use super::report::Report;
use super::samples::Cell;
use super::table::Table;
use super::words::{self, Common, Words};
use crate::ask_linux::find_root;

/// The columns of the table.
const COLUMNS: [&str; 4] = ["kthreads (C)", "kthreads (Rust)", "shuttle", "loom"];
/// The module that our command explores.
const MODULE: &str = "benches/explore/handoff.c";
/// What a schedule is, level by level, and how the command is told.
const LEVELS: [(&str, &[&str]); 3] = [
    (LOCK, &["--level", "lock"]),
    ("choices at each access", &["--level", "access", "--no-races"]),
    ("and data races", &["--level", "access"]),
];
/// The same threads in a process, where nobody chooses.
const PLAIN: &str = "no choices: the same threads in a process";
/// The level of all the others.
const LOCK: &str = "choices at locks and waits";

struct Options {
    common: Common,
    rounds: u32,
    schedules: u64,
}

struct Programs {
    root: PathBuf,
    kthreads: PathBuf,
    peers: PathBuf,
}

/// Runs `cargo xtask bench explore`.
pub(super) fn run(args: &[String]) -> Result<(), String> {
    let options = parse(args)?;
    let programs = Programs::build()?;
    let mut report = Report::new();
    let mut table = Table::new("20 hand-offs, 1 CPU of the host", &COLUMNS);
    for round in 1..=options.rounds {
        println!("xtask: round {round} of {}", options.rounds);
        let schedules = (options.schedules / u64::from(options.common.div)).max(1);
        for (name, words) in LEVELS {
            add(&mut table, name, 0, programs.command(words, schedules)?);
        }
        add(&mut table, PLAIN, 1, programs.peer("plain", schedules)?);
        for (column, peer) in [(1, "kthreads"), (2, "shuttle"), (3, "loom")] {
            add(&mut table, LOCK, column, programs.peer(peer, schedules)?);
        }
    }
    report.add(table);
    report.note("A figure is the time of one schedule: 10,000 ns are 100,000 schedules a second.");
    report.publish(options.common.json.as_deref())
}

fn parse(args: &[String]) -> Result<Options, String> {
    let (mut rounds, mut schedules) = (3, 50_000);
    let common = Words::new(args).parse(|word, words| {
        match word {
            "--rounds" => rounds = words.number(word)?,
            "--schedules" => schedules = words.number::<u32>(word)?.into(),
            other => return Err(words::unknown(other)),
        }
        Ok(())
    })?;
    Ok(Options { common, rounds, schedules })
}

/// Adds what one schedule takes, of so many in so many seconds.
fn add(table: &mut Table, name: &str, column: usize, (schedules, seconds): (f64, f64)) {
    table.add(name, "ns", column, Cell::of(seconds * 1e9 / schedules));
}

impl Programs {
    fn build() -> Result<Programs, String> {
        crate::tools::compiler()?;
        println!("xtask: building the command and its peers");
        let root = find_root()?;
        let mut build = crate::tools::cargo();
        build.args(["build", "--quiet", "--release"]);
        build.args(["-p", "kthreads", "-p", "kthreads-explore-peers"]);
        if !build.current_dir(&root).status().is_ok_and(|status| status.success()) {
            return Err("the command `kthreads` or benches/explore-peers does not build".to_owned());
        }
        let target = super::host::target_folder()?.join("release");
        let [kthreads, peers] = ["kthreads", "kthreads-explore-peers"].map(|it| target.join(it));
        Ok(Programs { root, kthreads, peers })
    }

    /// What our command does: one worker, and all that it does with the module.
    fn command(&self, words: &[&str], schedules: u64) -> Result<(f64, f64), String> {
        let json =
            tempfile::NamedTempFile::new().map_err(|error| format!("a temporary file: {error}"))?;
        let mut run = Command::new(&self.kthreads);
        run.arg("explore").arg(self.root.join(MODULE)).args(words);
        run.args(["--jobs", "1", "--schedules", &schedules.to_string(), "--json"]);
        super::host::output(run.arg(json.path()))?;
        let text = std::fs::read_to_string(json.path()).unwrap_or_default();
        let outcome: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| format!("explore's result: {error}"))?;
        let figure = |key: &str| outcome[key].as_f64().ok_or(format!("no {key} in the result"));
        Ok((figure("schedules")?, figure("seconds")?))
    }

    /// What a program of benches/explore-peers does.
    fn peer(&self, peer: &str, schedules: u64) -> Result<(f64, f64), String> {
        let mut run = Command::new(&self.peers);
        let text = super::host::output(run.args([peer, &schedules.to_string()]))?;
        let figure = |key: &str| {
            let mut words = text.split_whitespace().filter_map(|word| word.split_once('='));
            let word = words.find(|(name, _)| *name == key);
            word.and_then(|(_, value)| value.parse().ok()).ok_or(format!("no {key} in: {text}"))
        };
        Ok((figure("schedules")?, figure("seconds")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_time_of_one_schedule() {
        let mut table = Table::new("test", &COLUMNS);
        add(&mut table, LOCK, 0, (1000.0, 0.01));
        add(&mut table, LOCK, 2, (1000.0, 0.05));
        let figures: Vec<_> = table.rows[0].cells.iter().map(Cell::best).collect();
        assert_eq!(figures, [Some(10_000.0), None, Some(50_000.0), None]);
    }

    #[test]
    fn options_are_read() {
        let words = ["--rounds", "2", "--schedules", "700", "--div", "7"].map(str::to_owned);
        let options = parse(&words).expect("right options");
        assert_eq!((options.rounds, options.schedules, options.common.div), (2, 700, 7));
    }
}
