//! Turns one ELF relocatable object for x86-64 into a module that can run.
//!
//! The work has two steps. [`Object::parse`] reads and checks the file: every number in it is
//! treated as hostile, nothing is allocated for the module and nothing panics. [`Object::load`]
//! then lays the sections out in memory that a machine gives ([`ImageMemory`]), resolves symbols,
//! relocates, and takes away write access from code and execute access from data. The result is
//! an [`Image`].
//!
//! The memory of an image is one block, cut into page-aligned classes in the order of
//! [`Class::ALL`]. Everything that goes away after initialisation lies together, and so does
//! everything that is writable:
//!
//! ```text
//! Text | ReadOnly | InitText | InitReadOnly | InitData | ReadOnlyAfterInit | Data | PerCpu | Bss
//!                   `------- dropped after init -----'
//!                                             `---------- writable while initialising ---------'
//! ```
//!
//! A module may lie anywhere in the address space, far from the functions that it calls: calls and
//! data references to the outside go through a global offset table (GOT), calls of an object that
//! was built without `-fno-plt` through a small jump stub.

#![no_std]

extern crate alloc;

mod class;
mod debug;
mod debug_file;
mod error;
mod image;
mod inventory;
mod layout;
mod link;
mod memory;
mod modinfo;
mod object;
mod per_cpu;
mod raw;
mod reloc;
mod symbol;
mod tables;

pub use class::{Class, PAGE_BYTES};
pub use debug::DebugSection;
pub use error::{FileKind, LoadError, Site};
pub use image::{Image, Section, WrongSnapshotLength};
pub use memory::{Access, ImageMemory};
pub use modinfo::{ModInfo, ModParam};
pub use object::{Object, SectionInfo, UndefinedSymbol};
pub use per_cpu::PerCpu;
pub use symbol::{Binding, Symbol, SymbolKind, Symbolized};
pub use tables::{Export, ExportLicense};
