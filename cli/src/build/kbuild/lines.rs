//! The lines of a makefile as make sees them, and how they are taken apart.

/// Is a line with the lines that a backslash joins to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The number of its first line, from 1.
    pub(super) number: u32,
    pub(super) text: String,
}

/// Joins lines that end in a backslash; blanks around the break become one space.
pub(super) fn logical_lines(content: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Option<Line> = None;
    for (index, raw) in content.lines().enumerate() {
        let (part, continues) = match raw.strip_suffix('\\') {
            Some(part) if trailing_backslashes(part).is_multiple_of(2) => (part, true),
            _ => (raw, false),
        };
        let line = match open.take() {
            Some(mut line) => {
                line.text.truncate(line.text.trim_end().len());
                line.text.push(' ');
                line.text.push_str(part.trim_start());
                line
            }
            None => Line { number: index as u32 + 1, text: part.to_owned() },
        };
        if continues {
            open = Some(line);
        } else {
            lines.push(line);
        }
    }
    lines.extend(open);
    lines
}

fn trailing_backslashes(text: &str) -> usize {
    text.bytes().rev().take_while(|b| *b == b'\\').count()
}

/// Removes a comment; `\#` stands for the character itself.
pub(super) fn without_comment(text: &str) -> String {
    let mut kept = String::new();
    for c in text.chars() {
        if c != '#' {
            kept.push(c);
        } else if kept.ends_with('\\') {
            kept.pop();
            kept.push('#');
        } else {
            break;
        }
    }
    kept
}

/// Is how a variable is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`: the value is expanded where it is used.
    Recursive,
    /// `:=`, `::=`: the value is expanded now.
    Simple,
    /// `?=`: only if it is not set yet.
    IfUnset,
    /// `+=`: adds to the value.
    Append,
    /// `!=`: the output of a command.
    Shell,
}

/// Is a line that is neither a directive nor empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement<'a> {
    Assignment { name: &'a str, operator: Operator, value: &'a str },
    Rule,
    Other,
}

/// Tells assignments and rules apart: what counts is which sign comes first outside `$(...)`.
pub(super) fn classify(text: &str) -> Statement<'_> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        let found = match byte {
            b'(' | b'{' => {
                depth += 1;
                None
            }
            b')' | b'}' => {
                depth = depth.saturating_sub(1);
                None
            }
            _ if depth > 0 => None,
            b'=' => Some((1, Operator::Recursive)),
            b':' if bytes[at..].starts_with(b"::=") => Some((3, Operator::Simple)),
            b':' if bytes[at..].starts_with(b":=") => Some((2, Operator::Simple)),
            b':' => return Statement::Rule,
            b'?' if bytes[at..].starts_with(b"?=") => Some((2, Operator::IfUnset)),
            b'+' if bytes[at..].starts_with(b"+=") => Some((2, Operator::Append)),
            b'!' if bytes[at..].starts_with(b"!=") => Some((2, Operator::Shell)),
            _ => None,
        };
        if let Some((length, operator)) = found {
            let (name, value) = (text[..at].trim(), text[at + length..].trim_start());
            return Statement::Assignment { name, operator, value };
        }
    }
    Statement::Other
}

/// Splits a line at its first blank: a word and the rest.
pub(super) fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// Splits at `separator` outside parentheses and braces, into at most `limit` pieces.
pub(super) fn split_outside(text: &str, separator: u8, limit: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.saturating_sub(1),
            _ if byte == separator && depth == 0 && pieces.len() + 1 < limit => {
                pieces.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_numbered() {
        let lines = logical_lines("a := b \\\n\tc \\\n d\n\ne\\\\\nf \\");
        let shown: Vec<_> = lines.iter().map(|l| (l.number, l.text.as_str())).collect();
        assert_eq!(shown, [(1, "a := b c d"), (4, ""), (5, "e\\\\"), (6, "f ")]);
    }

    #[test]
    fn comments_end_a_line() {
        assert_eq!(without_comment("a := b # c"), "a := b ");
        assert_eq!(without_comment("a := \\#b#c"), "a := #b");
    }

    #[test]
    fn assignments_and_rules() {
        let assignment = |name, operator, value| Statement::Assignment { name, operator, value };
        let cases = [
            ("obj-m := a.o b.o", assignment("obj-m", Operator::Simple, "a.o b.o")),
            ("obj-m:=a.o", assignment("obj-m", Operator::Simple, "a.o")),
            ("x ::= y", assignment("x", Operator::Simple, "y")),
            ("x = a:b", assignment("x", Operator::Recursive, "a:b")),
            ("x ?= y", assignment("x", Operator::IfUnset, "y")),
            ("ccflags-y += -DA=1", assignment("ccflags-y", Operator::Append, "-DA=1")),
            ("x != date", assignment("x", Operator::Shell, "date")),
            ("obj-$(A:b=c) += d", assignment("obj-$(A:b=c)", Operator::Append, "d")),
            ("all: x", Statement::Rule),
            ("$(T): X = 1", Statement::Rule),
            ("all :: x", Statement::Rule),
            ("$(info a = b)", Statement::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(classify(text), expected, "{text}");
        }
    }

    #[test]
    fn splitting_minds_parentheses() {
        assert_eq!(split_outside("a,$(b c,d),e", b',', 9), ["a", "$(b c,d)", "e"]);
        assert_eq!(split_outside("a,b,c", b',', 2), ["a", "b,c"]);
        assert_eq!(first_word("ifeq ($(A),b) "), ("ifeq", "($(A),b) "));
    }
}
