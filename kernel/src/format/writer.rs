//! Where the text of one format call goes: counting, padding and cutting.

use core::fmt;

use super::Output;
use super::spec::{Side, Spec};

/// Counts what it passes on, so that the length is right even where the output drops bytes.
pub(super) struct Writer<'a> {
    out: &'a mut dyn Output,
    len: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut dyn Output) -> Self {
        Self { out, len: 0 }
    }

    /// Returns the length of the whole text so far.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Writes what `body` produces, cut to the precision and padded to the width with spaces.
    ///
    /// `body` runs twice if the padding comes first: its length is not known before, and no buffer is
    /// large enough for every string.
    pub(super) fn text(&mut self, spec: &Spec, body: &dyn Fn(&mut dyn Output)) {
        let limit = spec.precision.map_or(usize::MAX, |precision| precision as usize);
        let width = spec.width.unwrap_or(0) as usize;
        if width > 0 && spec.side() == Side::Right {
            let mut count = Count(0);
            body(&mut Clip { out: &mut count, left: limit });
            self.fill(b' ', width.saturating_sub(count.0));
            body(&mut Clip { out: self, left: limit });
            return;
        }
        let start = self.len;
        body(&mut Clip { out: self, left: limit });
        self.fill(b' ', width.saturating_sub(self.len - start));
    }

    /// Writes `byte` `count` times.
    pub(super) fn fill(&mut self, byte: u8, count: usize) {
        let block = [byte; 32];
        let mut left = count;
        while left > 0 {
            let now = left.min(block.len());
            self.put(&block[..now]);
            left -= now;
        }
    }
}

impl Output for Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len());
        self.out.put(bytes);
    }
}

struct Count(usize);

impl Output for Count {
    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }
}

struct Clip<'a> {
    out: &'a mut dyn Output,
    left: usize,
}

impl Output for Clip<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let now = bytes.len().min(self.left);
        self.left -= now;
        if now > 0 {
            self.out.put(&bytes[..now]);
        }
    }
}

/// Lets `write!` reach an output.
pub(super) struct Printer<'a>(pub(super) &'a mut dyn Output);

impl fmt::Write for Printer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put(text.as_bytes());
        Ok(())
    }
}

/// Writes formatted text; an output cannot fail.
pub(super) fn print(out: &mut dyn Output, text: fmt::Arguments<'_>) {
    let _never_fails = fmt::write(&mut Printer(out), text);
}
