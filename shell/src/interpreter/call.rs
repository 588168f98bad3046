//! One call of a command: its arguments, and where its text goes.

use alloc::format;
use alloc::string::String;

use kthreads_kernel::Cx;

use super::Shell;
use crate::commands::Info;
use crate::host::{Host, Stream};

/// The status of a command that was called wrongly.
pub(crate) const USAGE: i32 = 2;

/// Is a call of a command.
pub(crate) struct Call<'a> {
    /// The shell.
    pub(crate) shell: &'a Shell,
    /// The task that runs the command.
    pub(crate) cx: &'a Cx<'a>,
    /// What follows the command's name.
    pub(crate) arguments: &'a [String],
    /// The line of the script that it stands on.
    pub(crate) line: u32,
    info: &'static Info,
    captured: Option<&'a mut String>,
    exit: Option<i32>,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        shell: &'a Shell,
        cx: &'a Cx<'a>,
        info: &'static Info,
        arguments: &'a [String],
        line: u32,
    ) -> Call<'a> {
        Call { shell, cx, arguments, line, info, captured: None, exit: None }
    }

    pub(super) fn capture_into(&mut self, text: &'a mut String) {
        self.captured = Some(text);
    }

    pub(super) fn exit(&self) -> Option<i32> {
        self.exit
    }

    /// Ends the script behind this command.
    pub(crate) fn exit_with(&mut self, code: i32) {
        self.exit = Some(code);
    }

    pub(crate) fn host(&self) -> &'a dyn Host {
        self.shell.host()
    }

    /// Prints text as it is.
    pub(crate) fn print(&mut self, text: &str) {
        match &mut self.captured {
            Some(captured) => captured.push_str(text),
            None => self.shell.host().write(Stream::Output, text),
        }
    }

    /// Prints a line.
    pub(crate) fn print_line(&mut self, line: &str) {
        self.print(&format!("{line}\n"));
    }

    /// Prints a line to standard error as it is; returns status 1.
    pub(crate) fn error(&self, line: &str) -> i32 {
        self.host().write(Stream::Error, &format!("{line}\n"));
        1
    }

    /// Prints a line to standard error behind the command's name; returns status 1.
    pub(crate) fn fail(&self, what: &str) -> i32 {
        self.error(&format!("{}: {what}", self.info.name))
    }

    /// Says how the command is written; returns status 2.
    pub(crate) fn usage(&self) -> i32 {
        self.error(&format!("usage: {}", self.info.usage));
        USAGE
    }

    /// Says what is wrong with an argument and how the command is written; returns status 2.
    pub(crate) fn misused(&self, what: &str) -> i32 {
        self.fail(what);
        self.usage()
    }
}
