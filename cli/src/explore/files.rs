//! Files of results, which are whole whenever somebody looks.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kthreads_explore::Outcome;

use super::Refusal;
use crate::status;

/// How often the result so far is written, if nothing was found.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// The file that the result of a campaign is written to as it comes.
pub(super) struct ResultFile<'p> {
    path: &'p Path,
    /// When it was written, and with how many bugs.
    written: Option<(Instant, usize)>,
}

impl<'p> ResultFile<'p> {
    pub(super) fn new(path: &'p Path) -> ResultFile<'p> {
        ResultFile { path, written: None }
    }

    /// Writes the result so far, if there is something new. What is wrong with the file is said at
    /// the end.
    pub(super) fn follow(&mut self, outcome: &Outcome) {
        let found = outcome.found.len();
        let is_known =
            |(when, known): (Instant, usize)| known == found && when.elapsed() < WRITE_EVERY;
        if outcome.schedules > 0 && !self.written.is_some_and(is_known) {
            self.written = Some((Instant::now(), found));
            let _ = replace(self.path, &outcome.to_json());
        }
    }
}

/// Writes a file.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Refusal> {
    let unwritable = |error| (format!("cannot write {}: {error}", path.display()), status::USAGE);
    replace(path, text).map_err(unwritable)
}

/// Puts a file in the place of another in one step, where there is a file and no device.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if path.symlink_metadata().is_ok_and(|known| !known.is_file()) {
        return std::fs::write(path, text);
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    std::fs::write(&new, text)?;
    std::fs::rename(&new, path)
}
