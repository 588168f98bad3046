//! Strings and pointers: `%s`, `%p` and the choice among its extensions.

use super::engine::{Scope, run};
use super::number::{Style, number};
use super::spec::Spec;
use super::writer::{Writer, print};
use super::{Env, Output, Symbol, address, bytes, date, errno_name, escape, hashed_pointer};

/// No object lies below this address.
const PAGE_SIZE: u64 = 4096;
/// An address from here on is a negative errno.
const FIRST_ERROR: u64 = (-4095_i64) as u64;
/// How many digits a bare pointer has.
const POINTER_DIGITS: u32 = 16;

/// Says why nothing can lie at `addr`, in the words that stand in the text instead.
pub(super) const fn bad_pointer(addr: u64) -> Option<&'static str> {
    match addr {
        0 => Some("(null)"),
        1..PAGE_SIZE | FIRST_ERROR.. => Some("(efault)"),
        _ => None,
    }
}

/// Writes the words that replace a value which cannot be shown.
pub(super) fn complaint(writer: &mut Writer<'_>, spec: &Spec, words: &str) {
    let spec = Spec { precision: spec.precision.or(Some(POINTER_DIGITS)), ..*spec };
    writer.text(&spec, &|out| out.put(words.as_bytes()));
}

/// Reads an object of `N` bytes, or writes why that cannot be done.
pub(super) fn fetch<const N: usize>(
    writer: &mut Writer<'_>,
    spec: &Spec,
    addr: u64,
    env: &dyn Env,
) -> Option<[u8; N]> {
    let mut object = [0; N];
    let words = match bad_pointer(addr) {
        Some(words) => words,
        None if env.read(addr, &mut object) == N => return Some(object),
        None => "(efault)",
    };
    complaint(writer, spec, words);
    None
}

/// Writes a C string (`%s`).
pub(super) fn string(writer: &mut Writer<'_>, spec: &Spec, addr: u64, env: &dyn Env) {
    if let Some(words) = bad_pointer(addr) {
        return complaint(writer, spec, words);
    }
    let limit = spec.precision.map_or(usize::MAX, |precision| precision as usize);
    writer.text(spec, &|out| copy_string(out, addr, limit, env));
}

/// Copies at most `limit` bytes; not one behind them is read, since there need not be a NUL.
fn copy_string(out: &mut dyn Output, addr: u64, limit: usize, env: &dyn Env) {
    let mut piece = [0; 64];
    let mut done = 0;
    while done < limit {
        let wanted = piece.len().min(limit - done);
        match env.read_str(addr.wrapping_add(done as u64), &mut piece[..wanted]) {
            None if done == 0 => return out.put(b"(efault)"),
            None | Some(0) => return,
            Some(count) => {
                out.put(&piece[..count]);
                done += count;
                if count < wanted {
                    return;
                }
            }
        }
    }
}

/// Writes `addr` as the letters behind `%p` say; letters that mean nothing here give the hashed address.
pub(super) fn pointer(
    writer: &mut Writer<'_>,
    spec: &Spec,
    addr: u64,
    letters: &[u8],
    scope: Scope<'_>,
) {
    let env = scope.env;
    let letter = |index: usize| letters.get(index).copied().unwrap_or(0);
    match (letter(0), letter(1)) {
        (b'x', _) => raw(writer, spec, addr),
        (b'e', _) if addr >= FIRST_ERROR => error(writer, spec, addr),
        (b'f', b'w') => hashed(writer, spec, addr, env),
        (b's' | b'S' | b'f' | b'F', _) => {
            symbol(writer, spec, addr, env, SymbolForm::from_letter(letter(0)));
        }
        (b'B', _) => symbol(writer, spec, addr, env, SymbolForm::ReturnAddress),
        (b'V', _) => nested(writer, spec, addr, scope),
        (b'h', kind) => bytes::hex(writer, spec, addr, kind, env),
        (b'b', b'l') => bytes::bit_list(writer, spec, addr, env),
        (b'b', _) => bytes::bit_mask(writer, spec, addr, env),
        (b'U', kind) => bytes::uuid(writer, spec, addr, kind, env),
        (b'E', _) => escape::escaped(writer, spec, addr, &letters[1..], env),
        (b'm' | b'M', _) => address::mac(writer, spec, addr, letters, env),
        (b'i' | b'I', _) => address::ip(writer, spec, addr, letters, env),
        (b'a', _) => physical(writer, spec, addr, env),
        (b't', _) => date::date(writer, spec, addr, letters, env),
        (b'u' | b'k', b's') => string(writer, spec, addr, env),
        (b'u' | b'k', _) => complaint(writer, spec, "(einval)"),
        _ => hashed(writer, spec, addr, env),
    }
}

/// Writes the address itself (`%px`).
fn raw(writer: &mut Writer<'_>, spec: &Spec, addr: u64) {
    let mut spec = *spec;
    if spec.width.is_none() {
        spec.width = Some(POINTER_DIGITS);
        // A minus sign takes the zeros away, here as with every number.
        spec.zero = true;
    }
    number(writer, &spec, addr, Style::Hex);
}

/// Writes the address hashed (`%p`); NULL and error pointers give nothing away and are shown as they are.
fn hashed(writer: &mut Writer<'_>, spec: &Spec, addr: u64, env: &dyn Env) {
    let shown = match addr {
        0 | FIRST_ERROR.. => addr,
        _ => hashed_pointer(addr, env.hash_key()),
    };
    raw(writer, spec, shown);
}

/// Writes the name of an error pointer (`%pe`), or its number if it has none.
fn error(writer: &mut Writer<'_>, spec: &Spec, addr: u64) {
    let errno = addr as i32;
    match errno_name(errno.wrapping_neg()) {
        Some(name) => writer.text(spec, &|out| {
            out.put(b"-");
            out.put(name.as_bytes());
        }),
        None => number(writer, spec, i64::from(errno) as u64, Style::Signed),
    }
}

/// Writes the physical address that stands at `addr` (`%pa`).
fn physical(writer: &mut Writer<'_>, spec: &Spec, addr: u64, env: &dyn Env) {
    let Some(object) = fetch(writer, spec, addr, env) else { return };
    let spec = Spec { alternate: true, zero: true, width: Some(18), ..Spec::default() };
    number(writer, &spec, u64::from_le_bytes(object), Style::Hex);
}

/// Writes the text of a `struct va_format` (`%pV`), whose own formats ignore width and precision of this one.
fn nested(writer: &mut Writer<'_>, spec: &Spec, addr: u64, scope: Scope<'_>) {
    if let Some(words) = bad_pointer(addr) {
        return complaint(writer, spec, words);
    }
    let Some(inner) = scope.nested() else { return complaint(writer, spec, "(einval)") };
    let known = scope.env.va_format(addr, &mut |fmt, args| {
        run(writer, fmt, args, inner);
    });
    if !known {
        complaint(writer, spec, "(efault)");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SymbolForm {
    /// The name alone.
    Name,
    /// Name, offset and size.
    Full,
    /// As `Full`, for an address behind a call: it is looked up one byte earlier, since a call that never
    /// returns may be the last instruction of its function.
    ReturnAddress,
}

impl SymbolForm {
    const fn from_letter(letter: u8) -> Self {
        match letter {
            b's' | b'f' => Self::Name,
            _ => Self::Full,
        }
    }
}

/// Writes the symbol at `addr` (`%ps %pS %pB`), or the address where no symbol is known.
fn symbol(writer: &mut Writer<'_>, spec: &Spec, addr: u64, env: &dyn Env, form: SymbolForm) {
    let back = u64::from(form == SymbolForm::ReturnAddress);
    writer.text(spec, &|out| {
        let known = env.symbol(addr.wrapping_sub(back), &mut |symbol| {
            put_symbol(out, symbol, form, back);
        });
        if !known {
            print(out, format_args!("{addr:#x}"));
        }
    });
}

fn put_symbol(out: &mut dyn Output, symbol: Symbol<'_>, form: SymbolForm, back: u64) {
    out.put(symbol.name.as_bytes());
    if form != SymbolForm::Name {
        let offset = symbol.offset.wrapping_add(back);
        print(out, format_args!("+{offset:#x}/{:#x}", symbol.size));
    }
    if let Some(module) = symbol.module {
        print(out, format_args!(" [{module}]"));
    }
}
