//! What the tests share: a kernel, and exports called as C calls them.

use std::ffi::{CString, c_char};

use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::log::{LOG_LINE_MAX, Read, Reader};
use kthreads_kernel::{Booted, Config, Cx, Kernel};

/// A C string as C passes it.
pub(crate) type Text = *const c_char;

pub(crate) const GFP_KERNEL: u32 = 0xcc0;
pub(crate) const GFP_ATOMIC: u32 = 0xa20;
pub(crate) const GFP_ZERO: u32 = 0x100;

/// A kernel with so many CPUs on a clock that jumps over idle time.
pub(crate) fn boot(cpus: u32) -> Booted {
    let config = HostConfig { cpus, clock: Clock::FastForward, ..HostConfig::default() };
    let machine = HostMachine::new(config).expect("a machine");
    Kernel::boot(machine, Config::default()).expect("a kernel")
}

/// The address of an export.
pub(crate) fn address(name: &str) -> usize {
    kthreads_capi::resolve(name).unwrap_or_else(|| panic!("{name} is no export")).address
}

/// Calls an export: `call!("strlen"(text: *const u8) -> usize)`.
macro_rules! call {
    ($name:literal ( $($arg:expr => $type:ty),* $(,)? ) $(-> $ret:ty)?) => {{
        let address = $crate::common::address($name);
        let function: extern "C" fn($($type),*) $(-> $ret)? =
            // SAFETY: the types are those that exports.txt gives.
            unsafe { core::mem::transmute(address) };
        function($($arg),*)
    }};
    ($name:literal ( $($fixed:expr => $type:ty),* ; $($rest:expr => $rest_type:ty),* )
        $(-> $ret:ty)?) => {{
        let address = $crate::common::address($name);
        let function: extern "C" fn($($type,)* ...) $(-> $ret)? =
            // SAFETY: as above; the arguments behind the semicolon are variadic.
            unsafe { core::mem::transmute(address) };
        function($($fixed,)* $($rest as $rest_type),*)
    }};
}

/// A C string.
pub(crate) fn c(text: &str) -> CString {
    CString::new(text).expect("no NUL inside")
}

/// The whole log so far.
pub(crate) fn log_of(cx: &Cx<'_>) -> String {
    cx.kernel.finish_log();
    let ring = cx.kernel.log_ring();
    let mut reader = Reader::from_oldest(ring);
    let mut buffer = [0; LOG_LINE_MAX];
    let mut log = String::new();
    while let Read::Record { text, .. } = reader.read(ring, &mut buffer) {
        log.push_str(&String::from_utf8_lossy(text));
        log.push('\n');
    }
    log
}

pub(crate) fn kmalloc(len: usize, flags: u32) -> usize {
    call!("__kmalloc"(len => usize, flags => u32) -> usize)
}

pub(crate) fn kfree(memory: usize) {
    call!("kfree"(memory => usize));
}
