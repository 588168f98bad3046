//! Tables: who did what in how long, and how many times as long as the first.

use std::fmt;

use super::samples::Cell;

/// The unit of figures that are neither good nor bad.
pub(super) const COUNT: &str = "1";

/// Is a table. Its first column is ours: the others are compared with it.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// Is something that was measured in each column.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) cells: Vec<Cell>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Table {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Table { title: title.into(), columns, rows: Vec::new() }
    }

    /// Adds what was measured in a column; a row that is not there yet comes last.
    pub(crate) fn add(&mut self, name: &str, unit: &'static str, column: usize, cell: Cell) {
        let at = self.rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            let cells = vec![Cell::missing("-"); self.columns.len()];
            self.rows.push(Row { name: name.to_owned(), unit, cells });
            self.rows.len() - 1
        });
        self.rows[at].cells[column].join(cell);
    }

    fn head(&self) -> Vec<String> {
        let mut head = vec![self.title.clone(), "unit".to_owned()];
        head.extend(self.columns.iter().cloned());
        let ours = self.columns.first().map_or("", |column| column);
        head.extend(self.columns.iter().skip(1).map(|column| format!("{column} / {ours}")));
        head
    }
}

impl Row {
    fn texts(&self) -> Vec<String> {
        let mut texts = vec![self.name.clone(), self.unit.to_owned()];
        texts.extend(self.cells.iter().map(text));
        let is_cost = self.unit != COUNT;
        let ours = self.cells.first().and_then(Cell::best).filter(|_| is_cost);
        texts.extend(self.cells.iter().skip(1).map(|theirs| ratio(theirs.best(), ours)));
        texts
    }
}

/// The best figure, and the median behind it if it was measured more than once.
fn text(cell: &Cell) -> String {
    match cell {
        Cell::Missing(why) => why.clone(),
        Cell::Measured(figures) => match (cell.best(), cell.median()) {
            (Some(best), Some(median)) if figures.len() > 1 => {
                format!("{} ({})", number(best), number(median))
            }
            (best, _) => best.map_or_else(String::new, number),
        },
    }
}

fn ratio(theirs: Option<f64>, ours: Option<f64>) -> String {
    match (theirs, ours) {
        (Some(theirs), Some(ours)) if ours > 0.0 => match theirs / ours {
            small if small < 10.0 => format!("{small:.2}x"),
            large => format!("{}x", number(large)),
        },
        _ => "-".to_owned(),
    }
}

/// Three digits at least, thousands apart.
pub(super) fn number(figure: f64) -> String {
    if figure < 10.0 {
        return format!("{figure:.2}");
    }
    if figure < 100.0 {
        return format!("{figure:.1}");
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![self.head()];
        lines.extend(self.rows.iter().map(Row::texts));
        let width = |column: usize| {
            lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
        for (at, line) in lines.iter().enumerate() {
            write_line(f, line, &widths)?;
            if at == 0 {
                let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                write_line(f, &rules, &widths)?;
            }
        }
        Ok(())
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, texts: &[String], widths: &[usize]) -> fmt::Result {
    for (column, (text, width)) in texts.iter().zip(widths).enumerate() {
        match column {
            0 | 1 => write!(f, "| {text:<width$} ")?,
            _ => write!(f, "| {text:>width$} ")?,
        }
    }
    writeln!(f, "|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_ratios_and_says_what_is_missing() {
        let mut table = Table::new("1 CPU", &["kthreads", "Linux"]);
        table.add("create_stop", "ns", 0, Cell::of(2000.0));
        table.add("create_stop", "ns", 1, Cell::of(75_461.0));
        table.add("create_stop", "ns", 1, Cell::of(75_463.0));
        table.add("cross_cpu", "ns", 1, Cell::missing("one CPU"));
        let expected = "\
| 1 CPU       | unit | kthreads |           Linux | Linux / kthreads |
| ----------- | ---- | -------- | --------------- | ---------------- |
| create_stop | ns   |    2,000 | 75,461 (75,462) |            37.7x |
| cross_cpu   | ns   |        - |         one CPU |                - |
";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn numbers_can_be_read() {
        let texts = [0.5, 9.876, 37.62, 999.4, 1000.0, 1_234_567.8].map(number);
        assert_eq!(texts, ["0.50", "9.88", "37.6", "999", "1,000", "1,234,568"]);
    }
}
