//! The parameters of one module: setting them at load, reading and writing them later, and
//! freeing what they hold at the end.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use kthreads_base::with_current;
use kthreads_kernel::log::Level;
use kthreads_kernel::module::{Parameter, ParameterList};
use kthreads_kernel::task::state::TASK_UNINTERRUPTIBLE;
use kthreads_kernel::wait::Mutex;
use kthreads_kernel::{Cx, Errno, Kernel, log};
use kthreads_loader::Image;

use super::{Argument, KernelParam, OPS_NO_ARGUMENT, PAGE_BYTES};
use crate::module::missing;
use crate::object::Ptr;

/// The parameter asks for a warning when it is set (KERNEL_PARAM_FL_UNSAFE).
const FLAG_UNSAFE: u8 = 1;
/// The kernel's taint then (U).
const TAINT_USER: u64 = 1 << 6;

/// What the parameters of a module share.
#[derive(Default)]
struct Guard {
    /// Held while a set, get or free function runs (Linux: param_lock).
    lock: Mutex,
    /// The module is unloaded: its table is no more.
    is_gone: AtomicBool,
}

/// One parameter: an entry of the module's table.
struct CParameter {
    /// The address of the `struct kernel_param`.
    entry: usize,
    name: String,
    permissions: u16,
    guard: Arc<Guard>,
}

/// An argument that a parameter did not like.
pub(in crate::module) struct Refused {
    pub(in crate::module) name: String,
    pub(in crate::module) value: String,
    pub(in crate::module) errno: Errno,
}

/// All parameters of a module.
pub(in crate::module) struct Parameters {
    list: Vec<Arc<CParameter>>,
    guard: Arc<Guard>,
}

impl Parameters {
    /// Finds the parameters of an image that has just been loaded.
    pub(in crate::module) fn of(image: &Image) -> Parameters {
        let guard = Arc::new(Guard::default());
        let tables = image.sections().filter(|section| &*section.name == "__param");
        let entries = tables.flat_map(|section| entries(section.range.clone()));
        let list = entries.map(|address| {
            let entry = Ptr::<KernelParam>::at(address).get();
            let (name, permissions) = (entry.name().to_string(), entry.permissions);
            Arc::new(CParameter { entry: address, name, permissions, guard: guard.clone() })
        });
        Parameters { list: list.collect(), guard }
    }

    /// Gives the list that /sys shows.
    pub(in crate::module) fn shown(&self) -> ParameterList {
        let shown = |parameter: &Arc<CParameter>| Box::new(Shown(parameter.clone())) as Box<_>;
        self.list.iter().map(shown).collect()
    }

    /// Sets the parameters that the user gave (Linux: parse_args); unknown ones are warned of and
    /// ignored.
    pub(in crate::module) fn set_all(
        &self,
        cx: &Cx<'_>,
        module: &str,
        arguments: &[Argument],
    ) -> Result<(), Refused> {
        for (nth, argument) in arguments.iter().enumerate() {
            if argument.name == "--" && argument.value.is_none() {
                self.ignore_rest(cx, module, &arguments[nth + 1..]);
                break;
            }
            self.set_one(cx, module, argument)?;
        }
        Ok(())
    }

    fn ignore_rest(&self, cx: &Cx<'_>, module: &str, rest: &[Argument]) {
        let word = |argument: &Argument| match &argument.value {
            Some(value) => format!("{}={value}", argument.name),
            None => argument.name.clone(),
        };
        let words = rest.iter().map(word).collect::<Vec<_>>().join(" ");
        if !words.is_empty() {
            log!(cx, Level::Warning, "{module}: parameters '{words}' after `--' ignored");
        }
    }

    fn set_one(&self, cx: &Cx<'_>, module: &str, argument: &Argument) -> Result<(), Refused> {
        let name = &argument.name;
        let Some(parameter) = self.list.iter().find(|other| same_name(&other.name, name)) else {
            self.warn_unknown(cx, module, name);
            return Ok(());
        };
        let value = argument.value.as_deref();
        parameter.store(cx, value).map_err(|errno| {
            let value = value.unwrap_or("");
            let what = if errno == Errno::ENOSPC { "too large" } else { "invalid" };
            let complaint = format!("{module}: `{value}' {what} for parameter `{name}'");
            log!(cx, Level::Error, "{complaint}");
            Refused { name: name.clone(), value: value.to_string(), errno }
        })
    }

    fn warn_unknown(&self, cx: &Cx<'_>, module: &str, name: &str) {
        // Linux takes these for every module; there is nothing here that they could change.
        if matches!(name, "async_probe" | "dyndbg") {
            return;
        }
        log!(cx, Level::Warning, "{module}: unknown parameter '{name}' ignored");
        let known = self.list.iter().map(|parameter| parameter.name.as_str());
        if let Some((other, _)) = missing::nearest(name, known) {
            log!(cx, Level::Warning, "kthreads: {module}: did you mean parameter '{other}'?");
        }
    }

    /// Frees what the parameters hold (Linux: destroy_params); none is read or set after this.
    pub(in crate::module) fn destroy(&self, cx: &Cx<'_>) {
        self.guard.with(cx, || {
            self.guard.is_gone.store(true, Ordering::Relaxed);
            for parameter in &self.list {
                let entry = Ptr::<KernelParam>::at(parameter.entry).get();
                if let Some(free) = entry.ops.option().and_then(|ops| ops.free) {
                    free(entry.arg);
                }
            }
        });
    }
}

/// Lists the addresses of the entries of one table. Compilers may leave zero words between them.
fn entries(table: Range<usize>) -> impl Iterator<Item = usize> {
    const WORD_BYTES: usize = size_of::<usize>();
    let mut next = table.start.next_multiple_of(WORD_BYTES);
    core::iter::from_fn(move || {
        while next + size_of::<KernelParam>() <= table.end {
            let entry = next;
            if Ptr::<KernelParam>::at(entry).get().name.address() == 0 {
                next += WORD_BYTES;
                continue;
            }
            next += size_of::<KernelParam>();
            return Some(entry);
        }
        None
    })
}

/// Compares names as Linux does: `-` and `_` are the same.
fn same_name(a: &str, b: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte };
    a.bytes().map(plain).eq(b.bytes().map(plain))
}

impl Guard {
    fn with<R>(&self, cx: &Cx<'_>, body: impl FnOnce() -> R) -> R {
        let kernel = cx.kernel;
        // Uninterruptible: this cannot fail.
        let _ = kernel.mutex_lock(cx, &self.lock, TASK_UNINTERRUPTIBLE);
        let result = body();
        kernel.mutex_unlock(cx, &self.lock);
        result
    }

    /// As [`with`](Self::with), unless the module is gone.
    fn with_table<R>(
        &self,
        cx: &Cx<'_>,
        body: impl FnOnce() -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.with(cx, || match self.is_gone.load(Ordering::Relaxed) {
            true => Err(Errno::ENODEV),
            false => body(),
        })
    }
}

impl CParameter {
    /// Calls the set function.
    fn store(&self, cx: &Cx<'_>, value: Option<&str>) -> Result<(), Errno> {
        let text = |value: &str| CString::new(value.split('\0').next().unwrap_or("")).ok();
        let text = value.and_then(text);
        self.guard.with_table(cx, || {
            let entry = Ptr::<KernelParam>::at(self.entry);
            let ops = entry.get().ops.option().ok_or(Errno::EINVAL)?;
            if text.is_none() && ops.flags & OPS_NO_ARGUMENT == 0 {
                return Err(Errno::EINVAL);
            }
            let set = ops.set.ok_or(Errno::EPERM)?;
            self.warn_unsafe(cx, entry.get().flags);
            let address = text.as_ref().map_or(0, |text| text.as_ptr() as usize);
            match set(Ptr::at(address), entry) {
                0 => Ok(()),
                error => Err(Errno::from_raw(error)),
            }
        })
    }

    fn warn_unsafe(&self, cx: &Cx<'_>, flags: u8) {
        if flags & FLAG_UNSAFE == 0 {
            return;
        }
        let name = &self.name;
        log!(cx, Level::Notice, "Setting dangerous option {name} - tainting kernel");
        cx.kernel.add_taint(TAINT_USER);
    }

    /// Calls the get function.
    fn load(&self, cx: &Cx<'_>) -> Result<String, Errno> {
        let mut page = vec![0u8; PAGE_BYTES];
        let buffer = page.as_mut_ptr() as usize;
        let result = self.guard.with_table(cx, || {
            let entry = Ptr::<KernelParam>::at(self.entry);
            let get = entry.get().ops.option().and_then(|ops| ops.get).ok_or(Errno::EPERM)?;
            Ok(get(buffer, entry))
        })?;
        if result < 0 {
            return Err(Errno::from_raw(result));
        }
        page.truncate(result as usize);
        Ok(String::from_utf8_lossy(&page).into_owned())
    }
}

/// A parameter in the list that /sys shows.
struct Shown(Arc<CParameter>);

impl Parameter for Shown {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn permissions(&self) -> u16 {
        self.0.permissions
    }

    fn get(&self) -> Result<String, Errno> {
        with_current::<Kernel, _>(|kernel, _| self.0.load(&kernel.cx()))
    }

    fn set(&self, value: &str) -> Result<(), Errno> {
        with_current::<Kernel, _>(|kernel, _| self.0.store(&kernel.cx(), Some(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_are_underscores() {
        assert!(same_name("a_b", "a-b") && same_name("-", "_"));
        assert!(!same_name("a", "ab") && !same_name("a_b", "a.b"));
    }
}
