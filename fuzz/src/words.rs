//! Arguments and memory of C, made of a target's bytes.

use kthreads_kernel::format::{Args, Env, Output, Symbol};

/// How many arguments there are; formats that want more get them again.
const ARGUMENTS: usize = 8;
/// Where the memory lies that formats may look at.
const MEMORY_START: u64 = 0x10_0000;

/// Splits the bytes: a format, a zero, and what it works on.
pub(crate) fn split(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 0) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}

/// A fixed block of arguments: numbers, and pointers into [`Memory`].
pub(crate) struct Block {
    words: [u64; ARGUMENTS],
    next: usize,
}

impl Block {
    pub(crate) fn new(data: &[u8]) -> Block {
        let mut words = [0; ARGUMENTS];
        for (index, word) in words.iter_mut().enumerate() {
            let byte = data.get(index).copied().unwrap_or_default();
            *word = match byte % 8 {
                0 => MEMORY_START + u64::from(byte / 8),
                1 => u64::from(byte),
                2 => u64::MAX - u64::from(byte),
                3 => 1 << (byte / 4),
                4 => 0,
                5 => MEMORY_START + 4096,
                6 => i64::MIN as u64,
                _ => u64::from(byte).wrapping_mul(0x0101_0101_0101_0101),
            };
        }
        Block { words, next: 0 }
    }
}

impl Args for Block {
    fn next(&mut self) -> u64 {
        self.next += 1;
        self.words[(self.next - 1) % ARGUMENTS]
    }
}

/// Memory: the target's bytes, and nothing behind them.
pub(crate) struct Memory<'a>(pub(crate) &'a [u8]);

impl Env for Memory<'_> {
    fn read(&self, addr: u64, buf: &mut [u8]) -> usize {
        let Some(start) = addr.checked_sub(MEMORY_START) else { return 0 };
        let rest = self.0.get(start as usize..).unwrap_or(&[]);
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        count
    }

    fn symbol(&self, addr: u64, found: &mut dyn FnMut(Symbol<'_>)) -> bool {
        let is_known = addr.is_multiple_of(3);
        if is_known {
            found(Symbol { name: "symbol", offset: addr, size: !addr, module: Some("module") });
        }
        is_known
    }

    fn hash_key(&self) -> [u64; 2] {
        [1, 2]
    }

    fn va_format(&self, addr: u64, run: &mut dyn FnMut(&[u8], &mut dyn Args)) -> bool {
        let mut text = [0; 32];
        let read = self.read(addr, &mut text);
        if read == 0 {
            return false;
        }
        run(&text[..read], &mut Block::new(&text[..read]));
        true
    }
}

/// Counts what is put, and keeps the first bytes.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) len: usize,
}

impl Output for Counted {
    fn put(&mut self, bytes: &[u8]) {
        self.len += bytes.len();
    }
}
