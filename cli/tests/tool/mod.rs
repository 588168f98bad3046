//! Runs the command that cargo has just built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the command came to.
pub(crate) struct Run {
    /// The exit status; none if a signal ended it.
    pub(crate) status: Option<i32>,
    /// All it wrote: the log, what a script printed, the summary.
    pub(crate) out: String,
    /// Messages of the command and of the compiler.
    pub(crate) err: String,
}

impl Run {
    /// The lines of the log, without their time stamps.
    pub(crate) fn log(&self) -> Vec<&str> {
        self.out.lines().filter_map(without_stamp).collect()
    }

    /// All there is to know about a run that went wrong.
    pub(crate) fn describe(&self) -> String {
        format!("status {:?}\n--- out\n{}--- err\n{}", self.status, self.out, self.err)
    }
}

/// Runs `kthreads` with these arguments in the root of the repository.
pub(crate) fn kthreads(arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kthreads"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null()).env_remove("CC");
    let output = command.output().expect("the command was built");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Takes `[    1.234567] ` from a line of the log; other lines are not of the log.
fn without_stamp(line: &str) -> Option<&str> {
    let (stamp, text) = line.strip_prefix('[')?.split_once("] ")?;
    let (seconds, micros) = stamp.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_stamp = digits(seconds.trim_start()) && digits(micros) && micros.len() == 6;
    is_stamp.then_some(text)
}
