//! Expansion: `$(NAME)`, `$(NAME:.c=.o)` and `$(function ...)`.

use super::super::BuildError;
use super::eval::{Makefile, Variable};
use super::functions;
use super::lines::{first_word, split_outside};

/// How deep variables may refer to each other: more means that one refers to itself.
const DEEPEST: usize = 64;

impl Makefile<'_> {
    /// Returns the text with all references replaced.
    pub(super) fn expand(&mut self, text: &str) -> String {
        if self.depth == DEEPEST {
            self.warn("a variable refers to itself: taken as empty");
            return String::new();
        }
        self.depth += 1;
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            result.push_str(before);
            rest = self.expand_reference(after, &mut result);
        }
        self.depth -= 1;
        result + rest
    }

    /// Expands what follows a `$`; returns the text behind it.
    fn expand_reference<'t>(&mut self, text: &'t str, result: &mut String) -> &'t str {
        let Some(first) = text.chars().next() else { return text };
        let rest = &text[first.len_utf8()..];
        match first {
            '$' => result.push('$'),
            '(' | '{' => {
                let Some(end) = closing(text) else {
                    self.warn(&format!("`${text}` is never closed: taken as empty"));
                    return "";
                };
                result.push_str(&self.inner(&text[1..end]));
                return &text[end + 1..];
            }
            _ => result.push_str(&self.value(&first.to_string())),
        }
        rest
    }

    /// Expands what stands between the parentheses of a reference.
    fn inner(&mut self, text: &str) -> String {
        let (function, arguments) = first_word(text);
        if function.len() < text.trim_end().len()
            && let Some(result) = self.call(function, arguments)
        {
            return result;
        }
        if let [name, change] = split_outside(text, b':', 2)[..]
            && let [from, to] = split_outside(change, b'=', 2)[..]
        {
            return self.substituted(name, from, to);
        }
        let name = self.expand(text);
        self.value(name.trim())
    }

    /// Returns a variable's expanded value.
    pub(super) fn value(&mut self, name: &str) -> String {
        match self.variables.get(name).cloned() {
            Some(Variable::Simple(value)) => value,
            Some(Variable::Recursive(value)) => self.expand(&value),
            None => (self.environment)(name).unwrap_or_default(),
        }
    }

    /// Computes `$(name:from=to)`.
    fn substituted(&mut self, name: &str, from: &str, to: &str) -> String {
        let name = self.expand(name);
        let (from, to) = (self.expand(from), self.expand(to));
        let value = self.value(name.trim());
        let (from, to) = match from.contains('%') {
            true => (from, to),
            false => (format!("%{from}"), format!("%{to}")),
        };
        functions::call("patsubst", &[from, to, value], &self.folder)
    }

    /// Computes a function; `None` if there is none of this name.
    fn call(&mut self, name: &str, text: &str) -> Option<String> {
        if let Some(arity) = functions::arity(name) {
            let arguments: Vec<_> =
                split_outside(text, b',', arity).iter().map(|text| self.expand(text)).collect();
            return Some(functions::call(name, &arguments, &self.folder));
        }
        Some(match name {
            "if" => self.choose(&split_outside(text, b',', 3)),
            "or" => self.first_filled(text),
            "and" => self.last_if_all_filled(text),
            "foreach" => self.for_each(&split_outside(text, b',', 3)),
            "shell" => self.shell(text),
            "info" => String::new(),
            "warning" => {
                let text = self.expand(text);
                self.warn(&text);
                String::new()
            }
            "error" => self.stop(text),
            "call" | "eval" | "value" | "origin" | "flavor" | "file" | "guile" | "join"
            | "wordlist" => {
                self.warn(&format!("`$({name} ...)` is not known here: taken as empty"));
                String::new()
            }
            _ => return None,
        })
    }

    fn choose(&mut self, arguments: &[&str]) -> String {
        let condition = self.expand(arguments[0].trim());
        let chosen = if condition.is_empty() { arguments.get(2) } else { arguments.get(1) };
        chosen.map_or_else(String::new, |text| self.expand(text))
    }

    fn first_filled(&mut self, text: &str) -> String {
        let values = split_outside(text, b',', usize::MAX).into_iter();
        values.map(|text| self.expand(text.trim())).find(|v| !v.is_empty()).unwrap_or_default()
    }

    fn last_if_all_filled(&mut self, text: &str) -> String {
        let mut last = String::new();
        for text in split_outside(text, b',', usize::MAX) {
            last = self.expand(text.trim());
            if last.is_empty() {
                break;
            }
        }
        last
    }

    fn for_each(&mut self, arguments: &[&str]) -> String {
        let [name, words, body] = arguments else { return String::new() };
        let (name, words) = (self.expand(name).trim().to_owned(), self.expand(words));
        let before = self.variables.remove(&name);
        let mut results = Vec::new();
        for word in words.split_whitespace() {
            self.variables.insert(name.clone(), Variable::Simple(word.to_owned()));
            results.push(self.expand(body));
        }
        match before {
            Some(before) => self.variables.insert(name, before),
            None => self.variables.remove(&name),
        };
        results.join(" ")
    }

    /// Answers the two commands that each module's Makefile has; runs none.
    pub(super) fn shell(&mut self, command: &str) -> String {
        let command = self.expand(command);
        match command.trim() {
            "pwd" | "pwd -P" => self.folder.to_string_lossy().into_owned(),
            "uname -r" => self.value("KERNELRELEASE"),
            "uname -m" => "x86_64".to_owned(),
            other => {
                self.warn(&format!("`{other}` is not run: taken as printing nothing"));
                String::new()
            }
        }
    }

    fn stop(&mut self, text: &str) -> String {
        let text = self.expand(text);
        let (file, line) = (self.file.clone(), self.line);
        self.stopped.get_or_insert(BuildError::Stopped { file, line, text });
        String::new()
    }
}

/// Finds the parenthesis or brace that closes the one at the start.
fn closing(text: &str) -> Option<usize> {
    let (open, close) = if text.starts_with('(') { (b'(', b')') } else { (b'{', b'}') };
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}
