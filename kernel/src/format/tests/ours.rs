//! What no other kernel can tell: hashes, symbols of modules, nesting, unreadable memory, buffers.

use super::std::cell::Cell;
use super::std::fmt::Write;
use super::std::format;
use super::std::string::ToString;

use super::{Memory, text, words};
use crate::format::{
    Args, Env, FixedOutput, FixedText, Output, Symbol, format, hashed_pointer, sscanf,
};

#[test]
fn hashes_pointers_to_sixteen_digits_with_eight_zeros() {
    let memory = Memory::default();
    let addr = 0xffff_8880_1234_5678;
    let hash = hashed_pointer(addr, memory.hash_key());
    let shown = format!("{hash:016x}");
    assert!(hash <= 0xffff_ffff && shown.starts_with("00000000"));
    for fmt in ["%p", "%pK", "%pe", "%pd", "%pD4", "%pC", "%pr", "%pfw", "%pIS"] {
        let expected = if fmt == "%pIS" { "(efault)" } else { &shown };
        assert_eq!(text(fmt, &[addr], &memory), expected, "{fmt}");
    }
    assert_eq!(text("%20p|%-20p", &[addr, addr], &memory), format!("{hash:>20x}|{hash:<20x}"));
    assert_eq!(text("%px", &[addr], &memory), "ffff888012345678");
    assert_ne!(hashed_pointer(addr, [1, 2]), hashed_pointer(addr, [1, 3]));
    assert_ne!(hashed_pointer(addr, [1, 2]), hashed_pointer(addr + 1, [1, 2]));
}

#[test]
fn names_symbols_with_offset_size_and_module() {
    let mut memory = Memory::default();
    let plain = memory.add_symbol("schedule");
    let module = memory.add_symbol("worker_fn@flusher");
    assert_eq!(text("%ps %pS", &[plain, plain + 4], &memory), "schedule schedule+0x4/0x60");
    assert_eq!(text("%pf %pF", &[plain, plain + 4], &memory), "schedule schedule+0x4/0x60");
    assert_eq!(text("%pS", &[module + 16], &memory), "worker_fn+0x10/0x60 [flusher]");
    assert_eq!(
        text("%pSR|%ps", &[module, module], &memory),
        "worker_fn+0x0/0x60 [flusher]|worker_fn [flusher]"
    );
    // One byte behind the end still belongs to the call before it.
    assert_eq!(text("%pB", &[plain + 96], &memory), "schedule+0x60/0x60");
    assert_eq!(text("%pS", &[plain + 96], &memory), format!("{:#x}", plain + 96));
}

#[test]
fn nests_va_format_and_stops_a_loop() {
    let mut memory = Memory::default();
    let inner = memory.add(b"<%d>");
    assert_eq!(text("a%pV-%d", &[inner, 7], &memory), "a<42>-7");
    assert_eq!(text("%30pV|", &[inner], &memory), "<42>|");
    assert_eq!(text("%pV %pV", &[0, 9], &memory), "(null) (efault)");
    assert_eq!(text("%pV", &[0xdead_0000_0000], &memory), "(efault)");
    let itself = memory.add(b"%d%pV");
    assert_eq!(text("%pV", &[itself], &memory), "4242424242424242(einval)");
}

/// Eight levels of ten each would be a hundred million.
#[test]
fn a_loop_of_va_formats_that_forks_ends_soon() {
    struct Forking;
    impl Env for Forking {
        fn read(&self, _: u64, _: &mut [u8]) -> usize {
            0
        }
        fn symbol(&self, _: u64, _: &mut dyn FnMut(Symbol<'_>)) -> bool {
            false
        }
        fn hash_key(&self) -> [u64; 2] {
            [0; 2]
        }
        fn va_format(&self, _: u64, run: &mut dyn FnMut(&[u8], &mut dyn Args)) -> bool {
            run(b"%pV%pV%pV%pV%pV%pV%pV%pV%pV%pV", &mut words(&[0x1000; 10]));
            true
        }
    }
    let mut out = super::Vec::new();
    format(&mut out, b"%pV", &mut words(&[0x1000]), &Forking);
    let loops = super::String::from_utf8(out).unwrap().matches("(einval)").count();
    assert!((1..1000).contains(&loops), "{loops}");
}

#[test]
fn memory_that_cannot_be_read_is_named_not_touched() {
    let mut memory = Memory::default();
    let nowhere = 0xdead_0000_0000;
    for fmt in ["%s", "%pM", "%pI4", "%pI6c", "%pU", "%pa", "%8ph", "%8pE", "%ptT", "%8pb", "%8pbl"]
    {
        assert_eq!(text(fmt, &[nowhere], &memory).trim(), "(efault)", "{fmt}");
    }
    let short = memory.add_exactly(b"abc");
    assert_eq!(text("%s|%.3s|%.2s|%5.2s", &[short; 4], &memory), "abc|abc|ab|   ab");
    assert_eq!(text("%2ph|%8ph", &[short; 2], &memory), "61 62|(efault)");
    let long = "x".repeat(200);
    let place = memory.add(long.as_bytes());
    assert_eq!(text("%s", &[place], &memory), long);
    assert_eq!(text("%210s", &[place], &memory), format!("{long:>210}"));
    assert_eq!(text("%.100s", &[place], &memory), long[..100]);
}

#[test]
fn the_size_letter_j_of_c_is_a_long() {
    assert_eq!(
        text("%jd %ju %jx", &[-1_i64 as u64, 5, u64::MAX], &Memory::default()),
        "-1 5 ffffffffffffffff"
    );
}

struct Listening(Cell<Option<u8>>);

impl Env for Listening {
    fn read(&self, _: u64, _: &mut [u8]) -> usize {
        0
    }
    fn symbol(&self, _: u64, _: &mut dyn FnMut(Symbol<'_>)) -> bool {
        false
    }
    fn hash_key(&self) -> [u64; 2] {
        [0; 2]
    }
    fn va_format(&self, _: u64, _: &mut dyn FnMut(&[u8], &mut dyn Args)) -> bool {
        false
    }
    fn unsupported(&self, conversion: u8) {
        self.0.set(Some(conversion));
    }
}

#[test]
fn an_unknown_conversion_is_reported_and_ends_the_text() {
    for (fmt, reported) in [("%f", b'f'), ("%n", b'n'), ("%", 0), ("%5.3ll", 0), ("%lq", b'q')] {
        let env = Listening(Cell::new(None));
        let mut out = FixedText::<16>::new();
        assert_eq!(format(&mut out, fmt.as_bytes(), &mut words(&[]), &env), 0);
        assert_eq!(env.0.get(), Some(reported), "{fmt}");
    }
}

#[test]
fn fixed_output_cuts_and_terminates_as_snprintf() {
    let memory = Memory::default();
    for size in 0..8 {
        let mut buffer = [0xaa; 8];
        let mut out = FixedOutput::new(&mut buffer[..size]);
        assert_eq!(format(&mut out, b"%05d", &mut words(&[42]), &memory), 5);
        let kept = 5.min(size.saturating_sub(1));
        assert_eq!(out.finish(), kept);
        assert_eq!(buffer[..kept], b"00042"[..kept]);
        assert_eq!(buffer.get(kept), if size == 0 { Some(&0xaa) } else { Some(&0) });
        assert!(buffer[size.max(kept + 1)..].iter().all(|&byte| byte == 0xaa));
    }
}

#[test]
fn fixed_text_never_splits_a_character() {
    let mut text = FixedText::<7>::new();
    assert!(text.is_empty());
    text.write_str("ab中文").unwrap();
    assert_eq!((text.as_str(), text.len()), ("ab中", 5));
    text.put("文".as_bytes());
    assert_eq!(text.as_bytes(), b"ab\xe4\xb8\xad\xe6\x96");
    assert_eq!(text.as_str(), "ab中");
    assert_eq!(text.to_string(), "ab中\u{fffd}");
    assert_eq!(format!("{text:?}"), r#""ab\xe4\xb8\xad\xe6\x96""#);
    text.clear();
    assert_eq!(text.as_str(), "");
    assert_eq!(FixedText::<4>::default().as_str(), "");
}

#[test]
fn a_huge_width_is_clamped_and_counted() {
    let memory = Memory::default();
    let mut out = FixedText::<4>::new();
    let length =
        format(&mut out, b"%99999999999d%*d", &mut words(&[1, i32::MIN as u64, 2]), &memory);
    assert_eq!(length, 2 * ((1 << 23) - 1));
    assert_eq!(out.as_bytes(), b"    ");
}

#[test]
fn sscanf_takes_an_empty_input_and_an_empty_format() {
    for (input, fmt, count) in [("", "", 0), ("5", "", 0), ("", "%d", 0), ("", "%*d", 0)] {
        let mut stored = 0;
        let result =
            sscanf(input.as_bytes(), fmt.as_bytes(), &mut words(&[]), &mut |_, _| stored += 1);
        assert_eq!((result, stored), (count, 0));
    }
}
