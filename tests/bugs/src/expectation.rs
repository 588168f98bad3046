//! What a text must show.

use std::fmt;

/// Lines that a text must have in this order, with any others between them; `...` in a line stands
/// for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    lines: Vec<String>,
}

/// Is what a text does not show: the first line that is missing, after those that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    found: Vec<String>,
    missing: String,
}

impl Expectation {
    /// Takes the lines of a file.
    pub fn new(text: &str) -> Expectation {
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        Expectation { lines: lines.map(str::to_owned).collect() }
    }

    /// The first line alone.
    pub fn first(&self) -> Expectation {
        Expectation { lines: self.lines.iter().take(1).cloned().collect() }
    }

    /// Is a line one of those?
    pub fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|expected| line_matches(expected, line.trim_end()))
    }

    /// Looks for the lines in a text.
    pub fn check<'a>(&self, text: impl IntoIterator<Item = &'a str>) -> Result<(), Miss> {
        let mut rest = text.into_iter();
        for (nth, expected) in self.lines.iter().enumerate() {
            if !rest.any(|line| line_matches(expected, line.trim_end())) {
                return Err(Miss { found: self.lines[..nth].to_vec(), missing: expected.clone() });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.found.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        write!(f, "  - {}", self.missing)
    }
}

/// Whether a line is the expected one, in which `...` stands for any text.
fn line_matches(expected: &str, line: &str) -> bool {
    let mut pieces = expected.split("...");
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_for_any_text() {
        for (expected, line) in [("a...c", "abc"), ("a...", "a"), ("...c", "abc"), ("...", "")] {
            assert!(line_matches(expected, line), "{expected} {line}");
        }
        for (expected, line) in [("a...c", "abcd"), ("a", "ab"), ("...c...c", "abc"), ("b", "ab")] {
            assert!(!line_matches(expected, line), "{expected} {line}");
        }
    }

    #[test]
    fn lines_come_in_order() {
        let expectation = Expectation::new("a\n\nb\n");
        assert_eq!(expectation.check(["a", "x", "b "]), Ok(()));
        let miss = expectation.check(["b", "a"]).expect_err("the order is another");
        assert_eq!(miss.to_string(), "    a\n  - b");
    }
}
