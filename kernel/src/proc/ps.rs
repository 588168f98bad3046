//! What `ps` shows: a row for each task, in procps' columns.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering;

use kthreads_base::Nanos;

use crate::task::Task;
use crate::{Cx, Kernel};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A task as ps sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PsRow {
    /// UID: everybody is root.
    pub user: &'static str,
    /// PID.
    pub pid: i32,
    /// PPID.
    pub parent: i32,
    /// C: the CPU time in percent of the task's life, at most 99.
    pub cpu_percent: u32,
    /// When it began, on the wall clock, in seconds since 1970.
    pub start_seconds: u64,
    /// STIME: when it began, in UTC: HH:MM, or the day if that was not today, or the year.
    pub start: String,
    /// TTY: nobody has one.
    pub tty: &'static str,
    /// TIME: CPU time in whole seconds.
    pub cpu_seconds: u64,
    /// The state's letter.
    pub state: char,
    /// The name, at full length.
    pub name: String,
    /// CMD: the name, in brackets for what has no command line: kernel threads.
    pub command: String,
}

/// Which columns are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsColumns {
    /// PID TTY TIME CMD, as plain `ps` has them: here CMD is the name without brackets.
    Short,
    /// UID PID PPID C STIME TTY TIME CMD, as `ps -ef` has them.
    Full,
}

/// A table that prints itself as ps does.
#[derive(Clone, Debug)]
pub struct PsTable {
    /// The columns.
    pub columns: PsColumns,
    /// The rows, by pid.
    pub rows: Vec<PsRow>,
    /// How wide a pid may be.
    pub pid_width: usize,
}

impl Kernel {
    /// All tasks by pid, as ps sees them.
    pub fn ps_rows(&self, _cx: &Cx<'_>) -> Vec<PsRow> {
        let tasks = self.all_tasks();
        // One that ends while its row is made is left out.
        let rows = tasks.into_iter().filter_map(|task| {
            let id = task.id();
            let row = self.ps_row(task);
            self.task_by_id(id).map(|_| row)
        });
        rows.collect()
    }

    /// All tasks by pid, as a table.
    pub fn ps_table(&self, cx: &Cx<'_>, columns: PsColumns) -> PsTable {
        let pid_width = format!("{}", self.pid_max() - 1).len();
        PsTable { columns, rows: self.ps_rows(cx), pid_width }
    }

    fn ps_row(&self, task: &Task) -> PsRow {
        let (boot, now) = (self.boot_time, self.uptime());
        let began = task.head.start_time.load(Ordering::Relaxed);
        let start_seconds = (boot.0 + began) / SECOND;
        let cpu = self.cpu_time(task);
        let name = task.full_name();
        let command = if task.is_kthread() { format!("[{name}]") } else { name.clone() };
        let exit_state = task.head.exit_state.load(Ordering::Relaxed);
        PsRow {
            user: "root",
            pid: task.pid(),
            parent: self.parent_pid(task),
            cpu_percent: cpu_percent(cpu, Nanos(now.0.saturating_sub(began))),
            start_seconds,
            start: start_text(start_seconds, (boot.0 + now.0) / SECOND),
            tty: "?",
            cpu_seconds: cpu.0 / SECOND,
            state: crate::task::state::state_letter(task.state(), exit_state).0,
            name,
            command,
        }
    }
}

/// The share of a life in percent. As in ps, the life counts in whole seconds, and in its first
/// second nothing is said.
fn cpu_percent(cpu: Nanos, life: Nanos) -> u32 {
    match life.0 / SECOND {
        0 => 0,
        seconds => (cpu.0 / (SECOND / 100) / seconds).min(99) as u32,
    }
}

/// A year, month from 0 and day from 1.
#[derive(Debug, PartialEq, Eq)]
struct Date {
    year: u64,
    month: usize,
    day: u64,
}

/// The date of a day counted from 1970-01-01.
fn date_of(day: u64) -> Date {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut left) = (1970, day);
    while left >= 365 + u64::from(leap(year)) {
        left -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 0;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < days {
            break;
        }
        left -= days;
        month += 1;
    }
    Date { year, month, day: left + 1 }
}

/// A start as ps shows it `now`; both in seconds since 1970.
fn start_text(start: u64, now: u64) -> String {
    if start / DAY == now / DAY {
        return format!("{:02}:{:02}", start % DAY / 3600, start % 3600 / 60);
    }
    let (then, today) = (date_of(start / DAY), date_of(now / DAY));
    if then.year == today.year {
        return format!("{}{:02}", MONTHS[then.month], then.day);
    }
    format!("{}", then.year)
}

/// CPU time as ps shows it: `[DD-]HH:MM:SS`.
fn time_text(seconds: u64) -> String {
    let clock =
        format!("{:02}:{:02}:{:02}", seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    match seconds / DAY {
        0 => clock,
        days => format!("{days}-{clock}"),
    }
}

impl fmt::Display for PsTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.pid_width;
        match self.columns {
            PsColumns::Short => writeln!(f, "{:>width$} TTY          TIME CMD", "PID")?,
            PsColumns::Full => {
                let (pid, parent) = ("PID", "PPID");
                writeln!(
                    f,
                    "UID      {pid:>width$} {parent:>width$}  C STIME TTY          TIME CMD"
                )?;
            }
        }
        self.rows.iter().try_for_each(|row| self.write_row(row, f))
    }
}

impl PsTable {
    fn write_row(&self, row: &PsRow, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.pid_width;
        let PsRow { user, pid, parent, cpu_percent, start, tty, name, command, .. } = row;
        let time = time_text(row.cpu_seconds);
        match self.columns {
            PsColumns::Short => writeln!(f, "{pid:>width$} {tty:<8} {time:>8} {name}"),
            PsColumns::Full => writeln!(
                f,
                "{user:<8} {pid:>width$} {parent:>width$} {cpu_percent:>2} {start:<5} {tty:<8} \
                 {time:>8} {command}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    fn row() -> PsRow {
        PsRow {
            user: "root",
            pid: 2,
            parent: 0,
            cpu_percent: 0,
            start_seconds: 0,
            start: "17:00".into(),
            tty: "?",
            cpu_seconds: 11,
            state: 'S',
            name: "kthreadd".into(),
            command: "[kthreadd]".into(),
        }
    }

    #[test]
    fn columns_are_those_of_procps() {
        let table = |columns| PsTable { columns, rows: vec![row()], pid_width: 5 }.to_string();
        assert_eq!(
            table(PsColumns::Full),
            "UID        PID  PPID  C STIME TTY          TIME CMD\n\
             root         2     0  0 17:00 ?        00:00:11 [kthreadd]\n"
        );
        assert_eq!(
            table(PsColumns::Short),
            "  PID TTY          TIME CMD\n    2 ?        00:00:11 kthreadd\n"
        );
    }

    #[test]
    fn starts_are_times_then_days_then_years() {
        // 2026-11-22 18:05:09 UTC.
        let now = 1_795_370_709;
        assert_eq!(start_text(now, now), "18:05");
        assert_eq!(start_text(now - DAY, now), "Nov21");
        assert_eq!(start_text(now - 320 * DAY, now), "Jan06");
        assert_eq!(start_text(now - 400 * DAY, now), "2025");
    }

    #[test]
    fn dates_know_leap_years() {
        let date = |year, month, day| Date { year, month, day };
        assert_eq!(date_of(0), date(1970, 0, 1));
        assert_eq!(date_of(11_016), date(2000, 1, 29));
        assert_eq!(date_of(11_017), date(2000, 2, 1));
        assert_eq!(date_of(20_088), date(2024, 11, 31));
        assert_eq!(date_of(20_089), date(2025, 0, 1));
    }

    #[test]
    fn cpu_time_and_share_are_cut() {
        assert_eq!(time_text(3_661), "01:01:01");
        assert_eq!(time_text(2 * DAY + 59), "2-00:00:59");
        assert_eq!(cpu_percent(Nanos(SECOND), Nanos(SECOND - 1)), 0);
        assert_eq!(cpu_percent(Nanos(SECOND), Nanos(4 * SECOND)), 25);
        assert_eq!(cpu_percent(Nanos(9 * SECOND), Nanos(4 * SECOND)), 99);
    }
}
