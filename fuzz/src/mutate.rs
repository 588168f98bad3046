//! Mutations: what breaks parsers.

/// Marsaglia's xorshift: the same sequence for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// A number that breaks arithmetic more often than a random one.
    fn nasty(&mut self, len: usize) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.below(64),
            3 => (1u64 << self.below(64)).wrapping_sub(1),
            4 => len as u64,
            5 => self.below(len + 16) as u64,
            6 => self.below(64) as u64,
            _ => self.next(),
        }
    }
}

/// Pieces of text that mean something to one of the targets.
const PIECES: [&str; 36] = [
    "%",
    "%d",
    "%llx",
    "%pS",
    "%pV",
    "%*ph",
    "%-08.3s",
    "%[a]",
    "%3[",
    "%n",
    "%*",
    ".",
    "\"",
    "'",
    "=",
    ",",
    " ",
    "\\",
    "$(",
    "$((",
    ")",
    "within",
    ";",
    "&",
    "|",
    "#",
    "\n",
    "0x",
    "-",
    "+",
    "99999999999999999999",
    "numbers=1,2",
    "a_charp",
    "/",
    "expect",
    "\0",
];
/// Inputs of text do not grow beyond this.
const LONGEST_TEXT: usize = 4096;
/// The first bytes of an object file.
const ELF: &[u8] = b"\x7fELF";

/// Makes inputs of those it began with.
pub(crate) struct Mutator {
    random: Random,
    corpus: Vec<Vec<u8>>,
}

impl Mutator {
    pub(crate) fn new(seed: u64, corpus: Vec<Vec<u8>>) -> Mutator {
        Mutator { random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1), corpus }
    }

    pub(crate) fn next(&mut self) -> Vec<u8> {
        let pick = self.random.below(self.corpus.len());
        let mut input = self.corpus[pick].clone();
        for _ in 0..1 + self.random.below(4) {
            if input.starts_with(ELF) { self.damage(&mut input) } else { self.rewrite(&mut input) }
        }
        input
    }

    /// Changes numbers in an object file: in its headers and tables more often than elsewhere.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        if self.random.below(64) == 0 {
            let len = self.random.below(bytes.len());
            return bytes.truncate(len);
        }
        let hot = hot_ranges(bytes);
        let range = match self.random.below(8) {
            0 => 0..bytes.len(),
            _ => hot[self.random.below(hot.len())].clone(),
        };
        let range = range.start.min(bytes.len())..range.end.min(bytes.len());
        if range.is_empty() {
            return;
        }
        let at = range.start + self.random.below(range.len());
        let width = [1, 2, 4, 8][self.random.below(4)];
        let at = at - at % width;
        let value = match self.random.below(3) {
            0 => u64::from(bytes[at]) ^ (1 << self.random.below(8)),
            _ => self.random.nasty(bytes.len()),
        };
        let end = (at + width).min(bytes.len());
        bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
    }

    fn rewrite(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.below(bytes.len() + 1);
        match self.random.below(6) {
            0 if at < bytes.len() => bytes[at] = self.random.next() as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << self.random.below(8),
            2 => {
                let end = (at + 1 + self.random.below(8)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let other = self.random.below(self.corpus.len());
                let other = self.corpus[other].clone();
                let start = self.random.below(other.len() + 1);
                let end = start + self.random.below(other.len() - start + 1);
                bytes.splice(at..at, other[start..end].iter().copied());
            }
            4 => {
                let number = self.random.nasty(bytes.len()).to_string();
                bytes.splice(at..at, number.bytes());
            }
            _ => {
                let piece = PIECES[self.random.below(PIECES.len())];
                bytes.splice(at..at, piece.bytes());
            }
        }
        bytes.truncate(LONGEST_TEXT);
    }
}

/// The parts of an object file where damage does most: headers and tables.
fn hot_ranges(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let word = |at: usize| -> usize {
        let bytes = bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes) as usize
    };
    let table = word(0x28).min(bytes.len());
    let mut ranges = vec![0..64.min(bytes.len()), table..bytes.len()];
    for header in (table..bytes.len().saturating_sub(64)).step_by(64).take(256) {
        let (offset, size) = (word(header + 0x18), word(header + 0x20));
        if matches!(bytes[header + 4], 2..=4) && size > 0 {
            ranges.push(offset..offset.saturating_add(size));
        }
    }
    ranges
}
