//! Names and lines for addresses in modules, from their debugging files.

use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _};
use std::collections::HashMap;

use super::files::{self, Found};
use super::shared::Shared;
use crate::lines::{Lines, function_at};

/// The longest call instruction without prefixes.
const CALL_MAX_BYTES: u64 = 7;

/// Finds names and lines.
pub(super) struct Symbols {
    shared: Shared,
    /// Read modules, by their first address.
    modules: HashMap<u64, Option<Module>>,
}

struct Module {
    found: Found,
    lines: Option<Lines>,
}

impl Symbols {
    pub(super) fn new(shared: Shared) -> Symbols {
        Symbols { shared, modules: HashMap::new() }
    }

    /// Describes an instruction: `name+offset [module] (file:line)`.
    pub(super) fn place(&mut self, address: u64) -> Option<String> {
        self.module_of(address)?.describe(address, address)
    }

    /// Describes a word of a stack, if it is a return address: if a call stands before it.
    pub(super) fn return_place(&mut self, address: u64) -> Option<String> {
        let module = self.module_of(address)?;
        let is_return = module.follows_call(address);
        is_return.then(|| module.describe(address, address - 1)).flatten()
    }

    fn module_of(&mut self, address: u64) -> Option<&Module> {
        let found = files::find(self.shared, address)?;
        let base = found.base;
        let read = || {
            let lines = Lines::read(&found.file);
            Some(Module { found, lines })
        };
        self.modules.entry(base).or_insert_with(read).as_ref()
    }
}

impl Module {
    /// `address` is shown; `at` is the instruction that is meant.
    fn describe(&self, address: u64, at: u64) -> Option<String> {
        let Found { name, base, file, .. } = &self.found;
        let line = self.lines.as_ref().and_then(|lines| lines.at(at));
        let line = line.map(|line| format!(" ({line})")).unwrap_or_default();
        let symbol = function_at(file, at);
        let (symbol, start) = symbol.unwrap_or_else(|| ("base".to_owned(), *base));
        Some(format!("{symbol}+{:#x} [{name}]{line}", address - start))
    }

    fn follows_call(&self, address: u64) -> bool {
        let Ok(elf) = ElfFile64::<object::LittleEndian>::parse(self.found.file.as_slice()) else {
            return false;
        };
        let before = |back: u64| -> Option<&[u8]> {
            let start = address.checked_sub(back)?;
            elf.sections().find_map(|s| s.data_range(start, back).ok().flatten())
        };
        let is_direct = before(5).is_some_and(|code| code[0] == 0xe8);
        // `ff` with 2 in the middle of the next byte, whatever its operand.
        let is_indirect =
            |back| before(back).is_some_and(|code| code[0] == 0xff && code[1] >> 3 & 7 == 2);
        is_direct || (2..=CALL_MAX_BYTES).any(is_indirect)
    }
}
