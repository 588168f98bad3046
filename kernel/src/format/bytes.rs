//! Raw memory: `%*ph`, bitmaps and UUIDs.

use super::number::{Style, number};
use super::pointer::{bad_pointer, complaint, fetch};
use super::spec::Spec;
use super::writer::{Writer, print};
use super::{Env, Output};

/// The most bytes that `%*ph` shows.
const HEX_MAX: usize = 64;
/// How many bits stand between two commas of `%*pb`.
const CHUNK_BITS: u32 = 32;

/// Writes two small hexadecimal digits.
pub(super) fn put_hex(out: &mut dyn Output, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.put(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

/// Writes as many bytes as the width says, one if it says nothing (`%*ph`, and `C D N` for the separator).
pub(super) fn hex(writer: &mut Writer<'_>, spec: &Spec, addr: u64, kind: u8, env: &dyn Env) {
    if spec.width == Some(0) {
        return;
    }
    if let Some(words) = bad_pointer(addr) {
        return complaint(writer, spec, words);
    }
    let separator: &[u8] = match kind {
        b'C' => b":",
        b'D' => b"-",
        b'N' => b"",
        _ => b" ",
    };
    let mut buffer = [0; HEX_MAX];
    let shown = &mut buffer[..spec.width.map_or(1, |width| HEX_MAX.min(width as usize))];
    if env.read(addr, shown) < shown.len() {
        return complaint(writer, spec, "(efault)");
    }
    for (index, &byte) in shown.iter().enumerate() {
        if index > 0 {
            writer.put(separator);
        }
        put_hex(writer, byte);
    }
}

/// Writes a bitmap of as many bits as the width says, highest first, in hexadecimal (`%*pb`).
pub(super) fn bit_mask(writer: &mut Writer<'_>, spec: &Spec, addr: u64, env: &dyn Env) {
    if let Some(words) = bad_pointer(addr) {
        return complaint(writer, spec, words);
    }
    let bits = spec.width.unwrap_or(0);
    for chunk in (0..bits.div_ceil(CHUNK_BITS)).rev() {
        let start = chunk * CHUNK_BITS;
        let held = (bits - start).min(CHUNK_BITS);
        let Some(word) = read_chunk(addr, chunk, env) else {
            return complaint(writer, &Spec::default(), "(efault)");
        };
        if start + held < bits {
            writer.put(b",");
        }
        let digits = Spec { zero: true, width: Some(held.div_ceil(4)), ..Spec::default() };
        let mask = u32::MAX >> (CHUNK_BITS - held);
        number(writer, &digits, u64::from(word & mask), Style::Hex);
    }
}

fn read_chunk(addr: u64, chunk: u32, env: &dyn Env) -> Option<u32> {
    let mut bytes = [0; 4];
    let count = env.read(addr.wrapping_add(u64::from(chunk) * 4), &mut bytes);
    (count == bytes.len()).then(|| u32::from_le_bytes(bytes))
}

/// Writes the numbers of the set bits, runs of them as `first-last` (`%*pbl`).
pub(super) fn bit_list(writer: &mut Writer<'_>, spec: &Spec, addr: u64, env: &dyn Env) {
    if let Some(words) = bad_pointer(addr) {
        return complaint(writer, spec, words);
    }
    let bits = spec.width.unwrap_or(0);
    let mut runs = Runs { writer, open: None, separator: b"" };
    for chunk in 0..bits.div_ceil(CHUNK_BITS) {
        let Some(word) = read_chunk(addr, chunk, env) else {
            return complaint(runs.writer, &Spec::default(), "(efault)");
        };
        let start = chunk * CHUNK_BITS;
        for bit in 0..(bits - start).min(CHUNK_BITS) {
            runs.see(start + bit, word >> bit & 1);
        }
    }
    runs.see(bits, 0);
}

struct Runs<'a, 'b> {
    writer: &'a mut Writer<'b>,
    open: Option<u32>,
    separator: &'static [u8],
}

impl Runs<'_, '_> {
    /// Takes the next bit, and writes the run that it ends.
    fn see(&mut self, index: u32, bit: u32) {
        match (self.open, bit) {
            (None, 1) => self.open = Some(index),
            (Some(first), 0) => self.close(first, index - 1),
            _ => {}
        }
    }

    fn close(&mut self, first: u32, last: u32) {
        self.writer.put(self.separator);
        print(self.writer, format_args!("{first}"));
        if last > first {
            print(self.writer, format_args!("-{last}"));
        }
        self.separator = b",";
        self.open = None;
    }
}

/// Writes a UUID (`%pUb`, `%pUB`) or one whose first three fields are little-endian (`%pUl`, `%pUL`).
pub(super) fn uuid(writer: &mut Writer<'_>, spec: &Spec, addr: u64, kind: u8, env: &dyn Env) {
    const GUID_ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let Some(object) = fetch::<16>(writer, spec, addr, env) else { return };
    let little_endian = matches!(kind, b'l' | b'L');
    let capitals = matches!(kind, b'B' | b'L');
    writer.text(spec, &|out| {
        for (index, &place) in GUID_ORDER.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                out.put(b"-");
            }
            let byte = object[if little_endian { place } else { index }];
            if capitals {
                print(out, format_args!("{byte:02X}"));
            } else {
                put_hex(out, byte);
            }
        }
    });
}
