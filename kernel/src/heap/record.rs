//! The record of one block.

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::{Cx, Kernel};

const ORDER: Ordering = Ordering::Relaxed;
/// The index of no record.
pub(super) const NO_RECORD: u32 = u32::MAX;

/// Which functions a block belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// kmalloc and kfree.
    Kmalloc = 0,
    /// kmem_cache_alloc and kmem_cache_free.
    CacheObject = 1,
    /// vmalloc and vfree.
    Virtual = 2,
    /// __get_free_pages and free_pages.
    Pages = 3,
    /// alloc_percpu and free_percpu.
    PerCpu = 4,
    /// kmem_cache_create and kmem_cache_destroy.
    Cache = 5,
    /// kthread_create_worker and kthread_destroy_worker.
    Worker = 6,
}

impl Kind {
    fn from_number(number: u32) -> Kind {
        match number {
            1 => Kind::CacheObject,
            2 => Kind::Virtual,
            3 => Kind::Pages,
            4 => Kind::PerCpu,
            5 => Kind::Cache,
            6 => Kind::Worker,
            _ => Kind::Kmalloc,
        }
    }

    /// Whether nothing stands beside such a block that tells where its record is.
    pub(super) fn is_found_by_address(self) -> bool {
        matches!(self, Kind::Pages | Kind::PerCpu | Kind::Cache)
    }

    /// The function that such memory comes from.
    pub fn origin(self) -> &'static str {
        match self {
            Kind::Kmalloc => "kmalloc",
            Kind::CacheObject => "kmem_cache_alloc",
            Kind::Virtual => "vmalloc",
            Kind::Pages => "__get_free_pages",
            Kind::PerCpu => "alloc_percpu",
            Kind::Cache => "kmem_cache_create",
            Kind::Worker => "kthread_create_worker",
        }
    }

    /// The function that frees such memory.
    pub fn ending(self) -> &'static str {
        match self {
            Kind::Kmalloc => "kfree",
            Kind::CacheObject => "kmem_cache_free",
            Kind::Virtual => "vfree",
            Kind::Pages => "free_pages",
            Kind::PerCpu => "free_percpu",
            Kind::Cache => "kmem_cache_destroy",
            Kind::Worker => "kthread_destroy_worker",
        }
    }
}

/// What a record stands for at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum State {
    /// No block.
    Unused = 0,
    /// A block that a module has.
    Live = 1,
    /// A block that is being freed.
    Freed = 2,
    /// A live block that was reported as left behind by its module.
    Left = 3,
    /// A freed block that is filled and kept back.
    Kept = 4,
}

/// Who did something to a block, and when (Linux: struct track).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// The address that the call returns to.
    pub place: usize,
    /// The jiffy.
    pub when: u64,
    /// The CPU.
    pub cpu: u32,
    /// The task.
    pub pid: i32,
    /// The slot of the task.
    pub(super) slot: u32,
}

#[derive(Debug, Default)]
struct TrackCells {
    place: AtomicUsize,
    when: AtomicU64,
    cpu: AtomicU32,
    pid: AtomicI32,
    slot: AtomicU32,
}

impl TrackCells {
    fn set(&self, cx: &Cx<'_>, place: usize) {
        self.place.store(place, ORDER);
        self.when.store(cx.kernel.jiffies.now().0, ORDER);
        self.cpu.store(cx.cpu(), ORDER);
        self.pid.store(cx.task.pid(), ORDER);
        self.slot.store(cx.task.index(), ORDER);
    }

    fn get(&self) -> Track {
        Track {
            place: self.place.load(ORDER),
            when: self.when.load(ORDER),
            cpu: self.cpu.load(ORDER),
            pid: self.pid.load(ORDER),
            slot: self.slot.load(ORDER),
        }
    }
}

/// A block: what a record says of it, copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Which functions it belongs to.
    pub kind: Kind,
    /// Where the memory begins that the caller got.
    pub memory: usize,
    /// How many bytes the caller asked for.
    pub len: usize,
    /// How many bytes it may use after ksize.
    pub room: usize,
    /// Where the allocation begins that the memory lies in.
    pub start: usize,
    /// How long the allocation is.
    pub total: usize,
    /// Its alignment.
    pub align: usize,
    /// The kmem_cache that an object is of.
    pub cache: usize,
    /// Who allocated it.
    pub allocated: Track,
    /// Who freed it, if it is freed.
    pub freed: Option<Track>,
}

impl Block {
    /// Whether an address lies in the memory or in the red zones beside it.
    pub fn covers(&self, address: usize) -> bool {
        (self.start..self.start + self.total).contains(&address)
    }
}

/// The record of a block. Records are used again, their memory is never freed.
#[derive(Debug)]
pub struct Record {
    state: AtomicU32,
    kind: AtomicU32,
    memory: AtomicUsize,
    len: AtomicUsize,
    room: AtomicUsize,
    start: AtomicUsize,
    total: AtomicUsize,
    align: AtomicUsize,
    cache: AtomicUsize,
    allocated: TrackCells,
    freed: TrackCells,
    pub(super) next: AtomicU32,
    pub(super) shard: AtomicU32,
}

impl Record {
    pub(super) fn new(_index: u32) -> Record {
        Record {
            state: AtomicU32::new(State::Unused as u32),
            kind: AtomicU32::new(0),
            memory: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            room: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            align: AtomicUsize::new(0),
            cache: AtomicUsize::new(0),
            allocated: TrackCells::default(),
            freed: TrackCells::default(),
            next: AtomicU32::new(NO_RECORD),
            shard: AtomicU32::new(0),
        }
    }

    /// Begins to stand for a live block, allocated by a call that returns to `place`.
    pub(super) fn begin(&self, cx: &Cx<'_>, block: &super::NewBlock, place: usize) {
        self.kind.store(block.kind as u32, ORDER);
        self.memory.store(block.memory, ORDER);
        self.len.store(block.len, ORDER);
        self.room.store(block.room, ORDER);
        self.start.store(block.start, ORDER);
        self.total.store(block.total, ORDER);
        self.align.store(block.align, ORDER);
        self.cache.store(block.cache, ORDER);
        self.allocated.set(cx, place);
        self.state.store(State::Live as u32, Ordering::Release);
    }

    pub(super) fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Unused,
            1 => State::Live,
            2 => State::Freed,
            4 => State::Kept,
            _ => State::Left,
        }
    }

    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u32, Ordering::Release);
    }

    /// Whether it stands for a block that somebody has.
    pub fn is_live(&self) -> bool {
        matches!(self.state(), State::Live | State::Left)
    }

    /// Whether it stands for a block that somebody has and that has not been reported as left.
    pub(super) fn is_fresh(&self) -> bool {
        self.state() == State::Live
    }

    /// Whether it stands for a block that has been reported as left behind.
    pub(super) fn is_left(&self) -> bool {
        self.state() == State::Left
    }

    /// Whether it stands for a freed block.
    pub fn is_freed(&self) -> bool {
        matches!(self.state(), State::Freed | State::Kept)
    }

    /// Whether it stands for a freed block that is filled with poison.
    pub(super) fn is_kept(&self) -> bool {
        self.state() == State::Kept
    }

    /// Where the caller's memory begins.
    pub fn memory(&self) -> usize {
        self.memory.load(ORDER)
    }

    /// How many bytes the caller asked for.
    pub fn len(&self) -> usize {
        self.len.load(ORDER)
    }

    /// Whether the caller asked for nothing; never so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes how many bytes the caller has, up to the room that there is.
    pub fn set_len(&self, len: usize) {
        self.len.store(len.min(self.room.load(ORDER)), ORDER);
    }

    /// All that it says.
    pub fn block(&self) -> Block {
        Block {
            kind: Kind::from_number(self.kind.load(ORDER)),
            memory: self.memory(),
            len: self.len(),
            room: self.room.load(ORDER),
            start: self.start.load(ORDER),
            total: self.total.load(ORDER),
            align: self.align.load(ORDER),
            cache: self.cache.load(ORDER),
            allocated: self.allocated.get(),
            freed: self.is_freed().then(|| self.freed.get()),
        }
    }
}

impl Kernel {
    /// Makes a live block a freed one, by a call that returns to `place`; false if somebody else
    /// has freed it meanwhile. The memory is the caller's, until
    /// [`keep_freed`](Kernel::keep_freed) takes it.
    pub fn retire_block(&self, cx: &Cx<'_>, record: &Record, place: usize) -> bool {
        let live = record.state.load(ORDER);
        let freed = State::Freed as u32;
        let is_live = record.is_live();
        let swap = || record.state.compare_exchange(live, freed, Ordering::AcqRel, ORDER).is_ok();
        if !is_live || !swap() {
            return false;
        }
        record.freed.set(cx, place);
        true
    }
}
