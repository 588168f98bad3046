//! One boot of a kernel that loads the benchmark module.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kthreads_qemu::{Guest, Lines, Options, Pace};

use crate::bench::kbench::{self, Measure};

/// How long a boot may take without benchmarks, and each repetition of them: hosts may be slow.
const BOOT: Duration = Duration::from_secs(180);
const REPETITION: Duration = Duration::from_secs(300);
/// How many of the last lines are shown of a guest that did not do everything.
const LAST_LINES: usize = 25;

/// Is a kernel to boot, with the module in its initial RAM disk.
pub(super) struct System {
    pub(super) name: String,
    pub(super) image: PathBuf,
    pub(super) initrd: Vec<u8>,
    /// What stands on the kernel's command line before and behind the module's parameters.
    pub(super) command_line: (&'static str, &'static str),
}

/// Is what it is booted on.
pub(super) struct Machine {
    pub(super) cpus: usize,
    pub(super) pace: Pace,
    pub(super) memory_mib: u32,
}

/// Is what a boot gave.
#[derive(Default)]
pub(super) struct Boot {
    /// The time from QEMU's start to the module's first line.
    pub(super) first_line: Option<Duration>,
    pub(super) measures: Vec<Measure>,
    /// Why not everything was done.
    pub(super) failure: Option<String>,
}

impl Boot {
    /// A boot that gave nothing.
    pub(super) fn failed(why: String) -> Boot {
        Boot { failure: Some(why), ..Boot::default() }
    }

    /// All that went wrong.
    pub(super) fn failures(&self) -> impl Iterator<Item = String> {
        let failed = |measure: &Measure| Some(format!("{} {}", measure.name, measure.failure()?));
        self.failure.iter().cloned().chain(self.measures.iter().filter_map(failed))
    }
}

impl System {
    /// Boots it and waits for its end.
    pub(super) fn boot(&self, on: &Machine, parameters: &str, reps: u32) -> Result<Boot, String> {
        let options = self.options(on, parameters, BOOT + REPETITION * reps);
        let (mut boot, mut seen) = (Boot::default(), Vec::new());
        let started = Instant::now();
        let mut lines = Lines::new(|line| {
            if kbench::is_first(line) {
                boot.first_line.get_or_insert(started.elapsed());
            }
            boot.measures.extend(kbench::parse(line));
            seen.push(line.to_owned());
        });
        let guest = Guest::start(&options).map_err(|error| error.to_string())?;
        let outcome = guest.run(&mut |bytes| lines.push(bytes));
        lines.finish();
        drop(lines);
        if !seen.iter().any(|line| kbench::is_last(line)) {
            let last = seen[seen.len().saturating_sub(LAST_LINES)..].join("\n  ");
            boot.failure = Some(format!("{outcome}; its last lines:\n  {last}"));
        }
        Ok(boot)
    }

    fn options(&self, on: &Machine, parameters: &str, limit: Duration) -> Options {
        let (before, behind) = self.command_line;
        Options {
            initrd: self.initrd.clone(),
            command_line: format!("{before} {parameters} {behind}").trim().to_owned(),
            cpus: NonZero::new(on.cpus).unwrap_or(NonZero::<usize>::MIN),
            memory_mib: on.memory_mib,
            pace: on.pace,
            // Linux says nothing until its serial line works.
            silence: None,
            limit: Some(limit),
            // Nobody waits while every processor rests; QEMU adds this to the icount of the pace.
            extra: match on.pace {
                Pace::Instructions => vec!["-icount".into(), "sleep=off".into()],
                Pace::Free => Vec::new(),
            },
            ..Options::new(self.image.clone())
        }
    }
}
