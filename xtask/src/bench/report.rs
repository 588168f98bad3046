//! All that a run found out: printed, and written as JSON.

use std::path::Path;

use serde_json::{Value, json};

use super::machine;
use super::samples::Cell;
use super::table::Table;

/// Is what a run found out.
pub(super) struct Report {
    machine: String,
    tables: Vec<Table>,
    notes: Vec<String>,
}

impl Report {
    /// Begins; the machine is described as it is now.
    pub(super) fn new() -> Report {
        let notes = machine::warning().into_iter().collect();
        Report { machine: machine::line(), tables: Vec::new(), notes }
    }

    /// Adds a table.
    pub(super) fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Adds a line that stands under the tables.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Prints everything, and writes it to a file if there is one.
    pub(super) fn publish(&self, file: Option<&Path>) -> Result<(), String> {
        println!("\n{}", self.machine);
        for table in &self.tables {
            print!("\n{table}");
        }
        println!("\nEach figure is the best and, in brackets, the median. Ratios are of the best.");
        self.notes.iter().for_each(|note| println!("{note}"));
        let Some(file) = file else { return Ok(()) };
        let text = format!("{:#}\n", self.json());
        std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
    }

    fn json(&self) -> Value {
        let tables: Vec<Value> = self.tables.iter().map(table_json).collect();
        json!({ "machine": self.machine, "notes": self.notes, "tables": tables })
    }
}

fn table_json(table: &Table) -> Value {
    let row = |row: &super::table::Row| {
        let cells = table.columns.iter().cloned().zip(row.cells.iter().map(cell_json));
        let cells: serde_json::Map<String, Value> = cells.collect();
        json!({ "name": row.name, "unit": row.unit, "columns": cells })
    };
    let rows: Vec<Value> = table.rows.iter().map(row).collect();
    json!({ "title": table.title, "rows": rows })
}

fn cell_json(cell: &Cell) -> Value {
    match cell {
        Cell::Missing(why) => json!({ "missing": why }),
        Cell::Measured(figures) => {
            json!({ "best": cell.best(), "median": cell.median(), "figures": figures })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_every_figure() {
        let mut table = Table::new("1 CPU", &["kthreads", "Linux"]);
        table.add("yield", "ns", 0, Cell::of(3.0));
        table.add("yield", "ns", 0, Cell::of(1.0));
        let report = Report { machine: "m".into(), tables: vec![table], notes: Vec::new() };
        let row = &report.json()["tables"][0]["rows"][0];
        assert_eq!(row["name"], "yield");
        assert_eq!(row["columns"]["kthreads"]["figures"], json!([1.0, 3.0]));
        assert_eq!(row["columns"]["kthreads"]["median"], 2.0);
        assert_eq!(row["columns"]["Linux"]["missing"], "-");
    }
}
