//! The modules, as their folders have them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Machine;

/// Where bugs are.
const FOLDERS: [&str; 4] =
    ["modules/bugs", "modules/bugs/calls", "modules/bugs/locking", "modules/bugs/interleaving"];
/// Where, in such a folder, modules are that do nothing wrong though it may look so.
const SILENT: &str = "silent";

/// Says what a module is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// To be reported.
    Bug,
    /// A bug's repaired twin, which is silent.
    Twin,
    /// To be silent, though it looks wrong.
    Right,
}

/// Is one module with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Module {
    /// Its files, or those of the bug whose twin it is, without their endings: from the root of
    /// the repository on.
    stem: String,
    role: Role,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All modules, each twin after its bug.
pub fn all() -> io::Result<Vec<Module>> {
    let mut modules = Vec::new();
    for folder in FOLDERS {
        for stem in stems(folder)? {
            if !stem.ends_with("_fixed") {
                modules.push(Module { stem: stem.clone(), role: Role::Bug });
                modules.push(Module { stem, role: Role::Twin });
            }
        }
        for stem in stems(&format!("{folder}/{SILENT}")).unwrap_or_default() {
            modules.push(Module { stem, role: Role::Right });
        }
    }
    Ok(modules)
}

/// The C files of a folder, without their endings.
fn stems(folder: &str) -> io::Result<Vec<String>> {
    let mut stems = Vec::new();
    for entry in fs::read_dir(root().join(folder))? {
        let name = entry?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".c"));
        stems.extend(stem.map(|stem| format!("{folder}/{stem}")));
    }
    stems.sort();
    Ok(stems)
}

impl Module {
    /// What it is there for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What the module is called: its file's name.
    pub fn name(&self) -> String {
        match self.role {
            Role::Twin => format!("{}_fixed", self.bug_name()),
            Role::Bug | Role::Right => self.bug_name().to_owned(),
        }
    }

    /// What the bug is called whose twin it is, if it is one; else what it is called itself.
    pub fn bug_name(&self) -> &str {
        self.stem.rsplit('/').next().unwrap_or(&self.stem)
    }

    /// Its source, from the root of the repository on.
    pub fn source(&self) -> String {
        match self.role {
            Role::Twin => format!("{}_fixed.c", self.stem),
            Role::Bug | Role::Right => format!("{}.c", self.stem),
        }
    }

    /// The text of one of its files, if there is that file.
    pub fn read(&self, ending: &str) -> Option<String> {
        fs::read_to_string(root().join(format!("{}.{ending}", self.stem))).ok()
    }

    /// What is done when it is loaded, if that is said.
    pub(crate) fn script(&self) -> Option<String> {
        let script = self.read("script")?;
        Some(with_name(script.trim_end(), self.bug_name(), &self.name()))
    }

    /// Why there is nothing to see on a machine; none if there is.
    pub fn why_not_on(&self, machine: &Machine) -> Option<String> {
        let start = format!("not on {machine}: ");
        let text = self.read("machines")?;
        text.lines().find_map(|line| line.strip_prefix(&start)).map(str::to_owned)
    }

    /// Whether there is something to see with so many CPUs.
    pub(crate) fn can_run_with(&self, cpus: u32) -> bool {
        let needs_more = |text: String| text.lines().any(|line| line.starts_with(NOT_WITH_ONE));
        cpus > 1 || !self.read("machines").is_some_and(needs_more)
    }
}

/// How a line begins that says why a module needs more than one CPU.
const NOT_WITH_ONE: &str = "not with 1 CPU: ";

/// The script with the module's name put in for the bug's, where that stands as a word.
fn with_name(script: &str, bug: &str, module: &str) -> String {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let mut text = String::new();
    let mut rest = script;
    while let Some(at) = rest.find(bug) {
        let (before, after) = (&rest[..at], &rest[at + bug.len()..]);
        let is_word = !before.ends_with(is_part) && !after.starts_with(is_part);
        text.push_str(before);
        text.push_str(if is_word { module } else { bug });
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_in_where_they_are_words() {
        let script = with_name("rmmod a; lsmod; cat a_b", "a", "a_fixed");
        assert_eq!(script, "rmmod a_fixed; lsmod; cat a_b");
    }
}
