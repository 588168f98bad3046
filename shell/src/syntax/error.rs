//! What can be wrong with a script, and what to write instead.

use alloc::string::String;
use core::fmt;

/// Is a place in the script's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, counted from 1.
    pub line: u32,
    /// The character in the line, counted from 1.
    pub column: u32,
}

/// Says where a script is wrong and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where it is wrong; for something that was never closed, where it was opened.
    pub position: Position,
    /// What is wrong.
    pub problem: Problem,
}

/// Names what is wrong in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A construct of sh that this language does not have.
    Unsupported {
        /// The construct as it is written.
        what: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// A variable, as `$NAME` or `${NAME}`, with its name.
    Variable(String),
    /// `NAME=value` in the place of a command, with the name.
    Assignment(String),
    /// A `N>` that would redirect the file descriptor N in sh.
    Descriptor(String),
    /// A quote that is never closed.
    UnclosedQuote(char),
    /// A `$(` that is never closed.
    UnclosedSubstitution,
    /// A `)` without its `$(`.
    UnmatchedParenthesis,
    /// A backslash with nothing behind it.
    TrailingBackslash,
    /// A `&` with no command before it.
    NothingToBackground,
    /// A redirection without a path.
    RedirectWithoutPath,
    /// A redirection without a command.
    RedirectWithoutCommand,
    /// More than [`MAX_NESTING`](super::MAX_NESTING) `$(` in each other.
    NestedTooDeep,
}

impl SyntaxError {
    /// Says whether more text could complete the script: a prompt then asks for another line.
    pub fn is_incomplete(&self) -> bool {
        matches!(
            self.problem,
            Problem::UnclosedQuote(_) | Problem::UnclosedSubstitution | Problem::TrailingBackslash
        )
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.position.line, self.position.column)?;
        self.problem.fmt(f)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unsupported { what, instead } => {
                write!(f, "`{what}` is not supported here: {instead}")
            }
            Problem::Variable(name) => write!(
                f,
                "`${name}` is not supported here: there are no variables; write the value itself, \
                 or '${name}' in single quotes for the text"
            ),
            Problem::Assignment(name) => write!(
                f,
                "`{name}=` is not supported here: there are no variables; a module parameter \
                 stands behind its module, as in `insmod FILE {name}=value`"
            ),
            Problem::Descriptor(number) => write!(
                f,
                "`{number}>` is not supported here: it names a file descriptor; write `{number} >` \
                 with a space to print the number"
            ),
            Problem::UnclosedQuote(quote) => {
                write!(f, "this {quote} is never closed: add the second {quote}")
            }
            Problem::UnclosedSubstitution => f.write_str("this `$(` is never closed: add a `)`"),
            Problem::UnmatchedParenthesis => {
                f.write_str("this `)` closes nothing: remove it, or quote it as ')'")
            }
            Problem::TrailingBackslash => {
                f.write_str("nothing follows this backslash: remove it, or write \\\\ for itself")
            }
            Problem::NothingToBackground => {
                f.write_str("there is no command before this `&`: write one, or remove the `&`")
            }
            Problem::RedirectWithoutPath => {
                f.write_str("no path follows: write `> PATH` or `>> PATH`")
            }
            Problem::RedirectWithoutCommand => f.write_str(
                "there is no command whose output could be written: write `echo TEXT > PATH`",
            ),
            Problem::NestedTooDeep => {
                write!(f, "more than {} `$(` in each other: use fewer", super::MAX_NESTING)
            }
        }
    }
}

impl core::error::Error for SyntaxError {}
