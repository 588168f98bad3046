//! What sh has and this language has not, and what to say about it.

use alloc::string::{String, ToString};

use super::{Part, Problem, Quoting, Word};

/// Words that mean something to sh at the start of a command.
const KEYWORDS: &[&str] = &[
    "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac",
    "function", "select", "{", "}", "!", "[[",
];

/// Constructs of sh that start with one of its special characters; longer ones first.
const OPERATORS: &[(&str, &str)] = &[
    ("||", "each command runs, whatever the one before it did; use `;`"),
    ("|&", JOIN),
    ("|", JOIN),
    ("&&", "each command runs, whatever the one before it did; use `;`"),
    ("&>", OUTPUT),
    (">&", OUTPUT),
    (">|", OUTPUT),
    (">(", OUTPUT),
    ("<<", INPUT),
    ("<", INPUT),
    ("(", "there are no subshells; use $(...) for a command's output, or quote it as '('"),
    ("`", "use $(...) for a command's output"),
];
const JOIN: &str = "there are no pipes; give the command an argument that selects what you need, \
                    or look for a line of the log with `expect TEXT`";
const OUTPUT: &str = "use `> PATH` or `>> PATH`";
const INPUT: &str = "no command reads input; give the text as an argument";
const KEYWORD: &str = "a script runs straight from top to bottom; write the commands one by one, \
                       or quote the word";

/// Refuses text that starts with an operator of sh.
pub(super) fn operator(rest: &str) -> Option<Problem> {
    let &(what, instead) = OPERATORS.iter().find(|(what, _)| rest.starts_with(what))?;
    Some(Problem::Unsupported { what, instead })
}

/// Refuses a word that would be a keyword of sh.
pub(super) fn keyword(text: &str) -> Option<Problem> {
    let what = KEYWORDS.iter().copied().find(|keyword| *keyword == text)?;
    Some(Problem::Unsupported { what, instead: KEYWORD })
}

/// Returns NAME if the word begins with a bare `NAME=`, which sets a variable in sh.
pub(super) fn assigned_name(word: &Word) -> Option<String> {
    let Some(Part::Literal { text, quoting: Quoting::Bare }) = word.parts.first() else {
        return None;
    };
    let (name, _) = text.split_once('=')?;
    (name_length(name) == name.len() && !name.is_empty()).then(|| name.to_string())
}

/// Returns what sh would take as a variable in the text behind a `$`.
pub(super) fn variable_name(rest: &str) -> Option<String> {
    let length = name_length(rest);
    if length > 0 {
        return Some(rest[..length].to_string());
    }
    let first = rest.chars().next()?;
    if first == '{' {
        let length = rest.find(['}', '\n']).unwrap_or(rest.len());
        let closing = usize::from(rest[length..].starts_with('}'));
        return Some(rest[..length + closing].to_string());
    }
    (first.is_ascii_digit() || "?$!#*@-".contains(first)).then(|| first.to_string())
}

/// Returns how many bytes at the start are a name: letters, digits and `_`, no digit first.
fn name_length(text: &str) -> usize {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    if text.bytes().next().is_some_and(|b| b.is_ascii_digit()) {
        return 0;
    }
    text.bytes().take_while(is_name).count()
}
