//! GDB's interface for code that comes at run time: it knows modules as it knows programs.
//!
//! A debugger looks for two symbols in the program that it runs: a descriptor, with a list of ELF
//! files in memory, and a function that does nothing, where it sets a breakpoint. Whoever adds a
//! file to the list or takes one from it says so in the descriptor and calls the function. Their
//! names and layouts are fixed by GDB ("JIT Compilation Interface" in its manual), and there can
//! be one list in a program, so this is the one place here with statics: a debugger finds no
//! others.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use kthreads_base::SpinLock;

use super::watch::{ImageWatcher, Placed};

const NO_ACTION: u32 = 0;
const REGISTER: u32 = 1;
const UNREGISTER: u32 = 2;

/// A file of the list (C: struct jit_code_entry). Only debuggers follow its links.
#[repr(C)]
struct Entry {
    next: *mut Entry,
    previous: *mut Entry,
    file: *const u8,
    len: u64,
}

/// What a debugger reads first (C: struct jit_descriptor).
#[repr(C)]
struct Descriptor {
    version: u32,
    action: AtomicU32,
    /// The entry that the action is about.
    relevant: AtomicPtr<Entry>,
    first: AtomicPtr<Entry>,
}

// SAFETY: nothing else in the program may have this name; it is the one that debuggers look for.
#[unsafe(no_mangle)]
#[used]
static __jit_debug_descriptor: Descriptor = Descriptor {
    version: 1,
    action: AtomicU32::new(NO_ACTION),
    relevant: AtomicPtr::new(ptr::null_mut()),
    first: AtomicPtr::new(ptr::null_mut()),
};

/// Where debuggers have a breakpoint.
// SAFETY: as above.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn __jit_debug_register_code() {
    // Keeps the function, and every store before it, in place.
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
    core::hint::black_box(&__jit_debug_descriptor);
}

/// A module in the list, and what its entry points to.
struct Announced {
    base: usize,
    entry: Box<Entry>,
    _file: Box<[u8]>,
}

// SAFETY: the entry's pointers are followed by debuggers only, which stop the program first.
unsafe impl Send for Announced {}

/// All entries, of all kernels in the program, in the order of the list.
static ANNOUNCED: SpinLock<Vec<Announced>> = SpinLock::new(Vec::new());

/// Announces modules to a debugger; one that attaches later finds them, too.
#[derive(Clone, Copy, Debug, Default)]
pub struct GdbAnnouncer;

impl GdbAnnouncer {
    /// Makes the announcer, for [`ModuleLoader::watch`](super::ModuleLoader::watch).
    pub fn new() -> Arc<GdbAnnouncer> {
        Arc::new(GdbAnnouncer)
    }
}

impl ImageWatcher for GdbAnnouncer {
    fn placed(&self, module: &Placed<'_>) {
        let file: Box<[u8]> = module.debug_file.into();
        let (start, len) = (file.as_ptr(), file.len() as u64);
        let (next, previous) = (ptr::null_mut(), ptr::null_mut());
        let entry = Box::new(Entry { next, previous, file: start, len });
        let mut all = ANNOUNCED.lock();
        all.push(Announced { base: module.base, entry, _file: file });
        link(&mut all);
        let entry = all.last_mut().map_or(ptr::null_mut(), |last| &raw mut *last.entry);
        tell(REGISTER, entry);
    }

    fn is_debugger(&self) -> bool {
        true
    }

    fn removed(&self, base: usize) {
        let mut all = ANNOUNCED.lock();
        let Some(index) = all.iter().position(|announced| announced.base == base) else { return };
        let mut gone = all.remove(index);
        link(&mut all);
        tell(UNREGISTER, &raw mut *gone.entry);
    }
}

/// Makes the links and the head of the list those of the vector.
fn link(all: &mut [Announced]) {
    let addresses: Vec<*mut Entry> = all.iter_mut().map(|one| &raw mut *one.entry).collect();
    let at = |index: Option<usize>| {
        index.and_then(|index| addresses.get(index)).copied().unwrap_or(ptr::null_mut())
    };
    for (index, one) in all.iter_mut().enumerate() {
        one.entry.previous = at(index.checked_sub(1));
        one.entry.next = at(Some(index + 1));
    }
    __jit_debug_descriptor.first.store(at(Some(0)), Ordering::Relaxed);
}

fn tell(action: u32, entry: *mut Entry) {
    __jit_debug_descriptor.relevant.store(entry, Ordering::Relaxed);
    __jit_debug_descriptor.action.store(action, Ordering::Relaxed);
    __jit_debug_register_code();
    // A debugger that attaches now reads the list, not an action of long ago.
    __jit_debug_descriptor.action.store(NO_ACTION, Ordering::Relaxed);
    __jit_debug_descriptor.relevant.store(ptr::null_mut(), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(base: usize, file: &[u8]) {
        GdbAnnouncer.placed(&Placed { name: "m", base, len: 1, debug_file: file });
    }

    /// The files of the list, as a debugger walks it.
    fn listed() -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut entry = __jit_debug_descriptor.first.load(Ordering::Relaxed);
        let mut before = ptr::null_mut();
        // SAFETY: the entries are those of the vector, which only this test changes.
        while let Some(here) = unsafe { entry.as_ref() } {
            assert_eq!(here.previous, before);
            // SAFETY: the file lives as long as its entry.
            found.push(unsafe { core::slice::from_raw_parts(here.file, here.len as usize) }.into());
            (before, entry) = (entry, here.next);
        }
        found
    }

    #[test]
    fn the_list_is_what_was_placed_and_not_removed() {
        use kthreads_host::HostMachine;
        use kthreads_kernel::{Config, Kernel};
        let machine = HostMachine::new(Default::default()).expect("a machine");
        let kernel = Kernel::boot(machine, Config::default()).expect("a kernel");
        kernel.enter(|_| place_and_remove());
    }

    fn place_and_remove() {
        place(1, b"one");
        place(2, b"two");
        place(3, b"three");
        assert_eq!(listed(), [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        GdbAnnouncer.removed(2);
        GdbAnnouncer.removed(7);
        assert_eq!(listed(), [b"one".to_vec(), b"three".to_vec()]);
        GdbAnnouncer.removed(1);
        GdbAnnouncer.removed(3);
        assert!(listed().is_empty());
        assert_eq!(__jit_debug_descriptor.action.load(Ordering::Relaxed), NO_ACTION);
        assert_eq!(core::mem::size_of::<Entry>(), 32);
        assert_eq!(core::mem::offset_of!(Descriptor, first), 16);
    }
}
