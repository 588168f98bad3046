//! printk's formats, with a fixed block of arguments.

use kthreads_kernel::format::{FixedText, format};

use crate::words::{Block, Counted, Memory, split};

/// Takes a format, a zero, then arguments and memory.
pub fn run(data: &[u8]) {
    let (fmt, rest) = split(data);
    if has_huge_width(fmt) {
        return;
    }
    let env = Memory(rest);
    let mut counted = Counted::default();
    let len = format(&mut counted, fmt, &mut Block::new(rest), &env);
    assert_eq!(len, counted.len, "the length that is returned is that of the text");
    let mut short = FixedText::<16>::new();
    assert_eq!(format(&mut short, fmt, &mut Block::new(rest), &env), len);
    assert!(short.as_bytes().len() <= 16);
}

/// A width of millions is right, and takes a while: there is more to find in the same time.
fn has_huge_width(fmt: &[u8]) -> bool {
    fmt.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .any(|run| run.len() > 4 && run[0].is_ascii_digit())
}
