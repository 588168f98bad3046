//! `%*pE`: memory shown as a string with escapes.

use super::pointer::{bad_pointer, complaint};
use super::spec::Spec;
use super::writer::{Writer, print};
use super::{Env, Output};

/// Which kinds of bytes are escaped, and how.
#[derive(Clone, Copy, Default)]
struct Rules {
    space: bool,
    special: bool,
    nul: bool,
    octal: bool,
    hex: bool,
    keep_printable: bool,
}

impl Rules {
    const ANY: Self = Self {
        space: true,
        special: true,
        nul: true,
        octal: true,
        hex: false,
        keep_printable: false,
    };

    /// Takes letters up to the first that is none of ours; no letter at all means everything unprintable.
    fn from_letters(letters: &[u8]) -> Self {
        let known = letters.iter().take_while(|letter| b"achnops".contains(letter)).count();
        if known == 0 {
            return Self { keep_printable: true, ..Self::ANY };
        }
        letters[..known].iter().fold(Self::default(), |rules, letter| rules.with(*letter))
    }

    fn with(mut self, letter: u8) -> Self {
        match letter {
            b'a' => {
                return Self { hex: self.hex, keep_printable: self.keep_printable, ..Self::ANY };
            }
            b'c' => self.special = true,
            b'h' => self.hex = true,
            b'n' => self.nul = true,
            b'o' => self.octal = true,
            b'p' => self.keep_printable = true,
            _ => self.space = true,
        }
        self
    }

    fn put(self, out: &mut dyn Output, byte: u8) {
        if self.keep_printable && is_printable(byte) {
            return out.put(&[byte]);
        }
        let short = match byte {
            b'\n' if self.space => b'n',
            b'\r' if self.space => b'r',
            b'\t' if self.space => b't',
            0x0b if self.space => b'v',
            0x0c if self.space => b'f',
            b'\\' if self.special => b'\\',
            b'"' if self.special => b'"',
            0x07 if self.special => b'a',
            0x1b if self.special => b'e',
            0 if self.nul => b'0',
            _ => return self.put_number(out, byte),
        };
        out.put(&[b'\\', short]);
    }

    fn put_number(self, out: &mut dyn Output, byte: u8) {
        if self.octal {
            print(out, format_args!("\\{byte:03o}"));
        } else if self.hex {
            print(out, format_args!("\\x{byte:02x}"));
        } else {
            out.put(&[byte]);
        }
    }
}

/// Says whether Linux takes a byte for printable, which it decides by Latin-1.
const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | 0xa0..)
}

/// Writes as many bytes as the width says, one if it says nothing, escaped as `letters` choose.
pub(super) fn escaped(
    writer: &mut Writer<'_>,
    spec: &Spec,
    addr: u64,
    letters: &[u8],
    env: &dyn Env,
) {
    if spec.width == Some(0) {
        return;
    }
    if let Some(words) = bad_pointer(addr) {
        return complaint(writer, spec, words);
    }
    let rules = Rules::from_letters(letters);
    let total = spec.width.unwrap_or(1) as usize;
    let mut piece = [0; 64];
    let mut done = 0;
    while done < total {
        let wanted = piece.len().min(total - done);
        let count = env.read(addr.wrapping_add(done as u64), &mut piece[..wanted]).min(wanted);
        piece[..count].iter().for_each(|&byte| rules.put(writer, byte));
        done += count;
        if count < wanted {
            return complaint(writer, &Spec::default(), "(efault)");
        }
    }
}
