//! The checked reading of the file: header, sections, symbols, relocation tables.
//!
//! What these functions return can be used without further checks: section bytes are inside the
//! file, symbols refer to sections that exist, every relocation of a loaded section is of a kind
//! that the loader knows and changes bytes inside that section.

use crate::class::Class;
use crate::error::{FileKind, LoadError, Site};
use crate::modinfo::ModInfo;
use crate::reloc::{RelocKind, display_name};
use crate::symbol::{Binding, SymbolKind};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use object::elf::{self, FileHeader64, Rela64, SectionHeader64};
use object::read::elf::{FileHeader, SectionHeader, SectionTable, Sym, SymbolTable};
use object::{LittleEndian, SymbolIndex};

pub(crate) const LE: LittleEndian = LittleEndian;
pub(crate) type Header = FileHeader64<LittleEndian>;
pub(crate) type Rela = Rela64<LittleEndian>;

/// Images are smaller than this, so that references inside one always fit into 32 bits.
pub(crate) const MAX_IMAGE_BYTES: u64 = 1 << 30;
const MAX_ALIGN: u64 = 1 << 21;

/// What happens to a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Loaded(Class),
    Debug,
    Ignored,
}

pub(crate) struct RawSection<'d> {
    pub(crate) name: &'d str,
    pub(crate) home: Home,
    pub(crate) size: usize,
    pub(crate) align: usize,
    /// Empty for sections that start as zeroes.
    pub(crate) bytes: &'d [u8],
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Undefined,
    Absolute(u64),
    Common { align: usize },
    Section { index: usize, offset: usize },
}

pub(crate) struct RawSymbol<'d> {
    pub(crate) name: &'d str,
    pub(crate) place: Place,
    pub(crate) size: usize,
    pub(crate) binding: Binding,
    pub(crate) kind: SymbolKind,
}

pub(crate) struct RelocTable<'d> {
    pub(crate) target: usize,
    pub(crate) entries: &'d [Rela],
}

pub(crate) fn header(data: &[u8]) -> Result<&Header, LoadError> {
    if !data.starts_with(&elf::ELFMAG) {
        return Err(LoadError::NotElf);
    }
    match data.get(4) {
        Some(class) if *class == elf::ELFCLASS64.0 => {}
        Some(class) if *class == elf::ELFCLASS32.0 => return Err(LoadError::Not64Bit),
        _ => return Err(LoadError::malformed("the file header names no word size")),
    }
    let header = Header::parse(data)?;
    // Reads numbers as little-endian whatever the file says: right for x86-64, and for a
    // big-endian file only the machine number in the message would come out swapped.
    let machine = match header.is_big_endian() {
        true => elf::Machine(header.e_machine(LE).0.swap_bytes()),
        false => header.e_machine(LE),
    };
    if machine != elf::EM_X86_64 {
        let name = machine.name().map(|name| name.strip_prefix("EM_").unwrap_or(name));
        return Err(LoadError::WrongMachine { machine: machine.0, name });
    }
    if header.is_big_endian() {
        return Err(LoadError::malformed("an x86-64 file that claims to be big-endian"));
    }
    match header.e_type(LE) {
        elf::ET_REL => Ok(header),
        elf::ET_EXEC => Err(LoadError::NotRelocatable(FileKind::Executable)),
        elf::ET_DYN => Err(LoadError::NotRelocatable(FileKind::SharedObject)),
        elf::ET_CORE => Err(LoadError::NotRelocatable(FileKind::CoreDump)),
        other => Err(LoadError::NotRelocatable(FileKind::Other(other.0))),
    }
}

pub(crate) type Sections<'d> = SectionTable<'d, Header>;

pub(crate) fn sections<'d>(
    table: &Sections<'d>,
    data: &'d [u8],
) -> Result<Vec<RawSection<'d>>, LoadError> {
    // Compilers never let sections share bytes; without this check a small file could claim
    // thousands of huge ones and keep the loader busy.
    let stored = |s: &SectionHeader64<LittleEndian>| s.file_range(LE).map_or(0, |(_, size)| size);
    let total = table.iter().try_fold(0u64, |sum, s| sum.checked_add(stored(s)));
    if total.is_none_or(|total| total > data.len() as u64) {
        return Err(LoadError::malformed("the sections are larger than the file"));
    }
    table.iter().map(|s| section(table, data, s)).collect()
}

fn section<'d>(
    table: &Sections<'d>,
    data: &'d [u8],
    section: &'d SectionHeader64<LittleEndian>,
) -> Result<RawSection<'d>, LoadError> {
    let name = text(table.section_name(LE, section)?, "section")?;
    let (flags, kind) = (section.sh_flags(LE), section.sh_type(LE));
    let home = home(name, flags, kind);
    if !matches!(home, Home::Loaded(_)) {
        return Ok(RawSection { name, home, size: 0, align: 1, bytes: section.data(LE, data)? });
    }
    reject_what_modules_cannot_have(name, flags)?;
    let size = section.sh_size(LE);
    let align = section.sh_addralign(LE).max(1);
    if size >= MAX_IMAGE_BYTES {
        return Err(LoadError::malformed(format!("section {name} has {size:#x} bytes")));
    }
    let bytes = section.data(LE, data)?;
    Ok(RawSection { name, home, size: size as usize, align: checked_align(name, align)?, bytes })
}

fn home(name: &str, flags: elf::SectionFlags, kind: elf::SectionType) -> Home {
    if flags.0 & elf::SHF_ALLOC.0 != 0 {
        return Home::Loaded(Class::of(name, flags, kind));
    }
    let readable = flags.0 & elf::SHF_COMPRESSED.0 == 0 && kind == elf::SHT_PROGBITS;
    if readable && name.starts_with(".debug_") { Home::Debug } else { Home::Ignored }
}

fn reject_what_modules_cannot_have(name: &str, flags: elf::SectionFlags) -> Result<(), LoadError> {
    if flags.0 & elf::SHF_TLS.0 != 0 {
        return Err(LoadError::unsupported(format!(
            "section {name} holds thread-local variables, which modules cannot have: \
             remove __thread, or use per-CPU data"
        )));
    }
    if flags.0 & elf::SHF_EXECINSTR.0 != 0 && flags.0 & elf::SHF_WRITE.0 != 0 {
        return Err(LoadError::unsupported(format!(
            "section {name} is both writable and executable, which is never mapped: \
             put its code and its data into sections of their own"
        )));
    }
    Ok(())
}

fn checked_align(name: &str, align: u64) -> Result<usize, LoadError> {
    if align.is_power_of_two() && align <= MAX_ALIGN {
        return Ok(align as usize);
    }
    Err(LoadError::malformed(format!("{name} asks for an alignment of {align}")))
}

/// Linux's own modules rest on the layout of one kernel's structures; nothing here can run them.
pub(crate) fn reject_linux_build(
    sections: &[RawSection<'_>],
    info: &ModInfo,
) -> Result<(), LoadError> {
    let vermagic = info.get("vermagic").map(String::from);
    if vermagic.is_some() || sections.iter().any(|s| s.name == ".gnu.linkonce.this_module") {
        return Err(LoadError::BuiltForLinux { vermagic });
    }
    Ok(())
}

pub(crate) fn symbols<'d>(
    table: &SymbolTable<'d, Header>,
    sections: &[RawSection<'d>],
) -> Result<Vec<RawSymbol<'d>>, LoadError> {
    // Every table starts with a null symbol; a file without a table gets one too, since
    // relocations against symbol 0 are right in any file.
    let null = RawSymbol {
        name: "",
        place: Place::Absolute(0),
        size: 0,
        binding: Binding::Local,
        kind: SymbolKind::Other,
    };
    let mut symbols = Vec::with_capacity(table.len());
    symbols.push(null);
    for (index, raw) in table.enumerate().filter(|(index, _)| index.0 != 0) {
        symbols.push(symbol(table, sections, index, raw)?);
    }
    Ok(symbols)
}

fn symbol<'d>(
    table: &SymbolTable<'d, Header>,
    sections: &[RawSection<'d>],
    index: SymbolIndex,
    raw: &elf::Sym64<LittleEndian>,
) -> Result<RawSymbol<'d>, LoadError> {
    let mut name = text(table.symbol_name(LE, raw)?, "symbol")?;
    let place = place(table, sections, index, raw, name)?;
    let is_defined = !matches!(place, Place::Undefined);
    if is_defined && raw.st_type() == elf::STT_GNU_IFUNC {
        return Err(LoadError::unsupported(format!(
            "symbol {name} is chosen at load time (ifunc), which modules cannot have: \
             remove the ifunc attribute"
        )));
    }
    let kind = SymbolKind::from_elf(raw.st_type());
    if let (SymbolKind::Section, Place::Section { index, .. }) = (kind, place) {
        name = sections[index].name;
    }
    let size = raw.st_size(LE);
    if is_defined && size >= MAX_IMAGE_BYTES {
        return Err(LoadError::malformed(format!("symbol {name} has {size:#x} bytes")));
    }
    Ok(RawSymbol { name, place, size: size as usize, binding: Binding::from_elf(raw), kind })
}

fn place(
    table: &SymbolTable<'_, Header>,
    sections: &[RawSection<'_>],
    index: SymbolIndex,
    raw: &elf::Sym64<LittleEndian>,
    name: &str,
) -> Result<Place, LoadError> {
    let value = raw.st_value(LE);
    match raw.st_shndx(LE) {
        elf::SHN_UNDEF => return Ok(Place::Undefined),
        elf::SHN_ABS => return Ok(Place::Absolute(value)),
        elf::SHN_COMMON => {
            return Ok(Place::Common { align: checked_align(name, value.max(1))? });
        }
        _ => {}
    }
    let section = table.symbol_section(LE, raw, index)?;
    let Some((index, section)) = section.and_then(|i| Some((i.0, sections.get(i.0)?))) else {
        return Err(LoadError::malformed(format!("symbol {name} is in no section of the file")));
    };
    if matches!(section.home, Home::Loaded(_)) && value > section.size as u64 {
        return Err(LoadError::malformed(format!(
            "symbol {name} is at {value:#x}, behind the end of {}",
            section.name
        )));
    }
    Ok(Place::Section { index, offset: value as usize })
}

pub(crate) fn relocations<'d>(
    table: &Sections<'d>,
    data: &'d [u8],
    sections: &[RawSection<'d>],
    symbols: &[RawSymbol<'d>],
) -> Result<Vec<RelocTable<'d>>, LoadError> {
    let mut tables = Vec::new();
    for header in table.iter() {
        let target = header.sh_info(LE) as usize;
        let kind = header.sh_type(LE);
        if kind != elf::SHT_RELA && kind != elf::SHT_REL {
            continue;
        }
        let Some(section) = sections.get(target) else {
            return Err(LoadError::malformed("a relocation table for no section"));
        };
        if section.home == Home::Ignored {
            continue;
        }
        let Some((entries, _)) = header.rela(LE, data)? else {
            let what = format!("the relocations of {} have no addends", section.name);
            return Err(LoadError::malformed(what));
        };
        if matches!(section.home, Home::Loaded(_)) {
            entries.iter().try_for_each(|entry| check(entry, section, symbols))?;
        }
        tables.push(RelocTable { target, entries });
    }
    Ok(tables)
}

fn check(
    entry: &Rela,
    section: &RawSection<'_>,
    symbols: &[RawSymbol<'_>],
) -> Result<(), LoadError> {
    let site = || site(entry, section, symbols);
    let Some(kind) = RelocKind::from_elf(entry.r_type(LE, false)) else {
        let kind = display_name(entry.r_type(LE, false));
        return Err(LoadError::UnsupportedRelocation { kind, site: site() });
    };
    if symbols.get(entry.r_sym(LE, false) as usize).is_none() && entry.r_sym(LE, false) != 0 {
        return Err(LoadError::malformed(format!("relocation at {}: no such symbol", site())));
    }
    let end = entry.r_offset.get(LE).checked_add(kind.width_bytes());
    if end.is_none_or(|end| end > section.bytes.len() as u64) {
        let what = format!("relocation at {}: outside the section", site());
        return Err(LoadError::malformed(what));
    }
    Ok(())
}

/// Describes the place of a relocation for a message.
pub(crate) fn site(entry: &Rela, section: &RawSection<'_>, symbols: &[RawSymbol<'_>]) -> Site {
    let symbol = symbols.get(entry.r_sym(LE, false) as usize);
    let symbol = match symbol {
        Some(symbol) if !symbol.name.is_empty() => String::from(symbol.name),
        _ => format!("#{}", entry.r_sym(LE, false)),
    };
    Site { section: section.name.into(), offset: entry.r_offset.get(LE), symbol }
}

fn text<'d>(bytes: &'d [u8], what: &str) -> Result<&'d str, LoadError> {
    core::str::from_utf8(bytes).map_err(|_| {
        let name = String::from_utf8_lossy(bytes);
        LoadError::malformed(format!("the {what} name {name:?} is no UTF-8"))
    })
}
