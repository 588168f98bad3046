//! ps, with the columns of procps.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use kthreads_kernel::proc::{PsColumns, PsRow};
use kthreads_kernel::task::Task;

use super::{Info, Place};
use crate::interpreter::Call;

pub(super) const COMMANDS: &[Info] = &[Info {
    name: "ps",
    usage: "ps [-e | -f | -ef | -A] [-o COLUMN,...] [-p PID]",
    about: "lists all tasks; -f with parents and times, -o pid,stat,wchan,comm to choose",
    more: "Kernel threads are shown as [name]; their parent is kthreadd, pid 2. Columns for -o: \
           pid ppid user stat comm cmd ni pri rtprio psr wchan tty stime time. In stat, S is an \
           interruptible sleep, D an uninterruptible one, P parked, I idle, R running.",
    place: Place::Inline,
    run: ps,
}];

/// What ps was asked for.
struct Wanted {
    columns: PsColumns,
    chosen: Option<String>,
    pid: Option<i32>,
}

impl Wanted {
    fn parse(arguments: &[String]) -> Result<Wanted, String> {
        let mut wanted = Wanted { columns: PsColumns::Short, chosen: None, pid: None };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                return Err(format!("'{word}' is not supported here; use `ps -ef`"));
            };
            for letter in letters.chars() {
                match letter {
                    'e' | 'A' => {}
                    'f' => wanted.columns = PsColumns::Full,
                    'o' => wanted.chosen = Some(words.next().cloned().unwrap_or_default()),
                    'p' => {
                        let pid = words.next().and_then(|word| word.parse().ok());
                        wanted.pid = Some(pid.ok_or("process ID list syntax error")?);
                    }
                    other => return Err(format!("option -{other} is not supported here")),
                }
            }
        }
        Ok(wanted)
    }
}

fn ps(call: &mut Call<'_>) -> i32 {
    let wanted = match Wanted::parse(call.arguments) {
        Ok(wanted) => wanted,
        Err(text) => return call.misused(&text),
    };
    let mut table = call.cx.kernel.ps_table(call.cx, wanted.columns);
    if let Some(pid) = wanted.pid {
        table.rows.retain(|row| row.pid == pid);
    }
    let status = i32::from(table.rows.is_empty());
    let Some(chosen) = wanted.chosen else {
        call.print(&table.to_string());
        return status;
    };
    match chosen_columns(call, &chosen, &table.rows) {
        Ok(text) => call.print(&text),
        Err(name) => return call.misused(&format!("unknown column '{name}'")),
    }
    status
}

/// Lays out the columns of `-o`: text to the left, numbers to the right.
fn chosen_columns(call: &Call<'_>, names: &str, rows: &[PsRow]) -> Result<String, String> {
    let mut columns: Vec<(Vec<String>, bool)> = Vec::new();
    for name in names.split(',') {
        let Some((head, is_number)) = head_of(name) else { return Err(name.to_string()) };
        let mut cells = Vec::from([head.to_string()]);
        cells.extend(rows.iter().map(|row| cell(call, name, row)));
        columns.push((cells, is_number));
    }
    let mut text = String::new();
    for line in 0..=rows.len() {
        let mut all: Vec<String> = Vec::new();
        for (cells, is_number) in &columns {
            let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
            let cell = &cells[line];
            all.push(match is_number {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            });
        }
        text.push_str(all.join(" ").trim_end());
        text.push('\n');
    }
    Ok(text)
}

/// A column's heading, and whether it holds numbers.
fn head_of(name: &str) -> Option<(&'static str, bool)> {
    Some(match name {
        "pid" => ("PID", true),
        "ppid" => ("PPID", true),
        "user" | "uid" => ("USER", false),
        "s" | "state" => ("S", false),
        "stat" => ("STAT", false),
        "comm" | "ucmd" => ("COMMAND", false),
        "cmd" | "args" | "command" => ("CMD", false),
        "ni" | "nice" => ("NI", true),
        "pri" => ("PRI", true),
        "rtprio" => ("RTPRIO", true),
        "psr" => ("PSR", true),
        "wchan" => ("WCHAN", false),
        "tty" => ("TT", false),
        "stime" => ("STIME", false),
        "time" => ("TIME", true),
        _ => return None,
    })
}

fn cell(call: &Call<'_>, name: &str, row: &PsRow) -> String {
    let task = call.cx.kernel.find_task(row.pid);
    let of_task = |value: &dyn Fn(&Task) -> String| task.map_or_else(|| "-".to_string(), value);
    match name {
        "pid" => row.pid.to_string(),
        "ppid" => row.parent.to_string(),
        "user" | "uid" => row.user.to_string(),
        "s" | "state" | "stat" => row.state.to_string(),
        "comm" | "ucmd" => row.name.clone(),
        "cmd" | "args" | "command" => row.command.clone(),
        "ni" | "nice" => of_task(&|task| task.nice().to_string()),
        "pri" => of_task(&|task| (139 - task.head.prio.load(Ordering::Relaxed)).to_string()),
        "rtprio" => of_task(&rt_priority),
        "psr" => of_task(&|task| task.head.cpu().to_string()),
        "wchan" => {
            of_task(&|task| call.cx.kernel.wait_channel(task).unwrap_or_else(|| "-".to_string()))
        }
        "tty" => row.tty.to_string(),
        "stime" => row.start.clone(),
        _ => {
            let seconds = row.cpu_seconds;
            format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
        }
    }
}

fn rt_priority(task: &Task) -> String {
    match task.head.rt_priority.load(Ordering::Relaxed) {
        0 => "-".to_string(),
        priority => priority.to_string(),
    }
}
