//! What the user gives for parameters: `name=value`, and words that are only a name.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// One parameter as the user gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The name; `-` and `_` mean the same in it.
    pub name: String,
    /// The value, without quotes around it; `None` if there was no `=`.
    pub value: Option<String>,
}

impl Argument {
    /// Reads one word of the command line. Quotes around the value, or around the whole word, are
    /// taken off; a value may have blanks.
    pub fn parse(word: &str) -> Argument {
        let word = unquoted(word);
        match word.split_once('=') {
            None => Argument { name: word.to_owned(), value: None },
            Some((name, value)) => {
                Argument { name: name.to_owned(), value: Some(unquoted(value).to_owned()) }
            }
        }
    }

    /// Reads a line as the kernel does (Linux: parse_args): words are parted by blanks outside of
    /// double quotes.
    pub fn split(line: &str) -> Vec<Argument> {
        let mut is_quoted = false;
        let words = line.split(|letter: char| {
            is_quoted ^= letter == '"';
            !is_quoted && letter.is_ascii_whitespace()
        });
        words.filter(|word| !word.is_empty()).map(Argument::parse).collect()
    }
}

/// Takes off a quote at the beginning, and then one at the end.
fn unquoted(text: &str) -> &str {
    match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').unwrap_or(rest),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(line: &str) -> Vec<(String, Option<String>)> {
        Argument::split(line).into_iter().map(|a| (a.name, a.value)).collect()
    }

    #[test]
    fn words_are_parted_outside_of_quotes() {
        let some = |value: &str| Some(value.to_owned());
        assert_eq!(
            pairs("  a=1 flag b=\"two  words\"\t\"c=x y\" d= e=p=q "),
            [
                ("a".to_owned(), some("1")),
                ("flag".to_owned(), None),
                ("b".to_owned(), some("two  words")),
                ("c".to_owned(), some("x y")),
                ("d".to_owned(), some("")),
                ("e".to_owned(), some("p=q")),
            ]
        );
        assert_eq!(pairs(""), []);
    }

    #[test]
    fn a_word_may_have_blanks() {
        let argument = Argument::parse("text=hello world");
        assert_eq!(argument.value.as_deref(), Some("hello world"));
        assert_eq!(Argument::parse("s=\"").value.as_deref(), Some(""));
    }
}
