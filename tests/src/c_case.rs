//! The C cases of `tests/cases`: how one is to be run, and what is kept of its result.
//!
//! A case is `NAME.c`: one module whose messages of the form `case: ...` are its result. Its head
//! comment may hold a block that begins with a line `script:` and ends with the comment or an empty
//! line: the commands to run instead of `insmod NAME.ko; rmmod NAME`. Lines that they print and that
//! begin with `case:` are part of the result too. A case that says `Needs two CPUs.` is shown with two,
//! as many as records are made with. `case.h` is shared by all cases.
//!
//! What real Linux answered lies beside it, in `NAME.linux`:
//!
//! ```text
//! linux: 6.1.0-56-amd64          kernel release (uname -r)
//! source: 0123456789abcdef       FNV-1a, 64 bits, over case.h followed by NAME.c
//! cpus: 2                        CPUs that the machine had
//! warnings: 0                    messages of the log that hold `WARNING: ` or `BUG: `
//! script:                        what the script printed, in order
//! case: State:\tS (sleeping)
//! log:                           what the module printed, in order, each with its level
//! <6>case: result=42
//! ```

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// The header that every case may include.
pub const SHARED_HEADER: &str = "case.h";

const MARK: &str = "case:";

/// What the head comment of a case says that cannot be shown with any number of CPUs.
const NEEDS_TWO_CPUS: &str = "Needs two CPUs.";

/// What separates the script's own output from the log that is printed after it.
const LOG_MARK: &str = "-- the log --";

/// What a case's source says of how to run it.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name, which is its module's too.
    pub name: String,
    /// The commands to run.
    pub script: String,
    /// FNV-1a over the shared header and the source.
    pub hash: u64,
    /// On how many CPUs it can be shown.
    pub cpus: Cpus,
}

/// How many CPUs a case needs. Records are made with two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cpus {
    /// As many as there are.
    Any,
    /// Two, no fewer and no more: it shows their number, or lets one look at the other.
    Two,
}

impl Source {
    /// Reads the source of the case `name`; `shared` is the shared header.
    pub fn new(name: &str, shared: &[u8], source: &str) -> Source {
        let script =
            script_block(source).unwrap_or_else(|| format!("insmod {name}.ko\nrmmod {name}\n"));
        let hash = fnv1a(shared.iter().chain(source.as_bytes()));
        let cpus = if source.contains(NEEDS_TWO_CPUS) { Cpus::Two } else { Cpus::Any };
        Source { name: name.to_owned(), script, hash, cpus }
    }

    /// Whether the script never unloads what it loads, because a thread of it can never end.
    pub fn leaves_module_loaded(&self) -> bool {
        !self.script.contains("rmmod ")
    }

    /// The commands that run the case on a kernel of ours and print all that came out:
    /// [`Output::split`] takes it apart.
    pub fn whole_script(&self) -> String {
        format!("{}\necho '{LOG_MARK}'\ndmesg -r\n", self.script)
    }
}

/// What running a case's [whole script](Source::whole_script) printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The lines that the script printed.
    pub script: Vec<String>,
    /// The lines of the log.
    pub log: Vec<String>,
}

impl Output {
    /// Takes it apart; none if the script did not get to its end.
    pub fn split(text: &str) -> Option<Output> {
        let (script, log) = text.split_once(LOG_MARK)?;
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Some(Output { script: lines(script), log: lines(log) })
    }
}

/// Takes the `script:` block out of the head comment, without the comment's stars.
fn script_block(source: &str) -> Option<String> {
    let (comment, _) = source.strip_prefix("/*")?.split_once("*/")?;
    let mut lines = comment.lines().map(|line| line.trim().trim_start_matches('*').trim());
    lines.find(|line| *line == "script:")?;
    Some(lines.take_while(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect())
}

fn fnv1a<'a>(bytes: impl Iterator<Item = &'a u8>) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

/// All that came out of running a case.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The kernel's release.
    pub release: &'a str,
    /// How many CPUs there were.
    pub cpus: u32,
    /// The lines that the script printed.
    pub script: &'a [String],
    /// The lines of the log, as `dmesg -r` prints them.
    pub log: &'a [String],
}

/// The result of a case: what is compared.
#[derive(Clone, Debug)]
pub struct Record {
    release: String,
    hash: u64,
    cpus: u32,
    warnings: usize,
    script: Vec<String>,
    log: Vec<String>,
}

impl Record {
    /// Picks the result out of all that was seen.
    pub fn new(case: &Source, seen: Seen<'_>) -> Record {
        let is_warning = |line: &&String| line.contains("WARNING: ") || line.contains("BUG: ");
        Record {
            release: seen.release.to_owned(),
            hash: case.hash,
            cpus: seen.cpus,
            warnings: seen.log.iter().filter(is_warning).count(),
            script: seen.script.iter().filter(|line| line.starts_with(MARK)).cloned().collect(),
            log: seen.log.iter().filter_map(|line| log_line(line)).collect(),
        }
    }

    /// Whether the case said nothing at all, which no case may.
    pub fn is_empty(&self) -> bool {
        self.script.is_empty() && self.log.is_empty()
    }

    /// The record as it is kept in a file.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "linux: {}\nsource: {:016x}\ncpus: {}\nwarnings: {}\n",
            self.release, self.hash, self.cpus, self.warnings
        );
        for (title, lines) in [("script", &self.script), ("log", &self.log)] {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{title}:");
            for line in lines {
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }

    /// Compares with a recorded text, but for the machine: the kernel's release and the number of
    /// CPUs. `None` when they agree.
    pub fn difference(&self, recorded: &str) -> Option<String> {
        let now = self.to_text();
        let is_machine = |line: &&str| line.starts_with("linux: ") || line.starts_with("cpus: ");
        let result = |text| str::lines(text).filter(move |line| !is_machine(line));
        let (mut old, mut new) = (result(recorded), result(&now));
        loop {
            match (old.next(), new.next()) {
                (None, None) => return None,
                (old, new) if old == new => {}
                (old, new) => {
                    let (old, new) = (old.unwrap_or("(nothing)"), new.unwrap_or("(nothing)"));
                    return Some(format!("recorded `{old}`, now `{new}`"));
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
    fn the_script_ends_with_its_paragraph() {
        let source = "/*\n * Shows this.\n *\n * script:\n *   insmod a.ko\n *   rmmod a\n *\n * More.\n */\n";
        assert_eq!(script_block(source).as_deref(), Some("insmod a.ko\nrmmod a\n"));
    }

    #[test]
    fn the_script_may_end_with_the_comment() {
        assert_eq!(script_block("/*\n * script:\n *   a 'b'\n */").as_deref(), Some("a 'b'\n"));
        assert_eq!(script_block("/* Shows this. */\n/* script: */"), None);
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b"".iter()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar".iter()), 0x8594_4171_f739_67e8);
    }

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

    #[test]
    fn the_log_is_told_from_the_script() {
        let output = Output::split("case: a\n-- the log --\n<6>[ 1.0] x\n").expect("both");
        assert_eq!((output.script[0].as_str(), output.script.len()), ("case: a", 1));
        assert!(output.log.contains(&"<6>[ 1.0] x".to_owned()));
        assert_eq!(Output::split("case: a\n"), None);
        assert!(Source::new("a", b"", "").whole_script().contains(LOG_MARK));
    }

    #[test]
    fn a_case_says_how_many_cpus_it_needs() {
        assert_eq!(Source::new("a", b"", "/* Shows. */").cpus, Cpus::Any);
        assert_eq!(Source::new("a", b"", "/* Shows. Needs two CPUs. */").cpus, Cpus::Two);
    }

    fn record(cpus: u32, log: &str) -> Record {
        let source = Source::new("a", b"", "");
        let log = [log.to_owned()];
        Record::new(&source, Seen { release: "ours", cpus, script: &[], log: &log })
    }

    #[test]
    fn only_the_result_is_compared() {
        let recorded = record(2, "<6>[ 1.0] case: x").to_text();
        assert_eq!(record(4, "<6>[ 2.0] case: x").difference(&recorded), None);
        let other = record(2, "<5>[ 1.0] case: x").difference(&recorded);
        assert_eq!(other.as_deref(), Some("recorded `<6>case: x`, now `<5>case: x`"));
        assert!(record(2, "<4>[ 1.0] WARNING: x").difference(&recorded).is_some());
    }
}
