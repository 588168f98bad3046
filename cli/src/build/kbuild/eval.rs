//! Reads a Kbuild or Makefile for its variables: the part of make that a module's build needs.
//!
//! Rules and recipes are passed over and no command is run: what a module is made of stands in
//! variables, in the branch that make takes when the kernel's build includes the file.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::BuildError;
use super::lines::{Line, Operator, Statement, classify, first_word, logical_lines};
use super::lines::{split_outside, without_comment};

/// What a module sees as KERNELRELEASE.
const RELEASE: &str = "6.1.0";
/// How deep includes may be nested.
const DEEPEST_INCLUDE: usize = 8;

/// Is a variable with how it is expanded.
#[derive(Clone, Debug)]
pub(super) enum Variable {
    Recursive(String),
    Simple(String),
}

/// Is where the reading of `if ... else ... endif` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Branch {
    /// This branch is read.
    Taken,
    /// This one is not, a later one may be.
    Waiting,
    /// An earlier one was, or the whole is passed over.
    Done,
}

/// Reads files and holds their variables.
pub(super) struct Makefile<'a> {
    /// The absolute directory that `$(src)`, `$(M)` and `$(PWD)` stand for.
    pub(super) folder: PathBuf,
    pub(super) file: PathBuf,
    pub(super) line: u32,
    pub(super) variables: HashMap<String, Variable>,
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(super) warnings: Vec<String>,
    /// Set by `$(error ...)`.
    pub(super) stopped: Option<BuildError>,
    /// How deep variables are being expanded in each other.
    pub(super) depth: usize,
    branches: Vec<Branch>,
    /// Says that a line that starts with a tab belongs to a recipe.
    in_rule: bool,
    /// The name and lines of an open `define`.
    definition: Option<(String, Vec<String>)>,
    includes: usize,
}

impl<'a> Makefile<'a> {
    pub(super) fn new(folder: PathBuf, environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let here = folder.to_string_lossy().into_owned();
        let preset = [
            ("src", here.as_str()),
            ("obj", here.as_str()),
            ("M", here.as_str()),
            ("PWD", here.as_str()),
            ("CURDIR", here.as_str()),
            ("KBUILD_EXTMOD", here.as_str()),
            ("KERNELRELEASE", RELEASE),
            ("KERNELVERSION", RELEASE),
            ("VERSION", "6"),
            ("PATCHLEVEL", "1"),
            ("SUBLEVEL", "0"),
            ("ARCH", "x86"),
            ("SRCARCH", "x86"),
            ("MAKE", "make"),
            ("CONFIG_SMP", "y"),
            ("CONFIG_MODULES", "y"),
        ];
        let simple = |(name, value): (&str, &str)| (name.into(), Variable::Simple(value.into()));
        Makefile {
            folder,
            file: PathBuf::new(),
            line: 0,
            variables: preset.map(simple).into(),
            environment,
            warnings: Vec::new(),
            stopped: None,
            depth: 0,
            branches: Vec::new(),
            in_rule: false,
            definition: None,
            includes: 0,
        }
    }

    /// Reads a file's text.
    pub(super) fn read(&mut self, file: &Path, content: &str) {
        self.file = file.to_owned();
        let open_before = self.branches.len();
        for line in logical_lines(content) {
            self.line = line.number;
            self.read_line(&line);
            if self.stopped.is_some() {
                return;
            }
        }
        if self.branches.len() > open_before {
            self.warn("the file ends before `endif`");
            self.branches.truncate(open_before);
        }
    }

    fn read_line(&mut self, line: &Line) {
        if self.definition.is_some() {
            return self.read_definition(&line.text);
        }
        if self.in_rule && line.text.starts_with('\t') {
            return;
        }
        let text = without_comment(&line.text);
        let text = text.trim();
        let (keyword, rest) = first_word(text);
        // `ifeq(` and `else` directly before a comment have no blank behind them.
        let keyword = keyword.split('(').next().unwrap_or_default();
        match keyword {
            "ifeq" | "ifneq" | "ifdef" | "ifndef" => self.open(keyword, &text[keyword.len()..]),
            "else" => self.otherwise(rest),
            "endif" => self.close(),
            _ if text.is_empty() || !self.is_active() => {}
            _ => self.statement(text),
        }
    }

    fn is_active(&self) -> bool {
        self.branches.iter().all(|branch| *branch == Branch::Taken)
    }

    fn open(&mut self, keyword: &str, condition: &str) {
        let branch = match self.is_active() {
            false => Branch::Done,
            true if self.holds(keyword, condition.trim()) => Branch::Taken,
            true => Branch::Waiting,
        };
        self.branches.push(branch);
    }

    fn otherwise(&mut self, rest: &str) {
        let Some(branch) = self.branches.pop() else {
            return self.warn("`else` without an `if`: ignored");
        };
        let (keyword, _) = first_word(rest);
        let keyword = keyword.split('(').next().unwrap_or_default().to_owned();
        let next = match branch {
            Branch::Waiting if keyword.is_empty() => Branch::Taken,
            Branch::Waiting if self.holds(&keyword, rest[keyword.len()..].trim()) => Branch::Taken,
            Branch::Waiting => Branch::Waiting,
            Branch::Taken | Branch::Done => Branch::Done,
        };
        self.branches.push(next);
    }

    fn close(&mut self) {
        if self.branches.pop().is_none() {
            self.warn("`endif` without an `if`: ignored");
        }
    }

    /// Evaluates a condition: `(a,b)`, `"a" "b"`, or the name of a variable.
    fn holds(&mut self, keyword: &str, condition: &str) -> bool {
        if matches!(keyword, "ifdef" | "ifndef") {
            let name = self.expand(condition);
            return self.is_set(name.trim()) == (keyword == "ifdef");
        }
        let Some((left, right)) = operands(condition) else {
            self.warn(&format!("`{keyword} {condition}` is not understood: taken as not true"));
            return false;
        };
        let equal = self.expand(left).trim() == self.expand(right).trim();
        equal == (keyword == "ifeq")
    }

    fn statement(&mut self, text: &str) {
        let (word, rest) = first_word(text);
        match (word, classify(text)) {
            ("define", _) => {
                let name = rest.trim_end_matches(['=', ':', '?', '+']).trim().to_owned();
                self.definition = Some((name, Vec::new()));
            }
            ("include" | "-include" | "sinclude", Statement::Other) => {
                self.include(word, rest);
            }
            ("export" | "override" | "private", _) => {
                if classify(rest) != Statement::Other {
                    self.statement(rest);
                }
            }
            ("unexport" | "undefine" | "vpath", _) => {}
            (_, Statement::Assignment { name, operator, value }) => {
                self.in_rule = false;
                self.assign(name, operator, value);
            }
            (_, Statement::Rule) => self.in_rule = true,
            (_, Statement::Other) => {
                let left = self.expand(text);
                if !left.trim().is_empty() {
                    self.warn(&format!("`{text}` is not understood: ignored"));
                }
            }
        }
    }

    fn assign(&mut self, name: &str, operator: Operator, value: &str) {
        let expanded = self.expand(name);
        let key = expanded.trim();
        if key.starts_with("obj-") && key.ends_with('-') && name.contains("$(CONFIG_") {
            let option = name.trim_start_matches("obj-").trim_matches(['$', '(', ')']);
            self.warn(&format!(
                "{option} is not set: {value} is not built; set {option}=m in the environment to \
                 build it"
            ));
        }
        let new = match operator {
            Operator::Recursive => Variable::Recursive(value.to_owned()),
            Operator::Simple => Variable::Simple(self.expand(value)),
            Operator::IfUnset if self.is_set(key) => return,
            Operator::IfUnset => Variable::Recursive(value.to_owned()),
            Operator::Append => self.appended(key, value),
            Operator::Shell => Variable::Simple(self.shell(value)),
        };
        self.variables.insert(key.to_owned(), new);
    }

    fn appended(&mut self, name: &str, value: &str) -> Variable {
        let old = self.variables.get(name).cloned();
        let inherited = || (self.environment)(name).map(Variable::Recursive);
        match old.or_else(inherited) {
            Some(Variable::Simple(old)) => {
                Variable::Simple(format!("{old} {}", self.expand(value)))
            }
            Some(Variable::Recursive(old)) => Variable::Recursive(format!("{old} {value}")),
            None => Variable::Recursive(value.to_owned()),
        }
    }

    fn read_definition(&mut self, text: &str) {
        let Some((name, mut lines)) = self.definition.take() else { return };
        if first_word(text).0 != "endef" {
            lines.push(text.to_owned());
            self.definition = Some((name, lines));
        } else if self.is_active() {
            self.variables.insert(name, Variable::Recursive(lines.join("\n")));
        }
    }

    fn include(&mut self, keyword: &str, names: &str) {
        let names = self.expand(names);
        for name in names.split_whitespace() {
            let path = self.folder.join(name);
            match fs::read_to_string(&path) {
                Ok(_) if self.includes == DEEPEST_INCLUDE => {
                    self.warn(&format!("`{keyword} {name}` is nested too deep: ignored"));
                }
                Ok(content) => {
                    let (file, line) = (self.file.clone(), self.line);
                    self.includes += 1;
                    self.read(&path, &content);
                    self.includes -= 1;
                    (self.file, self.line) = (file, line);
                }
                Err(error) if keyword == "include" => {
                    self.warn(&format!("cannot include {name}: {error}: ignored"));
                }
                Err(_) => {}
            }
        }
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        match self.variables.get(name) {
            Some(Variable::Recursive(value) | Variable::Simple(value)) => !value.is_empty(),
            None => (self.environment)(name).is_some_and(|value| !value.is_empty()),
        }
    }

    pub(super) fn warn(&mut self, text: &str) {
        let warning = format!("{}:{}: warning: {text}\n", self.file.display(), self.line);
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// Takes the two sides of a comparison apart.
fn operands(condition: &str) -> Option<(&str, &str)> {
    if let Some(inner) = condition.strip_prefix('(') {
        let inner = inner.trim_end().strip_suffix(')')?;
        return match split_outside(inner, b',', 2).as_slice() {
            [left, right] => Some((left, right)),
            _ => None,
        };
    }
    let (left, rest) = quoted(condition)?;
    let (right, rest) = quoted(rest)?;
    rest.trim().is_empty().then_some((left, right))
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].split_once(quote)
}
