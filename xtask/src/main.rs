//! Development tasks: `cargo xtask` names them.

mod ask_linux;
mod bench;
mod bugs;
mod count;
mod fuzz;
mod lint;
mod pc;
mod sanitize;
mod soak;
mod test;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask TASK

  test [WORDS]        what is needed is there or named, then every test (WORDS go to cargo test)
  ask-linux [NAME]... [--check] [--verbose]
                      runs the C cases on real Linux in QEMU and writes their records
  cases [--machine host|sim|pc] [--cpus 1,2,8] [NAME]...
                      runs the C cases on this kernel and compares with those records
  bugs [--machine host|pc|sim] [--cpus 1,2,8] [--runs N] [--seconds N] [NAME]...
                      runs the modules of modules/bugs and their twins, and compares with what is
                      expected
  pc [--cpus N] [--verbose] [WORD]...
                      boots the tests on the pc machine in QEMU
  bench [linux|explore]
                      measures the command beside threads of other kinds, the pc machine beside Linux,
                      or explored schedules beside other explorers
  lint                checks formatting, lints and documentation, for the host and for bare metal
  fuzz [--seconds N] [--seed N] [TARGET]...
                      mutates kept inputs and feeds them to the targets of fuzz/, 30 seconds each
  soak [--minutes N] [--cpus N] [--seed N]
                      random operations on kernels, against what must hold
  sanitize [miri|thread|address]...
                      what Miri and sanitizers see; needs the nightly toolchain
  unsafe              counts the unsafe blocks of each crate
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, rest)) = args.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let result = match task.as_str() {
        "test" => test::run(rest),
        "ask-linux" => ask_linux::run(rest),
        "cases" => ask_linux::ours::run(rest),
        "bugs" => bugs::run(rest),
        "lint" => lint::run(),
        "pc" => pc::run(rest),
        "bench" => bench::run(rest),
        "fuzz" => fuzz::run(rest),
        "sanitize" => sanitize::run(rest),
        "soak" => soak::run(rest),
        "unsafe" => count::run(),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => {
            eprint!("xtask: there is no task `{other}`\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
