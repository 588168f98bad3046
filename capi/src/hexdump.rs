//! Memory as hexadecimal text (Linux: lib/hexdump.c).

use alloc::vec::Vec;

use kthreads_kernel::Cx;
use kthreads_kernel::format::{FixedText, Output};

use crate::memory::bytes;
use crate::object::{Ptr, text};
use crate::print::Message;

/// What stands before each line of print_hex_dump.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    None,
    Address,
    Offset,
}

/// How a line is laid out.
#[derive(Clone, Copy)]
struct Layout {
    /// Bytes in a line: 16 or 32.
    row: usize,
    /// Bytes in a group: 1, 2, 4 or 8.
    group: usize,
    /// Whether the line ends with the bytes as characters.
    ascii: bool,
}

impl Layout {
    fn new(row: i32, group: i32, ascii: bool) -> Layout {
        let row = if row == 32 { 32 } else { 16 };
        let group = if matches!(group, 2 | 4 | 8) { group as usize } else { 1 };
        Layout { row, group, ascii }
    }

    /// Where the characters begin: behind the hexadecimal text of a full line.
    fn ascii_column(&self) -> usize {
        self.row * 2 + self.row / self.group + 1
    }

    /// Writes a line; a length that is no multiple of the group is written byte by byte.
    fn line(self, data: &[u8], out: &mut dyn Output) {
        let data = &data[..data.len().min(self.row)];
        let whole = data.len().is_multiple_of(self.group);
        let layout = if whole { self } else { Layout { group: 1, ..self } };
        let mut column = 0;
        for (nth, group) in data.chunks(layout.group).enumerate() {
            if nth > 0 {
                out.put(b" ");
                column += 1;
            }
            // The processor is little-endian: the last byte is the highest.
            for byte in group.iter().rev() {
                put_byte(out, *byte);
                column += 2;
            }
        }
        if !self.ascii || data.is_empty() {
            return;
        }
        for _ in column..layout.ascii_column() {
            out.put(b" ");
        }
        for byte in data {
            let shown = if matches!(byte, 0x20..=0x7e) { *byte } else { b'.' };
            out.put(&[shown]);
        }
    }
}

fn put_byte(out: &mut dyn Output, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.put(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

/// A line that is as long as it must be.
struct Line(Vec<u8>);

impl Output for Line {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fn print_line(cx: &Cx<'_>, level: &[u8], prefix: &[u8], place: &str, line: &[u8]) {
    let mut message = Message::new();
    for part in [level, prefix, place.as_bytes(), line, b"\n"] {
        message.put(part);
    }
    cx.kernel.printk(cx, message.as_bytes());
}

fn place_of(cx: &Cx<'_>, prefix: Prefix, address: usize, offset: usize) -> FixedText<32> {
    use core::fmt::Write;
    let mut place = FixedText::new();
    // The longest place fits.
    let _ = match prefix {
        Prefix::None => Ok(()),
        Prefix::Offset => write!(place, "{offset:08x}: "),
        Prefix::Address => {
            let key = cx.kernel.hash_key();
            let hashed = kthreads_kernel::format::hashed_pointer((address + offset) as u64, key);
            write!(place, "{hashed:016x}: ")
        }
    };
    place
}

export! {
    fn print_hex_dump(
        cx,
        level: Ptr<u8>,
        prefix_text: Ptr<u8>,
        prefix: i32,
        row: i32,
        group: i32,
        buf: Ptr<u8>,
        len: usize,
        ascii: bool,
    ) {
        let layout = Layout::new(row, group, ascii);
        let prefix = match prefix {
            1 => Prefix::Address,
            2 => Prefix::Offset,
            _ => Prefix::None,
        };
        for (nth, data) in bytes(buf, len).chunks(layout.row).enumerate() {
            let mut line = FixedText::<256>::new();
            layout.line(data, &mut line);
            let place = place_of(cx, prefix, buf.address(), nth * layout.row);
            print_line(cx, text(level), text(prefix_text), place.as_str(), line.as_bytes());
        }
    }

    fn hex_dump_to_buffer(
        _cx,
        buf: Ptr<u8>,
        len: usize,
        row: i32,
        group: i32,
        line: *mut u8,
        line_len: usize,
        ascii: bool,
    ) -> i32 {
        let layout = Layout::new(row, group, ascii);
        let mut whole = Line(Vec::new());
        layout.line(bytes(buf, len.min(layout.row)), &mut whole);
        if line_len > 0 {
            let taken = whole.0.len().min(line_len - 1);
            // SAFETY: C gives a buffer of `line_len` bytes.
            unsafe {
                core::ptr::copy(whole.0.as_ptr(), line, taken);
                line.add(taken).write(0);
            }
        }
        whole.0.len() as i32
    }
}

exports! {
    "print_hex_dump" => print_hex_dump, Any;
    "hex_dump_to_buffer" => hex_dump_to_buffer, Any;
}
