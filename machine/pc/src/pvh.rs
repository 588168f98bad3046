//! What the loader tells at the start (the PVH boot protocol, Xen's hvm_start_info).

use crate::frames::Region;
use crate::paging::physical;

const MAGIC: u32 = 0x336e_c578;
const MEMORY: u32 = 1;

#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    modules: u32,
    module_list: u64,
    command_line: u64,
    rsdp: u64,
    memory_map: u64,
    memory_entries: u32,
    reserved: u32,
}

#[repr(C)]
struct MemoryEntry {
    start: u64,
    len: u64,
    kind: u32,
    reserved: u32,
}

#[repr(C)]
struct ModuleEntry {
    start: u64,
    len: u64,
    command_line: u64,
    reserved: u64,
}

/// What the loader tells.
pub(crate) struct LoaderInfo {
    info: &'static StartInfo,
}

impl LoaderInfo {
    /// Reads it where the loader left it, at a physical address; None if it is not there.
    ///
    /// # Safety
    ///
    /// The first 4 GiB are mapped, and the address is what the loader passed in ebx.
    pub(crate) unsafe fn at(address: u64) -> Option<LoaderInfo> {
        // SAFETY: by the protocol the structure lies there; nobody writes to it.
        let info = unsafe { &*(physical(address) as *const StartInfo) };
        (info.magic == MAGIC && info.version >= 1).then_some(LoaderInfo { info })
    }

    /// The memory that is free for use, apart from what the loader put there.
    pub(crate) fn memory(&self) -> impl Iterator<Item = Region> {
        let entries = self.list::<MemoryEntry>(self.info.memory_map, self.info.memory_entries);
        let usable = entries.iter().filter(|entry| entry.kind == MEMORY);
        usable.map(|entry| Region { start: entry.start, end: entry.start + entry.len })
    }

    /// Where the initrd lies.
    pub(crate) fn initrd(&self) -> Option<Region> {
        let modules = self.list::<ModuleEntry>(self.info.module_list, self.info.modules);
        let module = modules.first()?;
        Some(Region { start: module.start, end: module.start + module.len })
    }

    /// The command line; bytes that are no text end it.
    pub(crate) fn command_line(&self) -> &'static str {
        if self.info.command_line == 0 {
            return "";
        }
        let start = physical(self.info.command_line) as *const core::ffi::c_char;
        // SAFETY: by the protocol a string that ends with a NUL lies there.
        let text = unsafe { core::ffi::CStr::from_ptr(start) }.to_bytes();
        match core::str::from_utf8(text) {
            Ok(text) => text,
            Err(error) => core::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or(""),
        }
    }

    /// The physical address of the ACPI root pointer, 0 if the loader knows none.
    pub(crate) fn rsdp(&self) -> u64 {
        self.info.rsdp
    }

    fn list<T>(&self, address: u64, count: u32) -> &'static [T] {
        if count == 0 || address == 0 {
            return &[];
        }
        // SAFETY: by the protocol so many entries lie there; nobody writes to them.
        unsafe { core::slice::from_raw_parts(physical(address) as *const T, count as usize) }
    }
}
