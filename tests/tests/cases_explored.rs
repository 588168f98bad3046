//! The cases of the primitives under many schedules, by two strategies.
//!
//! How many schedules each case gets is set by KTHREADS_SCHEDULES; CI asks for 10,000.

use kthreads_base::Nanos;
use kthreads_explore::strategy::Kind;
use kthreads_explore::{Config, Reports, explore};
use kthreads_kernel::Kernel;
use kthreads_tests::cases;

/// Enough to see that it works, in a build that is not optimised.
const FEW: u64 = 150;

fn schedules() -> u64 {
    let asked = std::env::var("KTHREADS_SCHEDULES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(FEW)
}

fn run_all(strategy: Kind) {
    let mut failed = Vec::new();
    for case in cases::all() {
        let config = Config {
            schedules: schedules(),
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
        println!("{}: {} schedules in {:?}", case.name, report.schedules, report.elapsed);
        for found in &report.found {
            failed.push(format!("{}: {}", case.name, report.explain(found, &scenario)));
        }
    }
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
