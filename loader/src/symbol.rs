//! The symbols of a loaded image, found by name and by address.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::ops::Range;
use object::elf;

/// Tells how widely a symbol is meant to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// Known in its source file.
    Local,
    /// Known in all files of the module; another definition may take its place.
    Weak,
    /// Known in all files of the module.
    Global,
}

impl Binding {
    pub(crate) fn from_elf(symbol: &elf::Sym64<object::LittleEndian>) -> Self {
        match symbol.st_bind() {
            elf::STB_LOCAL => Self::Local,
            elf::STB_WEAK => Self::Weak,
            _ => Self::Global,
        }
    }
}

/// Tells what a symbol stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A function.
    Function,
    /// A variable.
    Object,
    /// A section of the file; images do not list these.
    Section,
    /// The name of a source file; images do not list these.
    File,
    /// A label, or anything else.
    Other,
}

impl SymbolKind {
    pub(crate) fn from_elf(kind: elf::SymbolType) -> Self {
        match kind {
            elf::STT_FUNC => Self::Function,
            elf::STT_OBJECT | elf::STT_COMMON => Self::Object,
            elf::STT_SECTION => Self::Section,
            elf::STT_FILE => Self::File,
            _ => Self::Other,
        }
    }
}

/// Describes one symbol that an image defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub(crate) name: Box<str>,
    pub(crate) address: usize,
    pub(crate) size: usize,
    pub(crate) binding: Binding,
    pub(crate) kind: SymbolKind,
    pub(crate) letter: char,
    /// Absolute symbols name a number, not a place in the image.
    pub(crate) is_absolute: bool,
}

impl Symbol {
    /// Gives the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the run-time address (or the number, for an absolute symbol).
    pub fn address(&self) -> usize {
        self.address
    }

    /// Gives the size in bytes that the compiler stated, 0 if none.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Tells how widely the symbol is known.
    pub fn binding(&self) -> Binding {
        self.binding
    }

    /// Tells what the symbol stands for.
    pub fn kind(&self) -> SymbolKind {
        self.kind
    }

    /// Gives the letter of the symbol in `/proc/kallsyms`: t text, r read-only, d data, b zeroed
    /// data, a absolute, w and v weak; in upper case if the module exports the symbol, as Linux
    /// prints it.
    pub fn letter(&self) -> char {
        self.letter
    }
}

/// Says where an address lies: `name+offset/size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbolized<'a> {
    /// The nearest symbol at or before the address, in the same section.
    pub name: &'a str,
    /// How far behind the symbol the address is, in bytes.
    pub offset: usize,
    /// The distance from the symbol to the next one or the end of the section, as Linux counts.
    pub size: usize,
}

/// All symbols, sorted by address, with an index by name.
#[derive(Debug)]
pub(crate) struct SymbolTable {
    by_address: Vec<Symbol>,
    by_name: Box<[u32]>,
}

impl SymbolTable {
    pub(crate) fn new(mut symbols: Vec<Symbol>) -> Self {
        // Of several names for one address the widest known comes first, then the largest.
        symbols.sort_by(|a, b| {
            let key = |s: &Symbol| (s.address, Reverse(s.binding), Reverse(s.size));
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        let mut by_name: Vec<u32> = (0..symbols.len() as u32).collect();
        by_name.sort_by(|a, b| {
            let (a, b) = (&symbols[*a as usize], &symbols[*b as usize]);
            a.name.cmp(&b.name).then(b.binding.cmp(&a.binding))
        });
        Self { by_address: symbols, by_name: by_name.into() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Symbol> {
        self.by_address.iter()
    }

    /// Finds a symbol by name; a global one before a local one of the same name.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Symbol> {
        let symbol = |index: &u32| &self.by_address[*index as usize];
        let first = self.by_name.partition_point(|index| &*symbol(index).name < name);
        self.by_name.get(first).map(symbol).filter(|symbol| &*symbol.name == name)
    }

    /// Finds the nearest symbol at or before an address of a section.
    pub(crate) fn by_address(
        &self,
        address: usize,
        section: &Range<usize>,
    ) -> Option<Symbolized<'_>> {
        let symbols = &self.by_address;
        let behind = symbols.partition_point(|symbol| symbol.address <= address);
        let usable = |s: &&Symbol| !s.is_absolute;
        let nearest = symbols[..behind].iter().rev().find(usable)?;
        if nearest.address < section.start {
            return None;
        }
        let first = symbols.partition_point(|symbol| symbol.address < nearest.address);
        let name = symbols[first..behind].iter().find(usable).unwrap_or(nearest);
        let next = symbols[behind..].iter().find(usable).map_or(section.end, |s| s.address);
        Some(Symbolized {
            name: &name.name,
            offset: address - name.address,
            size: next.min(section.end) - name.address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn symbol(name: &str, address: usize, size: usize, binding: Binding) -> Symbol {
        let kind = SymbolKind::Function;
        let name = name.into();
        Symbol { name, address, size, binding, kind, letter: 't', is_absolute: false }
    }

    #[test]
    fn addresses_belong_to_the_nearest_symbol_before() {
        let table = SymbolTable::new(vec![
            symbol("b", 0x120, 0x10, Binding::Local),
            symbol("a", 0x100, 0x18, Binding::Local),
            symbol("alias", 0x100, 0x18, Binding::Global),
        ]);
        let section = 0x100..0x140;
        let found = |address| table.by_address(address, &section);
        assert_eq!(found(0x100), Some(Symbolized { name: "alias", offset: 0, size: 0x20 }));
        assert_eq!(found(0x11f), Some(Symbolized { name: "alias", offset: 0x1f, size: 0x20 }));
        assert_eq!(found(0x13f), Some(Symbolized { name: "b", offset: 0x1f, size: 0x20 }));
        assert_eq!(table.by_address(0x150, &(0x150..0x160)), None);
        assert_eq!(table.by_address(0xff, &(0..0x100)), None);
    }

    #[test]
    fn absolute_symbols_are_found_by_name_only() {
        let number = Symbol { is_absolute: true, ..symbol("number", 0x108, 0, Binding::Global) };
        let table = SymbolTable::new(vec![symbol("a", 0x100, 8, Binding::Local), number]);
        assert_eq!(table.by_name("number").map(Symbol::address), Some(0x108));
        let found = table.by_address(0x109, &(0x100..0x110));
        assert_eq!(found, Some(Symbolized { name: "a", offset: 9, size: 0x10 }));
    }

    #[test]
    fn a_global_name_wins_over_a_local_one() {
        let table = SymbolTable::new(vec![
            symbol("same", 0x100, 8, Binding::Local),
            symbol("same", 0x200, 8, Binding::Global),
            symbol("other", 0x300, 8, Binding::Local),
        ]);
        assert_eq!(table.by_name("same").map(Symbol::address), Some(0x200));
        assert_eq!(table.by_name("missing"), None);
    }
}
