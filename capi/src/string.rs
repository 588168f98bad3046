//! Memory and strings by the byte (Linux: linux/string.h): copying, comparing, finding.

use core::ptr;

use crate::memory::{bytes, text_up_to};
use crate::object::{Ptr, text};

/// Whether letters of either case are the same.
#[derive(Clone, Copy)]
enum Case {
    Exact,
    Ignored,
}

/// Compares strings up to their NULs or `max` bytes, as C does: the difference of the first bytes
/// that differ.
fn compare(a: *const u8, b: *const u8, max: usize, case: Case) -> i32 {
    for index in 0..max {
        // SAFETY: C's strings end with NULs, and no byte behind one is read.
        let (a, b) = unsafe { (a.add(index).read(), b.add(index).read()) };
        let (x, y) = match case {
            Case::Exact => (a, b),
            Case::Ignored => (a.to_ascii_lowercase(), b.to_ascii_lowercase()),
        };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
        if x == 0 {
            break;
        }
    }
    0
}

/// The place of the first byte of the string, its NUL included, that `wanted` picks, looking at
/// no more than `max` bytes.
fn find(s: Ptr<u8>, max: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    for index in 0..max {
        let place = s.address() + index;
        // SAFETY: C's string ends with a NUL, and no byte behind it is read.
        let byte = unsafe { (place as *const u8).read() };
        if wanted(byte) {
            return Some(place);
        }
        if byte == 0 {
            return None;
        }
    }
    None
}

/// The place of `what` in `s`, of which there are `within` bytes; 0 if it is not there.
fn find_text(s: Ptr<u8>, within: &[u8], what: &[u8]) -> usize {
    if what.is_empty() {
        return s.address();
    }
    let found = within.windows(what.len()).position(|window| window == what);
    found.map_or(0, |index| s.address() + index)
}

leaf! {
    fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
        // SAFETY: C's memory and C's word for its length; where they overlap, this is memmove.
        unsafe { ptr::copy(from, to, len) };
        to
    }

    fn memset(to: *mut u8, byte: i32, len: usize) -> *mut u8 {
        // SAFETY: C's memory and C's word for its length.
        unsafe { ptr::write_bytes(to, byte as u8, len) };
        to
    }

    fn memcmp(a: Ptr<u8>, b: Ptr<u8>, len: usize) -> i32 {
        let pairs = bytes(a, len).iter().zip(bytes(b, len));
        let differing = pairs.into_iter().find(|(a, b)| a != b);
        differing.map_or(0, |(a, b)| i32::from(*a) - i32::from(*b))
    }

    fn memchr(s: Ptr<u8>, byte: i32, len: usize) -> usize {
        let found = bytes(s, len).iter().position(|b| *b == byte as u8);
        found.map_or(0, |index| s.address() + index)
    }

    fn memchr_inv(s: Ptr<u8>, byte: i32, len: usize) -> usize {
        let found = bytes(s, len).iter().position(|b| *b != byte as u8);
        found.map_or(0, |index| s.address() + index)
    }

    fn memscan(s: Ptr<u8>, byte: i32, len: usize) -> usize {
        let found = bytes(s, len).iter().position(|b| *b == byte as u8);
        s.address() + found.unwrap_or(len)
    }

    fn strlen(s: Ptr<u8>) -> usize {
        text(s).len()
    }

    fn strnlen(s: Ptr<u8>, max: usize) -> usize {
        text_up_to(s, max).len()
    }

    fn strcmp(a: *const u8, b: *const u8) -> i32 {
        compare(a, b, usize::MAX, Case::Exact).signum()
    }

    fn strncmp(a: *const u8, b: *const u8, max: usize) -> i32 {
        compare(a, b, max, Case::Exact).signum()
    }

    fn strcasecmp(a: *const u8, b: *const u8) -> i32 {
        compare(a, b, usize::MAX, Case::Ignored)
    }

    fn strncasecmp(a: *const u8, b: *const u8, max: usize) -> i32 {
        compare(a, b, max, Case::Ignored)
    }

    fn strchr(s: Ptr<u8>, byte: i32) -> usize {
        find(s, usize::MAX, |b| b == byte as u8).unwrap_or(0)
    }

    fn strrchr(s: Ptr<u8>, byte: i32) -> usize {
        let text = text(s);
        if byte as u8 == 0 {
            return s.address() + text.len();
        }
        let found = text.iter().rposition(|b| *b == byte as u8);
        found.map_or(0, |index| s.address() + index)
    }

    fn strchrnul(s: Ptr<u8>, byte: i32) -> usize {
        let text = text(s);
        let found = text.iter().position(|b| *b == byte as u8);
        s.address() + found.unwrap_or(text.len())
    }

    fn strnchr(s: Ptr<u8>, max: usize, byte: i32) -> usize {
        find(s, max, |b| b == byte as u8).unwrap_or(0)
    }

    fn strstr(s: Ptr<u8>, what: Ptr<u8>) -> usize {
        find_text(s, text(s), text(what))
    }

    fn strnstr(s: Ptr<u8>, what: Ptr<u8>, max: usize) -> usize {
        find_text(s, text_up_to(s, max), text(what))
    }

    fn strspn(s: Ptr<u8>, accept: Ptr<u8>) -> usize {
        let accept = text(accept);
        text(s).iter().take_while(|byte| accept.contains(byte)).count()
    }

    fn strcspn(s: Ptr<u8>, reject: Ptr<u8>) -> usize {
        let reject = text(reject);
        text(s).iter().take_while(|byte| !reject.contains(byte)).count()
    }

    fn strpbrk(s: Ptr<u8>, accept: Ptr<u8>) -> usize {
        let accept = text(accept);
        let found = text(s).iter().position(|byte| accept.contains(byte));
        found.map_or(0, |index| s.address() + index)
    }
}

exports! {
    "memcpy" => memcpy, Any;
    "memmove" => memcpy, Any;
    "memset" => memset, Any;
    "memcmp" => memcmp, Any;
    "memchr" => memchr, Any;
    "memchr_inv" => memchr_inv, Any;
    "memscan" => memscan, Any;
    "strlen" => strlen, Any;
    "strnlen" => strnlen, Any;
    "strcmp" => strcmp, Any;
    "strncmp" => strncmp, Any;
    "strcasecmp" => strcasecmp, Any;
    "strncasecmp" => strncasecmp, Any;
    "strchr" => strchr, Any;
    "strrchr" => strrchr, Any;
    "strchrnul" => strchrnul, Any;
    "strnchr" => strnchr, Any;
    "strstr" => strstr, Any;
    "strnstr" => strnstr, Any;
    "strspn" => strspn, Any;
    "strcspn" => strcspn, Any;
    "strpbrk" => strpbrk, Any;
}
