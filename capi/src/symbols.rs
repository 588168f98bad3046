//! All exported functions, by name.

use crate::export::{Export, Symbol};

static TABLES: &[&[Export]] = &[
    crate::cache::EXPORTS,
    crate::compiler::EXPORTS,
    crate::completion::EXPORTS,
    crate::hexdump::EXPORTS,
    crate::irq::EXPORTS,
    crate::kthread::EXPORTS,
    crate::list::EXPORTS,
    crate::lock::EXPORTS,
    crate::lockdep::EXPORTS,
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
    TABLES.iter().chain(crate::module::FUNCTIONS).copied().flatten()
}

/// The functions that instrumented modules call, beside [`all`]: no header declares them.
pub fn instrumented() -> impl Iterator<Item = &'static Export> {
    crate::instrument::EXPORTS.iter()
}

/// Finds the exported function with that name.
pub fn resolve(name: &str) -> Option<Symbol> {
    let export = all().find(|export| export.name == name)?;
    Some(Symbol { address: export.address(), license: export.license })
}
