//! Where locks are taken: in interrupts, or where interrupts may come.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// States in which locks are taken (Linux: enum lock_usage_bit), without those of shared locks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage(pub u8);

impl Usage {
    /// None: where no interrupt can come, and none is served.
    pub const NONE: Usage = Usage(0);
    /// In a hardware interrupt.
    pub const IN_HARDIRQ: Usage = Usage(1);
    /// In a softirq.
    pub const IN_SOFTIRQ: Usage = Usage(2);
    /// Where hardware interrupts may come.
    pub const HARDIRQ_ON: Usage = Usage(4);
    /// Where softirqs may come, too.
    pub const SOFTIRQ_ON: Usage = Usage(8);
    /// All of them.
    pub const ALL: Usage = Usage(0xf);
    /// Each by itself.
    pub const EACH: [Usage; 4] =
        [Usage::IN_HARDIRQ, Usage::IN_SOFTIRQ, Usage::HARDIRQ_ON, Usage::SOFTIRQ_ON];

    const IN_ANY: Usage = Usage(3);

    /// Whether all of the other states are among these.
    #[inline]
    pub fn has(self, other: Usage) -> bool {
        self & other == other
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How deep in interrupts this is, 0 for not at all. Code on one level does not know what the
    /// code beneath holds.
    #[inline]
    pub fn level(self) -> u8 {
        (self & Usage::IN_ANY).0
    }

    /// These states for a lock that is only taken if it is free: nobody waits for what it has
    /// interrupted.
    #[inline]
    pub fn of_trying(self) -> Usage {
        self & !Usage::IN_ANY
    }

    /// Of a single state: whether it is that of being in an interrupt.
    pub fn is_in(self) -> bool {
        Usage::IN_ANY.has(self)
    }

    /// Of a single state: the one that does not go together with it. Who is interrupted while it
    /// holds the lock waits for the interrupt's end, which waits for the lock.
    pub fn opposite(self) -> Usage {
        if self.is_in() { Usage(self.0 << 2) } else { Usage(self.0 >> 2) }
    }

    /// Of a single state: whether it is about hardware interrupts; else it is about softirqs.
    pub fn is_hard(self) -> bool {
        (Usage::IN_HARDIRQ | Usage::HARDIRQ_ON).has(self)
    }

    /// Of a single state: its name as Linux writes it, as `IN-SOFTIRQ-W`.
    pub fn name(self) -> &'static str {
        match self {
            Usage::IN_HARDIRQ => "IN-HARDIRQ-W",
            Usage::IN_SOFTIRQ => "IN-SOFTIRQ-W",
            Usage::HARDIRQ_ON => "HARDIRQ-ON-W",
            _ => "SOFTIRQ-ON-W",
        }
    }

    /// Of a single state: its place in [`Usage::EACH`].
    pub(crate) fn index(self) -> usize {
        self.0.trailing_zeros() as usize % Usage::EACH.len()
    }

    fn letter(self, inside: Usage) -> char {
        match (self.has(inside), self.has(inside.opposite())) {
            (true, true) => '?',
            (true, false) => '-',
            (false, true) => '+',
            (false, false) => '.',
        }
    }
}

/// As Linux writes it: a letter for hardware interrupts and one for softirqs, each with one for
/// shared locks behind it.
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hard, soft) = (self.letter(Usage::IN_HARDIRQ), self.letter(Usage::IN_SOFTIRQ));
        write!(f, "{hard}.{soft}.")
    }
}

impl BitOr for Usage {
    type Output = Usage;
    #[inline]
    fn bitor(self, other: Usage) -> Usage {
        Usage(self.0 | other.0)
    }
}

impl BitAnd for Usage {
    type Output = Usage;
    #[inline]
    fn bitand(self, other: Usage) -> Usage {
        Usage(self.0 & other.0)
    }
}

impl Not for Usage {
    type Output = Usage;
    #[inline]
    fn not(self) -> Usage {
        Usage(!self.0 & Usage::ALL.0)
    }
}

impl BitOrAssign for Usage {
    #[inline]
    fn bitor_assign(&mut self, other: Usage) {
        self.0 |= other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn states_exclude_each_other_in_pairs() {
        for state in Usage::EACH {
            assert_eq!(state.opposite().opposite(), state);
            assert_ne!(state.is_in(), state.opposite().is_in());
            assert_eq!(state.is_hard(), state.opposite().is_hard());
        }
        assert_eq!(Usage::IN_SOFTIRQ.opposite(), Usage::SOFTIRQ_ON);
        assert_eq!(Usage::EACH.map(Usage::index), [0, 1, 2, 3]);
    }

    #[test]
    fn states_are_written_as_linux_does() {
        assert_eq!(Usage::NONE.to_string(), "....");
        assert_eq!((Usage::HARDIRQ_ON | Usage::SOFTIRQ_ON).to_string(), "+.+.");
        assert_eq!((Usage::HARDIRQ_ON | Usage::IN_SOFTIRQ).to_string(), "+.-.");
        assert_eq!((Usage::IN_SOFTIRQ | Usage::SOFTIRQ_ON).to_string(), "..?.");
    }

    #[test]
    fn trying_is_no_use_inside_an_interrupt() {
        let here = Usage::IN_SOFTIRQ | Usage::HARDIRQ_ON;
        assert_eq!((here.of_trying(), here.level()), (Usage::HARDIRQ_ON, 2));
    }
}
