//! What the formats of printk need to know of C memory and of the kernel.

use kthreads_base::with_current;
use kthreads_kernel::format::{Args, Env, Output, Symbol, format};
use kthreads_kernel::module::SymbolAt;
use kthreads_kernel::{Cx, Kernel};

use crate::object::{Ptr, text};
use crate::va_list::VaPtr;

/// C memory as it is, and the symbols of the running kernel.
pub(crate) struct CMemory;

impl Env for CMemory {
    fn read(&self, addr: u64, buf: &mut [u8]) -> usize {
        // SAFETY: C memory; where there is none, the machine ends the thread.
        unsafe { core::ptr::copy(addr as *const u8, buf.as_mut_ptr(), buf.len()) };
        buf.len()
    }

    fn symbol(&self, addr: u64, found: &mut dyn FnMut(Symbol<'_>)) -> bool {
        let address = addr as usize;
        let in_module = with_current(|kernel: &Kernel, _| {
            kernel.with_symbol(address, &mut |symbol| {
                let SymbolAt { name, offset, size, module, .. } = symbol;
                let (offset, size) = (offset as u64, size as u64);
                found(Symbol { name, offset, size, module: Some(module) });
            })
        });
        if in_module {
            return true;
        }
        let Some(export) = crate::all().find(|export| export.address() == address) else {
            return false;
        };
        found(Symbol { name: export.name, offset: 0, size: 0, module: None });
        true
    }

    fn hash_key(&self) -> [u64; 2] {
        with_current(|kernel: &Kernel, _| kernel.hash_key())
    }

    fn va_format(&self, addr: u64, run: &mut dyn FnMut(&[u8], &mut dyn Args)) -> bool {
        // struct va_format { const char *fmt; va_list *va; }
        let read = |address: u64| {
            let mut word = [0; 8];
            self.read(address, &mut word);
            u64::from_le_bytes(word)
        };
        let (fmt, list) = (read(addr), read(addr.wrapping_add(8)));
        let mut args = VaPtr::at(list).copy();
        run(text(Ptr::at(fmt as usize)), &mut args);
        true
    }

    fn unsupported(&self, conversion: u8) {
        with_current(|kernel: &Kernel, _| report_unsupported(&kernel.cx(), conversion));
    }
}

#[cold]
fn report_unsupported(cx: &Cx<'_>, conversion: u8) {
    let place = report_unsupported as fn(&Cx<'_>, u8) as usize + usize::from(conversion);
    if cx.kernel.first_time(place) {
        let shown = char::from(conversion).escape_default();
        cx.kernel.warn_at(cx, format_args!("Please remove unsupported %{shown} in format string"));
    }
}

/// Writes a C format with its arguments.
pub(crate) fn write(out: &mut dyn Output, fmt: Ptr<u8>, args: &mut dyn Args) -> usize {
    format(out, text(fmt), args, &CMemory)
}
