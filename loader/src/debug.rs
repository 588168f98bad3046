//! Debug sections: copied when the module is loaded, relocated when somebody asks.

use crate::object::Object;
use crate::raw::{Home, LE, Rela};
use alloc::boxed::Box;
use alloc::vec::Vec;
use object::elf;

/// Whether an image keeps its debug sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DebugInfo {
    Keep,
    LeaveOut,
}

/// Gives one debug section with all its addresses as they are at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebugSection<'a> {
    /// The name, such as `.debug_line`.
    pub name: &'a str,
    /// The relocated contents.
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
struct Kept {
    /// The number of the section in the file.
    index: usize,
    name: Box<str>,
    bytes: Box<[u8]>,
    fixups: Vec<Rela>,
}

/// The debug sections of an image, as they were in the file.
#[derive(Debug, Default)]
pub(crate) struct DebugStore {
    sections: Vec<Kept>,
    /// The address of every symbol of the file; 0 for the debug sections themselves, since they
    /// refer to each other by offset.
    values: Box<[u64]>,
}

impl DebugStore {
    pub(crate) fn keep(object: &Object<'_>, values: &[u64]) -> Self {
        if object.debug == DebugInfo::LeaveOut {
            return Self::default();
        }
        let all = object.sections.iter().enumerate();
        let sections = all
            .filter(|(_, section)| section.home == Home::Debug)
            .map(|(index, section)| {
                let tables = object.relocations.iter().filter(|table| table.target == index);
                let fixups = tables.flat_map(|table| table.entries).copied().collect();
                let name = section.name.into();
                Kept { index, name, bytes: section.bytes.into(), fixups }
            })
            .collect();
        Self { sections, values: values.into() }
    }

    pub(crate) fn relocated(&self) -> Vec<DebugSection<'_>> {
        let sections = self.sections.iter();
        sections.map(|kept| DebugSection { name: &kept.name, bytes: self.relocate(kept) }).collect()
    }

    /// The relocated sections, each with its number in the file.
    pub(crate) fn relocated_by_index(&self) -> impl Iterator<Item = (usize, Vec<u8>)> {
        self.sections.iter().map(|kept| (kept.index, self.relocate(kept)))
    }

    /// The address of every symbol of the file; empty if nothing was kept.
    pub(crate) fn values(&self) -> &[u64] {
        &self.values
    }

    fn relocate(&self, kept: &Kept) -> Vec<u8> {
        let mut bytes = kept.bytes.to_vec();
        for fixup in &kept.fixups {
            self.apply(fixup, &mut bytes);
        }
        bytes
    }

    /// Debug information never decides whether a module runs: a fixup that makes no sense is left
    /// out, and whoever reads the section sees a zero there.
    fn apply(&self, fixup: &Rela, bytes: &mut [u8]) -> Option<()> {
        let start = usize::try_from(fixup.r_offset.get(LE)).ok()?;
        let symbol = self.values.get(fixup.r_sym(LE, false) as usize)?;
        let value = symbol.wrapping_add_signed(fixup.r_addend.get(LE)).to_le_bytes();
        let width = match fixup.r_type(LE, false) {
            elf::R_X86_64_64 => 8,
            elf::R_X86_64_32 => 4,
            _ => return None,
        };
        let field = bytes.get_mut(start..start.checked_add(width)?)?;
        field.copy_from_slice(&value[..width]);
        Some(())
    }
}
