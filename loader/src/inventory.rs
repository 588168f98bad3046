//! What an image will tell about itself: its sections and symbols, as the linker placed them.

use crate::class::Class;
use crate::image::Section;
use crate::link::Linker;
use crate::raw::{Home, Place, RawSymbol};
use crate::symbol::{Binding, Symbol, SymbolKind, SymbolTable};
use crate::tables::Export;
use alloc::boxed::Box;
use alloc::vec::Vec;

impl Linker<'_, '_> {
    /// Lists what the image consists of, the loader's own tables under the names that they have
    /// in linked programs.
    pub(crate) fn image_sections(&self) -> Vec<Section> {
        let layout = &self.object.layout;
        let sections = self.object.sections.iter().zip(&layout.sections);
        let loaded = sections.filter_map(|(section, offset)| match (section.home, *offset) {
            (Home::Loaded(class), Some(offset)) => {
                Some((section.name, class, offset..offset + section.size))
            }
            _ => None,
        });
        let own = [
            (".plt", Class::Text, layout.stubs.clone()),
            (".got", Class::ReadOnly, layout.got.clone()),
            ("COMMON", Class::Bss, layout.commons.clone()),
        ];
        loaded
            .chain(own.into_iter().filter(|(_, _, range)| !range.is_empty()))
            .map(|(name, class, range)| {
                let range = self.base + range.start..self.base + range.end;
                Section { name: name.into(), class, range }
            })
            .collect()
    }

    pub(crate) fn image_symbols(&self, exports: &[Export]) -> SymbolTable {
        let mut exported: Vec<&str> = exports.iter().map(|export| export.name.as_str()).collect();
        exported.sort_unstable();
        let symbols = self.object.symbols.iter().zip(&self.values);
        SymbolTable::new(symbols.filter_map(|(s, v)| self.image_symbol(s, *v, &exported)).collect())
    }

    fn image_symbol(
        &self,
        symbol: &RawSymbol<'_>,
        value: u64,
        exported: &[&str],
    ) -> Option<Symbol> {
        // Names in .L are the assembler's own labels.
        let is_named = !symbol.name.is_empty() && !symbol.name.starts_with(".L");
        if !is_named || matches!(symbol.kind, SymbolKind::Section | SymbolKind::File) {
            return None;
        }
        let letter = self.letter(symbol)?;
        let is_exported = exported.binary_search(&symbol.name).is_ok();
        Some(Symbol {
            name: Box::from(symbol.name),
            address: value as usize,
            size: symbol.size,
            binding: symbol.binding,
            kind: symbol.kind,
            letter: if is_exported { letter.to_ascii_uppercase() } else { letter },
            is_absolute: matches!(symbol.place, Place::Absolute(_)),
        })
    }

    /// Chooses the letter of a symbol; `None` for one that is not part of the image.
    fn letter(&self, symbol: &RawSymbol<'_>) -> Option<char> {
        let class = match symbol.place {
            Place::Undefined => return None,
            Place::Absolute(_) => return Some('a'),
            Place::Common { .. } => Class::Bss,
            Place::Section { index, .. } => match self.object.sections[index].home {
                Home::Loaded(class) => class,
                Home::Debug | Home::Ignored => return None,
            },
        };
        Some(match class {
            _ if symbol.binding == Binding::Weak && symbol.kind == SymbolKind::Object => 'v',
            _ if symbol.binding == Binding::Weak => 'w',
            Class::Text | Class::InitText => 't',
            Class::ReadOnly | Class::InitReadOnly => 'r',
            Class::InitData | Class::ReadOnlyAfterInit | Class::Data | Class::PerCpu => 'd',
            Class::Bss => 'b',
        })
    }
}
