//! The command line of `kthreads boot`.

use std::path::PathBuf;

use clap::{Args, value_parser};
use kthreads_qemu::Pace;

use super::{CliWork, RunCommand, UsageError};

pub(super) const BOOT_EXAMPLES: &str = "\
Examples:
  kthreads boot pair.c --fast-forward --script 'sleep 25; ps -ef; rmmod pair'
      the same as `kthreads run`, on bare metal: ring 0, several processors, preemption
  kthreads boot pair.c
      a prompt on the kernel's serial line; commands may also come from a pipe
  kthreads boot pair.c --append panic_on_oops=1 --cpus 4 --memory 512
      an oops stops the kernel
  kthreads boot pair.c --gdb
      the kernel waits for gdb, and it is said what to type there

Exit status: as of `kthreads run`. QEMU is needed (Debian: apt-get install qemu-system-x86), and a
kernel image: a checkout builds it (rustup target add x86_64-unknown-none), KTHREADS_IMAGE or
--image name one.";

#[derive(Debug, Args)]
pub(super) struct CliBoot {
    #[command(flatten)]
    work: CliWork,
    /// Sets how much memory the machine has, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = value_parser!(u32).range(32..=1 << 20))]
    memory: u32,
    /// Lets each instruction take one nanosecond, so that times can be repeated.
    #[arg(long)]
    icount: bool,
    /// Waits for gdb before the first instruction.
    #[arg(long)]
    gdb: bool,
    /// Adds words to the kernel's command line, as panic_on_oops=1.
    #[arg(long, value_name = "WORDS", value_parser = parse_append)]
    append: Vec<String>,
    /// Boots this kernel image.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

/// Is what `kthreads boot` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootCommand {
    /// What to do there.
    pub(crate) run: RunCommand,
    /// How much memory the machine has.
    pub(crate) memory_mib: u32,
    /// How fast it runs.
    pub(crate) pace: Pace,
    /// When it starts.
    pub(crate) start: Start,
    /// Words for the kernel's command line.
    pub(crate) append: Vec<String>,
    /// The kernel image, if it was named.
    pub(crate) image: Option<PathBuf>,
}

/// Says when a booted kernel starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// At once.
    AtOnce,
    /// When a debugger says so.
    ByDebugger,
}

/// Checks the command line. Whether there is a prompt that can end it is known later.
pub(super) fn checked(boot: CliBoot) -> Result<BootCommand, UsageError> {
    Ok(BootCommand {
        run: super::checked_work(boot.work)?,
        memory_mib: boot.memory,
        pace: if boot.icount { Pace::Instructions } else { Pace::Free },
        start: if boot.gdb { Start::ByDebugger } else { Start::AtOnce },
        append: boot.append,
        image: boot.image,
    })
}

fn parse_append(words: &str) -> Result<String, String> {
    match words.split_whitespace().any(|word| word == "--") {
        true => Err("`--` would end the kernel's options".to_owned()),
        false => Ok(words.to_owned()),
    }
}
