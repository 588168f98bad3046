//! The pc machine beside Debian's Linux: the same module, from the same source, in the same QEMU.

mod boot;
mod debian;
mod ours;

use kthreads_qemu::Pace;

use super::kbench::Measure;
use super::report::Report;
use super::samples::Cell;
use super::table::Table;
use super::words::{self, Common, WRONG, Words};
use boot::{Boot, Machine, System};

/// Loads the module without a benchmark: the boot is all that takes time then.
const NOTHING: &str = "only=nothing";

struct Options {
    common: Common,
    reps: u32,
    boots: u32,
    memory_mib: u32,
    clocks: Vec<Clock>,
}

/// Says what time is in a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// One CPU; a nanosecond is an instruction.
    Instructions,
    /// Two CPUs; time is real.
    Real,
}

impl Clock {
    fn machine(self, memory_mib: u32) -> Machine {
        match self {
            Clock::Instructions => Machine { cpus: 1, pace: Pace::Instructions, memory_mib },
            Clock::Real => Machine { cpus: 2, pace: Pace::Free, memory_mib },
        }
    }

    fn title(self) -> &'static str {
        match self {
            Clock::Instructions => "1 CPU, -icount shift=0,sleep=off",
            Clock::Real => "2 CPUs, thread=multi",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Clock::Instructions => "instructions",
            Clock::Real => "ns",
        }
    }
}

/// Runs `cargo xtask bench linux`.
pub(super) fn run(args: &[String]) -> Result<(), String> {
    let options = parse(args)?;
    crate::tools::pc()?;
    let systems = [ours::system()?, debian::system()?];
    let mut report = Report::new();
    let mut failures = Vec::new();
    for clock in &options.clocks {
        let mut table = Table::new(clock.title(), &systems.each_ref().map(|it| it.name.as_str()));
        measure(*clock, &options, &systems, &mut table, &mut failures);
        report.add(table);
    }
    failures.iter().for_each(|failure| report.note(failure));
    report.publish(options.common.json.as_deref())?;
    if failures.is_empty() { Ok(()) } else { Err("not every guest did everything".to_owned()) }
}

fn parse(args: &[String]) -> Result<Options, String> {
    let (mut reps, mut boots, mut memory_mib) = (3, 3, 1536);
    let mut clocks = vec![Clock::Instructions, Clock::Real];
    let common = Words::new(args).parse(|word, words| {
        match word {
            "--reps" => reps = words.number(word)?,
            "--boots" => boots = words.number(word)?,
            "--memory" => memory_mib = words.number(word)?,
            "--clock" => {
                clocks = vec![match words.value(word)? {
                    "icount" => Clock::Instructions,
                    "free" => Clock::Real,
                    _ => return Err(format!("{WRONG}--clock is icount or free")),
                }];
            }
            other => return Err(words::unknown(other)),
        }
        Ok(())
    })?;
    Ok(Options { common, reps, boots, memory_mib, clocks })
}

/// Boots each system for the benchmarks, and the other times for the boot alone.
fn measure(
    clock: Clock,
    options: &Options,
    systems: &[System],
    table: &mut Table,
    failures: &mut Vec<String>,
) {
    let machine = clock.machine(options.memory_mib);
    let reps = options.reps;
    for round in 0..options.boots {
        let (parameters, reps) = match round {
            0 => (parameters(options), reps),
            _ => (NOTHING.to_owned(), 0),
        };
        for (column, system) in systems.iter().enumerate() {
            println!("xtask: {} in QEMU, {}: {parameters}", system.name, clock.title());
            let boot = match system.boot(&machine, &parameters, reps) {
                Ok(boot) => boot,
                Err(error) => Boot::failed(error),
            };
            fill(table, column, clock, &boot);
            let failed = |what| format!("{} ({}): {what}", system.name, clock.title());
            failures.extend(boot.failures().map(failed));
        }
    }
}

fn parameters(options: &Options) -> String {
    let mut parameters = format!("div={} reps={}", options.common.div, options.reps);
    if !options.common.only.is_empty() {
        parameters += &format!(" only={}", options.common.only);
    }
    parameters
}

fn fill(table: &mut Table, column: usize, clock: Clock, boot: &Boot) {
    let first = boot.first_line.map(|time| Cell::of(time.as_secs_f64() * 1000.0));
    let first = first.unwrap_or_else(|| Cell::missing("no line"));
    table.add("QEMU's start to the module's first line", "ms", column, first);
    let add = |measure: &Measure| measure.add_to(table, clock.unit(), column);
    boot.measures.iter().for_each(add);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    #[test]
    fn options_become_parameters() {
        let options = parse_line("--div 20 --reps 2 --only create_stop,yield_pair").expect("right");
        assert_eq!(parameters(&options), "div=20 reps=2 only=create_stop,yield_pair");
        assert_eq!(options.clocks, [Clock::Instructions, Clock::Real]);
        let options = parse_line("--clock icount --memory 1024").expect("right");
        assert_eq!((options.clocks, options.memory_mib), (vec![Clock::Instructions], 1024));
    }

    #[test]
    fn wrong_options_are_named() {
        for line in ["--clock sundial", "--rounds 3", "kbench"] {
            assert!(parse_line(line).err().is_some_and(|error| error.starts_with(WRONG)), "{line}");
        }
    }
}
