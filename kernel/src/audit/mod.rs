//! A look at the kernel's own books for what contradicts itself: an aid for tests.
//!
//! Each look takes the locks that guard what it reads, so that what it says is true even while
//! other CPUs run. What only sums that are spread over several locks can tell is looked at when
//! the caller says that nobody else runs ([`When::AtRest`]).

mod books;
mod places;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Arguments;

use crate::Kernel;

pub use books::Books;

/// What the caller of an audit knows about the rest of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Others may run.
    Anytime,
    /// Every other task sleeps, and nothing wakes one meanwhile.
    AtRest,
}

/// What contradicts itself, in words.
#[derive(Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    /// Notes a contradiction.
    #[cold]
    pub(crate) fn add(&mut self, what: Arguments<'_>) {
        self.0.push(alloc::fmt::format(what));
    }
}

impl Kernel {
    /// Looks for contradictions in the kernel's books and tells each in words: every task is where
    /// its state says and in one place only, queues hold together, counts are those of what they
    /// count. Called in the kernel; every CPU waits meanwhile.
    pub fn audit(&self, when: When) -> Vec<String> {
        let mut found = Findings::default();
        self.audit_places(&mut found);
        self.audit_sleepers(&mut found);
        self.timers.audit(&mut found);
        self.waits.audit(&mut found);
        self.tasks.audit(&mut found);
        self.heap.audit(&mut found);
        if when == When::AtRest {
            self.audit_sums(&mut found);
        }
        found.0
    }
}
