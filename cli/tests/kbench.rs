//! The benchmark module runs through all it measures. How long each takes is not looked at.

mod tool;

use tool::kthreads;

/// Divides how often each thing is done. What is done with many threads at once is not divided.
const DIVISOR: &str = "div=200";

#[test]
fn locks_are_measured_with_and_without_the_validator() {
    let source = "benches/locks/locks.c";
    let script = "benches/locks/locks.script";
    let run = kthreads(&["run", source, "rounds=1", "--script-file", script]);
    assert_eq!(run.status, Some(0), "{}", run.describe());
    let results = run.log().iter().filter(|line| line.contains("ns_per_pair=")).count();
    assert_eq!(results, 16, "{}", run.describe());
}

#[test]
fn the_benchmark_runs_to_its_end() {
    let run = kthreads(&[
        "run",
        "benches/kbench/kbench.c",
        DIVISOR,
        "--cpus",
        "2",
        "--script",
        "rmmod kbench",
        "--for",
        "20",
    ]);
    assert_eq!(run.status, Some(0), "{}", run.describe());
    let log = run.log();
    assert!(log.contains(&"KBENCH end"), "{}", run.describe());
    assert!(!run.out.contains("failed="), "{}", run.describe());
    let results = log.iter().filter(|line| line.contains("ns_per_op=")).count();
    assert!(results >= 19, "{results} results: {}", run.describe());
    assert!(run.out.contains("nothing is left behind"), "{}", run.describe());
}
