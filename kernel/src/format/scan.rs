//! `sscanf`.

use super::Args;
use super::kstrto::{at, read_signed, read_unsigned};
use super::spec::{Cursor, Size};

/// What one conversion leaves at the address that it took from the arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scanned<'a> {
    /// An integer: the low `bytes` (1, 2, 4 or 8) bytes of `value` are to be stored.
    Int {
        /// How wide the object is.
        bytes: u8,
        /// The number, extended to 64 bits.
        value: u64,
    },
    /// Bytes to be stored as they are (`%c`).
    Chars(&'a [u8]),
    /// Bytes to be stored with a NUL behind them (`%s`, `%[`).
    Text(&'a [u8]),
}

/// Reads `input` by `fmt` and returns how many values were stored (`sscanf`, `vsscanf`).
///
/// Both texts end at a NUL or with their slice. `store` gets an argument word and what belongs there.
/// As on Linux a `%*` skips to the next blank, whatever the conversion, and `%[` needs a width and knows
/// no ranges.
pub fn sscanf(
    input: &[u8],
    fmt: &[u8],
    args: &mut dyn Args,
    store: &mut dyn FnMut(u64, Scanned<'_>),
) -> i32 {
    let length = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    let input = &input[..length];
    let mut scan = Scan { input, at: 0, fmt: Cursor::new(fmt), args, store, stored: 0 };
    while scan.step().is_some() {}
    scan.stored
}

/// A scan on its way. Steps return `None` where the scan ends.
struct Scan<'a, 'b> {
    input: &'a [u8],
    at: usize,
    fmt: Cursor<'a>,
    args: &'b mut dyn Args,
    store: &'b mut dyn FnMut(u64, Scanned<'_>),
    stored: i32,
}

/// Says whether Linux takes a byte for a blank; the one of Latin-1 that does not break is among them.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d | 0xa0)
}

/// Which integers a conversion reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Signed,
    Unsigned,
}

impl<'a> Scan<'a, '_> {
    fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or(&[])
    }

    fn byte(&self) -> u8 {
        at(self.input, self.at)
    }

    fn skip_blanks(&mut self) {
        while is_blank(self.byte()) {
            self.at += 1;
        }
    }

    /// Handles one conversion, or one byte that must match.
    fn step(&mut self) -> Option<()> {
        if is_blank(self.fmt.peek(0)) {
            while is_blank(self.fmt.peek(0)) {
                self.fmt.skip(1);
            }
            self.skip_blanks();
        }
        match self.fmt.peek(0) {
            0 => return None,
            b'%' => self.fmt.skip(1),
            byte => {
                self.fmt.skip(1);
                return self.expect(byte);
            }
        }
        if self.fmt.peek(0) == b'*' {
            return self.skip_conversion();
        }
        let width = match self.fmt.decimal() {
            Some(0) => return None,
            width => width.map(|width| width as usize),
        };
        if matches!(self.fmt.peek(0), b't' | b'j') {
            return None;
        }
        let size = self.fmt.size();
        self.convert(width, size)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        let found = self.byte() == byte;
        self.at += 1;
        found.then_some(())
    }

    fn skip_conversion(&mut self) -> Option<()> {
        if self.byte() == 0 {
            return None;
        }
        while !matches!(self.fmt.peek(0), 0 | b'%') && !is_blank(self.fmt.peek(0)) {
            if self.fmt.peek(0) == b'[' {
                return None;
            }
            self.fmt.skip(1);
        }
        while self.byte() != 0 && !is_blank(self.byte()) {
            self.at += 1;
        }
        Some(())
    }

    fn convert(&mut self, width: Option<usize>, size: Size) -> Option<()> {
        let letter = self.fmt.peek(0);
        self.fmt.skip(1);
        match letter {
            0 => return None,
            b'n' => {
                let value = self.at as u64;
                (self.store)(self.args.next(), Scanned::Int { bytes: 4, value });
                return Some(());
            }
            _ if self.byte() == 0 => return None,
            _ => {}
        }
        match letter {
            b'c' => self.chars(width.unwrap_or(1)),
            b's' => self.word(width.unwrap_or(i16::MAX as usize)),
            b'[' => return self.set(width?),
            b'o' => return self.integer(8, Sign::Unsigned, width, size),
            b'x' | b'X' => return self.integer(16, Sign::Unsigned, width, size),
            b'i' => return self.integer(0, Sign::Signed, width, size),
            b'd' => return self.integer(10, Sign::Signed, width, size),
            b'u' => return self.integer(10, Sign::Unsigned, width, size),
            b'%' => return self.expect(b'%'),
            _ => return None,
        }
        Some(())
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let taken = &self.rest()[..length];
        self.at += length;
        taken
    }

    fn store(&mut self, value: Scanned<'_>) {
        let place = self.args.next();
        (self.store)(place, value);
        self.stored += 1;
    }

    fn chars(&mut self, width: usize) {
        let chars = self.take(width.min(self.rest().len()));
        self.store(Scanned::Chars(chars));
    }

    fn word(&mut self, width: usize) {
        self.skip_blanks();
        let length = self.rest().iter().take(width).take_while(|&&byte| !is_blank(byte)).count();
        let word = self.take(length);
        self.store(Scanned::Text(word));
    }

    /// Reads bytes of the set in brackets, or with `^` outside it; the closing bracket cannot be a member.
    fn set(&mut self, width: usize) -> Option<()> {
        let excluding = self.fmt.eat(b'^');
        let rest = self.fmt.rest();
        let end = rest.iter().position(|&byte| byte == b']' || byte == 0)?;
        if end == 0 || rest[end] == 0 {
            return None;
        }
        let members = &rest[..end];
        self.fmt.skip(end + 1);
        let fits = |byte: &&u8| members.contains(*byte) != excluding;
        let length = self.rest().iter().take(width).take_while(fits).count();
        if length == 0 {
            return None;
        }
        let text = self.take(length);
        self.store(Scanned::Text(text));
        Some(())
    }

    fn integer(&mut self, base: u32, sign: Sign, width: Option<usize>, size: Size) -> Option<()> {
        self.skip_blanks();
        let negative = sign == Sign::Signed && self.byte() == b'-';
        if negative && width == Some(1) {
            return None;
        }
        let first = at(self.input, self.at + usize::from(negative));
        let digit_base = if base == 0 { 10 } else { base };
        if !char::from(first).is_digit(digit_base) {
            return None;
        }
        let limit = width.unwrap_or(i32::MAX as usize);
        let (value, used) = match sign {
            Sign::Signed => {
                let number = read_signed(self.rest(), base, limit);
                (number.value as u64, number.used)
            }
            Sign::Unsigned => {
                let number = read_unsigned(self.rest(), base, limit);
                (number.value, number.used)
            }
        };
        self.at += used;
        self.store(Scanned::Int { bytes: object_size(size), value });
        Some(())
    }
}

const fn object_size(size: Size) -> u8 {
    match size {
        Size::Byte => 1,
        Size::Short => 2,
        Size::Int => 4,
        Size::Long => 8,
    }
}
