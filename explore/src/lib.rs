//! Runs a scenario under many schedules, and explains and replays those that fail.
//!
//! A scenario is what is done with a freshly booted kernel: a closure. It runs on the sim machine
//! ([`kthreads_sim`]) again and again, each time under another schedule that a
//! [`strategy`](strategy::Kind) chooses. A schedule fails when a panic, a report of the kernel, a
//! deadlock, a hung task or a busy loop comes of it. What was chosen in it is made short, printed
//! as a story, and written as a string that [`replay`] takes.
//!
//! ```
//! use kthreads_explore::{Config, explore};
//!
//! let report = explore(&Config { schedules: 200, ..Config::default() }, |kernel| {
//!     let pid = kernel.enter(|cx| cx.task.pid());
//!     assert!(pid > 2);
//! });
//! report.expect_clean();
//! ```

mod anchor;
mod campaign;
mod choices;
mod config;
mod finding;
mod freed;
mod page;
mod quiet;
mod races;
mod recorder;
mod replay;
mod reported;
mod result;
mod room;
mod run;
mod shrink;
mod steps;
mod story;
pub mod strategy;
mod stuck;
mod trace;

pub use campaign::{Campaign, Found, Progress, Repeats, Report};
pub use choices::{Choices, Garbled};
pub use config::{Config, FailPlan, Reports};
pub use finding::{Finding, Kind};
pub use replay::{ReplayError, ReplayString};
pub use result::{Bug, Outcome};
pub use room::{Prepared, Room};
pub use run::{Ran, Scenario, Telling, run_schedule};
pub use story::{Event, Story};
pub use trace::quoted;

/// The choice of how long a scenario waits; for scenarios to ask for.
pub const CHOOSE_DELAY: u32 = 16;

use kthreads_kernel::Kernel;

/// Runs `scenario` under the schedules that `config` asks for.
pub fn explore(config: &Config, scenario: impl Fn(&Kernel) + Sync) -> Report {
    Campaign::new(config.clone(), &scenario).run(&mut |_| Progress::GoOn)
}

/// Runs `scenario` once, under the schedule that `text` stands for.
///
/// # Errors
///
/// When the text is no replay string, or one of another version.
pub fn replay(
    config: &Config,
    text: &str,
    scenario: impl Fn(&Kernel) + Sync,
) -> Result<Ran, ReplayError> {
    let string: ReplayString = text.parse()?;
    Ok(string.run(config, &scenario))
}
