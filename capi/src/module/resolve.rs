//! Where a module's symbols come from: the kernel, and the modules loaded before it (Linux:
//! simplify_symbols, resolve_symbol).

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_kernel::log::Level;
use kthreads_kernel::module::{Module, State};
use kthreads_kernel::task::state::TASK_UNINTERRUPTIBLE;
use kthreads_kernel::time::{HZ, Jiffies};
use kthreads_kernel::wait::{Limit, Sleep, WaitFlags};
use kthreads_kernel::{Cx, Errno, log};
use kthreads_loader::{Binding, ExportLicense, Object};

use super::license::{self, Compatibility};
use super::missing::{self, UnknownSymbol, Why};
use super::{LoadedModule, ModuleLoader};
use crate::export::License;

/// How long to wait for the init function of a module whose symbols are needed.
const OWNER_WAIT: Limit = Limit::At(Jiffies(30 * HZ));

/// What stands behind the undefined symbols of an object.
#[derive(Default)]
pub(super) struct Resolution<'o> {
    pub(super) addresses: BTreeMap<&'o str, usize>,
    /// The modules whose symbols are used.
    pub(super) owners: Vec<Arc<Module>>,
}

/// Where a symbol was found.
pub(super) enum Found {
    Kernel(usize),
    Module(Arc<LoadedModule>, usize),
}

impl ModuleLoader {
    /// Finds all symbols that an object needs, and notes in the modules that own them that
    /// `module` uses them.
    ///
    /// # Errors
    ///
    /// All that could not be found, each logged as Linux does; nothing is noted then.
    pub(super) fn resolve_all<'o>(
        &self,
        cx: &Cx<'_>,
        object: &'o Object<'_>,
        module: &Arc<Module>,
    ) -> Result<Resolution<'o>, Vec<UnknownSymbol>> {
        let compatibility = license::of(object.modinfo());
        let mut resolution = Resolution::default();
        let mut unknown = Vec::new();
        for symbol in object.undefined() {
            let found = match symbol.name {
                "__this_module" => Ok(module.address()),
                name => self.resolve(cx, module, compatibility, name, &mut resolution.owners),
            };
            match found {
                Ok(address) => drop(resolution.addresses.insert(symbol.name, address)),
                Err(_) if symbol.binding == Binding::Weak => {}
                Err(why) => unknown.push(UnknownSymbol { name: symbol.name.to_string(), why }),
            }
        }
        if unknown.is_empty() {
            return Ok(resolution);
        }
        release(module, &resolution.owners);
        unknown.iter().for_each(|symbol| log_unknown(cx, module.name(), symbol));
        Err(unknown)
    }

    fn resolve(
        &self,
        cx: &Cx<'_>,
        user: &Module,
        compatibility: Compatibility,
        name: &str,
        owners: &mut Vec<Arc<Module>>,
    ) -> Result<usize, Why> {
        match self.find_symbol(name, compatibility)? {
            Found::Kernel(address) => Ok(address),
            Found::Module(owner, address) => {
                self.use_module(cx, user, &owner.module)?;
                if !owners.iter().any(|other| Arc::ptr_eq(other, &owner.module)) {
                    owners.push(owner.module.clone());
                }
                Ok(address)
            }
        }
    }

    pub(super) fn find_symbol(
        &self,
        name: &str,
        compatibility: Compatibility,
    ) -> Result<Found, Why> {
        let is_allowed =
            |gpl_only: bool| !gpl_only || compatibility == Compatibility::GplCompatible;
        if let Some(export) = self.exports.find(name) {
            let allowed = is_allowed(export.license == License::GplOnly);
            return if allowed { Ok(Found::Kernel(export.address)) } else { Err(Why::GplOnly) };
        }
        let loaded = self.loaded();
        for owner in &loaded {
            let exports = owner.image.image.exports();
            let Some(export) = exports.iter().find(|export| export.name == name) else {
                continue;
            };
            if !is_allowed(export.license == ExportLicense::GplOnly) {
                return Err(Why::GplOnly);
            }
            return Ok(Found::Module(owner.clone(), export.address));
        }
        let of_modules = loaded.iter().flat_map(|module| module.image.image.exports());
        let names = of_modules.map(|export| export.name.as_str());
        Err(missing::explain(name, self.exports.names().chain(names)))
    }

    /// Notes that a module uses another's symbols; waits until that one is through with its init
    /// function (Linux: resolve_symbol_wait, ref_module).
    fn use_module(&self, cx: &Cx<'_>, user: &Module, owner: &Arc<Module>) -> Result<(), Why> {
        let is_settled = || owner.state() != State::Coming;
        let queue = self.queue.as_ref();
        cx.kernel.wait_event(
            cx,
            queue,
            Sleep::Interruptible,
            WaitFlags::SHARED,
            OWNER_WAIT,
            is_settled,
        );
        let mutex = cx.kernel.module_mutex();
        // Uninterruptible: this cannot fail.
        let _ = cx.kernel.mutex_lock(cx, mutex, TASK_UNINTERRUPTIBLE);
        let state = owner.state();
        if state == State::Live {
            owner.add_user(user.name());
        }
        cx.kernel.mutex_unlock(cx, mutex);
        let name = owner.name();
        match state {
            State::Live => Ok(()),
            State::Going => Err(Why::Owner(name.to_string(), Errno::ENODEV)),
            State::Coming => {
                let user = user.name();
                log!(cx, Level::Warning, "{user}: gave up waiting for init of module {name}.");
                Err(Why::Owner(name.to_string(), Errno::EBUSY))
            }
        }
    }
}

/// Takes back the notes that `module` uses others.
pub(super) fn release(module: &Module, owners: &[Arc<Module>]) {
    owners.iter().for_each(|owner| owner.remove_user(module.name()));
}

fn log_unknown(cx: &Cx<'_>, module: &str, symbol: &UnknownSymbol) {
    let (name, error) = (&symbol.name, symbol.errno().to_c());
    if symbol.why == Why::GplOnly {
        log!(
            cx,
            Level::Error,
            "kthreads: GPL-incompatible module {module} uses GPL-only symbol '{name}'"
        );
    }
    log!(cx, Level::Warning, "{module}: Unknown symbol {name} (err {error})");
    match symbol.why {
        Why::Nearest(_) | Why::NotSupported(_) => {
            log!(cx, Level::Warning, "kthreads: {module}: {symbol}");
        }
        _ => {}
    }
}
