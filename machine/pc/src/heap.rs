//! The kernel's heap: the global allocator, on runs of physical memory.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use talc::base::Talc;
use talc::DefaultBinning;
use talc::base::binning::Binning;
use talc::source::Source;

use crate::frames::PAGE;
use crate::hard_lock::HardLock;
use crate::paging::{frames, physical};

/// How much the heap grows by at a time, at least.
const GROWTH: u64 = 1 << 20;

/// Where the allocator gets memory from.
#[derive(Debug)]
struct Runs;

// SAFETY: takes memory from the frames alone, whose lock is none of the allocator's.
unsafe impl Source for Runs {
    fn acquire<B: Binning>(talc: &mut Talc<Runs, B>, layout: Layout) -> Result<(), ()> {
        // Room for what the allocator adds, and for the alignment.
        let needed = layout.size() as u64 + layout.align() as u64 + PAGE;
        let wanted = needed.checked_next_multiple_of(PAGE).ok_or(())?;
        let mut frames = frames().lock();
        let (run, len) = match frames.take_run(wanted.max(GROWTH)) {
            Some(run) => (run, wanted.max(GROWTH)),
            None => (frames.take_run(wanted).ok_or(())?, wanted),
        };
        drop(frames);
        CLAIMED.fetch_add(len, Ordering::Relaxed);
        // SAFETY: the run is ours, mapped, and never given back.
        unsafe { talc.claim(physical(run), len as usize) }.map(|_| ()).ok_or(())
    }
}

struct Heap {
    talc: HardLock<Talc<Runs, DefaultBinning>>,
    in_use: AtomicU64,
}

/// What the allocator was given, in bytes.
static CLAIMED: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static HEAP: Heap = Heap {
    talc: HardLock::new(Talc::new(Runs)),
    in_use: AtomicU64::new(0),
};

// SAFETY: Talc gives each caller memory of its own; the lock lets one in at a time.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same.
        let memory = unsafe { self.talc.lock().allocate(layout) };
        let Some(memory) = memory else { return ptr::null_mut() };
        self.in_use.fetch_add(layout.size() as u64, Ordering::Relaxed);
        memory.as_ptr()
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.in_use.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise is the same.
        unsafe { self.talc.lock().deallocate(memory, layout) };
    }
}

/// How many bytes of what the heap was given are not in use.
pub(crate) fn free() -> u64 {
    CLAIMED.load(Ordering::Relaxed).saturating_sub(HEAP.in_use.load(Ordering::Relaxed))
}
