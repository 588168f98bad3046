//! Reading the log from a command.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use kthreads_kernel::log::{LOG_LINE_MAX, LogLine, Read, Reader, Ring};

/// How the log is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `[    1.234567] text`
    Plain,
    /// `<6>[    1.234567] text`
    Raw,
}

/// A record of the log, as it is searched and shown.
pub(crate) struct Record<'a> {
    /// Its number.
    pub(crate) sequence: u64,
    /// Its level.
    pub(crate) level: u8,
    /// Its text alone.
    pub(crate) text: Cow<'a, str>,
    /// How it is shown.
    pub(crate) line: String,
}

/// Hands the records from `from` on to `found`, until that returns false; skips what is lost.
pub(crate) fn for_each(ring: &Ring, from: u64, found: &mut dyn FnMut(Record<'_>) -> bool) {
    let mut buffer = Box::new([0; LOG_LINE_MAX]);
    let mut reader = Reader { next: from };
    loop {
        match reader.read(ring, &mut buffer) {
            Read::Nothing => return,
            Read::Dropped(_) => {}
            Read::Record { sequence, info, text } => {
                let line = format!("{}", LogLine { time: info.time, text });
                let text = String::from_utf8_lossy(text);
                if !found(Record { sequence, level: info.level, text, line }) {
                    return;
                }
            }
        }
    }
}

/// The log since it was last cleared.
pub(crate) fn text(ring: &Ring, form: Form) -> String {
    let mut all = String::new();
    for_each(ring, Reader::since_clear(ring).next, &mut |record| {
        for line in record.line.lines() {
            if form == Form::Raw {
                all.push_str(&format!("<{}>", record.level));
            }
            all.push_str(line);
            all.push('\n');
        }
        true
    });
    all
}
