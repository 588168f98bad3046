//! Tests of the formats: recorded vectors, what only we define, and random input.

extern crate std;

mod ours;
mod random;
mod vectors;

use std::fmt::Write;
use std::string::String;
use std::vec::Vec;

use super::{Args, Env, Output, Symbol};

/// Hands out words from a list, then zeros.
pub(super) struct Words(pub(super) std::vec::IntoIter<u64>);

impl Args for Words {
    fn next(&mut self) -> u64 {
        self.0.next().unwrap_or(0)
    }
}

pub(super) fn words(list: &[u64]) -> Words {
    Words(Vec::from(list).into_iter())
}

impl Output for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// C memory of a test: objects far from each other, each followed by zeros, and nothing between them.
#[derive(Default)]
pub(super) struct Memory {
    objects: Vec<Vec<u8>>,
    symbols: Vec<(u64, String)>,
}

const OBJECT_STRIDE: u64 = 0x10_0000;
const OBJECT_SIZE: usize = 96;

impl Memory {
    pub(super) fn add(&mut self, bytes: &[u8]) -> u64 {
        let mut object = bytes.to_vec();
        object.resize(OBJECT_SIZE.max(bytes.len()), 0);
        self.add_exactly(&object)
    }

    /// Adds an object with nothing readable behind it.
    pub(super) fn add_exactly(&mut self, bytes: &[u8]) -> u64 {
        self.objects.push(bytes.to_vec());
        self.objects.len() as u64 * OBJECT_STRIDE
    }

    pub(super) fn add_symbol(&mut self, name: &str) -> u64 {
        let addr = self.add(&[]);
        self.symbols.push((addr, name.into()));
        addr
    }
}

impl Env for Memory {
    fn read(&self, addr: u64, buf: &mut [u8]) -> usize {
        let index = (addr / OBJECT_STRIDE).wrapping_sub(1) as usize;
        let Some(object) = self.objects.get(index) else { return 0 };
        let rest = object.get((addr % OBJECT_STRIDE) as usize..).unwrap_or(&[]);
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        count
    }

    fn symbol(&self, addr: u64, found: &mut dyn FnMut(Symbol<'_>)) -> bool {
        let covers = |start: u64| addr.wrapping_sub(start) < OBJECT_SIZE as u64;
        let Some((start, name)) = self.symbols.iter().find(|(start, _)| covers(*start)) else {
            return false;
        };
        let (name, module) = match name.split_once('@') {
            Some((name, module)) => (name, Some(module)),
            None => (name.as_str(), None),
        };
        found(Symbol { name, offset: addr - start, size: OBJECT_SIZE as u64, module });
        true
    }

    fn hash_key(&self) -> [u64; 2] {
        [1, 2]
    }

    fn va_format(&self, addr: u64, run: &mut dyn FnMut(&[u8], &mut dyn Args)) -> bool {
        let mut object = [0; 64];
        if self.read(addr, &mut object) == 0 {
            return false;
        }
        run(&object, &mut words(&[42, addr, addr]));
        true
    }
}

/// Formats to a string.
pub(super) fn text(fmt: &str, args: &[u64], memory: &Memory) -> String {
    let mut out = Vec::new();
    let length = super::format(&mut out, fmt.as_bytes(), &mut words(args), memory);
    assert_eq!(length, out.len());
    String::from_utf8_lossy(&out).into_owned()
}

/// Shows bytes as the recording module does.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => write!(shown, "\\x{byte:02x}").unwrap(),
            b' '..=b'~' => shown.push(byte.into()),
            _ => write!(shown, "\\x{byte:02x}").unwrap(),
        }
    }
    shown
}
