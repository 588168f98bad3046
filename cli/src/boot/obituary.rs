//! What the guest prints when its machine dies, with names.
//!
//! Who dies prints addresses only. The image is here, with its symbols and lines; nothing is read
//! of it before the machine dies.

use std::fs;
use std::path::PathBuf;

use crate::lines::{Lines, function_at};

/// How the machine's last words begin.
const BEGIN: &[u8] = b"kthreads: fatal: ";

/// Adds names to the last words in a stream of text.
pub(crate) struct Obituary {
    image: PathBuf,
    /// The line that has not ended yet; while the machine lives it was passed on already.
    line: Vec<u8>,
    names: Option<Names>,
}

/// The image's functions and lines.
struct Names {
    file: Vec<u8>,
    lines: Option<Lines>,
}

impl Obituary {
    pub(crate) fn new(image: PathBuf) -> Obituary {
        Obituary { image, line: Vec::new(), names: None }
    }

    /// The next text of the guest, as it is to be shown.
    pub(crate) fn pass(&mut self, text: Vec<u8>) -> Vec<u8> {
        let mut shown = Vec::with_capacity(text.len());
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            let is_whole = piece.ends_with(b"\n");
            match &self.names {
                None => shown.extend_from_slice(piece),
                Some(names) if is_whole => shown.extend(names.annotate(&self.line)),
                Some(_) => {}
            }
            if is_whole {
                self.end_line();
            }
        }
        shown
    }

    /// What was kept back.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        match &self.names {
            Some(names) => names.annotate(&std::mem::take(&mut self.line)),
            None => Vec::new(),
        }
    }

    fn end_line(&mut self) {
        if self.names.is_none() && self.line.starts_with(BEGIN) {
            let file = fs::read(&self.image).unwrap_or_default();
            let lines = Lines::read(&file);
            self.names = Some(Names { file, lines });
        }
        self.line.clear();
    }
}

impl Names {
    /// A line, with the name of the first address of the kernel's text behind it.
    fn annotate(&self, line: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(line);
        let (is_place, is_call) = (text.starts_with("RIP: "), text.starts_with(" 0x"));
        let words = text.split_ascii_whitespace();
        let mut addresses = words.filter_map(|word| word.strip_prefix("0x"));
        let address = addresses.next().and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let Some(address) = address.filter(|_| is_place || is_call) else { return line.to_vec() };
        // A call is the instruction before the one it returns to.
        let Some(name) = self.describe(address, address - u64::from(is_call)) else {
            return line.to_vec();
        };
        let end = text.trim_end().len();
        format!("{} {name}{}", &text[..end], &text[end..]).into_bytes()
    }

    /// `address` is shown; `at` is the instruction that is meant.
    fn describe(&self, address: u64, at: u64) -> Option<String> {
        let (function, start) = function_at(&self.file, at)?;
        let function = rustc_demangle::demangle(&function);
        let line = self.lines.as_ref().and_then(|lines| lines.at(at));
        let line = line.map(|line| format!(" ({line})")).unwrap_or_default();
        Some(format!("{function:#}+{:#x}{line}", address - start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> u64 {
        here as fn() -> u64 as usize as u64
    }

    /// The tests' own program stands for the image; it is loaded elsewhere than its file says.
    fn own_address(name: &str) -> u64 {
        use object::{Object as _, ObjectSymbol as _};
        let file = fs::read(std::env::current_exe().expect("a program")).expect("its file");
        let elf = object::read::elf::ElfFile64::<object::LittleEndian>::parse(&*file);
        let elf = elf.expect("an ELF file");
        let mut symbols = elf.symbols();
        let symbol = symbols.find(|symbol| symbol.name().is_ok_and(|found| found.contains(name)));
        symbol.expect("a symbol").address()
    }

    #[test]
    fn last_words_get_names_and_nothing_else_does() {
        std::hint::black_box(here());
        let mut obituary = Obituary::new(std::env::current_exe().expect("a program"));
        let address = own_address("obituary5tests4here");
        let call = format!(" {:#x}\n", address + 1);
        assert_eq!(obituary.pass(call.clone().into_bytes()), call.as_bytes());
        let fatal = b"kthreads: fatal: a test, CPU 0: the machine stops\n";
        assert_eq!(obituary.pass(fatal.to_vec()), fatal);
        let (first, second) = call.split_at(4);
        assert_eq!(obituary.pass(first.into()), b"");
        let shown = String::from_utf8(obituary.pass(second.into())).expect("text");
        assert!(shown.starts_with(&format!(" {:#x} kthreads::boot", address + 1)), "{shown}");
        assert!(shown.contains("::here+0x1 (obituary.rs:"), "{shown}");
        assert_eq!(
            obituary.pass(b"RAX: 0000000000000001\nrest".to_vec()),
            b"RAX: 0000000000000001\n"
        );
        assert_eq!(obituary.finish(), b"rest");
    }
}
