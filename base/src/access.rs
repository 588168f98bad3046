//! How accesses of memory by instrumented modules are told to a machine that explores.
//!
//! A note of the kind [`NOTE_ACCESS`] has the address as its object and, packed in its value, the
//! size, how it is accessed, and the place in the program. Longer accesses are told in parts.

use crate::explore::{NOTE_ACCESS, is_observed, note};
use crate::interrupt::interrupt_point;

/// The longest part that one note tells of, in bytes.
const LONGEST: usize = 16;
const SIZE_MASK: usize = 0x1f;
const PLACE_SHIFT: u32 = 12;

/// The access writes, or reads and writes.
pub const WRITES: usize = 0x80;
/// The program says that others may access the same at the same time (READ_ONCE, atomics).
pub const MARKED: usize = 0x40;
/// What others released at this address is seen after it.
pub const ACQUIRES: usize = 0x100;
/// What was done before it is seen by who acquires at this address.
pub const RELEASES: usize = 0x200;

/// A point before an access, and the note that tells of it. `how` is made of the constants above.
pub fn tell(address: usize, len: usize, how: usize, place: usize) {
    interrupt_point();
    if !is_observed() {
        return;
    }
    let mut done = 0;
    while done < len {
        let size = (len - done).min(LONGEST);
        note(NOTE_ACCESS, address + done, place << PLACE_SHIFT | how | size);
        done += size;
    }
}

/// What the value of a note says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// How many bytes are accessed.
    pub size: u32,
    /// How: of the constants of this module.
    pub how: usize,
    /// Where in the program; 0 if that is not known.
    pub place: usize,
}

/// Reads the value of a note.
pub fn read(value: usize) -> Told {
    Told {
        size: (value & SIZE_MASK) as u32,
        how: value & 0xfe0 & !SIZE_MASK,
        place: value >> PLACE_SHIFT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read() {
        let place = 0x7fff_1234_5678;
        for how in [0, WRITES, MARKED | ACQUIRES, WRITES | MARKED | RELEASES] {
            for size in [1, 8, 16] {
                let told = read(place << PLACE_SHIFT | how | size);
                assert_eq!(told, Told { size: size as u32, how, place });
            }
        }
    }
}
