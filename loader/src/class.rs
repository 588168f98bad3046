//! The memory classes of an image, and which section belongs to which.

use crate::memory::Access;
use object::elf;

/// Gives the size of a page, to which every class is aligned.
pub const PAGE_BYTES: usize = 4096;

/// Names a part of an image whose memory has one protection and one lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Code, and the jump stubs.
    Text,
    /// Constants, tables of pointers that only relocation writes, and the GOT.
    ReadOnly,
    /// Code that runs once (`.init.text`).
    InitText,
    /// Constants of that code (`.init.rodata`).
    InitReadOnly,
    /// Variables of that code (`.init.data`).
    InitData,
    /// Variables that become constants after initialisation (`.data..ro_after_init`).
    ReadOnlyAfterInit,
    /// Variables with a start value.
    Data,
    /// Variables of which each CPU has a copy (`.data..percpu`); see
    /// [`PerCpu`](crate::PerCpu).
    PerCpu,
    /// Variables that start as zero, and common symbols.
    Bss,
}

impl Class {
    /// Lists the classes in the order in which they lie in memory.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::ReadOnly,
        Self::InitText,
        Self::InitReadOnly,
        Self::InitData,
        Self::ReadOnlyAfterInit,
        Self::Data,
        Self::PerCpu,
        Self::Bss,
    ];

    /// Tells the access that the class has from the end of loading until init is over.
    pub fn access(self) -> Access {
        match self {
            Self::Text | Self::InitText => Access::ReadExecute,
            Self::ReadOnly | Self::InitReadOnly => Access::Read,
            Self::InitData | Self::ReadOnlyAfterInit | Self::Data | Self::PerCpu | Self::Bss => {
                Access::ReadWrite
            }
        }
    }

    /// Tells whether the class is dropped when initialisation is over.
    pub fn is_init(self) -> bool {
        matches!(self, Self::InitText | Self::InitReadOnly | Self::InitData)
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Chooses the class of a loaded section.
    pub(crate) fn of(name: &str, flags: elf::SectionFlags, kind: elf::SectionType) -> Self {
        let is_init = name.starts_with(".init.");
        if flags.0 & elf::SHF_EXECINSTR.0 != 0 {
            return if is_init { Self::InitText } else { Self::Text };
        }
        if kind == elf::SHT_NOBITS {
            return if is_init { Self::InitData } else { Self::Bss };
        }
        if flags.0 & elf::SHF_WRITE.0 == 0 || is_read_only_after_relocation(name) {
            return if is_init { Self::InitReadOnly } else { Self::ReadOnly };
        }
        match name {
            _ if is_init => Self::InitData,
            ".data..ro_after_init" => Self::ReadOnlyAfterInit,
            _ if name.strip_prefix(".data..percpu").is_some_and(ends_or_continues) => Self::PerCpu,
            _ => Self::Data,
        }
    }
}

/// Position-independent code marks constant tables of pointers as writable, since somebody has to
/// relocate them. The loader does that before it sets protections, so they can be constant.
fn is_read_only_after_relocation(name: &str) -> bool {
    const TABLES: [&str; 4] = ["__param", "__ksymtab", ".init_array", ".fini_array"];
    name.starts_with(".data.rel.ro")
        || TABLES.iter().any(|table| name.strip_prefix(table).is_some_and(ends_or_continues))
}

fn ends_or_continues(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['.', '_', '+'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, flags: u64) -> Class {
        Class::of(name, elf::SectionFlags(elf::SHF_ALLOC.0 | flags), elf::SHT_PROGBITS)
    }

    #[test]
    fn sections_go_where_their_flags_and_names_say() {
        let (w, x) = (elf::SHF_WRITE.0, elf::SHF_EXECINSTR.0);
        assert_eq!(class(".text.unlikely", x), Class::Text);
        assert_eq!(class(".init.text", x), Class::InitText);
        assert_eq!(class(".exit.text", x), Class::Text);
        assert_eq!(class(".rodata.str1.1", 0), Class::ReadOnly);
        assert_eq!(class(".data.rel.ro.local", w), Class::ReadOnly);
        assert_eq!(class("__param", w), Class::ReadOnly);
        assert_eq!(class("__ksymtab_strings", 0), Class::ReadOnly);
        assert_eq!(class("__parameters", w), Class::Data);
        assert_eq!(class(".init_array.00099", w), Class::ReadOnly);
        assert_eq!(class(".init.data", w), Class::InitData);
        assert_eq!(class(".init.rodata", 0), Class::InitReadOnly);
        assert_eq!(class(".data..ro_after_init", w), Class::ReadOnlyAfterInit);
        assert_eq!(class(".data..percpu", w), Class::PerCpu);
        assert_eq!(class(".data..percpu..shared_aligned", w), Class::PerCpu);
        assert_eq!(class(".data..percpus", w), Class::Data);
        let bss = elf::SectionFlags(elf::SHF_ALLOC.0 | w);
        assert_eq!(Class::of(".bss", bss, elf::SHT_NOBITS), Class::Bss);
    }

    #[test]
    fn no_class_is_writable_and_executable() {
        for class in Class::ALL {
            let text = matches!(class, Class::Text | Class::InitText);
            assert_eq!(text, class.access() == Access::ReadExecute);
        }
    }
}
