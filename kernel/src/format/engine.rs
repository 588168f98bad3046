//! The loop over a format.

use core::cell::Cell;

use super::number::{Style, number, widen};
use super::pointer;
use super::spec::{Cursor, Size, Spec};
use super::writer::Writer;
use super::{Args, Env, Output};

/// How many `%pV` may stand inside each other before one of them is taken for a loop.
const NESTING_MAX: u8 = 8;
/// How many `%pV` a text may have in all: loops that fork would take for ever before they are deep.
const NESTED_MAX: u32 = 64;

/// Writes `fmt` with `args` to `out` and returns the length of the whole text, kept or dropped (`vsnprintf`).
///
/// `fmt` ends at its first NUL, if it has one.
pub fn format(out: &mut dyn Output, fmt: &[u8], args: &mut dyn Args, env: &dyn Env) -> usize {
    let nested_left = Cell::new(NESTED_MAX);
    run(out, fmt, args, Scope { env, nesting: 0, nested_left: &nested_left })
}

/// What a conversion needs besides its arguments.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) env: &'a dyn Env,
    nesting: u8,
    /// How many more `%pV` the whole text may have.
    nested_left: &'a Cell<u32>,
}

impl Scope<'_> {
    /// Returns the scope for a format inside this one, unless they go too deep.
    pub(super) fn nested(self) -> Option<Self> {
        let left = self.nested_left.get().checked_sub(1)?;
        self.nested_left.set(left);
        (self.nesting < NESTING_MAX).then_some(Self { nesting: self.nesting + 1, ..self })
    }
}

pub(super) fn run(
    out: &mut dyn Output,
    fmt: &[u8],
    args: &mut dyn Args,
    scope: Scope<'_>,
) -> usize {
    let mut writer = Writer::new(out);
    let mut cursor = Cursor::new(fmt);
    loop {
        writer.put(cursor.literal());
        if !cursor.eat(b'%') {
            return writer.len();
        }
        let spec = cursor.spec(args);
        let size = cursor.size();
        let letter = cursor.peek(0);
        cursor.skip(1);
        match letter {
            b'%' => writer.put(b"%"),
            b'c' => character(&mut writer, &spec, args.next() as u8),
            b's' => pointer::string(&mut writer, &spec, args.next(), scope.env),
            b'p' => {
                pointer::pointer(&mut writer, &spec, args.next(), cursor.rest(), scope);
                skip_alphanumeric(&mut cursor);
            }
            _ => match integer_style(letter) {
                Some(style) => integer(&mut writer, &spec, size, style, args),
                None => {
                    scope.env.unsupported(letter);
                    return writer.len();
                }
            },
        }
    }
}

const fn integer_style(letter: u8) -> Option<Style> {
    match letter {
        b'd' | b'i' => Some(Style::Signed),
        b'u' => Some(Style::Unsigned),
        b'o' => Some(Style::Octal),
        b'x' => Some(Style::Hex),
        b'X' => Some(Style::HexUpper),
        _ => None,
    }
}

fn integer(writer: &mut Writer<'_>, spec: &Spec, size: Size, style: Style, args: &mut dyn Args) {
    number(writer, spec, widen(args.next(), size, style), style);
}

/// Writes one byte in its field; a NUL is written too.
fn character(writer: &mut Writer<'_>, spec: &Spec, byte: u8) {
    let unlimited = Spec { precision: None, ..*spec };
    writer.text(&unlimited, &|out| out.put(&[byte]));
}

/// Skips what may belong to a `%p`, known or not. Linux takes letters in the sense of Latin-1, so this
/// eats the first byte of a UTF-8 sequence too.
fn skip_alphanumeric(cursor: &mut Cursor<'_>) {
    loop {
        match cursor.peek(0) {
            0xd7 | 0xf7 => return,
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | 0xc0.. => cursor.skip(1),
            _ => return,
        }
    }
}
