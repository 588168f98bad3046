//! The patterns of `grep`, `pkill` and `pgrep`: plain text, tied to the beginning by `^` and to
//! the end by `$`.

/// Is a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pattern<'a> {
    text: &'a str,
    starts: bool,
    ends: bool,
}

impl<'a> Pattern<'a> {
    /// Reads a pattern.
    pub(crate) fn new(pattern: &'a str) -> Pattern<'a> {
        let (starts, text) =
            pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
        let (ends, text) = text.strip_suffix('$').map_or((false, text), |rest| (true, rest));
        Pattern { text, starts, ends }
    }

    /// The pattern that only the text itself matches.
    pub(crate) fn exact(text: &'a str) -> Pattern<'a> {
        Pattern { text, starts: true, ends: true }
    }

    /// Whether a line matches.
    pub(crate) fn matches(self, line: &str) -> bool {
        match (self.starts, self.ends) {
            (true, true) => line == self.text,
            (true, false) => line.starts_with(self.text),
            (false, true) => line.ends_with(self.text),
            (false, false) => line.contains(self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_with_anchors() {
        let cases = [
            ("b", "abc", true),
            ("^b", "abc", false),
            ("^a", "abc", true),
            ("c$", "abc", true),
            ("b$", "abc", false),
            ("^abc$", "abc", true),
            ("^ab$", "abc", false),
            ("", "abc", true),
            ("a.c", "abc", false),
        ];
        for (pattern, line, expected) in cases {
            assert_eq!(Pattern::new(pattern).matches(line), expected, "{pattern} {line}");
        }
        assert!(Pattern::exact("^a").matches("^a"));
    }
}
