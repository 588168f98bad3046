//! How classes are shown.

use core::fmt;

use crate::class::Kind;
use crate::usage::Usage;

const NAME_BYTES: usize = 46;

/// A short text; what is too long is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    bytes: [u8; NAME_BYTES],
    len: u8,
}

impl Name {
    pub(crate) fn new(text: &str) -> Name {
        let len = text.floor_char_boundary(NAME_BYTES);
        let mut bytes = [0; NAME_BYTES];
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        Name { bytes, len: len as u8 }
    }

    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// How a class is shown: its name, as Linux writes it (`&dev->lock#2/1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    pub(crate) name: Name,
    /// Which of the classes with this name it is.
    pub(crate) version: u16,
    pub(crate) subclass: u8,
    pub(crate) kind: Kind,
    pub(crate) usage: Usage,
}

impl Label {
    /// Whether it is that of a function that others wait for, and of no lock.
    pub fn is_function(&self) -> bool {
        self.kind == Kind::Function
    }

    /// Shows it with its states and its kind of waiting: `(&dev->lock){+.+.}-{2:2}`.
    pub fn with_usage(&self) -> impl fmt::Display {
        WithUsage(*self)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_str())?;
        if self.version > 1 {
            write!(f, "#{}", self.version)?;
        }
        if self.subclass > 0 {
            write!(f, "/{}", self.subclass)?;
        }
        Ok(())
    }
}

struct WithUsage(Label);

impl fmt::Display for WithUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WithUsage(label) = self;
        let wait = label.kind.wait_type();
        write!(f, "({label}){{{}}}-{{{wait}:{wait}}}", label.usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        let name = Name::new(&"ä".repeat(40));
        assert_eq!(name.as_str(), "ä".repeat(23));
    }
}
