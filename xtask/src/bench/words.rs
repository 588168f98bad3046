//! The words behind a subcommand.

use std::path::PathBuf;
use std::slice::Iter;
use std::str::FromStr;

/// What errors begin with that call for the usage.
pub(super) const WRONG: &str = "wrong usage: ";

/// What all benchmarks can be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Common {
    /// By how much the number of repetitions of each benchmark is divided.
    pub(super) div: u32,
    /// The benchmarks to measure, as the module's parameter has them; empty for all.
    pub(super) only: String,
    /// Where the figures go beside the terminal.
    pub(super) json: Option<PathBuf>,
}

impl Default for Common {
    fn default() -> Common {
        Common { div: 1, only: String::new(), json: None }
    }
}

/// Takes options and their values one after the other.
pub(super) struct Words<'a>(Iter<'a, String>);

impl<'a> Words<'a> {
    pub(super) fn new(words: &'a [String]) -> Words<'a> {
        Words(words.iter())
    }

    /// Hands each word that is no option of all benchmarks to `own`.
    pub(super) fn parse(
        mut self,
        mut own: impl FnMut(&str, &mut Words<'a>) -> Result<(), String>,
    ) -> Result<Common, String> {
        let mut common = Common::default();
        while let Some(word) = self.0.next() {
            match word.as_str() {
                "--div" => common.div = self.number("--div")?,
                "--only" => common.only = self.value("--only")?.to_owned(),
                "--json" => common.json = Some(self.value("--json")?.into()),
                other => own(other, &mut self)?,
            }
        }
        Ok(common)
    }

    /// The value of an option.
    pub(super) fn value(&mut self, option: &str) -> Result<&'a str, String> {
        let value = self.0.next().ok_or_else(|| format!("{WRONG}{option} needs a value"))?;
        Ok(value)
    }

    /// The value of an option that takes a number from 1 on.
    pub(super) fn number<T: FromStr + PartialOrd + From<u8>>(
        &mut self,
        option: &str,
    ) -> Result<T, String> {
        let number = self.value(option)?.parse().ok().filter(|number| *number >= T::from(1));
        number.ok_or_else(|| format!("{WRONG}{option} needs a number, 1 or more"))
    }
}

/// What is said about a word that means nothing.
pub(super) fn unknown(word: &str) -> String {
    format!("{WRONG}`{word}` means nothing here")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Common, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Words::new(&words).parse(|word, _| Err(unknown(word)))
    }

    #[test]
    fn options_have_values() {
        let common = parse("--div 20 --only a,b --json x.json").expect("right options");
        assert_eq!((common.div, common.only.as_str()), (20, "a,b"));
        assert_eq!(common.json, Some("x.json".into()));
        assert_eq!(parse("").expect("no options"), Common::default());
    }

    #[test]
    fn what_is_wrong_calls_for_the_usage() {
        for line in ["--div", "--div 0", "--div x", "--verbose", "word"] {
            assert!(parse(line).expect_err(line).starts_with(WRONG));
        }
    }
}
