//! The C modules that are loaded and unloaded all the while.

use std::path::Path;

use kthreads_capi::module::{Argument, InsmodError, ModuleFile, ModuleLoader};
use kthreads_kernel::{Cx, Errno};

/// A module's name and its file.
struct Module {
    name: String,
    bytes: Vec<u8>,
}

/// All modules.
pub(crate) struct Modules(Vec<Module>);

/// Reads all modules of a folder.
pub(crate) fn read(folder: &Path) -> Result<Modules, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut modules = Vec::new();
    for entry in folder.read_dir().map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.extension().is_none_or(|extension| extension != "ko") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        modules.push(Module { name, bytes: std::fs::read(&path).map_err(wrong)? });
    }
    if modules.is_empty() {
        return Err(format!("{}: no modules", folder.display()));
    }
    // The same order everywhere, so that a seed means the same.
    modules.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Modules(modules))
}

/// The module whose init function fails.
const FAILS: &str = "soak_fails";

impl Modules {
    /// Their names, in a line.
    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|module| module.name.as_str()).collect();
        names.join(" ")
    }

    fn get(&self, which: u64) -> &Module {
        &self.0[which as usize % self.0.len()]
    }

    /// Loads one; says so if that fails in a way that it must not.
    pub(crate) fn insmod(
        &self,
        cx: &Cx<'_>,
        loader: &ModuleLoader,
        which: u64,
    ) -> Result<(), String> {
        let Module { name, bytes } = self.get(which);
        let result = loader.insmod(cx, &ModuleFile { name, bytes }, &Argument::split(""));
        let is_fine = match &result {
            Ok(()) => name != FAILS,
            Err(InsmodError::Book(Errno::EEXIST | Errno::EBUSY | Errno::EINTR)) => true,
            Err(InsmodError::Init(Errno::EINTR | Errno::EAGAIN)) => true,
            Err(InsmodError::Init(Errno::ENODEV)) => name == FAILS,
            Err(_) => false,
        };
        if is_fine { Ok(()) } else { Err(format!("insmod {name}: {result:?}")) }
    }

    /// Unloads one; says so if that fails in a way that it must not.
    pub(crate) fn rmmod(
        &self,
        cx: &Cx<'_>,
        loader: &ModuleLoader,
        which: u64,
    ) -> Result<(), String> {
        let name = &self.get(which).name;
        match loader.rmmod(cx, name) {
            Ok(()) | Err(Errno::ENOENT | Errno::EBUSY | Errno::EAGAIN | Errno::EINTR) => Ok(()),
            Err(errno) => Err(format!("rmmod {name}: {errno}")),
        }
    }

    /// Unloads all that are loaded.
    pub(crate) fn rmmod_all(&self, cx: &Cx<'_>, loader: &ModuleLoader) -> Result<(), String> {
        (0..self.0.len() as u64).try_for_each(|which| self.rmmod(cx, loader, which))
    }
}
