//! Text to integers: the strict `kstrto` family and the lenient `simple_strto` one.
//!
//! A text ends at its first NUL or with its slice. A base of 0 is found out from the text: `0x` is
//! sixteen, another leading `0` is eight, all else is ten. Letters count as digits up to `f` only.

/// Why a text is not a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    /// The text has no digit, or more than a number and one newline.
    Invalid,
    /// The number does not fit.
    Range,
}

impl ParseError {
    /// Returns the positive error number: EINVAL or ERANGE.
    pub const fn errno(self) -> i32 {
        match self {
            Self::Invalid => 22,
            Self::Range => 34,
        }
    }
}

/// The number at the start of a text, and where it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prefix<T> {
    /// The number, 0 if there is no digit.
    pub value: T,
    /// How many bytes belong to it; a `0x` counts even where no digit follows.
    pub used: usize,
}

/// Returns the byte at `index`, or 0 behind the end.
pub(super) fn at(text: &[u8], index: usize) -> u8 {
    text.get(index).copied().unwrap_or(0)
}

/// Says what base a text is in, and how many bytes its prefix has.
fn radix(text: &[u8], base: u32) -> (u32, usize) {
    let marked = at(text, 0) == b'0' && at(text, 1).eq_ignore_ascii_case(&b'x');
    match base {
        0 if marked && at(text, 2).is_ascii_hexdigit() => (16, 2),
        0 if at(text, 0) == b'0' => (8, 0),
        0 => (10, 0),
        16 if marked => (16, 2),
        _ => (base, 0),
    }
}

fn digit(byte: u8, base: u32) -> Option<u32> {
    let value = char::from(byte).to_digit(16)?;
    (value < base).then_some(value)
}

/// A run of digits; `value` has wrapped if it does not fit.
struct Run {
    value: u64,
    digits: usize,
    fits: bool,
}

fn run(text: &[u8], base: u32) -> Run {
    let mut run = Run { value: 0, digits: 0, fits: true };
    for &byte in text {
        let Some(digit) = digit(byte, base) else { break };
        let longer = run.value.checked_mul(base.into()).and_then(|v| v.checked_add(digit.into()));
        run.fits &= longer.is_some();
        run.value = run.value.wrapping_mul(base.into()).wrapping_add(digit.into());
        run.digits += 1;
    }
    run
}

/// Reads digits from the start of `text`, looking at no more than `limit` bytes.
pub(super) fn read_unsigned(text: &[u8], base: u32, limit: usize) -> Prefix<u64> {
    let (base, prefix) = radix(text, base);
    if prefix >= limit {
        return Prefix { value: 0, used: limit.min(text.len()) };
    }
    let digits = &text[prefix..text.len().min(limit)];
    let run = run(digits, base);
    Prefix { value: run.value, used: prefix + run.digits }
}

/// Reads a sign and digits from the start of `text`, looking at no more than `limit` bytes.
pub(super) fn read_signed(text: &[u8], base: u32, limit: usize) -> Prefix<i64> {
    if at(text, 0) != b'-' || limit < 2 {
        let number = read_unsigned(text, base, limit);
        return Prefix { value: number.value as i64, used: number.used };
    }
    let number = read_unsigned(&text[1..], base, limit - 1);
    Prefix { value: (number.value as i64).wrapping_neg(), used: number.used + 1 }
}

/// Reads what number there is; it takes no sign and no blank, and wraps (`simple_strtoull`, `simple_strtoul`).
pub fn simple_strtoull(text: &[u8], base: u32) -> Prefix<u64> {
    read_unsigned(text, base, usize::MAX)
}

/// Reads what number there is, with a minus sign or without (`simple_strtoll`, `simple_strtol`).
pub fn simple_strtoll(text: &[u8], base: u32) -> Prefix<i64> {
    read_signed(text, base, usize::MAX)
}

/// Reads a text that is one number of type `T` and at most one newline; a plus sign is allowed
/// (`kstrtoull` and the narrower ones).
pub fn kstrto_unsigned<T: TryFrom<u64>>(text: &[u8], base: u32) -> Result<T, ParseError> {
    let value = strict(text.strip_prefix(b"+").unwrap_or(text), base)?;
    T::try_from(value).map_err(|_| ParseError::Range)
}

/// Reads a text that is one number of type `T`, with a sign or without, and at most one newline
/// (`kstrtoll` and the narrower ones).
pub fn kstrto_signed<T: TryFrom<i64>>(text: &[u8], base: u32) -> Result<T, ParseError> {
    let value = match text.strip_prefix(b"-") {
        Some(digits) => 0_i64.checked_sub_unsigned(strict(digits, base)?),
        None => i64::try_from(kstrto_unsigned::<u64>(text, base)?).ok(),
    };
    T::try_from(value.ok_or(ParseError::Range)?).map_err(|_| ParseError::Range)
}

fn strict(text: &[u8], base: u32) -> Result<u64, ParseError> {
    let (base, prefix) = radix(text, base);
    let run = run(&text[prefix..], base);
    if !run.fits {
        return Err(ParseError::Range);
    }
    let end = prefix + run.digits;
    let end = if at(text, end) == b'\n' { end + 1 } else { end };
    if run.digits == 0 || at(text, end) != 0 {
        return Err(ParseError::Invalid);
    }
    Ok(run.value)
}

/// Reads yes or no by the first letter (`y t 1`, `n f 0`), or by the first two of `on` and `off`, in either
/// case; what follows is not looked at.
pub fn kstrtobool(text: &[u8]) -> Result<bool, ParseError> {
    match (at(text, 0), at(text, 1)) {
        (b'y' | b'Y' | b't' | b'T' | b'1', _) | (b'o' | b'O', b'n' | b'N') => Ok(true),
        (b'n' | b'N' | b'f' | b'F' | b'0', _) | (b'o' | b'O', b'f' | b'F') => Ok(false),
        _ => Err(ParseError::Invalid),
    }
}

/// Reads a size with one of the letters K M G T P E behind it, in powers of 1024.
pub fn memparse(text: &[u8]) -> Prefix<u64> {
    let number = simple_strtoull(text, 0);
    let shift = match at(text, number.used).to_ascii_uppercase() {
        b'K' => 10,
        b'M' => 20,
        b'G' => 30,
        b'T' => 40,
        b'P' => 50,
        b'E' => 60,
        _ => return number,
    };
    Prefix { value: number.value << shift, used: number.used + 1 }
}
