//! The log as text, for whoever shows it.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::Write;
use core::sync::atomic::{AtomicU8, Ordering};

use kthreads_kernel::log::{CONSOLE_LOGLEVEL, LOG_LINE_MAX, LogLine, Read, Reader, Ring};

/// Says whether the log is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// All that is important enough.
    Log,
    /// Nothing.
    Nothing,
}

/// Whether there is more to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// There is: the text was cut where one write is enough.
    Yes,
    /// There is not.
    No,
}

/// Reads the log of a kernel, once from its beginning to its end.
pub struct LogText {
    show: Show,
    reader: Reader,
    buffer: Box<[u8; LOG_LINE_MAX]>,
    chunk: usize,
}

impl LogText {
    /// Begins with the oldest record; gives about `chunk` bytes at a time.
    pub fn new(ring: &Ring, show: Show, chunk: usize) -> LogText {
        let reader = Reader::from_oldest(ring);
        LogText { show, reader, buffer: Box::new([0; LOG_LINE_MAX]), chunk }
    }

    /// The record that comes next.
    pub fn next(&self) -> u64 {
        self.reader.next
    }

    /// Adds the records before `end` that are below `level` to `lines`.
    pub fn collect(&mut self, ring: &Ring, end: u64, level: &Level, lines: &mut String) -> More {
        if self.show == Show::Nothing {
            return More::No;
        }
        let level = level.0.load(Ordering::Relaxed);
        // Writing to a String does not fail.
        while self.reader.next < end {
            match self.reader.read(ring, &mut self.buffer) {
                Read::Nothing => break,
                Read::Dropped(count) => {
                    let _ = writeln!(lines, "** {count} printk messages dropped **");
                }
                Read::Record { info, text, .. } if info.level < level => {
                    let _ = writeln!(lines, "{}", LogLine { time: info.time, text });
                }
                Read::Record { .. } => {}
            }
            if lines.len() >= self.chunk {
                return More::Yes;
            }
        }
        More::No
    }
}

/// Is the level below which messages are shown (`dmesg -n`).
pub struct Level(AtomicU8);

impl Default for Level {
    fn default() -> Level {
        Level(AtomicU8::new(CONSOLE_LOGLEVEL))
    }
}

impl Level {
    /// Lets only messages below `level` through.
    pub fn set(&self, level: u8) {
        self.0.store(level, Ordering::Relaxed);
    }
}
