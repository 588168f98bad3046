//! What drivers do: the tail of it for whoever looks for a cause, and what each does now.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Operation;

/// How many operations are kept.
const KEPT: usize = 256;
/// How many of them are shown.
const SHOWN: usize = 80;

/// What a driver does now.
#[derive(Clone, Copy)]
struct Now {
    operation: Option<Operation>,
    since: Instant,
}

#[derive(Default)]
struct Pages {
    tail: VecDeque<(u64, usize, Operation)>,
    count: u64,
    now: Vec<Now>,
    violated: Vec<String>,
}

/// Is written from inside the kernel and from outside: its lock is the host's, and never held
/// across anything of the kernel's.
#[derive(Default)]
pub(crate) struct Journal(Mutex<Pages>);

impl Journal {
    /// One for so many drivers.
    pub(crate) fn new(drivers: usize) -> Journal {
        let journal = Journal::default();
        journal.pages().now = vec![Now { operation: None, since: Instant::now() }; drivers];
        journal
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A driver begins an operation, or ends its last.
    pub(crate) fn note(&self, driver: usize, operation: Option<Operation>) {
        let mut pages = self.pages();
        pages.now[driver] = Now { operation, since: Instant::now() };
        let Some(operation) = operation else { return };
        let number = pages.count;
        pages.count += 1;
        if pages.tail.len() == KEPT {
            pages.tail.pop_front();
        }
        pages.tail.push_back((number, driver, operation));
    }

    /// Something that must hold does not.
    pub(crate) fn violated(&self, what: String) {
        self.pages().violated.push(what);
    }

    /// What has been violated so far.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.pages().violated.clone()
    }

    /// How many operations were begun.
    pub(crate) fn count(&self) -> u64 {
        self.pages().count
    }

    /// The first driver that has been at one operation for longer than that.
    pub(crate) fn stuck(&self, patience: Duration) -> Option<String> {
        let pages = self.pages();
        let is_stuck = |now: &&Now| now.operation.is_some() && now.since.elapsed() > patience;
        let now = pages.now.iter().find(is_stuck)?;
        Some(format!("{:?} has not ended for {:?}", now.operation?, now.since.elapsed()))
    }

    /// The last operations, and what each driver does.
    pub(crate) fn tail(&self) -> String {
        let pages = self.pages();
        let mut text = String::new();
        let skipped = pages.tail.len().saturating_sub(SHOWN);
        for (number, driver, operation) in pages.tail.iter().skip(skipped) {
            let _ = writeln!(text, "  #{number} driver {driver}: {operation:?}");
        }
        for (driver, now) in pages.now.iter().enumerate() {
            if let Some(operation) = now.operation {
                let _ = writeln!(text, "  driver {driver} is at {operation:?}");
            }
        }
        text
    }
}
