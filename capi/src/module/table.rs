//! The table of what the kernel exports: for linking, for /proc/kallsyms, for names in reports.

use alloc::string::String;
use alloc::vec::Vec;

use kthreads_base::{Fault, FaultCause};
use kthreads_kernel::module::{ImageSymbol, KernelSymbols};

use super::operand::{self, Used};
use crate::export::{Export, License};

const PAGE: usize = 4096;

/// Whether the processor can use an address at all.
fn is_canonical(address: usize) -> bool {
    (address as isize) << 16 >> 16 == address as isize
}

/// Tells what an exported symbol stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolType {
    /// A function.
    Code,
    /// A variable.
    Data,
}

/// Describes a symbol that the kernel offers to modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelExport {
    /// Its name in C.
    pub name: &'static str,
    /// Its address.
    pub address: usize,
    /// Who may use it.
    pub license: License,
    /// What it stands for.
    pub kind: SymbolType,
}

impl KernelExport {
    /// A variable for every module.
    pub(super) const fn data(name: &'static str, address: usize) -> KernelExport {
        KernelExport { name, address, license: License::Any, kind: SymbolType::Data }
    }
}

impl From<&Export> for KernelExport {
    fn from(export: &Export) -> KernelExport {
        let (name, license) = (export.name, export.license);
        KernelExport { name, address: export.address(), license, kind: SymbolType::Code }
    }
}

/// All that the kernel exports, found by name and by address.
#[derive(Debug)]
pub(super) struct ExportTable {
    by_name: Vec<KernelExport>,
    by_address: Vec<KernelExport>,
}

impl ExportTable {
    /// Makes the table; of two symbols with one name the first counts.
    pub(super) fn new(exports: impl IntoIterator<Item = KernelExport>) -> ExportTable {
        let mut by_name: Vec<KernelExport> = exports.into_iter().collect();
        by_name.sort_by_key(|export| export.name);
        by_name.dedup_by_key(|export| export.name);
        let mut by_address = by_name.clone();
        by_address.sort_by_key(|export| export.address);
        ExportTable { by_name, by_address }
    }

    pub(super) fn find(&self, name: &str) -> Option<&KernelExport> {
        let index = self.by_name.binary_search_by_key(&name, |export| export.name).ok()?;
        Some(&self.by_name[index])
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.iter().map(|export| export.name)
    }
}

impl KernelSymbols for ExportTable {
    /// Finds the symbol that begins at the address: how long a function is, nobody knows here.
    fn symbolize(&self, address: usize, found: &mut dyn FnMut(&str, usize, usize)) -> bool {
        let index = self.by_address.binary_search_by_key(&address, |export| export.address);
        let Ok(index) = index else { return false };
        found(self.by_address[index].name, 0, 0);
        true
    }

    fn used_base(&self, fault: &Fault) -> Option<u64> {
        let is_code = is_canonical(fault.ip) && fault.cause != FaultCause::Execute;
        operand::base_pointer(&is_code.then(|| instruction(fault))?, fault)
    }

    fn used_address(&self, fault: &Fault) -> Option<usize> {
        // After a jump to a non-canonical address the instruction pointer is the address.
        if !is_canonical(fault.ip) {
            return Some(fault.ip);
        }
        let code = instruction(fault);
        match operand::used_address(&code, fault)? {
            Used::Address(address) => Some(address),
            Used::TargetAt(address) if !is_canonical(address) => Some(address),
            // SAFETY: the processor has read the target from there without a complaint.
            Used::TargetAt(address) => Some(unsafe { (address as *const usize).read_unaligned() }),
        }
    }

    fn symbols(&self) -> Vec<ImageSymbol> {
        let letter = |kind| match kind {
            SymbolType::Code => 'T',
            SymbolType::Data => 'D',
        };
        let symbol = |export: &KernelExport| ImageSymbol {
            address: export.address,
            letter: letter(export.kind),
            name: String::from(export.name),
        };
        self.by_address.iter().map(symbol).collect()
    }
}

/// The bytes of the instruction that faulted, and what follows it on its page.
fn instruction(fault: &Fault) -> [u8; 15] {
    let mut code = [0; 15];
    let room = PAGE - fault.ip % PAGE;
    let len = room.min(code.len());
    // SAFETY: the processor has just fetched the instruction from there; no byte of another page
    // is read.
    let bytes = unsafe { core::slice::from_raw_parts(fault.ip as *const u8, len) };
    code[..len].copy_from_slice(bytes);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_found_by_name_and_by_address() {
        let table =
            ExportTable::new([("b", 1), ("a", 2), ("b", 3)].map(|(n, a)| KernelExport::data(n, a)));
        assert_eq!(table.find("b").map(|export| export.address), Some(1));
        assert_eq!(table.find("c"), None);
        let mut name = String::new();
        assert!(table.symbolize(2, &mut |found, _, _| name = found.into()));
        assert_eq!(name, "a");
        assert!(!table.symbolize(4, &mut |_, _, _| ()));
        let addresses: Vec<usize> = table.symbols().iter().map(|symbol| symbol.address).collect();
        assert_eq!(addresses, [1, 2]);
    }
}
