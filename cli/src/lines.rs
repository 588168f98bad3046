//! Functions and lines of source behind addresses, from ELF files with debugging information.

use std::sync::Arc;

use addr2line::Context;
use gimli::{Dwarf, EndianArcSlice, LittleEndian};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};

type Reader = EndianArcSlice<LittleEndian>;

/// The lines of a program.
pub(crate) struct Lines(Context<Reader>);

impl Lines {
    /// Reads them from a program's file; None if it has none.
    pub(crate) fn read(file: &[u8]) -> Option<Lines> {
        let elf = ElfFile64::<object::LittleEndian>::parse(file).ok()?;
        let load = |id: gimli::SectionId| -> Result<Reader, gimli::Error> {
            let section = elf.section_by_name(id.name());
            let bytes = section.and_then(|section| section.data().ok()).unwrap_or_default();
            Ok(Reader::new(Arc::from(bytes), LittleEndian))
        };
        Context::from_dwarf(Dwarf::load(load).ok()?).ok().map(Lines)
    }

    /// The `file:line` that an instruction was made from.
    pub(crate) fn at(&self, address: u64) -> Option<String> {
        let mut frames = self.0.find_frames(address).skip_all_loads().ok()?;
        let location = frames.next().ok()??.location?;
        let (path, line) = (location.file?, location.line?);
        let file = path.rsplit('/').next().unwrap_or(path);
        Some(format!("{file}:{line}"))
    }
}

/// The function that an address lies in, with its own address.
pub(crate) fn function_at(file: &[u8], address: u64) -> Option<(String, u64)> {
    let elf = ElfFile64::<object::LittleEndian>::parse(file).ok()?;
    let functions = elf.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
    let before = functions.filter(|symbol| symbol.address() <= address);
    let near = before.max_by_key(|symbol| symbol.address())?;
    (address - near.address() < near.size().max(1))
        .then(|| near.name().ok().map(|name| (name.to_owned(), near.address())))?
}
