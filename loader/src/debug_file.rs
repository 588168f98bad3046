//! A module as debuggers want it: an ELF file in which every address is the one at run time.
//!
//! It is a copy of the object file that was loaded, changed in place: sections have the addresses
//! they were loaded at, symbols their values, the debug sections are relocated, and the relocation
//! tables are emptied, so that nobody applies them again. The file calls itself an executable:
//! readers add the address of its section to a symbol of a relocatable object.

use crate::image::Image;
use crate::object::Object;
use crate::raw::{Home, LE, Place};
use alloc::vec::Vec;
use object::elf;
use object::read::elf::{FileHeader, SectionHeader};

const TYPE_AT: usize = 16;
/// Sizes and places of fields in 64-bit ELF structures, from the file format's specification.
const SECTION_HEADER_BYTES: usize = 64;
const SECTION_TYPE_AT: usize = 4;
const SECTION_ADDRESS_AT: usize = 16;
const SECTION_SIZE_AT: usize = 32;
const SYMBOL_BYTES: usize = 24;
const SYMBOL_SECTION_AT: usize = 6;
const SYMBOL_VALUE_AT: usize = 8;

impl Object<'_> {
    /// Makes the file that tells a debugger all about an image: `data` is the object file that
    /// `self` was parsed from, `image` what [`load`](Object::load) made of it.
    ///
    /// `None` if the object was loaded [without](Object::without_debug) debug sections, or `data`
    /// is another file.
    pub fn debug_file(&self, data: &[u8], image: &Image) -> Option<Vec<u8>> {
        let values = image.debug.values();
        if values.len() != self.symbols.len() {
            return None;
        }
        let mut file = data.to_vec();
        put(&mut file, TYPE_AT, &elf::ET_EXEC.0.to_le_bytes())?;
        self.place_sections(data, image, &mut file)?;
        self.place_symbols(data, values, &mut file)?;
        for (index, bytes) in image.debug.relocated_by_index() {
            let header = section_header(data, index)?;
            put(&mut file, header.sh_offset(LE) as usize, &bytes)?;
        }
        Some(file)
    }

    fn place_sections(&self, data: &[u8], image: &Image, file: &mut [u8]) -> Option<()> {
        let table = table_start(data)?;
        for (index, section) in self.sections.iter().enumerate() {
            let at = table.checked_add(index.checked_mul(SECTION_HEADER_BYTES)?)?;
            if let (Home::Loaded(_), Some(offset)) = (section.home, self.layout.sections[index]) {
                let address = (image.base() + offset) as u64;
                put(file, at + SECTION_ADDRESS_AT, &address.to_le_bytes())?;
            }
            let kind = section_header(data, index)?.sh_type(LE);
            if matches!(kind, elf::SHT_RELA | elf::SHT_REL | elf::SHT_GROUP) {
                put(file, at + SECTION_TYPE_AT, &elf::SHT_NULL.0.to_le_bytes())?;
                put(file, at + SECTION_SIZE_AT, &0u64.to_le_bytes())?;
            }
        }
        Some(())
    }

    fn place_symbols(&self, data: &[u8], values: &[u64], file: &mut [u8]) -> Option<()> {
        let sections = header(data)?.section_headers(LE, data).ok()?;
        let Some(table) = sections.iter().find(|s| s.sh_type(LE) == elf::SHT_SYMTAB) else {
            return Some(());
        };
        let start = table.sh_offset(LE) as usize;
        for (index, symbol) in self.symbols.iter().enumerate().skip(1) {
            let at = start.checked_add(index.checked_mul(SYMBOL_BYTES)?)?;
            match symbol.place {
                Place::Undefined | Place::Absolute(_) => continue,
                // It lies in memory that belongs to no section of the file.
                Place::Common { .. } => {
                    put(file, at + SYMBOL_SECTION_AT, &elf::SHN_ABS.0.to_le_bytes())?;
                }
                Place::Section { .. } => {}
            }
            put(file, at + SYMBOL_VALUE_AT, &values[index].to_le_bytes())?;
        }
        Some(())
    }
}

fn header(data: &[u8]) -> Option<&crate::raw::Header> {
    crate::raw::header(data).ok()
}

fn table_start(data: &[u8]) -> Option<usize> {
    usize::try_from(header(data)?.e_shoff(LE)).ok()
}

fn section_header(
    data: &[u8],
    index: usize,
) -> Option<&elf::SectionHeader64<object::LittleEndian>> {
    header(data)?.section_headers(LE, data).ok()?.get(index)
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) -> Option<()> {
    file.get_mut(at..at.checked_add(bytes.len())?)?.copy_from_slice(bytes);
    Some(())
}
