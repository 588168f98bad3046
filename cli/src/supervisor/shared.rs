//! What parent and child share: a mapping made before the fork.
//!
//! It is all atomics, so that a process can read what another, perhaps broken, writes. A reader
//! believes nothing it finds there without a look at whether it makes sense.

use std::sync::atomic::{AtomicU32, AtomicU64};
use std::{io, ptr, slice};

use kthreads_host::CpuNote;
use kthreads_kernel::Config;
use kthreads_kernel::log::log_memory_words;

/// How many CPUs a machine can have.
const CPUS: usize = 64;
/// How many modules are kept track of; of more, only the names are lost when the program dies.
pub(super) const MODULES: usize = 64;
/// A module's name in words: its NUL counted, it has 56 bytes.
pub(super) const NAME_WORDS: usize = 7;
/// How many words of a stack are kept.
pub(super) const TRACE_WORDS: usize = 32;
/// Room for debugging files. It takes memory only where something is written.
const FILE_BYTES: usize = 256 << 20;
const WORD: usize = size_of::<u64>();

/// What is known of a death.
#[repr(C)]
pub(super) struct Death {
    /// The signal; 0 while the child lives.
    pub(super) signal: AtomicU32,
    /// Whether the address means something.
    pub(super) has_address: AtomicU32,
    pub(super) address: AtomicU64,
    /// Where the thread was that got the signal.
    pub(super) at: Trace,
    /// Where the CPUs were.
    pub(super) cpus: [Trace; CPUS],
}

/// Where a thread was.
#[repr(C)]
pub(super) struct Trace {
    /// Not 0 when the rest was noted.
    pub(super) is_done: AtomicU32,
    /// The instruction, 0 if nothing was noted.
    pub(super) ip: AtomicU64,
    /// Words of the stack that point into modules, innermost first; 0 ends them.
    pub(super) words: [AtomicU64; TRACE_WORDS],
}

/// A module that is loaded, if `base` is not 0.
#[repr(C)]
pub(super) struct ModuleSlot {
    pub(super) base: AtomicU64,
    pub(super) len: AtomicU64,
    pub(super) name: [AtomicU64; NAME_WORDS],
    /// Where its debugging file begins, in words.
    pub(super) file_at: AtomicU64,
    /// The file's length in bytes; 0 if there was no room for it.
    pub(super) file_len: AtomicU64,
}

/// The beginning of the mapping.
#[repr(C)]
pub(super) struct Head {
    /// Not 0 once the child ends because it means to.
    pub(super) farewell: AtomicU32,
    /// User signals that the child has not looked at.
    pub(super) unanswered: AtomicU32,
    /// The first record of the log that was not shown.
    pub(super) shown: AtomicU64,
    pub(super) death: Death,
    pub(super) cpus: [CpuNote; CPUS],
    pub(super) modules: [ModuleSlot; MODULES],
}

/// The mapping. It is never unmapped.
#[derive(Clone, Copy)]
pub(super) struct Shared {
    head: &'static Head,
    log: &'static [AtomicU64],
    files: &'static [AtomicU64],
}

impl Shared {
    pub(super) fn map() -> io::Result<Shared> {
        let log_words = log_memory_words(Config::default().log_bytes);
        let file_words = FILE_BYTES / WORD;
        let len = size_of::<Head>() + (log_words + file_words) * WORD;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: asks for new memory anywhere.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = start.cast::<u8>();
        // SAFETY: the mapping is of `len` bytes, zeroed, page-aligned and never unmapped; all of
        // it is atomics, for which any bytes are valid; the three parts lie one after the other.
        unsafe {
            let log = start.add(size_of::<Head>()).cast::<AtomicU64>();
            Ok(Shared {
                head: &*start.cast::<Head>(),
                log: slice::from_raw_parts(log, log_words),
                files: slice::from_raw_parts(log.add(log_words), file_words),
            })
        }
    }

    pub(super) fn head(&self) -> &'static Head {
        self.head
    }

    pub(super) fn log(&self) -> &'static [AtomicU64] {
        self.log
    }

    pub(super) fn files(&self) -> &'static [AtomicU64] {
        self.files
    }
}
