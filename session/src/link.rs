//! What a kernel in an emulator and the program that started it say to each other, over the one
//! serial line that is also the kernel's console.
//!
//! The kernel writes text as it is. The byte DLE introduces a frame: a letter, the length of its
//! payload in decimal digits, `;` and the payload. The program writes frames only, with no DLE
//! before them, and large files in pieces that the kernel asks for, since its buffer is small.

mod frame;
mod from_guest;
mod to_guest;

pub use frame::{Frame, FrameReader, Step};
pub use from_guest::{Decoder, FromGuest, Said};
pub use to_guest::ToGuest;

/// Introduces a frame in what the kernel writes.
pub const DLE: u8 = 0x10;

/// How much of a file is sent at a time: less than any serial line's buffer holds.
pub const PIECE: usize = 1024;

#[cfg(test)]
mod tests;
