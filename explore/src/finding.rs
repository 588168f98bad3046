//! What was found.

use std::fmt;

use kthreads_base::Nanos;

/// The class of what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The scenario panicked, or an expectation of it failed.
    Panic,
    /// The kernel reported a bug.
    Report,
    /// Memory was used after it had been freed.
    UseAfterFree,
    /// Two accesses to one variable that nothing orders, one of them a write.
    DataRace,
    /// Nothing can ever happen again.
    Deadlock,
    /// A task sleeps for ever though somebody tried to wake it, just before it fell asleep.
    LostWakeup,
    /// A task sleeps uninterruptibly for too long.
    HungTask,
    /// A task runs and runs.
    BusyLoop,
    /// CPUs wait for each other, spinning.
    Livelock,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Panic => "panic",
            Kind::Report => "report",
            Kind::UseAfterFree => "use after free",
            Kind::DataRace => "data race",
            Kind::Deadlock => "deadlock",
            Kind::LostWakeup => "lost wake-up",
            Kind::HungTask => "hung task",
            Kind::BusyLoop => "busy loop",
            Kind::Livelock => "livelock",
        })
    }
}

/// Something that was found in a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its class.
    pub kind: Kind,
    /// What tells it from others: places, not numbers that differ from run to run.
    pub key: String,
    /// What there is to say about it, on lines of their own.
    pub text: String,
    /// When it showed; None if that is the end of the schedule, or not known.
    pub at: Option<Nanos>,
}

impl Finding {
    /// A finding whose text tells it from others, numbers aside.
    pub fn new(kind: Kind, text: String) -> Finding {
        let first = text.lines().next().unwrap_or_default();
        Finding { kind, key: without_numbers(first), text, at: None }
    }

    /// The same in memory of its own.
    pub(crate) fn copy(&self) -> Finding {
        let (key, text) = (self.key.as_str().to_owned(), self.text.as_str().to_owned());
        Finding { kind: self.kind, key, text, at: self.at }
    }

    /// Whether it is the same as another.
    pub fn is_same(&self, other: &Finding) -> bool {
        self.kind == other.kind && self.key == other.key
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&headed(&self.kind.to_string(), &self.text))
    }
}

/// A text with its kind before it, unless it begins with that itself.
pub(crate) fn headed(kind: &str, text: &str) -> String {
    let text = text.trim_end();
    if text.starts_with(kind) { text.to_owned() } else { format!("{kind}: {text}") }
}

/// The text with every number replaced by a `#`.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words.by_ref().for_each(|word| {
        let (body, tail) = match word.char_indices().last() {
            Some((at, c)) if !c.is_ascii_alphanumeric() => word.split_at(at),
            _ => (word, ""),
        };
        let is_number = body.starts_with(|c: char| c.is_ascii_digit());
        out.push_str(if is_number { "#" } else { body });
        out.push_str(tail);
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_said_once() {
        let said = |text: &str| Finding::new(Kind::DataRace, text.to_owned()).to_string();
        assert_eq!(said("data race on x: f\n"), "data race on x: f");
        assert_eq!(said("f\n"), "data race: f");
    }

    #[test]
    fn numbers_do_not_tell_findings_apart() {
        let first = Finding::new(Kind::Report, "BUG: x/12 at 0xfe12 in a1\nmore 1".into());
        let second = Finding::new(Kind::Report, "BUG: x/9 at 0x17 in a1\nmore 2".into());
        assert_eq!(first.key, "BUG: x/# at # in a1");
        assert!(first.is_same(&second));
        assert!(!first.is_same(&Finding::new(Kind::Panic, "BUG: x/9 at 0x17 in a1".into())));
    }
}
