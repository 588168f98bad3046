//! A parsed and checked object file.

use crate::Class;
use crate::debug::DebugInfo;
use crate::error::LoadError;
use crate::image::Image;
use crate::layout::Layout;
use crate::link;
use crate::memory::ImageMemory;
use crate::modinfo::{ModInfo, ModParam};
use crate::per_cpu::PerCpu;
use crate::raw::{self, Home, LE, Place, RawSection, RawSymbol, RelocTable};
use crate::symbol::Binding;
use alloc::vec::Vec;
use object::elf;
use object::read::elf::FileHeader;

/// The name that compilers mention without using it; it stands for the start of the GOT.
pub(crate) const GOT_SYMBOL: &str = "_GLOBAL_OFFSET_TABLE_";

/// Names a symbol that the object uses and does not define.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndefinedSymbol<'a> {
    /// The name to look up.
    pub name: &'a str,
    /// [`Binding::Weak`] if the object can do without: its address is then 0.
    pub binding: Binding,
}

/// Describes a section of the file that an image will hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionInfo<'a> {
    /// The name.
    pub name: &'a str,
    /// Where its memory will be.
    pub class: Class,
    /// The size in bytes.
    pub size: usize,
}

/// Holds a relocatable object that passed every check that needs no memory and no symbols.
pub struct Object<'d> {
    pub(crate) sections: Vec<RawSection<'d>>,
    pub(crate) symbols: Vec<RawSymbol<'d>>,
    pub(crate) relocations: Vec<RelocTable<'d>>,
    pub(crate) modinfo: ModInfo,
    pub(crate) layout: Layout,
    pub(crate) debug: DebugInfo,
    pub(crate) per_cpu: PerCpu,
}

impl<'d> Object<'d> {
    /// Reads an object file and checks everything in it.
    ///
    /// # Errors
    ///
    /// Every [`LoadError`] but undefined symbols, overflow and lack of memory.
    pub fn parse(data: &'d [u8]) -> Result<Self, LoadError> {
        let table = raw::header(data)?.sections(LE, data)?;
        let sections = raw::sections(&table, data)?;
        let mut modinfo = ModInfo::default();
        for section in sections.iter().filter(|section| section.name == ".modinfo") {
            modinfo.add(section.bytes);
        }
        raw::reject_linux_build(&sections, &modinfo)?;
        let symbols = raw::symbols(&table.symbols(LE, data, elf::SHT_SYMTAB)?, &sections)?;
        let relocations = raw::relocations(&table, data, &sections, &symbols)?;
        let per_cpu = PerCpu::ONE_CPU;
        let layout = Layout::plan(&sections, &symbols, &relocations, per_cpu)?;
        let debug = DebugInfo::Keep;
        Ok(Self { sections, symbols, relocations, modinfo, layout, debug, per_cpu })
    }

    /// Leaves the debug sections out of the image, which saves a copy of them.
    #[must_use]
    pub fn without_debug(mut self) -> Self {
        self.debug = DebugInfo::LeaveOut;
        self
    }

    /// Makes copies of the per-CPU variables for all CPUs when the object is loaded; without this
    /// there is the first CPU's only.
    ///
    /// # Errors
    ///
    /// [`LoadError::Unsupported`] if they are larger than the stride, [`LoadError::Malformed`] if
    /// the image becomes too large.
    pub fn with_per_cpu(mut self, per_cpu: PerCpu) -> Result<Self, LoadError> {
        self.layout = Layout::plan(&self.sections, &self.symbols, &self.relocations, per_cpu)?;
        self.per_cpu = per_cpu;
        Ok(self)
    }

    /// Iterates over the sections that will be loaded, in file order.
    pub fn sections(&self) -> impl Iterator<Item = SectionInfo<'_>> {
        self.sections.iter().filter_map(|section| match section.home {
            Home::Loaded(class) => {
                Some(SectionInfo { name: section.name, class, size: section.size })
            }
            Home::Debug | Home::Ignored => None,
        })
    }

    /// Iterates over the symbols that loading will look up, in the order of the symbol table.
    ///
    /// Symbols that the file names but never uses are left out.
    pub fn undefined(&self) -> impl Iterator<Item = UndefinedSymbol<'_>> {
        self.undefined_indices().map(|index| {
            let symbol = &self.symbols[index];
            UndefinedSymbol { name: symbol.name, binding: symbol.binding }
        })
    }

    pub(crate) fn undefined_indices(&self) -> impl Iterator<Item = usize> {
        (1..self.symbols.len()).filter(|index| {
            let symbol = &self.symbols[*index];
            matches!(symbol.place, Place::Undefined)
                && self.layout.symbols[*index].is_referenced
                && symbol.name != GOT_SYMBOL
        })
    }

    /// Tells whether the object defines a symbol, such as `init_module`.
    pub fn defines(&self, name: &str) -> bool {
        let defined = |s: &RawSymbol<'_>| !matches!(s.place, Place::Undefined);
        self.symbols.iter().any(|symbol| symbol.name == name && defined(symbol))
    }

    /// Gives what the module says about itself.
    pub fn modinfo(&self) -> &ModInfo {
        &self.modinfo
    }

    /// Lists the module's parameters.
    pub fn params(&self) -> Vec<ModParam<'_>> {
        self.modinfo.params()
    }

    /// Gives the number of bytes that [`load`](Self::load) will allocate for the image.
    pub fn image_bytes(&self) -> usize {
        self.layout.len + self.layout.align - crate::PAGE_BYTES
    }

    /// Makes a running image: places the sections, resolves, relocates, protects.
    ///
    /// `resolve` is asked once for each symbol of [`undefined`](Self::undefined). No code of the
    /// module runs here.
    ///
    /// # Errors
    ///
    /// [`LoadError::UndefinedSymbols`], [`LoadError::OutOfMemory`], [`LoadError::Overflow`], or
    /// [`LoadError::Malformed`] if a table inside the image makes no sense. All memory is given
    /// back then.
    pub fn load(
        &self,
        memory: &dyn ImageMemory,
        resolve: &mut dyn FnMut(&str) -> Option<usize>,
    ) -> Result<Image, LoadError> {
        link::load(self, memory, resolve)
    }
}

impl core::fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Object")
            .field("sections", &self.sections.len())
            .field("symbols", &self.symbols.len())
            .field("image_bytes", &self.image_bytes())
            .finish()
    }
}
