//! The cases of the primitives under many schedules, by two strategies.
//!
//! Each case is to have 10,000 schedules of each; KTHREADS_SCHEDULES asks for another number. A case
//! that would take longer than KTHREADS_SECONDS (default: 10) has fewer, and is named. Of all cases
//! KTHREADS_CASES picks those whose names contain it.

use std::io::Write;
use std::time::Duration;

use kthreads_base::Nanos;
use kthreads_explore::strategy::Kind;
use kthreads_explore::{Config, Reports, explore};
use kthreads_kernel::Kernel;
use kthreads_tests::cases;

/// How many schedules a case is to have, and how long they may take.
const SCHEDULES: u64 = 10_000;
const SECONDS: u64 = 10;

fn asked(variable: &str, usual: u64) -> u64 {
    let asked = std::env::var(variable).ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn run_all(strategy: Kind) {
    let (mut failed, mut fewer, mut all, mut count) = (Vec::new(), Vec::new(), 0, 0);
    let wanted = asked("KTHREADS_SCHEDULES", SCHEDULES);
    let time = Duration::from_secs(asked("KTHREADS_SECONDS", SECONDS));
    let picked = std::env::var("KTHREADS_CASES").unwrap_or_default();
    for case in cases::all().filter(|case| case.name.contains(&picked)) {
        count += 1;
        let config = Config {
            schedules: wanted,
            time: Some(time),
            strategy,
            step_limit: 3_000_000,
            // The cases rely on the times they wait for; ticks may come at any point.
            longest_hold: Nanos::from_millis(4),
            shrink: 60,
            reports: Reports::AreMeant,
            ..Config::default()
        };
        let scenario = |kernel: &Kernel| case.must_hold_in(kernel);
        let report = explore(&config, scenario);
        all += report.schedules;
        if report.schedules < wanted && report.found.is_empty() {
            fewer.push(format!("{} of {}", report.schedules, case.name));
        }
        for found in &report.found {
            failed.push(format!("{}: {}", case.name, report.explain(found, &scenario)));
        }
    }
    let mut told = format!("{strategy:?}: {all} schedules of {count} cases\n");
    fewer.iter().for_each(|fewer| told.push_str(&format!("    only {fewer}\n")));
    // Past what the test harness keeps: this is to be seen when all is well, too.
    let _ = std::io::stderr().write_all(told.as_bytes());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn random_walks() {
    run_all(Kind::Random);
}

#[test]
fn priorities() {
    run_all(Kind::Pct { depth: 3 });
}
