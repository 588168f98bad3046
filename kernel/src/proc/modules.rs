//! /proc/modules and /sys/module (Linux: kernel/module/procfs.c, main.c; kernel/params.c).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::module::{Module, Parameter, State};
use crate::{Errno, Kernel};

/// The permission bits that let anybody read, and write.
const READABLE: u16 = 0o444;
const WRITABLE: u16 = 0o222;

/// A file of /sys/module/NAME.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModuleFile {
    Coresize,
    Initstate,
    Refcnt,
    Taint,
}

impl ModuleFile {
    pub(super) const ALL: &[(&str, ModuleFile)] = &[
        ("coresize", ModuleFile::Coresize),
        ("initstate", ModuleFile::Initstate),
        ("refcnt", ModuleFile::Refcnt),
        ("taint", ModuleFile::Taint),
    ];
}

impl Kernel {
    pub(super) fn write_modules(&self, out: &mut String) -> fmt::Result {
        self.modules().iter().try_for_each(|module| write_module(module, out))
    }
}

/// A line of /proc/modules (Linux: m_show).
fn write_module(module: &Module, out: &mut String) -> fmt::Result {
    let image = module.image();
    let (base, size) = image.map_or((0, 0), |image| (image.base(), image.size()));
    write!(out, "{} {size} {} ", module.name(), module.refcount())?;
    let users = module.users();
    for user in &users {
        write!(out, "{user},")?;
    }
    if !module.can_be_unloaded() {
        out.write_str("[permanent],")?;
    } else if users.is_empty() {
        out.write_str("-")?;
    }
    let (state, sign) = match module.state() {
        State::Live => ("Live", ""),
        State::Coming => ("Loading", "+"),
        State::Going => ("Unloading", "-"),
    };
    write!(out, " {state} 0x{base:016x}")?;
    if module.taints() != 0 {
        write!(out, " ({}{sign})", module.taint_letters())?;
    }
    out.write_char('\n')
}

/// The text of a file of /sys/module/NAME.
pub(super) fn read_module(module: &Module, file: ModuleFile) -> String {
    super::render(|out| match file {
        ModuleFile::Coresize => {
            writeln!(out, "{}", module.image().map_or(0, |image| image.size()))
        }
        ModuleFile::Initstate => out.write_str(match module.state() {
            State::Live => "live\n",
            State::Coming => "coming\n",
            State::Going => "going\n",
        }),
        ModuleFile::Refcnt => writeln!(out, "{}", module.refcount()),
        ModuleFile::Taint => writeln!(out, "{}", module.taint_letters()),
    })
}

/// The names of the parameters that /sys shows: those with permission bits.
pub(super) fn shown_parameters(module: &Module) -> Vec<String> {
    let all = module.parameters();
    let shown = all.iter().filter(|parameter| parameter.permissions() != 0);
    shown.map(|parameter| String::from(parameter.name())).collect()
}

/// Hands the shown parameter with that name to `with`; ENOENT when there is none.
fn with_parameter<R>(
    module: &Module,
    name: &str,
    with: impl FnOnce(&dyn Parameter) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let all = module.parameters();
    let found = all.iter().find(|parameter| parameter.name() == name);
    with(&**found.filter(|parameter| parameter.permissions() != 0).ok_or(Errno::ENOENT)?)
}

/// The text of a parameter's file: its value and a newline. One that nobody may read is closed to
/// root, too.
pub(super) fn read_parameter(module: &Module, name: &str) -> Result<String, Errno> {
    with_parameter(module, name, |parameter| {
        if parameter.permissions() & READABLE == 0 {
            return Err(Errno::EACCES);
        }
        let mut text = parameter.get()?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    })
}

/// Hands what was written to the parameter's set function, the newline with it, as Linux does: a
/// charp keeps it.
pub(super) fn write_parameter(module: &Module, name: &str, bytes: &[u8]) -> Result<usize, Errno> {
    with_parameter(module, name, |parameter| {
        if parameter.permissions() & WRITABLE == 0 {
            return Err(Errno::EACCES);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
        parameter.set(text)?;
        Ok(bytes.len())
    })
}
