//! What can be wrong with an object file.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Names the place of a relocation: where it stands and what it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The section that is to be changed.
    pub section: String,
    /// The offset in that section, in bytes.
    pub offset: u64,
    /// The symbol (or section) that is referred to.
    pub symbol: String,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:#x}, symbol {}", self.section, self.offset, self.symbol)
    }
}

/// Names a kind of ELF file that is not a relocatable object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A linked program.
    Executable,
    /// A shared library, or a position-independent program.
    SharedObject,
    /// A core dump.
    CoreDump,
    /// Some other number in the header.
    Other(u16),
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Executable => f.write_str("an executable"),
            Self::SharedObject => f.write_str("a shared library or position-independent program"),
            Self::CoreDump => f.write_str("a core dump"),
            Self::Other(number) => write!(f, "an ELF file of type {number}"),
        }
    }
}

/// Says why an object cannot be loaded, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are no ELF file.
    NotElf,
    /// An ELF file for a 32-bit machine.
    Not64Bit,
    /// An ELF file for another processor, with its name where it is known.
    WrongMachine {
        /// The `e_machine` number.
        machine: u16,
        /// Its name.
        name: Option<&'static str>,
    },
    /// An ELF file that is linked already.
    NotRelocatable(FileKind),
    /// A module that Linux's own build made for one particular Linux kernel.
    BuiltForLinux {
        /// The kernel and options it was built for, if the file says so.
        vermagic: Option<String>,
    },
    /// A relocation that code built with the right flags does not have.
    UnsupportedRelocation {
        /// The name of its type, such as `R_X86_64_32S`.
        kind: String,
        /// Where it is.
        site: Site,
    },
    /// Something else in the file that modules cannot have.
    Unsupported {
        /// What it is and what to do.
        what: String,
    },
    /// Symbols that nobody defines, in the order of the object's symbol table.
    UndefinedSymbols(Vec<String>),
    /// A reference to something too far away for the instruction that makes it.
    Overflow {
        /// The name of the relocation's type.
        kind: &'static str,
        /// Where it is.
        site: Site,
        /// The value that does not fit.
        value: i64,
    },
    /// The machine has no room for the image.
    OutOfMemory {
        /// The size that was asked for.
        bytes: usize,
    },
    /// The file contradicts itself.
    Malformed {
        /// How.
        what: String,
    },
}

impl LoadError {
    pub(crate) fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed { what: what.into() }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }
}

const BUILD_IT: &str = "give the .c file, or a .ko made by `kthreads build`";

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => write!(f, "not an ELF object file: {BUILD_IT}"),
            Self::Not64Bit => write!(f, "a 32-bit ELF file; modules are 64-bit: {BUILD_IT}"),
            Self::WrongMachine { machine, name } => {
                let name = name.unwrap_or("unknown");
                write!(f, "built for another processor ({name}, {machine}), not x86-64: {BUILD_IT}")
            }
            Self::NotRelocatable(kind) => {
                write!(f, "{kind}, not a relocatable object: {BUILD_IT}")
            }
            Self::BuiltForLinux { vermagic } => display_built_for_linux(f, vermagic.as_deref()),
            Self::UnsupportedRelocation { kind, site } => write!(
                f,
                "unsupported relocation {kind} at {site}: \
                 compile with -fPIC -mcmodel=small (`kthreads build` does)"
            ),
            Self::Unsupported { what } => f.write_str(what),
            Self::UndefinedSymbols(names) => display_undefined(f, names),
            Self::Overflow { kind, site, value } => write!(
                f,
                "{kind} at {site}: {value:#x} is too far for 32 bits: \
                 compile with -fPIC -fno-plt (`kthreads build` does)"
            ),
            Self::OutOfMemory { bytes } => {
                write!(f, "no room for {bytes} bytes of module memory: unload another module")
            }
            Self::Malformed { what } => write!(f, "damaged object file: {what}: build it again"),
        }
    }
}

fn display_built_for_linux(f: &mut fmt::Formatter<'_>, vermagic: Option<&str>) -> fmt::Result {
    f.write_str("built by Linux's own module build")?;
    if let Some(vermagic) = vermagic {
        write!(f, " for kernel {:?}", vermagic.trim_end())?;
    }
    f.write_str(", it fits that kernel only: give the .c file instead")
}

fn display_undefined(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    let plural = if names.len() == 1 { "" } else { "s" };
    write!(f, "undefined symbol{plural} {}: ", names.join(", "))?;
    f.write_str("neither the kernel nor a loaded module exports them; ")?;
    f.write_str("load the module that does first, or check the spelling")
}

impl core::error::Error for LoadError {}

impl From<object::Error> for LoadError {
    fn from(error: object::Error) -> Self {
        Self::malformed(alloc::format!("{error}"))
    }
}
