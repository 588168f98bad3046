//! The kernel's text formats: what `vsnprintf`, `sscanf` and the `kstrto` family do on Linux 6.1.
//!
//! Everything here is safe, allocates nothing and takes no lock, so that printk may run in any context.
//! C memory, symbols and variadic arguments are reached through [`Env`] and [`Args`], and text leaves
//! through [`Output`]. The side that owns the raw pointers implements these three and nothing else.
//!
//! Linux differs from C in a few places that are kept on purpose: a negative `*` precision counts as 0, a
//! bare `.` counts as no precision, `%.0d` of 0 prints `0`, `%#x` of 0 prints `0x0`, and a conversion
//! that the kernel does not know (`%f` and `%n` are among them) ends the text, because nobody can tell
//! how many arguments it would have taken. `vectors/` holds what a real kernel printed.

mod address;
mod bytes;
mod date;
mod engine;
mod errname;
mod escape;
mod hash;
mod kstrto;
mod number;
mod pointer;
mod scan;
mod spec;
mod text;
mod writer;

#[cfg(test)]
mod tests;

pub use engine::format;
pub use errname::errno_name;
pub use hash::hashed_pointer;
pub use kstrto::{
    ParseError, Prefix, kstrto_signed, kstrto_unsigned, kstrtobool, memparse, simple_strtoll,
    simple_strtoull,
};
pub use scan::{Scanned, sscanf};
pub use text::{FixedOutput, FixedText};

/// Yields the words of a C argument list, one for each argument, in order.
///
/// An `int` stands in the low 32 bits, whatever the high ones hold. Reading past the last argument is the
/// caller's mistake, as in C; an implementation may return anything then.
pub trait Args {
    /// Takes the next word.
    fn next(&mut self) -> u64;
}

/// Takes finished text, piece by piece.
///
/// It may drop what it has no room for: [`format`] counts on its own. An implementation that writes to
/// the memory of C through a raw pointer stays right even where a module formats a buffer into itself.
pub trait Output {
    /// Appends `bytes`.
    fn put(&mut self, bytes: &[u8]);
}

/// Names the place of an address, as the symbol table knows it.
#[derive(Clone, Copy, Debug)]
pub struct Symbol<'a> {
    /// The name of the symbol that covers the address.
    pub name: &'a str,
    /// How many bytes the address lies behind the symbol's start.
    pub offset: u64,
    /// The symbol's size in bytes.
    pub size: u64,
    /// The module it belongs to, if it is not part of the kernel.
    pub module: Option<&'a str>,
}

/// Gives the formats that look behind a pointer what they need to know.
pub trait Env {
    /// Copies C memory at `addr` to `buf` and returns how many bytes could be read, from the first on.
    fn read(&self, addr: u64, buf: &mut [u8]) -> usize;

    /// Copies a C string up to its NUL or until `buf` is full, and returns the count without the NUL.
    ///
    /// `None` says that not even the first byte can be read. Nothing behind the NUL may be touched, which
    /// is why this one reads byte by byte; an implementation that can do better should.
    fn read_str(&self, addr: u64, buf: &mut [u8]) -> Option<usize> {
        for (index, place) in buf.iter_mut().enumerate() {
            let mut byte = [0];
            if self.read(addr.wrapping_add(index as u64), &mut byte) == 0 {
                return (index > 0).then_some(index);
            }
            if byte[0] == 0 {
                return Some(index);
            }
            *place = byte[0];
        }
        Some(buf.len())
    }

    /// Calls `found` once with the symbol that covers `addr`; returns false if there is none.
    fn symbol(&self, addr: u64, found: &mut dyn FnMut(Symbol<'_>)) -> bool;

    /// Returns the secret that `%p` hashes addresses with.
    fn hash_key(&self) -> [u64; 2];

    /// Calls `run` once with the format and a *copy* of the arguments of the `struct va_format` at `addr`.
    ///
    /// Returns false, without calling it, if the structure cannot be read.
    fn va_format(&self, addr: u64, run: &mut dyn FnMut(&[u8], &mut dyn Args)) -> bool;

    /// Is told of a conversion that ended the text, so that it may warn once (0: the format ended after `%`).
    fn unsupported(&self, _conversion: u8) {}
}
