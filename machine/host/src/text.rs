//! Where module text lies: a table that a signal handler may read.
//!
//! Code outside these ranges is never interrupted by force (see `preempt`). Writers hold a lock;
//! readers take none. An entry is empty while its end is 0. A writer empties the entry before it
//! changes the start and sets the end last (release); a reader reads the end (acquire), the
//! start, and the end again, so that it does not pair an old start with a new end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many ranges fit; text beyond that many is interrupted only where it calls the kernel.
const ENTRIES: usize = 1024;

struct Entry {
    start: AtomicUsize,
    end: AtomicUsize,
}

/// The table.
pub(crate) struct TextTable {
    entries: [Entry; ENTRIES],
    /// Entries from this one on were never used.
    used: AtomicUsize,
    writing: Mutex<()>,
}

/// The text of all modules in this process.
pub(crate) static TEXT: TextTable = TextTable::new();

impl TextTable {
    pub(crate) const fn new() -> TextTable {
        TextTable {
            entries: [const { Entry { start: AtomicUsize::new(0), end: AtomicUsize::new(0) } };
                ENTRIES],
            used: AtomicUsize::new(0),
            writing: Mutex::new(()),
        }
    }

    /// Whether `address` is in module text; may be asked anywhere.
    pub(crate) fn contains(&self, address: usize) -> bool {
        let used = self.used.load(Ordering::Acquire);
        self.entries[..used].iter().any(|entry| {
            let end = entry.end.load(Ordering::Acquire);
            address < end
                && address >= entry.start.load(Ordering::Acquire)
                && entry.end.load(Ordering::Relaxed) == end
        })
    }

    /// Adds a range.
    pub(crate) fn add(&self, start: usize, len: usize) {
        let _writer = self.writing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.cut_out(start, start + len);
        self.insert(start, start + len);
    }

    /// Takes a range out, wherever it overlaps what is in the table.
    pub(crate) fn remove(&self, start: usize, len: usize) {
        let _writer = self.writing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.cut_out(start, start + len);
    }

    fn insert(&self, start: usize, end: usize) {
        let is_empty = |entry: &Entry| entry.end.load(Ordering::Relaxed) == 0;
        let Some(index) = self.entries.iter().position(is_empty) else { return };
        self.entries[index].start.store(start, Ordering::Release);
        self.entries[index].end.store(end, Ordering::Release);
        self.used.fetch_max(index + 1, Ordering::Release);
    }

    fn cut_out(&self, start: usize, end: usize) {
        for entry in &self.entries[..self.used.load(Ordering::Relaxed)] {
            let (from, to) =
                (entry.start.load(Ordering::Relaxed), entry.end.load(Ordering::Relaxed));
            if to <= start || from >= end {
                continue;
            }
            entry.end.store(0, Ordering::Release);
            if from < start {
                self.insert(from, start);
            }
            if to > end {
                self.insert(end, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_and_go() {
        let table = TextTable::new();
        table.add(0x1000, 0x3000);
        table.add(0x8000, 0x1000);
        assert!(table.contains(0x1000) && table.contains(0x3fff) && table.contains(0x8000));
        assert!(!table.contains(0xfff) && !table.contains(0x4000) && !table.contains(0x9000));
        table.remove(0x2000, 0x1000);
        assert!(table.contains(0x1fff) && !table.contains(0x2000));
        assert!(!table.contains(0x2fff) && table.contains(0x3000));
        table.remove(0, 0x10000);
        assert!(!table.contains(0x1000) && !table.contains(0x3000) && !table.contains(0x8000));
    }

    #[test]
    fn a_range_added_twice_is_removed_once() {
        let table = TextTable::new();
        for _ in 0..5000 {
            table.add(0x1000, 0x1000);
        }
        assert!(table.contains(0x1800));
        table.remove(0x1000, 0x1000);
        assert!(!table.contains(0x1800));
    }
}
