//! The part of a conversion between `%` and its letter.

use super::Args;

/// The largest width that Linux holds, in a signed field of 24 bits.
const WIDTH_MAX: u32 = (1 << 23) - 1;
/// The largest precision that Linux holds, in a signed field of 16 bits.
const PRECISION_MAX: u32 = (1 << 15) - 1;

/// Which edge of its field a text leans on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Left,
    Right,
}

/// The flags, width and precision of one conversion.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Spec {
    pub(super) left: bool,
    pub(super) plus: bool,
    pub(super) space: bool,
    pub(super) alternate: bool,
    pub(super) zero: bool,
    pub(super) width: Option<u32>,
    pub(super) precision: Option<u32>,
}

impl Spec {
    pub(super) const fn side(&self) -> Side {
        if self.left { Side::Left } else { Side::Right }
    }
}

/// How many bytes of its word an integer conversion looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Size {
    Byte,
    Short,
    Int,
    Long,
}

/// Reads a format from front to back; its end is the end of the slice or a NUL.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// Returns the byte `ahead` places on, or 0 behind the end.
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.rest.get(ahead).copied().unwrap_or(0)
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or(&[]);
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek(0) == byte;
        if found {
            self.skip(1);
        }
        found
    }

    /// Takes everything before the next `%` or the end.
    pub(super) fn literal(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| byte == b'%' || byte == 0);
        let (literal, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        literal
    }

    /// Takes a decimal number, if one stands here; one that is too large sticks at the maximum.
    pub(super) fn decimal(&mut self) -> Option<u32> {
        let mut number = None;
        while self.peek(0).is_ascii_digit() {
            let digit = u32::from(self.peek(0) - b'0');
            number = Some(number.unwrap_or(0u32).saturating_mul(10).saturating_add(digit));
            self.skip(1);
        }
        number
    }

    /// Takes flags, width and precision.
    pub(super) fn spec(&mut self, args: &mut dyn Args) -> Spec {
        let mut spec = self.flags();
        if self.eat(b'*') {
            let width = args.next() as i32;
            spec.left |= width < 0;
            spec.width = Some(width.unsigned_abs().min(WIDTH_MAX));
        } else {
            spec.width = self.decimal().map(|width| width.min(WIDTH_MAX));
        }
        if self.eat(b'.') {
            spec.precision = self.precision(args).map(|precision| precision.min(PRECISION_MAX));
        }
        spec
    }

    fn flags(&mut self) -> Spec {
        let mut spec = Spec::default();
        loop {
            match self.peek(0) {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                b'0' => spec.zero = true,
                _ => return spec,
            }
            self.skip(1);
        }
    }

    fn precision(&mut self, args: &mut dyn Args) -> Option<u32> {
        if self.eat(b'*') {
            let precision = args.next() as i32;
            return Some(u32::try_from(precision).unwrap_or(0));
        }
        self.decimal()
    }

    /// Takes the size letters: `hh h l ll L z t`, and `j`, which Linux lacks.
    pub(super) fn size(&mut self) -> Size {
        let letter = self.peek(0);
        if !matches!(letter, b'h' | b'l' | b'L' | b'z' | b't' | b'j') {
            return Size::Int;
        }
        self.skip(1);
        match letter {
            b'h' if self.eat(b'h') => Size::Byte,
            b'h' => Size::Short,
            b'l' => {
                self.eat(b'l');
                Size::Long
            }
            _ => Size::Long,
        }
    }
}
