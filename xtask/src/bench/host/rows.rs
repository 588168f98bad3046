//! Which work of a kernel thread is compared with which work of another.

use super::programs::Cpus;

/// Is a line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The benchmark in benches/kbench.
    pub(super) ours: &'static str,
    /// The benchmark in benches/peers.
    pub(super) theirs: &'static str,
}

const fn row(name: &'static str, ours: &'static str, theirs: &'static str) -> Row {
    Row { name, ours, theirs }
}

const COMPLETION_SAME: &str = "pingpong_completion_same_cpu";
const WAIT_QUEUE_SAME: &str = "pingpong_waitqueue_same_cpu";
const COMPLETION_CROSS: &str = "pingpong_completion_cross_cpu";
const WAIT_QUEUE_CROSS: &str = "pingpong_waitqueue_cross_cpu";

/// What is measured on any number of CPUs. Where others have more than one way to do it, each is a
/// line of its own.
const ANYWHERE: [Row; 8] = [
    row("create_stop", "create_stop", "create_stop"),
    row("create_join", "create_stop", "create_join"),
    row(COMPLETION_SAME, COMPLETION_SAME, "pingpong_completion"),
    row(WAIT_QUEUE_SAME, WAIT_QUEUE_SAME, "pingpong_waitqueue"),
    row("pingpong_channel_same_cpu", COMPLETION_SAME, "pingpong_channel"),
    row("worker_queue_flush", "worker_queue_flush", "worker_queue_flush"),
    row("worker_throughput", "worker_throughput", "worker_throughput"),
    row("many_threads_10000", "many_threads_10000", "many_threads_10000"),
];

/// What means something only if both threads have the same CPU.
const ON_ONE: [Row; 2] = [
    row("yield_pair", "yield_pair", "yield_pair"),
    row("yield_pair_fifo", "yield_pair_fifo", "yield_pair_fifo"),
];

/// What needs two.
const ACROSS: [Row; 2] = [
    row(COMPLETION_CROSS, COMPLETION_CROSS, COMPLETION_CROSS),
    row(WAIT_QUEUE_CROSS, WAIT_QUEUE_CROSS, WAIT_QUEUE_CROSS),
];

/// The lines for so many CPUs whose benchmark of ours is in the list `only`; all if it is empty.
pub(super) fn rows(cpus: Cpus, only: &str) -> Vec<Row> {
    let more = match cpus {
        Cpus::One => ON_ONE,
        Cpus::All => ACROSS,
    };
    let is_wanted = |row: &Row| only.is_empty() || only.split(',').any(|name| name == row.ours);
    ANYWHERE.into_iter().chain(more).filter(is_wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_chooses_lines() {
        let names = |cpus, only| rows(cpus, only).iter().map(|row| row.name).collect::<Vec<_>>();
        assert_eq!(names(Cpus::One, "create_stop"), ["create_stop", "create_join"]);
        assert_eq!(names(Cpus::All, "yield_pair"), [""; 0]);
        assert_eq!(rows(Cpus::One, "").len(), 10);
    }

    #[test]
    fn every_benchmark_of_ours_exists() {
        let source = include_str!("../../../../benches/kbench/kbench.c");
        for row in ANYWHERE.iter().chain(&ON_ONE).chain(&ACROSS) {
            assert!(source.contains(&format!("{{ \"{}\", ", row.ours)), "{row:?}");
        }
    }
}
