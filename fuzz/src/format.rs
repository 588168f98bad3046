//! printk's formats, with a fixed block of arguments.

use kthreads_kernel::format::{FixedText, format};

use crate::words::{Block, Counted, Memory, split};

/// Takes a format, a zero, then arguments and memory.
pub fn run(data: &[u8]) {
    let (fmt, rest) = split(data);
    let env = Memory(rest);
    let mut counted = Counted::default();
    let len = format(&mut counted, fmt, &mut Block::new(rest), &env);
    assert_eq!(len, counted.len, "the length that is returned is that of the text");
    let mut short = FixedText::<16>::new();
    assert_eq!(format(&mut short, fmt, &mut Block::new(rest), &env), len);
    assert!(short.as_bytes().len() <= 16);
}
