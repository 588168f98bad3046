//! Integers: the C conversions and every format that ends in a number.

use super::Output;
use super::spec::{Size, Spec};
use super::writer::Writer;

/// How the digits of a number are chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// Decimal, with a sign.
    Signed,
    /// Decimal.
    Unsigned,
    /// Base eight.
    Octal,
    /// Base sixteen, small letters.
    Hex,
    /// Base sixteen, capitals.
    HexUpper,
}

impl Style {
    const fn base(self) -> u64 {
        match self {
            Self::Signed | Self::Unsigned => 10,
            Self::Octal => 8,
            Self::Hex | Self::HexUpper => 16,
        }
    }

    const fn alphabet(self) -> &'static [u8; 16] {
        match self {
            Self::HexUpper => b"0123456789ABCDEF",
            _ => b"0123456789abcdef",
        }
    }
}

/// Takes from a word the bytes that the size letters name, and extends them by sign or by zero.
pub(super) const fn widen(word: u64, size: Size, style: Style) -> u64 {
    let signed = matches!(style, Style::Signed);
    match (size, signed) {
        (Size::Byte, true) => word as i8 as u64,
        (Size::Byte, false) => word as u8 as u64,
        (Size::Short, true) => word as i16 as u64,
        (Size::Short, false) => word as u16 as u64,
        (Size::Int, true) => word as i32 as u64,
        (Size::Int, false) => word as u32 as u64,
        (Size::Long, _) => word,
    }
}

/// The digits of a number, kept at the end of a buffer; 22 octal digits are the most.
struct Digits {
    bytes: [u8; 22],
    start: usize,
}

impl Digits {
    fn of(value: u64, style: Style) -> Self {
        let mut digits = Self { bytes: [0; 22], start: 22 };
        let mut left = value;
        loop {
            digits.start -= 1;
            digits.bytes[digits.start] = style.alphabet()[(left % style.base()) as usize];
            left /= style.base();
            if left == 0 {
                return digits;
            }
        }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// Writes a number. A zero flag pads up to the width even beside a precision, as Linux has it.
pub(super) fn number(writer: &mut Writer<'_>, spec: &Spec, word: u64, style: Style) {
    let negative = style == Style::Signed && (word as i64) < 0;
    let value = if negative { word.wrapping_neg() } else { word };
    let digits = Digits::of(value, style);
    let digits = digits.as_slice();
    let sign = sign(spec, style, negative);
    let prefix = prefix(spec, style, value);

    let precision = digits.len().max(spec.precision.unwrap_or(0) as usize);
    let taken = sign.len() + prefix.len() + precision;
    let padding = (spec.width.unwrap_or(0) as usize).saturating_sub(taken);
    if !spec.left && !spec.zero {
        writer.fill(b' ', padding);
    }
    writer.put(sign);
    writer.put(prefix);
    if !spec.left && spec.zero {
        writer.fill(b'0', padding);
    }
    writer.fill(b'0', precision - digits.len());
    writer.put(digits);
    if spec.left {
        writer.fill(b' ', padding);
    }
}

const fn sign(spec: &Spec, style: Style, negative: bool) -> &'static [u8] {
    if !matches!(style, Style::Signed) {
        return b"";
    }
    match (negative, spec.plus, spec.space) {
        (true, _, _) => b"-",
        (false, true, _) => b"+",
        (false, false, true) => b" ",
        (false, false, false) => b"",
    }
}

const fn prefix(spec: &Spec, style: Style, value: u64) -> &'static [u8] {
    if !spec.alternate {
        return b"";
    }
    match style {
        Style::Hex => b"0x",
        Style::HexUpper => b"0X",
        Style::Octal if value != 0 => b"0",
        _ => b"",
    }
}
