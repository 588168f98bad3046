//! The command `kthreads` beside other threads: the same work, in turns, on the same CPUs.

mod blocked;
mod child;
mod cold;
mod programs;
mod rows;

use super::kbench;
use super::report::Report;
use super::table::Table;
use super::words::{self, Common, Words};
use programs::{Cpus, Programs};
pub(super) use programs::{output, target_folder};
use rows::{Row, rows};

/// The columns of every table.
const COLUMNS: [&str; 4] = ["kthreads", "std", "pthread", "tokio"];

struct Options {
    common: Common,
    rounds: u32,
    blocked: u32,
    many: Option<u32>,
}

/// Runs `cargo xtask bench`.
pub(super) fn run(args: &[String]) -> Result<(), String> {
    let options = parse(args)?;
    let programs = Programs::build()?;
    let mut report = Report::new();
    match options.many {
        Some(count) => report.add(blocked::many(&programs, count)?),
        None => measure_all(&programs, &options, &mut report)?,
    }
    report.publish(options.common.json.as_deref())
}

fn parse(args: &[String]) -> Result<Options, String> {
    let (mut rounds, mut blocked, mut many) = (5, 10_000, None);
    let common = Words::new(args).parse(|word, words| {
        match word {
            "--rounds" => rounds = words.number(word)?,
            "--blocked" => blocked = words.number(word)?,
            "--many" => many = Some(words.number(word)?),
            other => return Err(words::unknown(other)),
        }
        Ok(())
    })?;
    Ok(Options { common, rounds, blocked, many })
}

fn measure_all(programs: &Programs, options: &Options, report: &mut Report) -> Result<(), String> {
    let title = |cpus: Cpus| Table::new(programs.describe(cpus), &COLUMNS);
    let mut tables = [(Cpus::One, title(Cpus::One)), (Cpus::All, title(Cpus::All))];
    let mut start = Table::new("from the source file to the first line", &COLUMNS);
    for round in 1..=options.rounds {
        for (cpus, table) in &mut tables {
            println!("xtask: round {round} of {}, {}", options.rounds, programs.describe(*cpus));
            let rows: Vec<Row> = rows(*cpus, &options.common.only);
            measure(programs, *cpus, options.common.div, &rows, table)?;
        }
        cold::measure(programs, &mut start)?;
    }
    tables.into_iter().for_each(|(_, table)| report.add(table));
    report.add(start);
    println!("xtask: the memory of {} blocked threads", options.blocked);
    report.add(blocked::measure(programs, options.blocked)?);
    Ok(())
}

/// Measures all rows once in every column.
fn measure(
    programs: &Programs,
    cpus: Cpus,
    div: u32,
    rows: &[Row],
    table: &mut Table,
) -> Result<(), String> {
    if rows.is_empty() {
        return Ok(());
    }
    let ours = programs.kbench(cpus, div, rows)?;
    let ours: Vec<_> = ours.lines().filter_map(kbench::parse).collect();
    let failed = ours.iter().find_map(|measure| Some((&measure.name, measure.failure()?)));
    if let Some((name, failure)) = failed {
        return Err(format!("{name} {failure}"));
    }
    let theirs = programs.peers(cpus, div, rows)?;
    let theirs: Vec<_> = theirs.lines().filter_map(kbench::parse).collect();
    for row in rows {
        let found = ours.iter().filter(|measure| measure.name == row.ours);
        found.for_each(|measure| measure.renamed(row.name).add_to(table, "ns", 0));
        for measure in theirs.iter().filter(|measure| measure.name == row.theirs) {
            let peer = measure.field("peer").unwrap_or_default();
            if let Some(column) = COLUMNS.iter().position(|column| *column == peer) {
                measure.renamed(row.name).add_to(table, "ns", column);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let words = ["--rounds", "2", "--div", "9", "--many", "1000000"].map(str::to_owned);
        let options = parse(&words).expect("right options");
        assert_eq!((options.rounds, options.common.div), (2, 9));
        assert_eq!((options.blocked, options.many), (10_000, Some(1_000_000)));
        assert!(parse(&["--reps".to_owned()]).is_err());
    }
}
