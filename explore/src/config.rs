//! What to explore, and how.

use std::time::Duration;

use kthreads_base::Nanos;

use crate::strategy;

/// Which allocations and creations of threads fail. They are counted together, from the start of
/// the scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailPlan {
    /// None.
    #[default]
    None,
    /// The one with this number, from 1 on.
    Nth(u32),
    /// One in so many, at random.
    OneIn(u32),
}

/// Whether what the kernel reports fails a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reports {
    /// It does.
    Fail,
    /// It does not: the scenario means to make the kernel complain.
    AreMeant,
}

/// What to explore, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// At most how many schedules are run.
    pub schedules: u64,
    /// At most how long that may take.
    pub time: Option<Duration>,
    /// How schedules are chosen.
    pub strategy: strategy::Kind,
    /// What all that is random comes from.
    pub seed: u64,
    /// How many CPUs the kernel has.
    pub cpus: u32,
    /// What fails.
    pub fail: FailPlan,
    /// How many steps a schedule may have; then something loops.
    pub step_limit: u64,
    /// The longest time for which whoever could go on may be held up. Timeouts up to that long
    /// may come before what they wait for.
    pub longest_hold: Nanos,
    /// Whether what the kernel reports fails a schedule.
    pub reports: Reports,
    /// Whether exploring goes on after a failure was found.
    pub keep_going: bool,
    /// At most how many schedules are spent on making a failing one shorter.
    pub shrink: u32,
    /// The part of a campaign that this is: the `.0`th of `.1`, from 0 on.
    pub shard: (u64, u64),
    /// Stands for what is explored; a replay string of something else is told apart by it.
    pub hash: u32,
    /// How the kernel is booted.
    pub kernel: kthreads_kernel::Config,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            schedules: 10_000,
            time: None,
            strategy: strategy::Kind::Mixed,
            seed: 1,
            cpus: 2,
            fail: FailPlan::None,
            step_limit: 200_000,
            longest_hold: Nanos(10 * Nanos::SECOND.0),
            reports: Reports::Fail,
            keep_going: false,
            shrink: 5000,
            shard: (0, 1),
            hash: 0,
            kernel: kthreads_kernel::Config {
                log_bytes: 32 << 10,
                threads_max: 300,
                lockdep: Some(kthreads_kernel::LockLimits::SMALL),
                ..kthreads_kernel::Config::default()
            },
        }
    }
}

impl Config {
    /// How long an uninterruptible sleep may last.
    pub(crate) fn hung_after(&self) -> Nanos {
        Nanos(self.kernel.hung_task_seconds.saturating_mul(Nanos::SECOND.0))
    }

    /// The seed of one schedule of the campaign.
    pub fn seed_of(&self, schedule: u64) -> u64 {
        kthreads_sim::Rng::new(self.seed.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ schedule).next_u64()
    }
}
