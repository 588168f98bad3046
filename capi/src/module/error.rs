//! Why a module could not be loaded.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use kthreads_kernel::Errno;
use kthreads_loader::LoadError;

use super::missing::UnknownSymbol;

/// Says why insmod failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InsmodError {
    /// The file is no module that can be loaded, or there is no memory for it.
    File(LoadError),
    /// Somebody waits no longer: a signal came, or the module of that name is not through yet.
    Book(Errno),
    /// The module uses symbols that it does not get.
    Symbols(Vec<UnknownSymbol>),
    /// The module exports a symbol that is there already.
    DuplicateSymbol {
        /// The symbol.
        name: String,
        /// The module that has it, or `kernel`.
        owner: String,
    },
    /// A parameter did not like its value.
    Parameter {
        /// The parameter.
        name: String,
        /// The value, empty if there was none.
        value: String,
        /// What its set function returned.
        errno: Errno,
    },
    /// The module's init function returned an error.
    Init(Errno),
}

impl InsmodError {
    /// Gives the error number that Linux's init_module returns.
    pub fn errno(&self) -> Errno {
        match self {
            Self::File(LoadError::OutOfMemory { .. }) => Errno::ENOMEM,
            Self::File(_) | Self::DuplicateSymbol { .. } => Errno::ENOEXEC,
            Self::Symbols(_) => Errno::ENOENT,
            Self::Book(errno) | Self::Parameter { errno, .. } | Self::Init(errno) => *errno,
        }
    }
}

impl fmt::Display for InsmodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Book(errno) => errno.fmt(f),
            Self::Symbols(symbols) => display_symbols(f, symbols),
            Self::DuplicateSymbol { name, owner } => {
                write!(f, "it exports {name}, which {owner} exports already")
            }
            Self::Parameter { name, value, errno } => {
                write!(f, "bad value `{value}' for parameter {name}: {errno}")
            }
            Self::Init(errno) => errno.fmt(f),
        }
    }
}

fn display_symbols(f: &mut fmt::Formatter<'_>, symbols: &[UnknownSymbol]) -> fmt::Result {
    if let [symbol] = symbols {
        return write!(f, "undefined symbol {symbol}");
    }
    f.write_str("undefined symbols:")?;
    symbols.iter().try_for_each(|symbol| write!(f, "\n  {symbol}"))
}

impl core::error::Error for InsmodError {}
