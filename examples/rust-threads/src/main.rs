//! Runs the programs by name on the host machine, with the clock that fast-forwards.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::builder::PossibleValue;
use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::{Config, Kernel};
use rust_threads::{LogLines, PROGRAMS};

/// Runs kernel threads written in safe Rust and shows the kernel's log.
#[derive(Parser)]
#[command(after_help = examples())]
struct Arguments {
    /// The programs to run, in order; all of them if none is named.
    #[arg(value_name = "NAME", value_parser = names())]
    programs: Vec<String>,
    /// How many CPUs the machine has.
    #[arg(long, value_name = "N", default_value_t = HostConfig::default().cpus)]
    cpus: u32,
}

fn names() -> Vec<PossibleValue> {
    PROGRAMS.iter().map(|program| PossibleValue::new(program.name).help(program.about)).collect()
}

fn examples() -> String {
    let mut text = String::from("Examples:\n");
    for arguments in ["", " handoff_waitqueue", " killable pauser --cpus 1"] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  rust-threads{arguments}");
    }
    text
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(bugs) => {
            eprintln!("rust-threads: the kernel reported bugs: {bugs}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("rust-threads: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns how many bugs the kernel reported.
fn run(arguments: &Arguments) -> Result<u32, Box<dyn Error>> {
    let config =
        HostConfig { cpus: arguments.cpus, clock: Clock::FastForward, ..HostConfig::default() };
    let kernel = Kernel::boot(HostMachine::new(config)?, Config::default())?;
    let mut log = LogLines::of(&kernel);
    for program in PROGRAMS {
        let is_named = arguments.programs.iter().any(|name| name == program.name);
        if !is_named && !arguments.programs.is_empty() {
            continue;
        }
        let result = (program.run)(&kernel);
        for line in log.by_ref() {
            println!("{line}");
        }
        result.map_err(|errno| format!("{}: {errno}", program.name))?;
    }
    Ok(kernel.bug_count())
}
