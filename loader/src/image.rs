//! A module in memory.

use crate::class::{Class, PAGE_BYTES};
use crate::debug::{DebugSection, DebugStore};
use crate::memory::{Access, ImageMemory};
use crate::modinfo::ModInfo;
use crate::per_cpu::PerCpu;
use crate::symbol::{Symbol, SymbolTable, Symbolized};
use crate::tables::Export;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, Ordering};

/// Describes one loaded section.
///
/// The loader's own tables appear as `.plt`, `.got` and `COMMON`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The name.
    pub name: Box<str>,
    /// The part of the image it lies in.
    pub class: Class,
    /// Its run-time addresses.
    pub range: Range<usize>,
}

/// What of the image is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// All of it.
    WithInit = 0,
    /// All but what only initialisation needs.
    InitDropped = 1,
    /// Nothing but what is known about it.
    Unloaded = 2,
}

/// Reports a snapshot that was taken of another image, or at another stage of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongSnapshotLength {
    /// The length that the image's writable part has now.
    pub expected: usize,
    /// The length of the snapshot.
    pub found: usize,
}

impl fmt::Display for WrongSnapshotLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, found } = self;
        write!(f, "the snapshot has {found} bytes, the module's data {expected}: ")?;
        f.write_str("take it from the same module, on the same side of drop_init")
    }
}

impl core::error::Error for WrongSnapshotLength {}

/// Holds a module in memory: relocated, protected, ready to run.
///
/// An image does not free its memory when it is dropped, since threads may still run in it:
/// whoever knows that none does calls [`unload`](Self::unload). What is known about it, such as
/// its symbols, can be asked for longer.
#[derive(Debug)]
pub struct Image {
    pub(crate) block: (NonNull<u8>, usize),
    /// Bytes of the block before the image, lost to its alignment.
    pub(crate) skipped: usize,
    pub(crate) len: usize,
    /// A [`Stage`].
    pub(crate) stage: AtomicU8,
    pub(crate) classes: [Range<usize>; Class::ALL.len()],
    pub(crate) sections: Vec<Section>,
    pub(crate) symbols: SymbolTable,
    pub(crate) modinfo: ModInfo,
    pub(crate) exports: Vec<Export>,
    pub(crate) init_array: Vec<usize>,
    pub(crate) debug: DebugStore,
    pub(crate) per_cpu: PerCpu,
}

// SAFETY: the pointer is an address of memory that the image owns; safe methods never go through
// it, and the unsafe ones ask the caller for exclusion.
unsafe impl Send for Image {}
// SAFETY: as above; shared references read plain data of the image's own.
unsafe impl Sync for Image {}

impl Image {
    fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::WithInit,
            1 => Stage::InitDropped,
            _ => Stage::Unloaded,
        }
    }

    /// Gives the address of the first byte.
    pub fn base(&self) -> usize {
        self.block.0.addr().get() + self.skipped
    }

    /// Gives the length in bytes, in full pages.
    #[expect(clippy::len_without_is_empty, reason = "an image is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Gives the addresses of one class; they start at a page and end behind the last used byte.
    pub fn range(&self, class: Class) -> Range<usize> {
        self.classes[class.index()].clone()
    }

    /// Gives the addresses of the code that stays.
    pub fn text(&self) -> Range<usize> {
        self.range(Class::Text)
    }

    /// Gives the addresses of the code that initialisation alone runs, even after it is dropped.
    pub fn init_text(&self) -> Range<usize> {
        self.range(Class::InitText)
    }

    /// Gives the addresses of constants and of the GOT.
    pub fn read_only(&self) -> Range<usize> {
        self.range(Class::ReadOnly)
    }

    /// Gives the addresses of initialised variables.
    pub fn data(&self) -> Range<usize> {
        self.range(Class::Data)
    }

    /// Gives the addresses of variables that start as zero.
    pub fn bss(&self) -> Range<usize> {
        self.range(Class::Bss)
    }

    /// Gives all addresses that the module can write to at its present stage.
    pub fn writable(&self) -> Range<usize> {
        let first = match self.stage() {
            Stage::WithInit => Class::InitData,
            Stage::InitDropped | Stage::Unloaded => Class::Data,
        };
        self.range(first).start..self.bss().end
    }

    /// Tells whether an address lies in the image.
    pub fn contains(&self, address: usize) -> bool {
        (self.base()..self.base() + self.len).contains(&address)
    }

    /// Tells whether an address lies in code that may run now. It only compares numbers, so a
    /// signal handler may ask.
    pub fn contains_text(&self, address: usize) -> bool {
        let is_in = |class: Class| self.classes[class.index()].contains(&address);
        match self.stage() {
            Stage::WithInit => is_in(Class::Text) || is_in(Class::InitText),
            Stage::InitDropped => is_in(Class::Text),
            Stage::Unloaded => false,
        }
    }

    /// Finds the address of a symbol, local or global, that the module defines.
    pub fn symbol(&self, name: &str) -> Option<usize> {
        self.symbols.by_name(name).filter(|symbol| self.is_present(symbol)).map(Symbol::address)
    }

    /// Gives the address of the first CPU's copy of what lies at an address of the image.
    pub fn first_copy(&self, address: usize) -> usize {
        self.per_cpu.first_copy(address, &self.classes[Class::PerCpu.index()])
    }

    /// Names an address as `name+offset/size`, as Linux does in its reports. All copies of a
    /// per-CPU variable have its name.
    pub fn symbolize(&self, address: usize) -> Option<Symbolized<'_>> {
        let address = self.first_copy(address);
        let section = self.sections().find(|section| section.range.contains(&address))?;
        self.symbols.by_address(address, &section.range)
    }

    /// Names an address as [`symbolize`](Self::symbolize) does, also one in what initialisation
    /// alone needed and is dropped.
    pub fn symbolize_past(&self, address: usize) -> Option<Symbolized<'_>> {
        let address = self.first_copy(address);
        let section = self.sections.iter().find(|section| section.range.contains(&address))?;
        self.symbols.by_address(address, &section.range)
    }

    /// Tells whether the memory is gone.
    pub fn is_unloaded(&self) -> bool {
        self.stage() == Stage::Unloaded
    }

    /// Iterates over the symbols in the order of their addresses, as `/proc/kallsyms` lists them.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter().filter(|symbol| self.is_present(symbol))
    }

    fn is_present(&self, symbol: &Symbol) -> bool {
        symbol.is_absolute || !self.is_dropped(symbol.address)
    }

    fn is_dropped(&self, address: usize) -> bool {
        self.stage() != Stage::WithInit && self.init_pages().contains(&address)
    }

    /// Gives the pages of the classes that are dropped, which lie side by side.
    fn init_pages(&self) -> Range<usize> {
        self.init_text().start..self.range(Class::ReadOnlyAfterInit).start
    }

    /// Gives what the module says about itself.
    pub fn modinfo(&self) -> &ModInfo {
        &self.modinfo
    }

    /// Finds the addresses of a section, such as `__param`. If several have the name, it is the
    /// first; [`sections`](Self::sections) has all.
    pub fn section(&self, name: &str) -> Option<Range<usize>> {
        self.sections().find(|section| &*section.name == name).map(|s| s.range.clone())
    }

    /// Iterates over the sections that are in memory now.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        let has_init = self.stage() == Stage::WithInit;
        let gone = move |class: Class| !has_init && class.is_init();
        self.sections.iter().filter(move |section| !gone(section.class))
    }

    /// Lists what the module exports to other modules.
    pub fn exports(&self) -> &[Export] {
        &self.exports
    }

    /// Lists the module's constructors in the order in which they are to run, before its init
    /// function: each is an `extern "C" fn()`.
    pub fn init_array(&self) -> &[usize] {
        &self.init_array
    }

    /// Makes copies of the debug sections with run-time addresses in them.
    ///
    /// The work is done at each call. Empty if the object was loaded
    /// [without](crate::Object::without_debug) them or has none.
    pub fn debug_sections(&self) -> Vec<DebugSection<'_>> {
        self.debug.relocated()
    }

    /// Drops what only initialisation needs: `.init.*` becomes inaccessible, and
    /// `.data..ro_after_init` read-only. Its symbols and sections are then no longer found.
    ///
    /// # Safety
    ///
    /// `memory` must be the one the image was loaded into, no thread may run or return into init
    /// code, and nothing may point to init data.
    pub unsafe fn drop_init(&self, memory: &dyn ImageMemory) {
        if !self.advance(Stage::WithInit, Stage::InitDropped) {
            return;
        }
        let constant = self.range(Class::ReadOnlyAfterInit);
        // SAFETY: both ranges are whole pages of this image's block, which is not freed; the
        // caller vouches that nobody needs them as they were.
        unsafe {
            self.protect(memory, self.init_pages(), Access::None);
            self.protect(memory, constant, Access::Read);
        }
    }

    fn advance(&self, from: Stage, to: Stage) -> bool {
        let order = Ordering::AcqRel;
        self.stage.compare_exchange(from as u8, to as u8, order, Ordering::Acquire).is_ok()
    }

    /// # Safety
    ///
    /// As for [`ImageMemory::protect`]; the range starts at a page of this image.
    unsafe fn protect(&self, memory: &dyn ImageMemory, range: Range<usize>, access: Access) {
        let len = range.len().next_multiple_of(PAGE_BYTES);
        if len == 0 {
            return;
        }
        // SAFETY: the range lies in the block, so the offset does too; the rest is the caller's.
        unsafe { memory.protect(self.pointer_to(range.start), len, access) }
    }

    /// Gives a pointer to an address of the image, made from the block's own pointer.
    fn pointer_to(&self, address: usize) -> NonNull<u8> {
        debug_assert!((self.base()..=self.base() + self.len).contains(&address));
        // SAFETY: callers give addresses of the image, which is inside the block.
        unsafe { self.block.0.add(address - self.block.0.addr().get()) }
    }

    /// Frees the image's memory; a second time does nothing.
    ///
    /// # Safety
    ///
    /// `memory` must be the one the image was loaded into, no thread may run or return into the
    /// module, and nothing may point into it any more.
    pub unsafe fn unload(&self, memory: &dyn ImageMemory) {
        let order = Ordering::AcqRel;
        if self.stage.swap(Stage::Unloaded as u8, order) == Stage::Unloaded as u8 {
            return;
        }
        let (start, len) = self.block;
        // SAFETY: the block came from this memory with this length, and the caller vouches that
        // nobody uses it.
        unsafe { memory.free(start, len) }
    }

    /// As [`unload`](Self::unload), but the addresses are never used again: for who remembers
    /// places in the module, as a debugger its breakpoints.
    ///
    /// # Safety
    ///
    /// As there.
    pub unsafe fn retire(&self, memory: &dyn ImageMemory) {
        let order = Ordering::AcqRel;
        if self.stage.swap(Stage::Unloaded as u8, order) == Stage::Unloaded as u8 {
            return;
        }
        // SAFETY: the block is whole pages of this memory, and the caller vouches that nobody
        // uses it.
        unsafe { memory.protect(self.block.0, self.block.1, Access::None) }
    }

    /// Copies all [writable](Self::writable) bytes.
    ///
    /// # Safety
    ///
    /// The image is not unloaded, and its memory must not change meanwhile: no thread runs the module or writes to its
    /// data.
    pub unsafe fn snapshot(&self) -> Vec<u8> {
        let range = self.writable();
        // SAFETY: the range lies in the image and is readable at this stage; the caller keeps
        // everybody from writing to it while the slice lives.
        let bytes = unsafe {
            core::slice::from_raw_parts(self.pointer_to(range.start).as_ptr(), range.len())
        };
        bytes.to_vec()
    }

    /// Puts back the bytes of a [`snapshot`](Self::snapshot) taken at the same stage.
    ///
    /// # Errors
    ///
    /// If the length is another; nothing is changed then.
    ///
    /// # Safety
    ///
    /// As for [`snapshot`](Self::snapshot), and nobody may rely on what the module's data held.
    pub unsafe fn restore(&self, snapshot: &[u8]) -> Result<(), WrongSnapshotLength> {
        let range = self.writable();
        if snapshot.len() != range.len() {
            let (expected, found) = (range.len(), snapshot.len());
            return Err(WrongSnapshotLength { expected, found });
        }
        // SAFETY: the range lies in the image and is writable at this stage, the lengths agree,
        // and the caller keeps everybody else away.
        unsafe {
            let to = self.pointer_to(range.start).as_ptr();
            to.copy_from_nonoverlapping(snapshot.as_ptr(), snapshot.len());
        }
        Ok(())
    }
}
