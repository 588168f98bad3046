//! The commands: what they are called, how they are written, what they do.
//!
//! Messages and columns are those of the programs of the same name: util-linux, procps,
//! coreutils, kmod.

mod echo;
mod expect;
mod files;
mod kill;
mod log;
mod modules;
mod ps;
mod sched;
mod script;
mod suggest;
mod system;

use alloc::format;
use alloc::string::String;

use crate::interpreter::Call;

pub use modules::insert_error;

/// Says in which task a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the script's.
    Inline,
    /// In one of its own, named after it.
    OwnTask,
}

/// Is all about one command.
pub(crate) struct Info {
    /// Its name.
    pub(crate) name: &'static str,
    /// How it is written.
    pub(crate) usage: &'static str,
    /// What it does, in one line.
    pub(crate) about: &'static str,
    /// What else `help NAME` says; may be empty.
    pub(crate) more: &'static str,
    /// Where it runs.
    pub(crate) place: Place,
    /// Does it; returns the status.
    pub(crate) run: fn(&mut Call<'_>) -> i32,
}

/// All commands, in the order in which `help` lists them.
static ALL: [&[Info]; 10] = [
    modules::COMMANDS,
    ps::COMMANDS,
    kill::COMMANDS,
    log::COMMANDS,
    expect::COMMANDS,
    sched::COMMANDS,
    files::COMMANDS,
    echo::COMMANDS,
    system::COMMANDS,
    script::COMMANDS,
];

/// Returns all commands, in the order in which `help` lists them.
pub(crate) fn all() -> impl Iterator<Item = &'static Info> {
    ALL.iter().copied().flatten()
}

/// Returns the names of all commands.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|info| info.name)
}

/// Returns the command of that name.
pub(crate) fn find(name: &str) -> Option<&'static Info> {
    all().find(|info| info.name == name)
}

/// Says that there is no such command, and which one may have been meant.
pub(crate) fn not_found(name: &str) -> String {
    match suggest::nearest(name, names()) {
        Some(known) => format!("sh: {name}: command not found (did you mean `{known}`?)\n"),
        None => format!("sh: {name}: command not found (`help` lists the commands)\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn each_command_is_there_once_and_says_how_it_is_written() {
        let mut known: Vec<_> = names().collect();
        known.sort_unstable();
        let count = known.len();
        known.dedup();
        assert_eq!(known.len(), count);
        for info in all() {
            assert!(info.usage.starts_with(info.name), "{}", info.name);
            assert!(!info.about.is_empty() && !info.about.ends_with('.'), "{}", info.name);
        }
    }

    #[test]
    fn a_command_that_is_not_there_gets_a_suggestion() {
        assert_eq!(not_found("pss"), "sh: pss: command not found (did you mean `ps`?)\n");
        assert_eq!(
            not_found("systemctl"),
            "sh: systemctl: command not found (`help` lists the commands)\n"
        );
    }
}
