//! Strings, numbers and formats.

use std::ffi::CStr;

use crate::common::{Text, address, boot, c, log_of};

#[test]
fn formats_take_arguments_from_registers_and_the_stack() {
    boot(1).enter(|_| {
        let mut buffer = [b'#'; 64];
        let fmt = c("%d %s %c %lx %u %hhd %5d|%-4s|");
        let text = c("ab");
        let len = call!("snprintf"(
            buffer.as_mut_ptr() => *mut u8, 64 => usize, fmt.as_ptr() => Text;
            -1 => i32, text.as_ptr() => Text, 0x7a => i32, 0xfeed_face_cafe_u64 => u64,
            7 => u32, 300 => i32, 42 => i32, text.as_ptr() => Text
        ) -> i32);
        let written = CStr::from_bytes_until_nul(&buffer).expect("a NUL");
        assert_eq!(written.to_str(), Ok("-1 ab z feedfacecafe 7 44    42|ab  |"));
        assert_eq!(len as usize, written.to_bytes().len());
    });
}

#[test]
fn a_cut_text_ends_with_a_nul_and_tells_its_length() {
    boot(1).enter(|_| {
        let fmt = c("%s!");
        let text = c("0123456789");
        let mut buffer = [b'#'; 8];
        let place = buffer.as_mut_ptr();
        let whole = call!("snprintf"(
            place => *mut u8, 5 => usize, fmt.as_ptr() => Text; text.as_ptr() => Text) -> i32);
        assert_eq!((whole, &buffer), (11, b"0123\0###"));
        let stored = call!("scnprintf"(
            place => *mut u8, 5 => usize, fmt.as_ptr() => Text; text.as_ptr() => Text) -> i32);
        assert_eq!(stored, 4);
        let none = call!("scnprintf"(
            place => *mut u8, 0 => usize, fmt.as_ptr() => Text; text.as_ptr() => Text) -> i32);
        assert_eq!(none, 0);
    });
}

#[test]
fn kasprintf_allocates_what_the_text_needs() {
    boot(1).enter(|_| {
        let fmt = c("%0*d");
        let text = call!("kasprintf"(
            0xcc0 => u32, fmt.as_ptr() => Text; 40 => i32, 5 => i32) -> Text);
        // SAFETY: kasprintf gives a C string.
        assert_eq!(unsafe { CStr::from_ptr(text) }.to_bytes().len(), 40);
        call!("kfree"(text => Text));
    });
}

#[test]
fn printk_splits_levels_off() {
    boot(1).enter(|cx| {
        let fmt = c("\x013loud %d\n");
        let stored = call!("_printk"(fmt.as_ptr() => Text; 5 => i32) -> i32);
        // As on Linux, the newline does not count.
        assert_eq!(stored, 6);
        assert!(log_of(cx).contains("loud 5\n"));
    });
}

#[test]
fn pointers_show_symbols_and_nested_formats() {
    /// struct va_format, and the va_list it points to: one argument in a register.
    #[repr(C)]
    struct Nested {
        fmt: Text,
        args: *const [u64; 3],
    }
    boot(1).enter(|cx| {
        let (inner, fmt) = (c("<%d>"), c("\x016%pV %ps %pe %p\n"));
        let registers = [7_u64];
        let args = [u64::from(176_u32) << 32 | 40, 0, registers.as_ptr() as u64 - 40];
        let nested = Nested { fmt: inner.as_ptr(), args: &raw const args };
        call!("_printk"(
            fmt.as_ptr() => Text; &raw const nested => *const Nested,
            address("kfree") => usize, -12_i64 => i64, 0 => usize) -> i32);
        let log = log_of(cx);
        assert!(log.contains("<7> kfree -ENOMEM 0000000000000000\n"), "{log}");
    });
}

#[test]
fn sscanf_stores_what_it_reads() {
    boot(1).enter(|_| {
        let (input, fmt) = (c("12 abc ff"), c("%d %s %hhx"));
        let (mut number, mut word, mut byte) = (0_i32, [0_u8; 8], 0_u8);
        let count = call!("sscanf"(
            input.as_ptr() => Text, fmt.as_ptr() => Text;
            &raw mut number => *mut i32, word.as_mut_ptr() => *mut u8,
            &raw mut byte => *mut u8
        ) -> i32);
        assert_eq!((count, number, &word[..4], byte), (3, 12, b"abc\0".as_slice(), 0xff));
    });
}

fn parse<T: Default>(name: &str, text: &str) -> (i32, T) {
    let (text, mut value) = (c(text), T::default());
    // SAFETY: the type of the kstrto family.
    let function: extern "C" fn(Text, u32, *mut T) -> i32 =
        unsafe { core::mem::transmute(address(name)) };
    (function(text.as_ptr(), 0, &raw mut value), value)
}

#[test]
fn numbers_are_read_strictly() {
    assert_eq!(parse::<i32>("kstrtoint", "-0x10\n"), (0, -16));
    assert_eq!(parse::<i32>("kstrtoint", "2147483648"), (-34, 0));
    assert_eq!(parse::<i32>("kstrtoint", "12 "), (-22, 0));
    assert_eq!(parse::<u64>("kstrtoull", "18446744073709551615"), (0, u64::MAX));
    assert_eq!(parse::<u8>("kstrtou8", "0400"), (-34, 0));
    assert_eq!(parse::<u16>("kstrtou16", "-1"), (-22, 0));
    let text = c("123abc");
    let mut end: Text = core::ptr::null();
    let number = call!("simple_strtoull"(
        text.as_ptr() => Text, &raw mut end => *mut Text, 10 => u32) -> u64);
    assert_eq!((number, end as usize - text.as_ptr() as usize), (123, 3));
}

#[test]
fn strings_are_copied_within_their_buffers() {
    let (long, mut buffer) = (c("abcdefgh"), [b'#'; 6]);
    let place = buffer.as_mut_ptr();
    let copied = call!("strscpy"(place => *mut u8, long.as_ptr() => Text, 4 => usize) -> isize);
    assert_eq!((copied, &buffer), (-7, b"abc\0##"));
    let wanted = call!("strlcat"(place => *mut u8, long.as_ptr() => Text, 6 => usize) -> usize);
    assert_eq!((wanted, &buffer), (11, b"abcab\0"));
    call!("strncpy"(place => *mut u8, c("x").as_ptr() => Text, 3 => usize) -> *mut u8);
    assert_eq!(&buffer, b"x\0\0ab\0");
}

#[test]
fn strings_are_searched_and_cut() {
    let text = c("  one, two \n");
    let start = text.as_ptr();
    let at = |address: Text| address as usize - start as usize;
    assert_eq!(at(call!("strchr"(start => Text, 44 => i32) -> Text)), 5);
    assert_eq!(at(call!("strstr"(start => Text, c("two").as_ptr() => Text) -> Text)), 7);
    assert!(call!("strstr"(start => Text, c("six").as_ptr() => Text) -> Text).is_null());
    assert_eq!(at(call!("strchrnul"(start => Text, 120 => i32) -> Text)), 12);
    assert_eq!(call!("strcmp"(start => Text, c("  one").as_ptr() => Text) -> i32), 1);
    assert_eq!(call!("strncmp"(start => Text, c("  ox").as_ptr() => Text, 3 => usize) -> i32), 0);
    let mut owned = text.as_bytes_with_nul().to_vec();
    let trimmed = call!("strim"(owned.as_mut_ptr() => *mut u8) -> Text);
    // SAFETY: strim returns a place in the string it was given.
    assert_eq!(unsafe { CStr::from_ptr(trimmed) }.to_str(), Ok("one, two"));
}

#[test]
fn strsep_walks_over_tokens() {
    let mut text = *b"a,,b\0";
    let mut rest = text.as_mut_ptr();
    let mut tokens = Vec::new();
    loop {
        let token = call!("strsep"(
            &raw mut rest => *mut *mut u8, c(",").as_ptr() => Text) -> Text);
        if token.is_null() {
            break;
        }
        // SAFETY: strsep ends each token with a NUL.
        tokens.push(unsafe { CStr::from_ptr(token) }.to_str().expect("text").to_owned());
    }
    assert_eq!(tokens, ["a", "", "b"]);
}

#[test]
fn hex_dumps_look_like_those_of_linux() {
    boot(1).enter(|cx| {
        let data: Vec<u8> = (0x3e..0x52).collect();
        let mut line = [0_u8; 80];
        let len = call!("hex_dump_to_buffer"(
            data.as_ptr() => *const u8, 8 => usize, 16 => i32, 4 => i32,
            line.as_mut_ptr() => *mut u8, 80 => usize, false => bool) -> i32);
        assert_eq!((len, &line[..17]), (17, b"41403f3e 45444342".as_slice()));
        call!("print_hex_dump"(
            c("\x016").as_ptr() => Text, c("x: ").as_ptr() => Text, 2 => i32, 16 => i32,
            1 => i32, data.as_ptr() => *const u8, data.len() => usize, true => bool));
        let log = log_of(cx);
        let first = "x: 00000000: 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d  \
                     >?@ABCDEFGHIJKLM\n";
        assert!(log.contains(first), "{log}");
        let second = format!("x: 00000010: 4e 4f 50 51{}NOPQ\n", " ".repeat(38));
        assert!(log.contains(&second), "{log}");
    });
}

#[test]
fn wide_arithmetic_is_right() {
    boot(1).enter(|_| {
        let a = -170_141_183_460_469_231_731_i128;
        assert_eq!(call!("__divti3"(a => i128, 7 => i128) -> i128), a / 7);
        assert_eq!(call!("__umodti3"(u128::MAX => u128, 10 => u128) -> u128), 5);
        assert_eq!(call!("__popcountdi2"(-1 => i64) -> i32), 64);
    });
}
