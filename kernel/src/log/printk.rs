//! printk (Linux: kernel/printk/printk.c).

use alloc::sync::Arc;
use core::fmt::{self, Write};

use kthreads_base::Nanos;

use super::ring::{Caller, End, Info, LOG_LINE_MAX, Ring, Start};
use crate::format::FixedText;
use crate::{Cx, Kernel};

/// How important a message is (Linux: KERN_).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// The system is unusable.
    Emergency = 0,
    /// Something must be done at once.
    Alert = 1,
    /// Critical.
    Critical = 2,
    /// An error.
    Error = 3,
    /// A warning; what printk without a level means.
    Warning = 4,
    /// Normal but worth a note.
    Notice = 5,
    /// For information.
    Info = 6,
    /// For debugging.
    Debug = 7,
}

/// Messages of this level and less important ones do not reach the console
/// (console_loglevel).
pub const CONSOLE_LOGLEVEL: u8 = 7;

/// A record as dmesg prints it: `[    1.234567] text`.
pub struct LogLine<'a> {
    /// When.
    pub time: Nanos,
    /// What.
    pub text: &'a [u8],
}

impl fmt::Display for LogLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.time.0 / 1_000_000_000, self.time.0 / 1000 % 1_000_000);
        for (nth, line) in self.text.split(|byte| *byte == b'\n').enumerate() {
            if nth > 0 {
                f.write_char('\n')?;
            }
            write!(f, "[{seconds:5}.{micros:06}] ")?;
            for chunk in line.utf8_chunks() {
                f.write_str(chunk.valid())?;
                for byte in chunk.invalid() {
                    write!(f, "\\x{byte:02x}")?;
                }
            }
        }
        Ok(())
    }
}

/// What a message's beginning says: its level, and whether it continues a line.
fn split_prefix(mut text: &[u8]) -> (Option<u8>, Start, &[u8]) {
    let (mut level, mut start) = (None, Start::Line);
    while let [0x01, kind, rest @ ..] = text {
        match kind {
            b'0'..=b'7' => level = level.or(Some(kind - b'0')),
            b'c' => start = Start::Continuation,
            b'd' => {}
            _ => break,
        }
        text = rest;
    }
    (level, start, text)
}

impl Kernel {
    /// The log's ring, for readers of any kind; they need no kernel stack.
    pub fn log_ring(&self) -> &Arc<Ring> {
        &self.log.ring
    }

    /// Stores a message that may begin with KERN_ prefixes; returns how many bytes were kept,
    /// a newline at the end not counted (Linux: vprintk_store). From any context.
    pub fn printk(&self, cx: &Cx<'_>, message: &[u8]) -> usize {
        let (level, start, text) = split_prefix(message);
        self.store(cx, level.unwrap_or(Level::Warning as u8), start, text)
    }

    fn store(&self, cx: &Cx<'_>, level: u8, start: Start, text: &[u8]) -> usize {
        let (text, end) = match text {
            [text @ .., b'\n'] => (text, End::Newline),
            text => (text, End::Open),
        };
        let caller = match cx.in_interrupt() {
            true => Caller::cpu(cx.cpu()),
            false => Caller::thread(cx.task.pid()),
        };
        let time = self.machine.now();
        let info = Info { level, facility: 0, start, end, time, caller };
        let text = &text[..text.len().min(LOG_LINE_MAX)];
        let stored = self.log.writer.lock().store(&info, text);
        self.wake_log_follower();
        stored.len
    }

    /// Logs a line of the kernel's own.
    pub fn log_line(&self, cx: &Cx<'_>, level: Level, line: fmt::Arguments<'_>) {
        let mut text = FixedText::<LOG_LINE_MAX>::default();
        // A line that is too long is cut.
        let _ = text.write_fmt(line);
        let _ = text.write_char('\n');
        self.store(cx, level as u8, Start::Line, text.as_bytes());
    }

    /// Finishes a line that was left open, so that readers see it.
    pub fn finish_log(&self) {
        self.log.writer.lock().finish();
        self.wake_log_follower();
    }
}

/// Logs a line: `log!(cx, Level::Info, "text {}", value)`.
#[macro_export]
macro_rules! log {
    ($cx:expr, $level:expr, $($arg:tt)*) => {{
        let cx: &$crate::Cx<'_> = $cx;
        cx.kernel.log_line(cx, $level, ::core::format_args!($($arg)*))
    }};
}
