//! Physical memory, in frames of 4 KiB and in longer runs.
//!
//! Frames that were given back are kept in a list whose links lie in the frames themselves; runs
//! (the heap's) are cut off memory that was never used and not given back.

/// The size of a frame, and of a page, in bytes.
pub const PAGE: u64 = 4096;

/// A range of memory, from and to (exclusive) a physical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first address.
    pub start: u64,
    /// The address behind the last.
    pub end: u64,
}

impl Region {
    /// How many bytes it has.
    pub fn len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The two parts of it that lie outside `hole`; either may be empty.
    pub fn without(self, hole: Region) -> [Region; 2] {
        [
            Region { start: self.start, end: self.end.min(hole.start) },
            Region { start: self.start.max(hole.end), end: self.end },
        ]
    }
}

/// How a frame's first word is read and written: through the physical map.
pub trait FrameMemory {
    /// Reads the first word of a frame.
    fn read(&self, frame: u64) -> u64;
    /// Writes the first word of a frame.
    fn write(&self, frame: u64, word: u64);
}

const MOST_REGIONS: usize = 32;

/// The free memory.
#[derive(Debug)]
pub struct Frames<M> {
    memory: M,
    unused: [Region; MOST_REGIONS],
    /// The first frame of the list of those given back, 0 for none.
    first: u64,
    listed: u64,
    total: u64,
}

const NOTHING: Region = Region { start: 0, end: 0 };

impl<M: FrameMemory> Frames<M> {
    /// Has no memory yet.
    pub const fn new(memory: M) -> Frames<M> {
        Frames { memory, unused: [NOTHING; MOST_REGIONS], first: 0, listed: 0, total: 0 }
    }

    /// Adds memory; parts of pages at its ends are lost. Returns false when there are too many
    /// regions to remember.
    pub fn add(&mut self, region: Region) -> bool {
        let start = region.start.next_multiple_of(PAGE);
        let region = Region { start, end: region.end / PAGE * PAGE };
        if region.is_empty() {
            return true;
        }
        let Some(slot) = self.unused.iter_mut().find(|slot| slot.is_empty()) else { return false };
        *slot = region;
        self.total += region.len();
        true
    }

    /// Takes a frame; its contents are stale.
    pub fn take(&mut self) -> Option<u64> {
        if self.first == 0 {
            return self.take_run(PAGE);
        }
        let frame = self.first;
        self.first = self.memory.read(frame);
        self.listed -= 1;
        Some(frame)
    }

    /// Takes a run of `len` bytes (whole pages) that is not given back.
    pub fn take_run(&mut self, len: u64) -> Option<u64> {
        let region = self.unused.iter_mut().find(|region| region.len() >= len)?;
        let start = region.start;
        region.start += len;
        Some(start)
    }

    /// Gives a frame back.
    pub fn give(&mut self, frame: u64) {
        self.memory.write(frame, self.first);
        self.first = frame;
        self.listed += 1;
    }

    /// How many bytes there are in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many bytes are free.
    pub fn free(&self) -> u64 {
        self.unused.iter().map(|region| region.len()).sum::<u64>() + self.listed * PAGE
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use core::cell::RefCell;
    use std::collections::{HashMap, HashSet};
    use std::vec::Vec;

    #[derive(Default)]
    struct Words(RefCell<HashMap<u64, u64>>);

    impl FrameMemory for Words {
        fn read(&self, frame: u64) -> u64 {
            self.0.borrow()[&frame]
        }
        fn write(&self, frame: u64, word: u64) {
            self.0.borrow_mut().insert(frame, word);
        }
    }

    #[test]
    fn every_frame_is_given_once_and_comes_back() {
        let mut frames = Frames::new(Words::default());
        assert!(frames.add(Region { start: 0x1001, end: 0x5fff }));
        assert!(frames.add(Region { start: 0x10000, end: 0x13000 }));
        assert_eq!((frames.total(), frames.free()), (6 * PAGE, 6 * PAGE));
        for _ in 0..3 {
            let taken: Vec<u64> = core::iter::from_fn(|| frames.take()).collect();
            assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 6);
            assert_eq!(frames.free(), 0);
            taken.into_iter().for_each(|frame| frames.give(frame));
            assert_eq!(frames.free(), 6 * PAGE);
        }
    }

    #[test]
    fn runs_are_whole() {
        let mut frames = Frames::new(Words::default());
        frames.add(Region { start: 0x1000, end: 0x3000 });
        frames.add(Region { start: 0x8000, end: 0x10000 });
        assert_eq!(frames.take_run(4 * PAGE), Some(0x8000));
        assert_eq!(frames.take_run(8 * PAGE), None);
        assert_eq!(frames.free(), 6 * PAGE);
    }

    #[test]
    fn a_hole_leaves_what_is_around_it() {
        let region = Region { start: 10, end: 20 };
        let parts = |start, end| region.without(Region { start, end });
        assert_eq!(parts(12, 15), [Region { start: 10, end: 12 }, Region { start: 15, end: 20 }]);
        assert!(parts(0, 30).iter().all(|part| part.is_empty()));
        assert_eq!(parts(0, 5)[1], region);
        assert_eq!(parts(25, 30)[0], region);
    }
}
