//! What the benchmarks print: `KBENCH name=NAME n=COUNT ns_per_op=NS [key=value]...`.
//!
//! The module benches/kbench/kbench.c prints so, and so does the program benches/peers.

use super::samples::Cell;
use super::table::{COUNT, Table};

/// What the module's lines begin with, wherever they stand behind a log's time.
const MARK: &str = "KBENCH ";

/// Is the result of one benchmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    pub(crate) name: String,
    fields: Vec<(String, String)>,
}

/// Whether the module has just begun.
pub(crate) fn is_first(line: &str) -> bool {
    line.contains("KBENCH begin")
}

/// Whether the module has done everything.
pub(crate) fn is_last(line: &str) -> bool {
    line.contains("KBENCH end")
}

/// Reads a line; none if it is no result.
pub(crate) fn parse(line: &str) -> Option<Measure> {
    let (_, rest) = line.split_once(MARK)?;
    let mut fields: Vec<(String, String)> = rest
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let at = fields.iter().position(|(key, _)| key == "name")?;
    let (_, name) = fields.remove(at);
    Some(Measure { name, fields })
}

impl Measure {
    /// The same under another name.
    pub(crate) fn renamed(&self, name: &str) -> Measure {
        Measure { name: name.to_owned(), fields: self.fields.clone() }
    }

    /// The value of a key.
    pub(crate) fn field(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn figure(&self, key: &str) -> Option<f64> {
        self.field(key)?.parse().ok()
    }

    /// What went wrong, if something did.
    pub(crate) fn failure(&self) -> Option<String> {
        let error = self.field("failed").or(self.field("err")).filter(|error| *error != "0")?;
        Some(match self.field("live") {
            Some(live) => format!("failed ({error}) after {live}"),
            None => format!("failed ({error})"),
        })
    }

    /// The time of one operation, or why there is none.
    fn time(&self) -> Cell {
        let skipped = || self.field("skipped").map(|why| why.replace('_', " "));
        match (self.failure(), self.figure("ns_per_op")) {
            (None, Some(time)) => Cell::of(time),
            (failure, _) => Cell::Missing(failure.or_else(skipped).unwrap_or_else(|| "?".into())),
        }
    }

    /// Adds the rows of this result to a table; `unit` is that of times.
    pub(crate) fn add_to(&self, table: &mut Table, unit: &'static str, column: usize) {
        table.add(&self.name, unit, column, self.time());
        if self.failure().is_some() {
            return;
        }
        let rows =
            [("create_ns", ": create", unit), ("stop_ns", ": stop", unit), ("p99", ": p99", unit)];
        for (key, what, unit) in rows {
            if let Some(figure) = self.figure(key) {
                table.add(&format!("{}{what}", self.name), unit, column, Cell::of(figure));
            }
        }
        self.add_memory(table, column);
        self.add_switches(table, column);
    }

    fn add_memory(&self, table: &mut Table, column: usize) {
        if let Some(bytes) = self.figure("bytes_per_thread").filter(|bytes| *bytes > 0.0) {
            let name = format!("{}: memory per blocked thread", self.name);
            table.add(&name, "bytes", column, Cell::of(bytes));
        }
    }

    /// How often a call of a thread of a pair gave the CPU to the other: without it the time of
    /// the call says nothing.
    fn add_switches(&self, table: &mut Table, column: usize) {
        if !self.name.starts_with("yield") && !self.name.starts_with("schedule") {
            return;
        }
        if let (Some(switches), Some(rounds)) = (self.figure("switches"), self.figure("n")) {
            let name = format!("{}: switches per call", self.name);
            table.add(&name, COUNT, column, Cell::of(switches / (2.0 * rounds)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_of(lines: &[&str]) -> Table {
        let mut table = Table::new("test", &["kthreads"]);
        lines.iter().filter_map(|line| parse(line)).for_each(|it| it.add_to(&mut table, "ns", 0));
        table
    }

    #[test]
    fn results_become_rows() {
        let table = table_of(&[
            "[    0.2] kbench: loading out-of-tree module taints kernel.",
            "[    0.3] KBENCH begin cpus=2 hz=250",
            "[    1.5] KBENCH name=yield_pair n=100 ns_per_op=37 switches=150",
            "KBENCH name=yield_pair n=100 ns_per_op=35 switches=150",
            "KBENCH name=cross_cpu skipped=one_cpu",
            "KBENCH name=many_threads_9 n=9 ns_per_op=5 create_ns=3 bytes_per_thread=4096 live=9",
            "KBENCH name=create_stop failed=-12",
            "KBENCH name=many_threads_8 n=8 ns_per_op=5 stop_ns=3 live=2 err=-12",
        ]);
        let rows: Vec<_> = table.rows.iter().map(|row| (&*row.name, row.unit)).collect();
        let expected = [
            ("yield_pair", "ns"),
            ("yield_pair: switches per call", "1"),
            ("cross_cpu", "ns"),
            ("many_threads_9", "ns"),
            ("many_threads_9: create", "ns"),
            ("many_threads_9: memory per blocked thread", "bytes"),
            ("create_stop", "ns"),
            ("many_threads_8", "ns"),
        ];
        assert_eq!(rows, expected);
        assert_eq!(table.rows[0].cells[0].figures(), [35.0, 37.0]);
        assert_eq!(table.rows[1].cells[0].best(), Some(0.75));
        assert_eq!(table.rows[2].cells[0], Cell::missing("one cpu"));
        assert_eq!(table.rows[6].cells[0], Cell::missing("failed (-12)"));
        assert_eq!(table.rows[7].cells[0], Cell::missing("failed (-12) after 2"));
    }
}
