//! Every module, on any number of CPUs, any number of times.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Bench, Module};

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// On how many CPUs.
    pub cpus: Vec<u32>,
    /// How often on each.
    pub runs: u32,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many runs there were.
    pub runs: usize,
    /// What failed, one for each module and number of CPUs.
    pub failures: Vec<Failure>,
}

/// Is a module that did not do what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The module's source.
    pub source: String,
    /// On how many CPUs.
    pub cpus: u32,
    /// How many runs failed.
    pub failed: u32,
    /// How many runs there were.
    pub runs: u32,
    /// What was wrong in the first of them.
    pub what: String,
}

impl Matrix {
    /// Runs all of it.
    pub fn run(&self, bench: &Bench) -> Outcome {
        let modules = bench.modules();
        let on = |cpus: &u32| {
            let shown = modules.iter().filter(|module| module.can_run_with(*cpus));
            shown.map(|module| (module, *cpus)).collect::<Vec<_>>()
        };
        let pairs: Vec<(&Module, u32)> = self.cpus.iter().flat_map(on).collect();
        let failures = each(&pairs, bench.machine().jobs(), |(module, cpus)| {
            self.run_one(bench, module, *cpus)
        });
        Outcome {
            runs: pairs.len() * self.runs as usize,
            failures: failures.into_iter().flatten().collect(),
        }
    }

    fn run_one(&self, bench: &Bench, module: &Module, cpus: u32) -> Option<Failure> {
        let results = (0..self.runs).filter_map(|_| bench.run(module, cpus).err());
        let errors: Vec<String> = results.collect();
        let failed = errors.len() as u32;
        let what = errors.into_iter().next()?;
        Some(Failure { source: module.source(), cpus, failed, runs: self.runs, what })
    }
}

impl fmt::Display for Outcome {
    /// What failed, each with what was wrong; then a table of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{}, {} CPUs: {}", failure.source, failure.cpus, failure.what)?;
        }
        for failure in &self.failures {
            let Failure { source, cpus, failed, runs, what } = failure;
            let first = what.lines().next().unwrap_or_default();
            let source = source.trim_start_matches("modules/bugs/");
            writeln!(f, "{source:<42} {cpus:>2} CPUs  {failed:>3} of {runs} failed  {first}")?;
        }
        write!(f, "{} runs, {} failed", self.runs, self.failed())
    }
}

impl Outcome {
    /// How many runs failed.
    pub fn failed(&self) -> u32 {
        self.failures.iter().map(|failure| failure.failed).sum()
    }
}

/// Calls `body` for each item, so many at a time; the results are in the items' order.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    at_a_time: usize,
    body: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = body(item);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(
            each(&items, 3, |item| item * 2),
            items.iter().map(|i| i * 2).collect::<Vec<_>>()
        );
    }
}
