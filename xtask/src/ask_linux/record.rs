//! What is kept of an answer.

use super::guest::Answer;
use super::source::Case;
use std::fmt::Write as _;
use std::path::Path;

const MARK: &str = "case:";

/// The recorded result of one case; the format is described at the head of the tool.
pub(super) struct Record {
    release: String,
    hash: u64,
    cpus: u32,
    warnings: usize,
    script: Vec<String>,
    log: Vec<String>,
}

impl Record {
    pub(super) fn new(case: &Case, answer: &Answer) -> Self {
        let is_warning = |line: &&String| line.contains("WARNING: ") || line.contains("BUG: ");
        Self {
            release: answer.release.clone(),
            hash: case.hash,
            cpus: answer.cpus,
            warnings: answer.log.iter().filter(is_warning).count(),
            script: answer.script.iter().filter(|line| line.starts_with(MARK)).cloned().collect(),
            log: answer.log.iter().filter_map(|line| log_line(line)).collect(),
        }
    }

    /// Tells whether the case said nothing at all, which no case may.
    pub(super) fn is_empty(&self) -> bool {
        self.script.is_empty() && self.log.is_empty()
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = format!("linux: {}\n{}", self.release, self.head());
        for (title, lines) in [("script", &self.script), ("log", &self.log)] {
            let _ = writeln!(text, "{title}:");
            for line in lines {
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }

    fn head(&self) -> String {
        format!("source: {:016x}\ncpus: {}\nwarnings: {}\n", self.hash, self.cpus, self.warnings)
    }

    /// Compares with the recorded text, but for the kernel release; `None` when they agree.
    pub(super) fn difference(&self, path: &Path) -> Option<String> {
        let Ok(recorded) = std::fs::read_to_string(path) else {
            return Some(format!("no record {}", path.display()));
        };
        let now = self.to_text();
        let (mut old, mut new) = (recorded.lines().skip(1), now.lines().skip(1));
        loop {
            match (old.next(), new.next()) {
                (None, None) => return None,
                (old, new) if old == new => {}
                (old, new) => {
                    return Some(format!(
                        "recorded `{}`, now `{}`",
                        old.unwrap_or("(nothing)"),
                        new.unwrap_or("(nothing)")
                    ));
                }
            }
        }
    }
}

/// Turns `<6>[    1.234567] case: x` into `<6>case: x`; anything else is not part of a result.
fn log_line(line: &str) -> Option<String> {
    let (level, rest) = line.split_once('>')?;
    let (stamp, text) = rest.split_once("] ")?;
    (level.starts_with('<') && stamp.starts_with('[') && text.starts_with(MARK))
        .then(|| format!("{level}>{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_keeps_its_level_and_loses_its_time() {
        assert_eq!(log_line("<4>[    8.123456] case: a=1").as_deref(), Some("<4>case: a=1"));
    }

    #[test]
    fn what_is_no_result_is_dropped() {
        for line in ["<6>[    8.1] other: a=1", "case: a=1", "<6>case: a=1", ""] {
            assert_eq!(log_line(line), None, "{line}");
        }
    }
}
