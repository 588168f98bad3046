//! What one boot of the test image is to run: written by who starts it, read by the image.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::{cases, contract};

/// A part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The machine's contract.
    Contract,
    /// The cases in Rust.
    Cases,
    /// The cases in C, from the initial RAM disk.
    CCases,
    /// Many threads at once.
    Threads,
    /// Many faults at once.
    Faults,
    /// Rings of threads, for a while.
    Rings,
}

/// All parts, with their names.
const PARTS: [(&str, Part); 6] = [
    ("contract", Part::Contract),
    ("cases", Part::Cases),
    ("c", Part::CCases),
    ("threads", Part::Threads),
    ("faults", Part::Faults),
    ("rings", Part::Rings),
];

/// Which clocks the contract and the Rust cases run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    /// The one that skips what nobody uses.
    FastForward,
    /// That one, and the real one.
    Both,
}

/// What one boot is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The parts, in their order.
    pub parts: Vec<Part>,
    /// The clocks.
    pub clocks: Clocks,
    /// Only tests whose names hold this; empty for all.
    pub only: String,
    /// How many C cases there are on the initial RAM disk.
    pub c_cases: usize,
    /// How many threads live at once.
    pub threads: u32,
    /// How long the rings turn, in seconds of kernel time.
    pub ring_seconds: u64,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            parts: PARTS.map(|(_, part)| part).to_vec(),
            clocks: Clocks::Both,
            only: String::new(),
            c_cases: 0,
            threads: 10_000,
            ring_seconds: 10,
        }
    }
}

impl Plan {
    /// Reads the words of a command line; what they do not say is as in the default.
    ///
    /// # Errors
    ///
    /// The word that says nothing.
    pub fn parse(text: &str) -> Result<Plan, String> {
        let mut plan = Plan::default();
        for word in text.split_whitespace() {
            plan.take(word).ok_or_else(|| format!("`{word}` is no word of a test plan"))?;
        }
        Ok(plan)
    }

    fn take(&mut self, word: &str) -> Option<()> {
        let (name, value) = word.split_once('=')?;
        match name {
            "parts" => self.parts = value.split(',').map(part).collect::<Option<_>>()?,
            "clocks" if value == "both" => self.clocks = Clocks::Both,
            "clocks" if value == "fast-forward" => self.clocks = Clocks::FastForward,
            "only" => self.only = value.to_owned(),
            "c-cases" => self.c_cases = value.parse().ok()?,
            "threads" => self.threads = value.parse().ok()?,
            "ring-seconds" => self.ring_seconds = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }

    /// How many tests it has, those included that the machine cannot run; none is known if only
    /// some are wanted.
    pub fn count(&self) -> Option<usize> {
        let clocks = if self.clocks == Clocks::Both { 2 } else { 1 };
        let count_of = |part: &Part| match part {
            Part::Contract => (contract::CASES.len() + contract::OUTSIDE_CASES.len()) * clocks,
            Part::Cases => (cases::all().count() + cases::OUTSIDE.len()) * clocks,
            Part::CCases => self.c_cases,
            Part::Threads | Part::Faults | Part::Rings => 1,
        };
        self.only.is_empty().then(|| self.parts.iter().map(count_of).sum())
    }
}

fn part(name: &str) -> Option<Part> {
    PARTS.iter().find(|(known, _)| *known == name).map(|(_, part)| *part)
}

impl fmt::Display for Plan {
    /// Writes it so that [`Plan::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = PARTS.iter().filter(|(_, part)| self.parts.contains(part));
        let names: Vec<&str> = names.map(|(name, _)| *name).collect();
        let clocks = if self.clocks == Clocks::Both { "both" } else { "fast-forward" };
        write!(f, "parts={} clocks={clocks} c-cases={}", names.join(","), self.c_cases)?;
        write!(f, " threads={} ring-seconds={}", self.threads, self.ring_seconds)?;
        if self.only.is_empty() { Ok(()) } else { write!(f, " only={}", self.only) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_is_written_is_read() {
        let some = Plan {
            parts: [Part::Contract, Part::Faults].to_vec(),
            clocks: Clocks::FastForward,
            only: "timers".to_owned(),
            c_cases: 7,
            threads: 3,
            ring_seconds: 1,
        };
        for plan in [Plan::default(), some] {
            assert_eq!(Plan::parse(&plan.to_string()), Ok(plan));
        }
        assert!(Plan::parse("parts=contract,walks").is_err());
        assert!(Plan::parse("quickly").is_err());
    }

    #[test]
    fn every_test_counts() {
        let plan = Plan { parts: [Part::CCases, Part::Rings].to_vec(), ..Plan::default() };
        assert_eq!(Plan { c_cases: 54, ..plan.clone() }.count(), Some(55));
        assert_eq!(Plan { only: "x".to_owned(), ..plan }.count(), None);
        assert!(Plan::default().count() > Some(100));
    }
}
