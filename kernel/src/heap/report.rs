//! What is said about a block: in the words of Linux's SLUB, with who allocated and freed it.

use alloc::string::String;
use core::fmt;
use core::sync::atomic::Ordering;

use kthreads_base::{SLOT_SIZE, stack};

use super::{Block, Kind, Track};
use crate::log::Level;
use crate::task::Task;
use crate::{Cx, Kernel, log};

/// Where something was written that should not have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Before the memory.
    LeftRedzone,
    /// Behind the memory.
    RightRedzone,
    /// In memory that was freed.
    Poison,
}

impl Zone {
    fn name(self) -> &'static str {
        match self {
            Zone::LeftRedzone => "Left Redzone",
            Zone::RightRedzone => "Right Redzone",
            Zone::Poison => "Poison",
        }
    }
}

/// What was written where nothing may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where.
    pub zone: Zone,
    /// The first wrong byte.
    pub first: usize,
    /// The last wrong byte.
    pub last: usize,
    /// What stood at the first.
    pub found: u8,
    /// What should have stood there.
    pub expected: u8,
}

/// The name of the cache that a block is of, as Linux calls it: `kmalloc-64`.
pub(super) struct CacheName<'a>(&'a Block, Option<String>);

impl fmt::Display for CacheName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let room = self.0.room;
        match (self.0.kind, &self.1) {
            (Kind::CacheObject, Some(name)) => f.write_str(name),
            (Kind::Kmalloc | Kind::Worker, _) if room >= 1024 && room.is_multiple_of(1024) => {
                write!(f, "kmalloc-{}k", room / 1024)
            }
            (Kind::Kmalloc | Kind::Worker, _) => write!(f, "kmalloc-{room}"),
            (kind, _) => f.write_str(kind.origin()),
        }
    }
}

impl Kernel {
    /// Reports that something was written beside a block, or into a freed one.
    #[cold]
    pub fn report_damage(&self, cx: &Cx<'_>, block: &Block, damage: &Damage) {
        let Damage { zone, first, last, found, expected } = *damage;
        let zone = zone.name();
        self.begin_block_report(cx, block, format_args!("{zone} overwritten"));
        let offset = first.wrapping_sub(block.memory) as isize;
        log!(
            cx,
            Level::Error,
            "{first:#x}-{last:#x} @offset={offset}. First byte {found:#x} instead of {expected:#x}"
        );
        self.log_block(cx, block);
        self.dump_stack(cx);
        let cache = self.cache_name(block);
        log!(cx, Level::Error, "FIX {cache}: Restoring {zone} {first:#x}-{last:#x}={expected:#x}");
    }

    /// Reports a block with which something is wrong, in SLUB's form, with a back trace of who
    /// found out.
    #[cold]
    pub fn report_block(&self, cx: &Cx<'_>, block: &Block, what: fmt::Arguments<'_>) {
        self.begin_block_report(cx, block, what);
        self.log_block(cx, block);
        self.dump_stack(cx);
    }

    fn begin_block_report(&self, cx: &Cx<'_>, block: &Block, what: fmt::Arguments<'_>) {
        self.count_bug();
        let (cache, taint) = (self.cache_name(block), self.taint_text());
        log!(cx, Level::Error, "{:=<77}", "");
        log!(cx, Level::Error, "BUG {cache} ({taint}): {what}");
        log!(cx, Level::Error, "{:-<77}", "");
    }

    /// Says which block it is, who allocated it, and who freed it.
    pub fn log_block(&self, cx: &Cx<'_>, block: &Block) {
        let Block { memory, len, .. } = *block;
        let cache = self.cache_name(block);
        log!(cx, Level::Error, "Object {memory:#x} of {len} bytes ({cache})");
        self.log_track(cx, "Allocated", &block.allocated);
        if let Some(freed) = &block.freed {
            self.log_track(cx, "Freed", freed);
        }
    }

    fn log_track(&self, cx: &Cx<'_>, what: &str, track: &Track) {
        let Track { place, when, cpu, pid, .. } = *track;
        let age = self.jiffies.now().0.wrapping_sub(when);
        let place = self.place_name(place);
        let comm = self.task_name(track);
        log!(cx, Level::Error, "{what} in {place} age={age} cpu={cpu} pid={pid}{comm}");
    }

    /// Who a track's task is, while its slot still tells: ` comm=name`.
    fn task_name(&self, track: &Track) -> String {
        let slot = self.tasks.slot(track.slot).filter(|task| task.pid() == track.pid);
        slot.map_or(String::new(), |task| alloc::format!(" comm={}", task.comm()))
    }

    /// The place of a call, by the address that it returns to: `name+0x1/0x20 [module] (file:1)`.
    pub fn place_name(&self, place: usize) -> String {
        let mut text = None;
        // The call may be the function's last instruction.
        self.with_past_symbol(place.wrapping_sub(1), &mut |symbol| {
            let (name, offset, size) = (symbol.name, symbol.offset + 1, symbol.size);
            let line = symbol.line.map_or(String::new(), |line| alloc::format!(" ({line})"));
            let module = symbol.module;
            text = Some(alloc::format!("{name}+{offset:#x}/{size:#x} [{module}]{line}"));
        });
        if let Some(text) = text {
            return text;
        }
        match self.unloaded_module_at(place) {
            Some(module) => alloc::format!("{place:#x} [{module}, which was unloaded]"),
            None => alloc::format!("{place:#x}"),
        }
    }

    /// The live task on whose stack an address lies.
    pub fn stack_owner(&self, address: usize) -> Option<&Task> {
        let slot = address & !(SLOT_SIZE - 1);
        let owns = |task: &&Task| task.head.stack.load(Ordering::Relaxed) == slot;
        stack::in_range(address).then(|| self.tasks.iter().find(owns)).flatten()
    }

    /// Names the objects of a kmem_cache that have not been freed.
    pub fn log_objects_of(&self, cx: &Cx<'_>, cache: usize) {
        /// How many are named.
        const NAMED: usize = 8;
        let live = self.heap.iter().filter(|record| record.is_live()).map(|record| record.block());
        let theirs = live.filter(|block| block.kind == Kind::CacheObject && block.cache == cache);
        theirs.take(NAMED).for_each(|block| self.log_block(cx, &block));
    }

    /// The name of the cache that a block is of.
    pub(super) fn cache_name<'a>(&self, block: &'a Block) -> CacheName<'a> {
        let name = match block.kind {
            Kind::CacheObject => self.name_of_cache(block),
            _ => None,
        };
        CacheName(block, name)
    }

    /// The name of a kmem_cache, or of the one that an object is of, while that is there.
    pub(super) fn name_of_cache(&self, block: &Block) -> Option<String> {
        self.block_at(block.cache)?;
        self.heap.memory().map(|memory| memory.cache_name(block))
    }
}
