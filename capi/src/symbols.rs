//! All exports, by name and by address.

use alloc::string::String;
use alloc::vec::Vec;

use kthreads_kernel::module::{ImageSymbol, KernelSymbols};

use crate::export::{Export, Symbol};

static TABLES: &[&[Export]] = &[
    crate::cache::EXPORTS,
    crate::compiler::EXPORTS,
    crate::completion::EXPORTS,
    crate::hexdump::EXPORTS,
    crate::irq::EXPORTS,
    crate::kthread::EXPORTS,
    crate::lock::EXPORTS,
    crate::memory::EXPORTS,
    crate::mutex::EXPORTS,
    crate::number::EXPORTS,
    crate::pages::EXPORTS,
    crate::pid::EXPORTS,
    crate::print::EXPORTS,
    crate::random::EXPORTS,
    crate::report::EXPORTS,
    crate::sched::EXPORTS,
    crate::signal::EXPORTS,
    crate::sprintf::EXPORTS,
    crate::string::EXPORTS,
    crate::strings::EXPORTS,
    crate::task::EXPORTS,
    crate::time::EXPORTS,
    crate::timer::EXPORTS,
    crate::wait::EXPORTS,
    crate::worker::EXPORTS,
];

/// All exported functions.
pub fn all() -> impl Iterator<Item = &'static Export> {
    TABLES.iter().copied().flatten()
}

/// Finds the exported function with that name.
pub fn resolve(name: &str) -> Option<Symbol> {
    let export = all().find(|export| export.name == name)?;
    Some(Symbol { address: export.address(), license: export.license })
}

/// The names of the exports, for the kernel's back traces and /proc/kallsyms: give it to
/// [`Kernel::set_kernel_symbols`](kthreads_kernel::Kernel::set_kernel_symbols).
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelNames;

impl KernelSymbols for KernelNames {
    /// Knows where exports begin, not how long they are: only a beginning has a name.
    fn symbolize(&self, address: usize, found: &mut dyn FnMut(&str, usize, usize)) -> bool {
        let export = all().find(|export| export.address() == address);
        if let Some(export) = export {
            found(export.name, 0, 0);
        }
        export.is_some()
    }

    fn symbols(&self) -> Vec<ImageSymbol> {
        let symbol = |export: &Export| {
            let (address, name) = (export.address(), String::from(export.name));
            ImageSymbol { address, letter: 'T', name }
        };
        all().map(symbol).collect()
    }
}
