//! Parameters of modules (Linux: kernel/params.c).
//!
//! A module carries a table of `struct kernel_param`; each entry names the functions that turn
//! text into a value and back. The common functions are exported from here ([`numbers`],
//! [`flags`], [`strings`], [`array`]); a module may bring its own. [`list`] finds and calls them.

mod argument;
mod array;
pub(super) mod flags;
mod list;
pub(super) mod numbers;
pub(super) mod strings;

use alloc::vec::Vec;

use kthreads_kernel::Errno;

pub use argument::Argument;
pub(super) use list::{Parameters, Refused};

use super::table::KernelExport;
use crate::object::{Ptr, str_of, text};

/// The size of the buffer that get functions fill: C's PAGE_SIZE.
const PAGE_BYTES: usize = 4096;
/// The set function can do without a value (KERNEL_PARAM_OPS_FL_NOARG).
const OPS_NO_ARGUMENT: u32 = 1;

type SetFn = extern "C" fn(Ptr<u8>, Ptr<KernelParam>) -> i32;
/// The first argument is the address of a page.
type GetFn = extern "C" fn(usize, Ptr<KernelParam>) -> i32;
type FreeFn = extern "C" fn(usize);

/// C's `struct kernel_param_ops`.
#[repr(C)]
pub(crate) struct KernelParamOps {
    flags: u32,
    set: Option<SetFn>,
    get: Option<GetFn>,
    free: Option<FreeFn>,
}

/// C's `struct kernel_param`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct KernelParam {
    name: Ptr<u8>,
    module: usize,
    ops: Ptr<KernelParamOps>,
    permissions: u16,
    level: i8,
    flags: u8,
    /// What the functions work on: the address of the variable, or of a description of it.
    arg: usize,
}

const _: () = assert!(size_of::<KernelParam>() == 40 && size_of::<KernelParamOps>() == 32);

impl KernelParam {
    fn name(&self) -> &str {
        str_of(self.name)
    }
}

/// Lists the tables of functions that modules name for their parameters.
pub(super) fn tables() -> Vec<KernelExport> {
    let tables = [numbers::tables(), flags::tables(), strings::tables(), array::tables()];
    tables.into_iter().flatten().collect()
}

/// Reads what a set function gets; `None` if there is no value.
fn value_of<'a>(val: Ptr<u8>) -> Option<&'a [u8]> {
    (val.address() != 0).then(|| text(val))
}

/// Reads a variable of a module.
fn read_at<T: Copy>(address: usize) -> T {
    // SAFETY: the module names the variable of a parameter together with the function for its
    // type; where there is none, the machine ends the thread.
    unsafe { (address as *const T).read_unaligned() }
}

/// Sets a variable of a module.
fn write_at<T>(address: usize, value: T) {
    // SAFETY: as in `read_at`.
    unsafe { (address as *mut T).write_unaligned(value) };
}

/// Writes a text and a newline to the page of a get function, cut as scnprintf does; returns the
/// length.
fn put_line(page: usize, text: &[u8]) -> i32 {
    let line: Vec<u8> = text.iter().copied().chain([b'\n']).take(PAGE_BYTES - 1).collect();
    // SAFETY: whoever calls a get function gives it a page, of which arrays use parts: C has no
    // way to say how much is left.
    unsafe {
        let page = page as *mut u8;
        page.copy_from_nonoverlapping(line.as_ptr(), line.len());
        page.add(line.len()).write(0);
    }
    line.len() as i32
}

/// Turns a set function's result into what C returns.
fn to_c(result: Result<(), Errno>) -> i32 {
    result.map_or_else(Errno::to_c, |()| 0)
}
