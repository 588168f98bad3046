//! sscanf, and the numbers that parameters and scanf share.

use kthreads_kernel::format::{
    Scanned, kstrto_signed, kstrto_unsigned, kstrtobool, memparse, simple_strtoll, simple_strtoull,
    sscanf,
};

use crate::words::{Block, split};

/// Takes a format, a zero, then the text to read.
pub fn run(data: &[u8]) {
    let (fmt, text) = split(data);
    let mut stored = 0;
    let count = sscanf(text, fmt, &mut Block::new(text), &mut |_, value| {
        stored += 1;
        match value {
            Scanned::Int { bytes, .. } => assert!([1, 2, 4, 8].contains(&bytes)),
            Scanned::Chars(part) | Scanned::Text(part) => assert!(part.len() <= text.len()),
        }
    });
    // `%n` stores and does not count.
    assert!(count <= stored, "{count} of {stored}");
    numbers(text);
}

fn numbers(text: &[u8]) {
    for base in [0, 2, 8, 10, 16] {
        let _ = (kstrto_signed::<i32>(text, base), kstrto_unsigned::<u64>(text, base));
        let _ = (simple_strtoll(text, base), simple_strtoull(text, base));
    }
    let _ = (kstrtobool(text), memparse(text));
}
