//! How much memory a blocked thread takes.

use std::process::Command;

use super::child::Talker;
use super::programs::Programs;
use super::{COLUMNS, Table};
use crate::bench::samples::Cell;

const MODULE: &str = "benches/many/many.c";
const ROW: &str = "memory per blocked thread";

/// Is what so many blocked threads took.
struct Blocked {
    bytes: f64,
    create_ns: f64,
    stop_ns: f64,
}

/// Measures each column with `count` threads.
pub(super) fn measure(programs: &Programs, count: u32) -> Result<Table, String> {
    let mut table = Table::new(format!("{count} blocked threads"), &COLUMNS);
    table.add(ROW, "bytes", 0, Cell::of(ours(programs, count)?.bytes));
    for (column, peer) in COLUMNS.iter().enumerate().skip(1) {
        let cell = match theirs(programs, peer, count) {
            Ok(blocked) => Cell::of(blocked.bytes),
            Err(error) => {
                println!("xtask: {error}");
                Cell::missing("not so many")
            }
        };
        table.add(ROW, "bytes", column, cell);
    }
    Ok(table)
}

/// Has so many threads in one process as only kthreads and tokio can.
pub(super) fn many(programs: &Programs, count: u32) -> Result<Table, String> {
    let title = format!("{count} blocked threads in one process");
    let mut table = Table::new(title, &["kthreads", "tokio"]);
    println!("xtask: {count} kernel threads");
    let columns = [ours(programs, count)?, {
        println!("xtask: {count} tasks of tokio");
        theirs(programs, "tokio", count)?
    }];
    for (column, blocked) in columns.iter().enumerate() {
        table.add(ROW, "bytes", column, Cell::of(blocked.bytes));
        table.add("create one and let it block", "ns", column, Cell::of(blocked.create_ns));
        table.add("stop one", "ns", column, Cell::of(blocked.stop_ns));
    }
    Ok(table)
}

fn ours(programs: &Programs, count: u32) -> Result<Blocked, String> {
    let module = programs.module(MODULE)?;
    let mut talker = Talker::start(Command::new(&programs.kthreads).arg("shell"))?;
    talker.send("echo ready")?;
    talker.wait_for("ready")?;
    let before = talker.memory();
    talker.send(&format!("insmod {} n={count}", module.display()))?;
    let created = talker.wait_for("many: blocked")?;
    let bytes = talker.memory().saturating_sub(before);
    talker.send("rmmod many")?;
    let stopped = talker.wait_for("many: stopped")?;
    talker.finish()?;
    blocked(count, bytes, &created, &stopped)
}

fn theirs(programs: &Programs, peer: &str, count: u32) -> Result<Blocked, String> {
    let mut command = Command::new(&programs.peers);
    let mut talker = Talker::start(command.args(["block", peer, &count.to_string()]))?;
    talker.wait_for("BLOCK ready")?;
    let before = talker.memory();
    talker.send("go")?;
    let created = talker.wait_for("BLOCK blocked")?;
    let bytes = talker.memory().saturating_sub(before);
    talker.close();
    let stopped = talker.wait_for("BLOCK stopped")?;
    talker.finish()?;
    blocked(count, bytes, &created, &stopped)
}

/// Puts together what was seen; all threads must have been there.
fn blocked(count: u32, bytes: u64, created: &str, stopped: &str) -> Result<Blocked, String> {
    let each = |line: &str| {
        let number = |name: &str| {
            let word = line.split_whitespace().find_map(|word| word.strip_prefix(name));
            word.and_then(|word| word.parse::<f64>().ok())
        };
        let ns = number("n=").filter(|made| *made == f64::from(count)).and(number("ns="));
        ns.map(|ns| ns / f64::from(count)).ok_or_else(|| format!("not {count} threads: {line}"))
    };
    let bytes = bytes as f64 / f64::from(count);
    Ok(Blocked { bytes, create_ns: each(created)?, stop_ns: each(stopped)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_must_have_been_there() {
        let (created, stopped) = ("[ 1.0] many: blocked n=100 ns=5000", "x: stopped n=100 ns=300");
        let seen = blocked(100, 4096 * 100, created, stopped).expect("all are there");
        assert_eq!((seen.bytes, seen.create_ns, seen.stop_ns), (4096.0, 50.0, 3.0));
        assert!(blocked(101, 0, created, stopped).is_err());
        assert!(blocked(100, 0, created, "many: stopped n=99 ns=300").is_err());
    }
}
