//! The memory of a log: words that anybody may read at any time.
//!
//! First come the counters, then the shape, then the descriptors of the records, then their texts.
//! A log in memory that was given from outside, such as memory that two processes share, can be
//! read there when its kernel is gone.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

const OLDEST: usize = 0;
const FINISHED: usize = 1;
const CLEARED: usize = 2;
const RECORDS: usize = 3;
const TEXT_WORDS: usize = 4;
/// A cache line: the counters are written with every record.
const HEAD_WORDS: usize = 8;
const DESCRIPTOR_WORDS: usize = 3;

/// How much fits; both are powers of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) records: usize,
    pub(super) text_words: usize,
}

impl Shape {
    pub(super) fn total_words(self) -> usize {
        HEAD_WORDS + self.records * DESCRIPTOR_WORDS + self.text_words
    }
}

/// Where a log lies.
pub(super) enum LogMemory {
    Own(Box<[AtomicU64]>),
    Given(&'static [AtomicU64]),
}

impl LogMemory {
    pub(super) fn own(shape: Shape) -> LogMemory {
        LogMemory::Own((0..shape.total_words()).map(|_| AtomicU64::new(0)).collect())
    }

    #[inline]
    fn words(&self) -> &[AtomicU64] {
        match self {
            LogMemory::Own(words) => words,
            LogMemory::Given(words) => words,
        }
    }

    /// The first record that is still there.
    pub(super) fn oldest(&self) -> &AtomicU64 {
        &self.words()[OLDEST]
    }

    /// The first record that is not there yet.
    pub(super) fn finished(&self) -> &AtomicU64 {
        &self.words()[FINISHED]
    }

    /// The first record after the last clear.
    pub(super) fn cleared(&self) -> &AtomicU64 {
        &self.words()[CLEARED]
    }

    pub(super) fn set_shape(&self, shape: Shape) {
        self.words()[RECORDS].store(shape.records as u64, Ordering::Relaxed);
        self.words()[TEXT_WORDS].store(shape.text_words as u64, Ordering::Relaxed);
    }

    /// Reads the shape, which somebody else wrote; `None` if it makes no sense.
    pub(super) fn shape(&self) -> Option<Shape> {
        let words = self.words();
        let size = |at: usize| {
            let size = usize::try_from(words.get(at)?.load(Ordering::Relaxed)).ok()?;
            (size.is_power_of_two() && size <= words.len()).then_some(size)
        };
        let shape = Shape { records: size(RECORDS)?, text_words: size(TEXT_WORDS)? };
        (shape.total_words() <= words.len()).then_some(shape)
    }

    #[inline]
    pub(super) fn descriptor(&self, shape: Shape, sequence: u64) -> [&AtomicU64; 3] {
        let at = HEAD_WORDS + (sequence as usize & (shape.records - 1)) * DESCRIPTOR_WORDS;
        let words = self.words();
        [&words[at], &words[at + 1], &words[at + 2]]
    }

    #[inline]
    pub(super) fn word(&self, shape: Shape, position: u64) -> &AtomicU64 {
        let texts = HEAD_WORDS + shape.records * DESCRIPTOR_WORDS;
        &self.words()[texts + (position as usize & (shape.text_words - 1))]
    }
}
