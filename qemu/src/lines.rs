//! Output, line by line.

/// Cuts a stream of bytes into lines and hands each on without its end.
pub struct Lines<F: FnMut(&str)> {
    sink: F,
    partial: Vec<u8>,
}

impl<F: FnMut(&str)> Lines<F> {
    /// Begins with an empty line.
    pub fn new(sink: F) -> Lines<F> {
        Lines { sink, partial: Vec::new() }
    }

    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.hand_on(),
                byte => self.partial.push(*byte),
            }
        }
    }

    /// Hands on a last line that has no end.
    pub fn finish(&mut self) {
        if !self.partial.is_empty() {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        let line = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
        (self.sink)(&String::from_utf8_lossy(line));
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_do_not_depend_on_how_the_bytes_come() {
        let text = b"one\r\ntwo\n\nlast";
        for size in 1..text.len() {
            let mut seen = Vec::new();
            let mut lines = Lines::new(|line| seen.push(line.to_owned()));
            text.chunks(size).for_each(|chunk| lines.push(chunk));
            lines.finish();
            assert_eq!(seen, ["one", "two", "", "last"], "{size}");
        }
    }
}
