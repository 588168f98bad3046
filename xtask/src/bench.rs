//! Benchmarks: tables of the same work done here and elsewhere, measured in one run.
//!
//! docs/benchmarks.md says how to run them and what each row means.

mod explore;
mod host;
mod kbench;
mod linux;
mod machine;
mod report;
mod samples;
mod table;
mod words;

/// The module that measures a kernel from inside.
pub(crate) const MODULE: &str = "benches/kbench/kbench.c";

const USAGE: &str = "\
usage: cargo xtask bench [OPTION]...         the command `kthreads` beside std::thread, pthread and tokio
       cargo xtask bench linux [OPTION]...   the pc machine beside Debian's Linux 6.1, both in QEMU
       cargo xtask bench explore [OPTION]... schedules a second, beside shuttle and loom

  --div K        does everything but many threads at once only one Kth as often (default 1)
  --only A,B     measures these benchmarks of benches/kbench/kbench.c only
  --json FILE    writes all that was measured to FILE, too

bench:
  --rounds N     goes round so often; all are measured in each round (default 5)
  --blocked N    measures memory with so many blocked threads (default 10000)
  --many N       only this: has so many blocked threads in one process, such as 1000000

bench linux:
  --reps N       measures everything so often in each boot (default 3)
  --boots N      times so many boots (default 3)
  --memory MIB   gives the guests so much memory (default 1536: Linux lets nobody have 10,000 threads with less)
  --clock icount|free
                 only with one CPU and instructions counted, or only with two CPUs and real time

bench explore:
  --rounds N     goes round so often (default 3)
  --schedules N  so many schedules each time (default 50000)";

/// Runs `cargo xtask bench`.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    let result = match args.split_first() {
        Some((first, rest)) if first == "linux" => linux::run(rest),
        Some((first, rest)) if first == "explore" => explore::run(rest),
        Some((first, _)) if !first.starts_with('-') => Err(words::unknown(first)),
        _ => host::run(args),
    };
    result.map_err(|error| match error.strip_prefix(words::WRONG) {
        Some(what) => format!("{what}\n{USAGE}"),
        None => error,
    })
}
