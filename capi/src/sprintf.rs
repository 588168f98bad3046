//! Formats to and from memory (Linux: linux/sprintf.h).

use kthreads_kernel::Cx;
use kthreads_kernel::format::{Args, Output, Scanned, sscanf as scan};

use crate::env;
use crate::memory::allocate;
use crate::object::{Ptr, text};
use crate::va_list::VaPtr;

/// A buffer of C's. It may be the one that the arguments point into.
struct Buffer {
    start: *mut u8,
    /// Bytes that fit, the NUL counted.
    room: usize,
    len: usize,
}

impl Output for Buffer {
    fn put(&mut self, bytes: &[u8]) {
        let left = self.room.saturating_sub(self.len + 1);
        let taken = bytes.len().min(left);
        // SAFETY: C gives a buffer of `room` bytes, and `len + taken` is below that.
        unsafe { core::ptr::copy(bytes.as_ptr(), self.start.add(self.len), taken) };
        self.len += taken;
    }
}

/// Formats into a buffer of `room` bytes; returns the length of the whole text.
fn format_into(start: usize, room: usize, fmt: Ptr<u8>, args: &mut dyn Args) -> usize {
    let mut buffer = Buffer { start: start as *mut u8, room, len: 0 };
    let len = env::write(&mut buffer, fmt, args);
    if room > 0 {
        // SAFETY: `len` stays below `room`.
        unsafe { buffer.start.add(buffer.len).write(0) };
    }
    len
}

/// A size that is negative as an int is a mistake of the caller's (Linux: WARN_ON_ONCE).
fn is_sane(cx: &Cx<'_>, room: usize) -> bool {
    let sane = room <= i32::MAX as usize;
    if !sane {
        cx.kernel.warn_once(cx, "vsnprintf with a size above INT_MAX");
    }
    sane
}

fn print(cx: &Cx<'_>, buf: usize, room: usize, fmt: Ptr<u8>, args: VaPtr) -> i32 {
    if !is_sane(cx, room) {
        return 0;
    }
    format_into(buf, room, fmt, args.get()) as i32
}

fn print_allocated(cx: &Cx<'_>, flags: u32, fmt: Ptr<u8>, args: VaPtr, place: usize) -> usize {
    let len = format_into(0, 0, fmt, &mut args.copy());
    let memory = allocate(cx, len + 1, flags, place);
    if memory != 0 {
        format_into(memory, len + 1, fmt, args.get());
    }
    memory
}

/// Stores what a conversion of sscanf has read at the address its argument gave.
fn store(address: u64, value: Scanned<'_>) {
    let place = address as *mut u8;
    match value {
        Scanned::Int { bytes, value } => {
            let bytes = &value.to_le_bytes()[..usize::from(bytes)];
            // SAFETY: C gives an object of the size that the conversion says.
            unsafe { core::ptr::copy(bytes.as_ptr(), place, bytes.len()) };
        }
        Scanned::Chars(chars) => {
            // SAFETY: C gives as many bytes as the width says.
            unsafe { core::ptr::copy(chars.as_ptr(), place, chars.len()) };
        }
        Scanned::Text(text) => {
            // SAFETY: C gives room for the text and its NUL.
            unsafe {
                core::ptr::copy(text.as_ptr(), place, text.len());
                place.add(text.len()).write(0);
            }
        }
    }
}

export! {
    fn vsprintf(cx, buf: usize, fmt: Ptr<u8>, args: VaPtr) -> i32 {
        print(cx, buf, i32::MAX as usize, fmt, args)
    }

    fn vsnprintf(cx, buf: usize, size: usize, fmt: Ptr<u8>, args: VaPtr) -> i32 {
        print(cx, buf, size, fmt, args)
    }

    fn vscnprintf(cx, buf: usize, size: usize, fmt: Ptr<u8>, args: VaPtr) -> i32 {
        if size == 0 {
            return 0;
        }
        print(cx, buf, size, fmt, args).min((size - 1).min(i32::MAX as usize) as i32)
    }

    fn kvasprintf_from(cx, flags: u32, fmt: Ptr<u8>, args: VaPtr, place: usize) -> usize {
        print_allocated(cx, flags, fmt, args, place)
    }

    fn vkasprintf(cx, flags: u32, fmt: Ptr<u8>, args: VaPtr) -> usize {
        let place = args.get().return_address();
        print_allocated(cx, flags, fmt, args, place)
    }

    fn vsscanf(_cx, buf: Ptr<u8>, fmt: Ptr<u8>, args: VaPtr) -> i32 {
        scan(text(buf), text(fmt), args.get(), &mut store)
    }
}

variadic!(sprintf, 2, "rdx" => vsprintf);
variadic!(snprintf, 3, "rcx" => vsnprintf);
variadic!(scnprintf, 3, "rcx" => vscnprintf);
variadic!(kasprintf, 2, "rdx" => vkasprintf);
variadic!(sscanf, 2, "rdx" => vsscanf);

with_caller! {
    kvasprintf, "rcx" => kvasprintf_from;
}

exports! {
    "sprintf" => sprintf, Any;
    "vsprintf" => vsprintf, Any;
    "snprintf" => snprintf, Any;
    "vsnprintf" => vsnprintf, Any;
    "scnprintf" => scnprintf, Any;
    "vscnprintf" => vscnprintf, Any;
    "kasprintf" => kasprintf, Any;
    "kvasprintf" => kvasprintf, Any;
    "sscanf" => sscanf, Any;
    "vsscanf" => vsscanf, Any;
}
