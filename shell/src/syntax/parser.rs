//! The parser: one pass over the characters, recursive only for `$(...)`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::refused::{assigned_name, keyword, operator, variable_name};
use super::{
    Command, MAX_NESTING, Mode, Part, Position, Problem, Quoting, Redirect, RedirectMode, Script,
    Statement, SyntaxError, Word,
};

/// Where a list of commands ends.
#[derive(Clone, Copy)]
enum End {
    Input,
    Parenthesis { opened: Position },
}

pub(super) struct Parser<'a> {
    text: &'a str,
    offset: usize,
    position: Position,
    nesting: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Parser { text, offset: 0, position: Position { line: 1, column: 1 }, nesting: 0 }
    }

    pub(super) fn parse(mut self) -> Result<Script, SyntaxError> {
        self.script(End::Input)
    }

    fn script(&mut self, end: End) -> Result<Script, SyntaxError> {
        let mut statements = Vec::new();
        loop {
            self.skip_blanks();
            match (self.peek(), end) {
                (None, End::Input) => return Ok(Script { statements }),
                (None, End::Parenthesis { opened }) => {
                    return Err(SyntaxError {
                        position: opened,
                        problem: Problem::UnclosedSubstitution,
                    });
                }
                (Some(')'), End::Parenthesis { .. }) => {
                    self.bump();
                    return Ok(Script { statements });
                }
                (Some(')'), End::Input) => return Err(self.error(Problem::UnmatchedParenthesis)),
                (Some('\n' | ';'), _) => self.bump(),
                (Some(_), _) => statements.push(self.statement()?),
            }
        }
    }

    fn statement(&mut self) -> Result<Statement, SyntaxError> {
        let start = self.position;
        let mut command = Command::default();
        let mut mode = Mode::Foreground;
        loop {
            self.skip_blanks();
            match self.peek() {
                None | Some('\n' | ';' | ')') => break,
                Some(_) => self.refuse_operator()?,
            }
            match self.peek() {
                Some('&') if command.words.is_empty() => {
                    return Err(self.error(Problem::NothingToBackground));
                }
                Some('&') => {
                    self.bump();
                    mode = Mode::Background;
                    break;
                }
                Some('>') => command.redirects.push(self.redirect()?),
                _ => self.argument(&mut command)?,
            }
        }
        if command.words.is_empty() {
            return Err(SyntaxError { position: start, problem: Problem::RedirectWithoutCommand });
        }
        Ok(Statement { line: start.line, command, mode })
    }

    /// Reads the next word of a command, and refuses what sh would not take as one.
    fn argument(&mut self, command: &mut Command) -> Result<(), SyntaxError> {
        let start = self.position;
        let word = self.word()?;
        if let Some(text) = word.bare() {
            let is_number = text.bytes().all(|b| b.is_ascii_digit());
            let problem = if is_number && self.peek() == Some('>') {
                Some(Problem::Descriptor(text.to_string()))
            } else if command.words.is_empty() {
                keyword(text)
            } else {
                None
            };
            if let Some(problem) = problem {
                return Err(SyntaxError { position: start, problem });
            }
        }
        if command.words.is_empty()
            && let Some(name) = assigned_name(&word)
        {
            return Err(SyntaxError { position: start, problem: Problem::Assignment(name) });
        }
        command.words.push(word);
        Ok(())
    }

    fn redirect(&mut self) -> Result<Redirect, SyntaxError> {
        let start = self.position;
        self.bump();
        let mode = if self.peek() == Some('>') {
            self.bump();
            RedirectMode::Append
        } else {
            RedirectMode::Truncate
        };
        self.skip_blanks();
        self.refuse_operator()?;
        let target = self.word()?;
        if target.parts.is_empty() {
            return Err(SyntaxError { position: start, problem: Problem::RedirectWithoutPath });
        }
        Ok(Redirect { mode, target })
    }

    /// Reads parts until something that ends a word; no parts if that comes first.
    fn word(&mut self) -> Result<Word, SyntaxError> {
        let mut word = Word::default();
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '`' => self.refuse_operator()?,
                '\'' => self.single_quoted(&mut word)?,
                '"' => self.double_quoted(&mut word)?,
                '\\' => self.escaped(&mut word)?,
                '$' => self.dollar(&mut word, Quoting::Bare)?,
                c => {
                    self.bump();
                    push(&mut word, c, Quoting::Bare);
                }
            }
        }
        Ok(word)
    }

    fn single_quoted(&mut self, word: &mut Word) -> Result<(), SyntaxError> {
        let opened = self.position;
        self.bump();
        start_quoted(word);
        while let Some(c) = self.peek() {
            self.bump();
            if c == '\'' {
                return Ok(());
            }
            push(word, c, Quoting::Quoted);
        }
        Err(SyntaxError { position: opened, problem: Problem::UnclosedQuote('\'') })
    }

    fn double_quoted(&mut self, word: &mut Word) -> Result<(), SyntaxError> {
        let opened = self.position;
        self.bump();
        start_quoted(word);
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.bump();
                    return Ok(());
                }
                '`' => self.refuse_operator()?,
                '$' => self.dollar(word, Quoting::Quoted)?,
                '\\' => self.escaped_in_quotes(word),
                c => {
                    self.bump();
                    push(word, c, Quoting::Quoted);
                }
            }
        }
        Err(SyntaxError { position: opened, problem: Problem::UnclosedQuote('"') })
    }

    fn escaped(&mut self, word: &mut Word) -> Result<(), SyntaxError> {
        let start = self.position;
        self.bump();
        let Some(c) = self.peek() else {
            return Err(SyntaxError { position: start, problem: Problem::TrailingBackslash });
        };
        self.bump();
        if c != '\n' {
            push(word, c, Quoting::Quoted);
        }
        Ok(())
    }

    /// As in sh, a backslash in double quotes stays unless it stands before one of four
    /// characters; before a newline both go.
    fn escaped_in_quotes(&mut self, word: &mut Word) {
        self.bump();
        match self.peek() {
            Some('\n') => self.bump(),
            Some(c @ ('$' | '`' | '"' | '\\')) => {
                self.bump();
                push(word, c, Quoting::Quoted);
            }
            _ => push(word, '\\', Quoting::Quoted),
        }
    }

    fn dollar(&mut self, word: &mut Word, quoting: Quoting) -> Result<(), SyntaxError> {
        let start = self.position;
        let rest = &self.text[self.offset + 1..];
        let unsupported = match rest.as_bytes() {
            [b'(', b'(', ..] => Some(("$((", "there is no arithmetic; write the number itself")),
            [b'\'', ..] if quoting == Quoting::Bare => Some(("$'", "use plain quotes: '...'")),
            [b'"', ..] if quoting == Quoting::Bare => Some(("$\"", "use plain quotes: \"...\"")),
            _ => None,
        };
        if let Some((what, instead)) = unsupported {
            return Err(self.error(Problem::Unsupported { what, instead }));
        }
        if let Some(name) = variable_name(rest) {
            return Err(self.error(Problem::Variable(name)));
        }
        self.bump();
        if self.peek() != Some('(') {
            push(word, '$', quoting);
            return Ok(());
        }
        self.bump();
        if self.nesting == MAX_NESTING {
            return Err(SyntaxError { position: start, problem: Problem::NestedTooDeep });
        }
        self.nesting += 1;
        let script = self.script(End::Parenthesis { opened: start })?;
        self.nesting -= 1;
        word.parts.push(Part::Substitution { script, quoting });
        Ok(())
    }

    /// Skips blanks, joined lines and a comment; stops at the newline.
    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.bump(),
                Some('\\') if self.joins_lines() => {
                    self.bump();
                    self.bump();
                }
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.bump();
                    }
                }
                _ => return,
            }
        }
    }

    fn joins_lines(&self) -> bool {
        let rest = &self.text[self.offset..];
        rest.starts_with("\\\n") || rest.starts_with("\\\r\n")
    }

    fn refuse_operator(&self) -> Result<(), SyntaxError> {
        let rest = &self.text[self.offset..];
        operator(rest).map_or(Ok(()), |problem| Err(self.error(problem)))
    }

    /// Returns the next character; a line end of two characters counts as one newline.
    fn peek(&self) -> Option<char> {
        let rest = &self.text[self.offset..];
        if rest.starts_with("\r\n") { Some('\n') } else { rest.chars().next() }
    }

    fn bump(&mut self) {
        let Some(c) = self.peek() else { return };
        let rest = &self.text[self.offset..];
        self.offset += if rest.starts_with("\r\n") { 2 } else { c.len_utf8() };
        if c == '\n' {
            self.position = Position { line: self.position.line + 1, column: 1 };
        } else {
            self.position.column += 1;
        }
    }

    fn error(&self, problem: Problem) -> SyntaxError {
        SyntaxError { position: self.position, problem }
    }
}

/// Adds a character to the last literal of its quoting, or begins one.
fn push(word: &mut Word, c: char, new: Quoting) {
    if let Some(Part::Literal { text, quoting }) = word.parts.last_mut()
        && *quoting == new
    {
        text.push(c);
        return;
    }
    word.parts.push(Part::Literal { text: String::from(c), quoting: new });
}

/// Makes sure that quotes with nothing in them are a word.
fn start_quoted(word: &mut Word) {
    if !matches!(word.parts.last(), Some(Part::Literal { quoting: Quoting::Quoted, .. })) {
        word.parts.push(Part::Literal { text: String::new(), quoting: Quoting::Quoted });
    }
}
