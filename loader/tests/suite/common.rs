//! What the tests share: a compiler, and memory from the host.

use kthreads_loader::{Access, ImageMemory, Object};
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The flags of every module; `-g` besides, so that there are debug sections.
pub(crate) const MODULE_FLAGS: &str = "-std=gnu11 -ffreestanding -nostdinc -g -fPIC -fno-plt \
    -fvisibility=hidden -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
    -fcf-protection=none -fno-asynchronous-unwind-tables -fno-common -fno-strict-aliasing \
    -fno-delete-null-pointer-checks -fno-omit-frame-pointer -fno-optimize-sibling-calls \
    -fstack-clash-protection";

/// The compilers of this machine: gcc always, clang if it is there.
pub(crate) fn compilers() -> Vec<&'static str> {
    let runs = |cc: &&str| Command::new(cc).arg("--version").output().is_ok();
    ["gcc", "clang"].into_iter().filter(runs).collect()
}

/// A directory that goes away with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kthreads-loader-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Runs a tool and insists that it succeeds.
pub(crate) fn run(tool: &str, arguments: &[&str]) {
    let output = Command::new(tool).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {errors}");
}

/// Compiles one file of `tests/data` with exactly these flags.
pub(crate) fn compile_plain(compiler: &str, source: &str, flags: &str) -> Vec<u8> {
    let scratch = Scratch::new();
    let (input, output) = (data(source), scratch.path("out.o"));
    let mut arguments: Vec<&str> = flags.split_whitespace().collect();
    arguments.extend(["-c", input.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    run(compiler, &arguments);
    std::fs::read(output).unwrap()
}

/// Compiles one file of `tests/data` as a module, with more flags behind the usual ones.
pub(crate) fn compile(compiler: &str, source: &str, flags: &str) -> Vec<u8> {
    // clang warns of flags it has no use for; that is no failure.
    compile_plain(compiler, source, &format!("{MODULE_FLAGS} {flags}"))
}

pub(crate) fn parse(bytes: &[u8]) -> Object<'_> {
    Object::parse(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// Memory from mmap, remembering what is allocated.
#[derive(Default)]
pub(crate) struct MmapMemory {
    pub(crate) live_blocks: Cell<usize>,
    pub(crate) protected: RefCell<Vec<(usize, usize, Access)>>,
}

// SAFETY: mmap gives zeroed pages that belong to nobody else.
unsafe impl ImageMemory for MmapMemory {
    fn allocate(&self, len: usize) -> Option<NonNull<u8>> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous mapping touches nothing that exists.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        self.live_blocks.set(self.live_blocks.get() + 1);
        NonNull::new(start.cast())
    }

    unsafe fn protect(&self, start: NonNull<u8>, len: usize, access: Access) {
        let bits = match access {
            Access::None => libc::PROT_NONE,
            Access::Read => libc::PROT_READ,
            Access::ReadExecute => libc::PROT_READ | libc::PROT_EXEC,
            Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
        };
        // SAFETY: the caller gives pages of a block that allocate made.
        let result = unsafe { libc::mprotect(start.as_ptr().cast(), len, bits) };
        assert_eq!(result, 0);
        self.protected.borrow_mut().push((start.addr().get(), len, access));
    }

    unsafe fn free(&self, start: NonNull<u8>, len: usize) {
        // SAFETY: the caller gives a whole block that allocate made.
        let result = unsafe { libc::munmap(start.as_ptr().cast(), len) };
        assert_eq!(result, 0);
        self.live_blocks.set(self.live_blocks.get() - 1);
    }
}

/// Gives the access of an address as `/proc/self/maps` shows it, such as `r-xp`.
pub(crate) fn access_of(address: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        if (number(start)..number(end)).contains(&address) {
            return rest[..4].into();
        }
    }
    "unmapped".into()
}
