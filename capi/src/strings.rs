//! Strings that are written or cut (Linux: linux/string.h).

use core::ptr;

use kthreads_kernel::Errno;

use crate::memory::text_up_to;
use crate::object::{Out, Ptr, text};

/// Writes `text` and a NUL.
fn put(to: *mut u8, text: &[u8]) {
    // SAFETY: C gives room for the text and its NUL; the text may lie in the same memory.
    unsafe {
        ptr::copy(text.as_ptr(), to, text.len());
        to.add(text.len()).write(0);
    }
}

fn as_ptr(s: *mut u8) -> Ptr<u8> {
    Ptr::at(s as usize)
}

/// Where the string ends: at its NUL.
fn end_of(s: *mut u8) -> *mut u8 {
    // SAFETY: one past the text is its NUL.
    unsafe { s.add(text(as_ptr(s)).len()) }
}

/// What the kernel takes for a blank.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d | 0xa0)
}

/// A line without the newline at its end.
fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

leaf! {
    fn strcpy(to: *mut u8, from: Ptr<u8>) -> *mut u8 {
        put(to, text(from));
        to
    }

    fn strncpy(to: *mut u8, from: Ptr<u8>, len: usize) -> *mut u8 {
        let text = text_up_to(from, len);
        // SAFETY: C gives `len` bytes, and the text has no more.
        unsafe {
            ptr::copy(text.as_ptr(), to, text.len());
            ptr::write_bytes(to.add(text.len()), 0, len - text.len());
        }
        to
    }

    fn strlcpy(to: *mut u8, from: Ptr<u8>, size: usize) -> usize {
        let text = text(from);
        if size > 0 {
            put(to, &text[..text.len().min(size - 1)]);
        }
        text.len()
    }

    fn strscpy(to: *mut u8, from: Ptr<u8>, size: usize) -> isize {
        let too_big = Errno::E2BIG.to_c() as isize;
        if size == 0 || size > i32::MAX as usize {
            return too_big;
        }
        let text = text_up_to(from, size);
        if text.len() == size {
            put(to, &text[..size - 1]);
            return too_big;
        }
        put(to, text);
        text.len() as isize
    }

    fn strcat(to: *mut u8, from: Ptr<u8>) -> *mut u8 {
        put(end_of(to), text(from));
        to
    }

    fn strncat(to: *mut u8, from: Ptr<u8>, max: usize) -> *mut u8 {
        put(end_of(to), text_up_to(from, max));
        to
    }

    fn strlcat(to: *mut u8, from: Ptr<u8>, size: usize) -> usize {
        let text = text(from);
        let have = text_up_to(as_ptr(to), size).len();
        if have < size {
            // SAFETY: within the buffer of `size` bytes.
            put(unsafe { to.add(have) }, &text[..text.len().min(size - have - 1)]);
        }
        have + text.len()
    }

    fn strsep(rest: Out<usize>, delimiters: Ptr<u8>) -> usize {
        let start = rest.read();
        if start == 0 {
            return 0;
        }
        let (token, delimiters) = (text(Ptr::at(start)), text(delimiters));
        match token.iter().position(|byte| delimiters.contains(byte)) {
            Some(len) => {
                Out::at(start + len).set(0_u8);
                rest.set(start + len + 1);
            }
            None => rest.set(0),
        }
        start
    }

    fn skip_spaces(s: Ptr<u8>) -> usize {
        s.address() + text(s).iter().take_while(|byte| is_blank(**byte)).count()
    }

    fn strim(s: Ptr<u8>) -> usize {
        let text = text(s);
        let end = text.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
        if end < text.len() {
            Out::at(s.address() + end).set(0_u8);
        }
        skip_spaces(s)
    }

    fn sysfs_streq(a: Ptr<u8>, b: Ptr<u8>) -> bool {
        let (a, b) = (text(a), text(b));
        a == b || trimmed(a) == b || a == trimmed(b)
    }

    fn match_string(array: Ptr<Ptr<u8>>, len: usize, s: Ptr<u8>) -> i32 {
        const ELEMENT: usize = size_of::<usize>();
        let wanted = text(s);
        for index in 0..len {
            let item = *Ptr::<Ptr<u8>>::at(array.address() + index * ELEMENT).get();
            match item.option() {
                Some(_) if text(item) == wanted => return index as i32,
                Some(_) => {}
                None => break,
            }
        }
        Errno::EINVAL.to_c()
    }
}

exports! {
    "strcpy" => strcpy, Any;
    "strncpy" => strncpy, Any;
    "strlcpy" => strlcpy, Any;
    "strscpy" => strscpy, Any;
    "strcat" => strcat, Any;
    "strncat" => strncat, Any;
    "strlcat" => strlcat, Any;
    "strsep" => strsep, Any;
    "skip_spaces" => skip_spaces, Any;
    "strim" => strim, Any;
    "sysfs_streq" => sysfs_streq, Any;
    "match_string" => match_string, Any;
}
