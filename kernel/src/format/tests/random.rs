//! Random formats, arguments and inputs: nothing panics, and the length is what came out.

use super::std::format;
use super::std::vec::Vec;

use super::{Memory, words};
use crate::format::{
    self, FixedOutput, Scanned, kstrto_signed, kstrto_unsigned, kstrtobool, memparse, sscanf,
};

/// Marsaglia's xorshift: repeatable, and random enough to stumble over corners.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    fn bytes(&mut self, alphabet: &[u8], longest: usize) -> Vec<u8> {
        let length = self.below(longest + 1);
        (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    /// A word that is a small number, an address of the memory, an error pointer or anything.
    fn word(&mut self) -> u64 {
        let any = self.next();
        match self.below(5) {
            0 => any % 300,
            1 => (any % 300).wrapping_neg(),
            2 => (1 + any % 3) << 20,
            3 => ((1 + any % 3) << 20) + any % 120,
            _ => any,
        }
    }
}

const FORMAT_LETTERS: &[u8] =
    b"%%%%%%%%pppppppp*.-+ #0123456789hlLztjdiuoxXcsnfeEVSsBbImMUaKdDtTRFCNwacrkx |\xe4\x01\0";

#[test]
fn no_format_panics_or_miscounts() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut memory = Memory::default();
    memory.add(b"a string \x07 with \"things\" \xff in it");
    memory.add(b"%d %s %pV %5pS %*ph");
    memory.add_symbol("some_function@module");
    for _ in 0..60_000 {
        let fmt = random.bytes(FORMAT_LETTERS, 24);
        let args: Vec<u64> = (0..12).map(|_| random.word() & 0xffff_ffff_ff00_3fff).collect();
        let mut short = [0; 40];
        let mut cut = FixedOutput::new(&mut short);
        let length = format::format(&mut cut, &fmt, &mut words(&args), &memory);
        let kept = cut.finish();
        assert_eq!(kept, length.min(39), "{}", fmt.escape_ascii());
        if length < 100_000 {
            let mut full = Vec::new();
            assert_eq!(format::format(&mut full, &fmt, &mut words(&args), &memory), length);
            assert_eq!(full.len(), length);
            assert_eq!(full[..kept], short[..kept]);
        }
    }
}

#[test]
fn no_scan_panics() {
    let mut random = Random(42);
    for _ in 0..100_000 {
        let fmt = random.bytes(b"%%%%%%*0123456789hlLzdiuoxXcsn[]^abc  ,\xa0\0", 16);
        let input = random.bytes(b"0123456789abcdefxX-+ \n,]^%\xa0\0", 24);
        let mut stored = 0;
        let count = sscanf(&input, &fmt, &mut words(&[]), &mut |_, value| {
            stored += 1;
            if let Scanned::Int { bytes, .. } = value {
                assert!(matches!(bytes, 1 | 2 | 4 | 8));
            }
        });
        assert!(count >= 0 && count <= stored);
    }
}

#[test]
fn no_number_panics_and_what_parses_prints_back() {
    let mut random = Random(7);
    for _ in 0..100_000 {
        let text = random.bytes(b"0123456789abcdefxXkKmMeE-+ \n\0", 24);
        for base in [0, 2, 8, 10, 16, 36] {
            let _ = kstrto_unsigned::<u64>(&text, base);
            let _ = kstrto_signed::<i16>(&text, base);
            assert!(format::simple_strtoll(&text, base).used <= text.len());
        }
        assert!(memparse(&text).used <= text.len());
        let _ = kstrtobool(&text);
        let number = random.next() as i64;
        let printed = format!("{number}\n");
        assert_eq!(kstrto_signed(printed.as_bytes(), 10), Ok(number));
        let printed = format!("{number:#x}");
        assert_eq!(kstrto_unsigned(printed.as_bytes(), 0), Ok(number as u64));
    }
}
