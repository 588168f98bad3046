//! From a checked object to an image: placing, resolving, relocating, protecting.

use crate::class::{Class, PAGE_BYTES};
use crate::debug::DebugStore;
use crate::error::LoadError;
use crate::image::{Image, Stage};
use crate::memory::{Block, ImageMemory};
use crate::object::{GOT_SYMBOL, Object};
use crate::raw::{LE, Place, RawSymbol, Rela, RelocTable, site};
use crate::reloc::{Operands, RelocKind, Stored};
use crate::symbol::Binding;
use crate::tables::{self, Bytes, Export};
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU8;

pub(crate) fn load(
    object: &Object<'_>,
    memory: &dyn ImageMemory,
    resolve: &mut dyn FnMut(&str) -> Option<usize>,
) -> Result<Image, LoadError> {
    let outside = resolve_undefined(object, resolve)?;
    let mut block = Block::allocate(memory, object.image_bytes())?;
    let start = block.start().addr().get();
    let skipped = start.next_multiple_of(object.layout.align) - start;
    let base = start + skipped;
    let linker = Linker { object, base, values: values(object, base, &outside) };

    let bytes = &mut block.bytes_mut()[skipped..skipped + object.layout.len];
    linker.copy_sections(bytes);
    linker.fill_got_and_stubs(bytes)?;
    for table in &object.relocations {
        linker.relocate(table, bytes)?;
    }
    let exports = linker.exports(bytes)?;
    let init_array = linker.init_array(bytes);
    let symbols = linker.image_symbols(&exports);
    let sections = linker.image_sections();
    object.per_cpu.fill(&sections, base, bytes);

    let classes = object.layout.classes.clone();
    for class in Class::ALL {
        let range = &classes[class.index()];
        let len = range.len().next_multiple_of(PAGE_BYTES);
        block.protect(skipped + range.start, len, class.access());
    }
    Ok(Image {
        stage: AtomicU8::new(Stage::WithInit as u8),
        skipped,
        len: object.layout.len,
        classes: classes.map(|range| base + range.start..base + range.end),
        sections,
        per_cpu: object.per_cpu,
        symbols,
        modinfo: object.modinfo.clone(),
        exports,
        init_array,
        debug: DebugStore::keep(object, &linker.values),
        block: block.keep(),
    })
}

/// Looks up every symbol that is used and not defined, before any memory is taken, so that one
/// message can name all that are missing. The answer is per symbol of the file, 0 for the rest.
fn resolve_undefined(
    object: &Object<'_>,
    resolve: &mut dyn FnMut(&str) -> Option<usize>,
) -> Result<Vec<u64>, LoadError> {
    let mut outside = vec![0; object.symbols.len()];
    let mut missing = Vec::new();
    for index in object.undefined_indices() {
        let symbol = &object.symbols[index];
        match resolve(symbol.name) {
            Some(address) => outside[index] = address as u64,
            None if symbol.binding == Binding::Weak => {}
            None => missing.push(symbol.name.into()),
        }
    }
    if missing.is_empty() { Ok(outside) } else { Err(LoadError::UndefinedSymbols(missing)) }
}

/// Computes the address of every symbol of the file.
fn values(object: &Object<'_>, base: usize, outside: &[u64]) -> Vec<u64> {
    let layout = &object.layout;
    let value = |(index, symbol): (usize, &RawSymbol<'_>)| match symbol.place {
        Place::Undefined if symbol.name == GOT_SYMBOL => (base + layout.got.start) as u64,
        Place::Undefined => outside[index],
        Place::Absolute(value) => value,
        Place::Common { .. } => (base + layout.symbols[index].common.unwrap_or(0)) as u64,
        Place::Section { index, offset } => match layout.sections[index] {
            Some(section) => (base + section + offset) as u64,
            // A section that is not loaded has no address: what refers to it (debug sections
            // among themselves) means the offset.
            None => offset as u64,
        },
    };
    object.symbols.iter().enumerate().map(value).collect()
}

/// An object on its way to a known address.
pub(crate) struct Linker<'o, 'd> {
    pub(crate) object: &'o Object<'d>,
    pub(crate) base: usize,
    /// The address of every symbol of the file.
    pub(crate) values: Vec<u64>,
}

impl Linker<'_, '_> {
    fn copy_sections(&self, image: &mut [u8]) {
        for (section, offset) in self.object.sections.iter().zip(&self.object.layout.sections) {
            if let Some(offset) = *offset {
                image[offset..offset + section.bytes.len()].copy_from_slice(section.bytes);
            }
        }
    }

    fn fill_got_and_stubs(&self, image: &mut [u8]) -> Result<(), LoadError> {
        for (needs, value) in self.object.layout.symbols.iter().zip(&self.values) {
            let Some(slot) = needs.got_slot else { continue };
            image[slot..slot + 8].copy_from_slice(&value.to_le_bytes());
            let Some(stub) = needs.stub else { continue };
            // jmp *slot(%rip), counted from the end of the six bytes; then two breakpoints.
            let distance = i32::try_from(slot as i64 - (stub as i64 + 6))
                .map_err(|_| LoadError::malformed("the GOT is too far from the code"))?;
            let [a, b, c, d] = distance.to_le_bytes();
            image[stub..stub + 8].copy_from_slice(&[0xff, 0x25, a, b, c, d, 0xcc, 0xcc]);
        }
        Ok(())
    }

    fn relocate(&self, table: &RelocTable<'_>, image: &mut [u8]) -> Result<(), LoadError> {
        let Some(section) = self.object.layout.sections[table.target] else {
            return Ok(());
        };
        table.entries.iter().try_for_each(|entry| self.apply(table.target, section, entry, image))
    }

    fn apply(
        &self,
        target: usize,
        section: usize,
        entry: &Rela,
        image: &mut [u8],
    ) -> Result<(), LoadError> {
        let Some(kind) = RelocKind::from_elf(entry.r_type(LE, false)) else {
            return Ok(());
        };
        let place = section + entry.r_offset.get(LE) as usize;
        match kind.compute(self.operands(entry, place)) {
            Stored::Nothing => {}
            Stored::Word(word) => {
                image[place..place + 8].copy_from_slice(&word.to_le_bytes());
            }
            Stored::Distance(value) => {
                let Ok(distance) = i32::try_from(value) else {
                    let object = self.object;
                    let site = site(entry, &object.sections[target], &object.symbols);
                    return Err(LoadError::Overflow { kind: kind.name(), site, value });
                };
                image[place..place + 4].copy_from_slice(&distance.to_le_bytes());
            }
        }
        Ok(())
    }

    fn operands(&self, entry: &Rela, place: usize) -> Operands {
        let index = entry.r_sym(LE, false) as usize;
        let addend = entry.r_addend.get(LE);
        let place = (self.base + place) as u64;
        // A file without a symbol table can still have relocations against symbol 0.
        let symbol = self.values.get(index).copied().unwrap_or(0);
        let needs = self.object.layout.symbols.get(index).copied().unwrap_or_default();
        let address = |offset: usize| (self.base + offset) as u64;
        Operands {
            symbol,
            call_target: needs.stub.map_or(symbol, address),
            got_slot: needs.got_slot.map_or(0, address),
            addend,
            place,
        }
    }

    /// Pairs every loaded section named so with its contents.
    fn contents<'i>(
        &self,
        image: &'i [u8],
        wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&str, &'i [u8])> {
        let offsets = &self.object.layout.sections;
        let all = self.object.sections.iter().zip(offsets);
        all.filter(move |(section, _)| wanted(section.name)).filter_map(|(section, offset)| {
            let offset = (*offset)?;
            Some((section.name, &image[offset..offset + section.size]))
        })
    }

    fn exports(&self, image: &[u8]) -> Result<Vec<Export>, LoadError> {
        let bytes = Bytes { bytes: image, base: self.base };
        let mut exports = Vec::new();
        for (_, table) in self.contents(image, |name| name == "__ksymtab") {
            exports.extend(tables::exports(bytes, table)?);
        }
        Ok(exports)
    }

    fn init_array(&self, image: &[u8]) -> Vec<usize> {
        let ranked = self.contents(image, |name| tables::constructor_rank(name).is_some());
        let mut arrays: Vec<(&str, &[u8])> = ranked.collect();
        arrays.sort_by_key(|(name, _)| tables::constructor_rank(name));
        arrays.iter().flat_map(|(_, table)| tables::constructors(table)).collect()
    }
}
