//! The script language: from text to a tree of commands.
//!
//! It is the part of sh that a test of kernel threads needs. A newline or `;` ends a command, `&`
//! ends it and runs it in the background. Words may be quoted with `'`, `"` and `\`; `#` starts a
//! comment; `> PATH` and `>> PATH` send the output to a file; `$(...)` stands for the output of
//! other commands. What sh has beyond that (variables, pipes, conditions, loops) is an error that
//! says what to do instead, so that no script quietly means something else here than in sh.

mod error;
mod parser;
mod refused;
#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;

pub use error::{Position, Problem, SyntaxError};

/// How deep `$(...)` may be nested. The parser recurses and runs on a small stack.
pub const MAX_NESTING: usize = 16;

/// Is a list of commands to run one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The commands in the order of the text.
    pub statements: Vec<Statement>,
}

/// Is one command and how to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The line its first word stands on, counted from 1.
    pub line: u32,
    /// What to run.
    pub command: Command,
    /// Whether the script waits for it.
    pub mode: Mode,
}

/// Says whether the script waits for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The next command starts when this one has ended.
    Foreground,
    /// The command was ended by `&`: the next one starts at once.
    Background,
}

/// Is a command's words and where its output goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The command's name and its arguments; never empty.
    pub words: Vec<Word>,
    /// The redirections in the order written. As in sh each file is opened, the last one is
    /// written to.
    pub redirects: Vec<Redirect>,
}

/// Is one `> PATH` or `>> PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// What happens to the file's old content.
    pub mode: RedirectMode,
    /// The file's path.
    pub target: Word,
}

/// Says what a redirection does with the file's old content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectMode {
    /// `>`: replaces it.
    Truncate,
    /// `>>`: adds to it.
    Append,
}

/// Is one word: its parts stand side by side without a space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The parts; an empty quoted literal for `''`, never no part at all.
    pub parts: Vec<Part>,
}

/// Is a piece of a word with one kind of quoting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text as it is; quotes and backslashes are already removed.
    Literal {
        /// The text.
        text: String,
        /// Whether it stood in quotes or behind a backslash.
        quoting: Quoting,
    },
    /// `$(...)`: the output of other commands, without the newlines at its end.
    Substitution {
        /// The commands between the parentheses.
        script: Script,
        /// Bare output is split into words, quoted output is not.
        quoting: Quoting,
    },
}

/// Says whether a part of a word was quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Outside any quotes.
    Bare,
    /// In `'...'` or `"..."`, or behind a backslash.
    Quoted,
}

impl Word {
    /// Returns the text of a word without substitutions, whatever its quoting.
    pub fn literal(&self) -> Option<String> {
        let mut all = String::new();
        for part in &self.parts {
            let Part::Literal { text, .. } = part else { return None };
            all.push_str(text);
        }
        Some(all)
    }

    /// Returns the text of a word that has no quotes and no substitutions: only such a word can
    /// be a keyword.
    pub(crate) fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Literal { text, quoting: Quoting::Bare }] => Some(text),
            _ => None,
        }
    }
}

/// Parses a script.
///
/// ```
/// use kthreads_shell::syntax::{Mode, parse};
///
/// let script = parse("rmmod pair & ; sleep 1; ps -ef")?;
/// assert_eq!(script.statements.len(), 3);
/// assert_eq!(script.statements[0].mode, Mode::Background);
///
/// let error = parse("ps | grep mythread").unwrap_err();
/// assert!(error.to_string().starts_with("line 1, column 4: `|` is not supported here: "));
/// # Ok::<(), kthreads_shell::syntax::SyntaxError>(())
/// ```
pub fn parse(text: &str) -> Result<Script, SyntaxError> {
    parser::Parser::new(text).parse()
}
