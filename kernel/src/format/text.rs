//! Fixed buffers for text: one that owns its bytes, one that fills the caller's.

use core::fmt;

use super::Output;

/// Holds up to `N` bytes of text and silently drops the rest; for `write!` where nothing may be allocated.
#[derive(Clone, Copy)]
pub struct FixedText<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> FixedText<N> {
    /// Makes an empty text.
    pub const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// Returns the bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Returns the text, or as much of its start as is UTF-8 if bytes of another kind were put in.
    pub fn as_str(&self) -> &str {
        self.as_bytes().utf8_chunks().next().map_or("", |chunk| chunk.valid())
    }

    /// Forgets the text.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Returns how many bytes the text has.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Says whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<const N: usize> Default for FixedText<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Output for FixedText<N> {
    fn put(&mut self, bytes: &[u8]) {
        let taken = bytes.len().min(N - self.len);
        self.bytes[self.len..self.len + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
    }
}

impl<const N: usize> fmt::Write for FixedText<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = text.floor_char_boundary(N - self.len);
        self.put(&text.as_bytes()[..room]);
        Ok(())
    }
}

impl<const N: usize> fmt::Display for FixedText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lossy(self.as_bytes(), f)
    }
}

impl<const N: usize> fmt::Debug for FixedText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

fn write_lossy(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        f.write_str(chunk.valid())?;
        if !chunk.invalid().is_empty() {
            f.write_str("\u{fffd}")?;
        }
    }
    Ok(())
}

/// Fills a caller's buffer as `snprintf` does: the last byte is kept for the NUL, what does not fit is dropped.
#[derive(Debug)]
pub struct FixedOutput<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> FixedOutput<'a> {
    /// Starts at the front of `buffer`, which may be empty.
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// Writes the NUL, if there is a byte for it, and returns how many bytes stand before it (`scnprintf`).
    pub fn finish(self) -> usize {
        if let Some(end) = self.buffer.get_mut(self.len) {
            *end = 0;
        }
        self.len
    }
}

impl Output for FixedOutput<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let room = self.buffer.len().saturating_sub(self.len + 1);
        let taken = bytes.len().min(room);
        self.buffer[self.len..self.len + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
    }
}
