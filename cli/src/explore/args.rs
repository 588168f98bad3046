//! The command lines of `kthreads explore` and `kthreads replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kthreads_explore::strategy;
use kthreads_kernel::Linux;
use kthreads_shell::duration;

pub(crate) const EXPLORE_EXAMPLES: &str = "\
Examples:
  kthreads explore pair.c
      loads pair.c, lets it run, unloads it, under thousands of schedules; stops at the first bug
  kthreads explore pair.c count=3 --schedules 100000 --keep-going
      with a parameter; counts all bugs
  kthreads explore driver.c --script 'rmmod driver & pkill -9 -x worker; wait'
      another scenario: commands with & run at the same time as what follows
  kthreads explore driver.c --fail-nth 3
      the third allocation or thread creation fails
  kthreads explore driver.c --strategy dfs:1
      every schedule with at most one preemption, until there are no more

Exit status: 0 nothing was found, 1 something was or a worker died, 2 wrong usage, 3 a module did
not compile or load, 130 interrupted.";

pub(crate) const REPLAY_EXAMPLES: &str = "\
Examples:
  kthreads replay 'kt3.2.1.51d00c2a.8c2f31e0.AB_BBNB' pair.c
      the schedule that explore printed, again, as a story";

/// What explore and replay have in common.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Subject {
    /// Modules in the order to load them: a .c file, a .ko file, or a directory with a Kbuild or
    /// Makefile; the parameters of each follow it.
    #[arg(value_name = "FILE|DIR [name=value]...")]
    pub(crate) modules: Vec<String>,
    /// Runs these commands after loading, in place of waiting and unloading.
    #[arg(long, value_name = "CMDS")]
    pub(crate) script: Option<String>,
    /// Takes choices at every access of memory, and finds data races, or only where the kernel is
    /// called.
    #[arg(long, value_name = "LEVEL", value_parser = parse_level, default_value = "access")]
    pub(crate) level: Level,
    /// Finds no data races, which makes schedules with choices at every access faster.
    #[arg(long)]
    pub(crate) no_races: bool,
    /// Behaves as this release of Linux, where they differ: 5.15 or 6.1.
    #[arg(long, value_name = "RELEASE", default_value_t)]
    pub(crate) as_linux: Linux,
    /// Does not look whether the order or the context in which locks are taken could end in a
    /// deadlock: what is found then is the deadlock.
    #[arg(long)]
    pub(crate) no_lockdep: bool,
    /// Also writes the story for the trace viewers of Chrome and Perfetto.
    #[arg(long, value_name = "OUT.json")]
    pub(crate) trace: Option<PathBuf>,
}

/// `kthreads explore`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct CliExplore {
    #[command(flatten)]
    pub(crate) subject: Subject,
    /// Runs at most so many schedules [default: 10000, or without end with --time].
    #[arg(long, value_name = "N")]
    pub(crate) schedules: Option<u64>,
    /// Runs for so long, as 10, 0.5 or 2m.
    #[arg(long, value_name = "SECONDS", value_parser = duration::parse)]
    pub(crate) time: Option<Duration>,
    /// Chooses schedules: mixed, random, pct:DEPTH, or dfs:BOUND for all with so few preemptions.
    #[arg(long, value_name = "S", default_value = "mixed")]
    pub(crate) strategy: strategy::Kind,
    /// Where all that is random comes from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Sets how many CPUs the kernel has.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) cpus: u32,
    /// Lets the allocation or thread creation with this number fail, from 1 on.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) fail_nth: Option<u32>,
    /// Lets one in so many allocations and thread creations fail.
    #[arg(long, value_name = "N", conflicts_with = "fail_nth", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) fail_rate: Option<u32>,
    /// Runs one part of the campaign: the I-th of N, from 1 on.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    pub(crate) shard: Option<(u64, u64)>,
    /// Runs so many schedules at a time [default: as many as there are cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) jobs: Option<u32>,
    /// Joins results that --json wrote, in place of running anything.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "modules")]
    pub(crate) merge: Vec<PathBuf>,
    /// Writes the result for programs to read.
    #[arg(long, value_name = "OUT")]
    pub(crate) json: Option<PathBuf>,
    /// Goes on after the first bug.
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// At most so many steps a schedule; what takes more is a busy loop.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub(crate) steps: u64,
}

/// `kthreads replay`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct CliReplay {
    /// What explore printed behind `replay string:`.
    #[arg(value_name = "STRING")]
    pub(crate) string: String,
    #[command(flatten)]
    pub(crate) subject: Subject,
}

/// Where choices are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// At each access of memory.
    Access,
    /// At calls of the kernel.
    Lock,
}

fn parse_level(text: &str) -> Result<Level, String> {
    match text {
        "access" => Ok(Level::Access),
        "lock" => Ok(Level::Lock),
        _ => Err("write access or lock".to_owned()),
    }
}

fn parse_shard(text: &str) -> Result<(u64, u64), String> {
    let wrong = || "write the part and how many there are, as 2/8".to_owned();
    let (nth, all) = text.split_once('/').ok_or_else(wrong)?;
    let (nth, all): (u64, u64) =
        (nth.parse().map_err(|_| wrong())?, all.parse().map_err(|_| wrong())?);
    if !(1..=all).contains(&nth) {
        return Err(wrong());
    }
    Ok((nth - 1, all))
}
