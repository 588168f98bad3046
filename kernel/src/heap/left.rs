//! What a module leaves behind when it is unloaded: memory, timers, works, entries of wait queues,
//! and objects in its own variables that somebody uses.
//!
//! What lies in the module's variables is taken out of the kernel's lists, since these would lead
//! into memory that is gone, and so is a timer whose function is: it would end the kernel. A work
//! in other memory stays, as on Linux, and its worker meets the text that is gone.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::AtomicUsize;

use super::record::State;
use super::{Block, Kind, Record};
use crate::in_use::InUse;
use crate::kthread::{DelayedWork, delayed_work_timer_fn};
use crate::log::Level;
use crate::module::{Image, Module};
use crate::{Cx, Kernel, log};

/// How many blocks are named.
const NAMED: usize = 8;

/// A timer or a work that waits to call a function of the module.
struct Waiting {
    address: usize,
    function: usize,
}

impl Kernel {
    /// Reports what a module that is about to be unloaded leaves behind, and takes out what would
    /// run its text or lead into its memory. Nobody runs in it any more.
    pub fn report_left_behind(&self, cx: &Cx<'_>, module: &Module, image: &Arc<dyn Image>) {
        let (name, image) = (module.name(), &**image);
        self.report_timers(cx, name, image);
        self.report_works(cx, name, image);
        self.report_variables(cx, name, image);
        self.drop_queue_entries(&|address| image.contains(address));
        self.report_memory(cx, name, image);
    }

    fn report_timers(&self, cx: &Cx<'_>, module: &str, image: &dyn Image) {
        let (mut timers, mut works) = (Vec::new(), Vec::new());
        let is_theirs = |address, function| image.contains(address) || image.contains(function);
        self.timers.detach_where(&mut |timer| {
            let (address, function) = (timer.address(), timer.function_address());
            if function == delayed_work_timer_fn as *const () as usize {
                let work = DelayedWork::of_timer(timer).get_ref().function_address();
                is_theirs(address, work).then(|| works.push(Waiting { address, function: work }));
                // Its timer runs nothing of the module's.
                return image.contains(address);
            }
            let is_theirs = is_theirs(address, function);
            is_theirs.then(|| timers.push(Waiting { address, function }));
            is_theirs
        });
        for timer in timers {
            if image.contains(timer.address) {
                self.warn_odebug(cx, "free active", timer.function);
            }
            self.report_waiting(cx, module, &timer, "timer", "is pending");
        }
        for work in works {
            self.report_waiting(cx, module, &work, "delayed work", "waits for its timer");
        }
    }

    fn report_works(&self, cx: &Cx<'_>, module: &str, image: &dyn Image) {
        for task in self.all_tasks() {
            let Some(worker) = task.worker.get() else { continue };
            let address = task.worker.address();
            if self.find_block(address).is_some_and(|(_, record)| record.is_freed()) {
                continue;
            }
            let mut waiting = Vec::new();
            worker.get_ref().take_works(&mut |address, function| {
                let is_theirs = image.contains(address) || image.contains(function);
                is_theirs.then(|| waiting.push(Waiting { address, function }));
                image.contains(address)
            });
            let (comm, pid) = (task.comm(), task.pid());
            let how = alloc::format!("is queued on {comm} (pid {pid})");
            for work in waiting {
                self.report_waiting(cx, module, &work, "work", &how);
            }
            if image.contains(address) {
                self.count_bug();
                let what = self.object_name(address);
                log!(
                    cx,
                    Level::Error,
                    "kthreads: module {module} leaves a kthread_worker behind: the thread {comm} \
                     (pid {pid}) of {what} is not stopped"
                );
            }
        }
    }

    fn report_waiting(&self, cx: &Cx<'_>, module: &str, waiting: &Waiting, kind: &str, how: &str) {
        self.count_bug();
        let (what, function) =
            (self.object_name(waiting.address), self.function_name(waiting.function));
        log!(
            cx,
            Level::Error,
            "kthreads: module {module} leaves a {kind} behind: {what} {how} and would call \
             {function}"
        );
        self.log_block_of(cx, waiting.address);
    }

    fn report_variables(&self, cx: &Cx<'_>, module: &str, image: &dyn Image) {
        image.with_variables(&mut |base, words| {
            let mut found = Vec::new();
            self.for_each_in_use(cx, (base, words), &mut |address, object| {
                found.push((address, object));
            });
            for (address, object) in found {
                self.report_in_use(cx, address, &object, &Going::Module(module));
            }
        });
    }

    fn report_memory(&self, cx: &Cx<'_>, module: &str, image: &dyn Image) {
        if let Some(memory) = self.heap.memory() {
            for record in self.heap.iter().filter(|r| r.is_freed()) {
                let block = record.block();
                let is_theirs = image.contains(block.allocated.place);
                if let Some(damage) = is_theirs.then(|| memory.find_damage(&block)).flatten() {
                    self.report_damage(cx, &block, &damage);
                }
            }
            for (_, block) in self.blocks_of(image) {
                if let Some(damage) = memory.find_damage(&block) {
                    self.report_damage(cx, &block, &damage);
                }
            }
        }
        let mut left = self.blocks_of(image);
        if !left.is_empty() {
            self.drop_handed_over(image, &mut left);
        }
        self.name_left_blocks(cx, module, &left);
    }

    fn name_left_blocks(&self, cx: &Cx<'_>, module: &str, left: &[(&Record, Block)]) {
        for (nth, (record, block)) in left.iter().enumerate() {
            record.set_state(State::Left);
            self.count_bug();
            if nth < NAMED {
                let what = self.left_block(block);
                log!(cx, Level::Error, "kthreads: module {module} leaves {what}");
                self.log_block(cx, block);
            }
        }
        if left.len() > NAMED {
            let (count, bytes) = (left.len(), left.iter().map(|(_, b)| b.len).sum::<usize>());
            log!(
                cx,
                Level::Error,
                "kthreads: module {module} leaves {count} blocks of memory behind in all, {bytes} \
                 bytes; the first {NAMED} are named above"
            );
        }
    }

    fn left_block(&self, block: &Block) -> String {
        let Block { kind, memory, len, cache, .. } = *block;
        let ending = kind.ending();
        match kind {
            Kind::Cache => {
                let name = self.name_of_cache(block).unwrap_or_default();
                alloc::format!("a kmem_cache behind: {name} ({cache:#x}), without {ending}()")
            }
            Kind::Worker => {
                let theirs = |t: &&&crate::task::Task| t.worker.address() == memory;
                let tasks = self.all_tasks();
                let thread = tasks.iter().find(theirs).map_or(String::new(), |task| {
                    alloc::format!(" with its thread {} (pid {})", task.comm(), task.pid())
                });
                alloc::format!("a kthread_worker behind{thread}, without {ending}()")
            }
            _ => {
                alloc::format!("{len} bytes of memory behind: {} without {ending}()", kind.origin())
            }
        }
    }
}

/// What goes while objects in it are in use.
pub(crate) enum Going<'a> {
    /// Memory that a function of that name frees.
    Freed(&'static str, &'a Block),
    /// An unloaded module's variables.
    Module(&'a str),
    /// The object itself, of that length: it is made anew.
    Object(usize),
}

impl Kernel {
    /// Reports that an object is in use whose memory goes.
    pub(crate) fn report_in_use(
        &self,
        cx: &Cx<'_>,
        address: usize,
        object: &InUse<'_>,
        going: &Going<'_>,
    ) {
        match object {
            InUse::Timer(function) => self.warn_odebug(cx, "free active", *function),
            InUse::Mutex(task) | InUse::SpinLock(task) => {
                self.report_held_lock(cx, address, task, going);
            }
            InUse::WaitedFor(kind, task) => {
                let (comm, pid) = (task.comm(), task.pid());
                let how = alloc::format!("on which {comm} (pid {pid}) waits");
                self.report_used(cx, address, kind, &how, going);
            }
            InUse::Queue(place) => {
                let how =
                    alloc::format!("with an entry in it, added in {}", self.place_name(*place));
                self.report_used(cx, address, "wait queue head", &how, going);
            }
            InUse::Entry(place) => {
                let how = alloc::format!("that is in line, added in {}", self.place_name(*place));
                self.report_used(cx, address, "wait queue entry", &how, going);
            }
        }
    }

    fn report_used(&self, cx: &Cx<'_>, address: usize, kind: &str, how: &str, going: &Going<'_>) {
        self.count_bug();
        let what = self.object_name(address);
        match going {
            Going::Freed(who, block) => {
                let memory = block.memory;
                log!(
                    cx,
                    Level::Error,
                    "kthreads: object freed while in use: {who} of {memory:#x} with a {kind} in it \
                     ({what}) {how}"
                );
                self.log_block(cx, block);
                self.dump_stack(cx);
            }
            Going::Module(module) => log!(
                cx,
                Level::Error,
                "kthreads: module {module} leaves a {kind} behind: {what} {how}"
            ),
            Going::Object(_) => {
                log!(cx, Level::Error, "kthreads: {kind} {what} is made anew, {how}");
            }
        }
    }

    fn report_held_lock(
        &self,
        cx: &Cx<'_>,
        address: usize,
        holder: &crate::task::Task,
        going: &Going<'_>,
    ) {
        self.count_bug();
        let (me, pid) = (cx.task.comm(), cx.task.pid());
        let (comm, holder) = (holder.comm(), holder.pid());
        let what = self.object_name(address);
        log!(cx, Level::Warning, "=========================");
        log!(cx, Level::Warning, "WARNING: held lock freed!");
        log!(cx, Level::Warning, "-------------------------");
        let range = match going {
            Going::Freed(_, block) => block.memory..block.memory + block.len,
            Going::Module(_) => address..address + 1,
            Going::Object(len) => address..address + len,
        };
        log!(
            cx,
            Level::Warning,
            "{me}/{pid} is freeing memory {:#x}-{:#x}, with a lock still held there!",
            range.start,
            range.end - 1
        );
        log!(cx, Level::Warning, "kthreads: {what} is held by {comm} (pid {holder})");
        if let Going::Freed(_, block) = going {
            self.log_block(cx, block);
        }
        self.dump_stack(cx);
    }

    /// Warns as Linux's debugobjects does, of a timer with that function.
    pub(crate) fn warn_odebug(&self, cx: &Cx<'_>, what: &str, function: usize) {
        let hint = self.function_name(function);
        self.warn_at(
            cx,
            format_args!("ODEBUG: {what} (active state 0) object type: timer_list hint: {hint}"),
        );
    }

    /// A function as `%pS` names it, with its line.
    pub(crate) fn function_name(&self, address: usize) -> String {
        let mut text = None;
        self.with_past_symbol(address, &mut |symbol| {
            let (name, offset, size, module) =
                (symbol.name, symbol.offset, symbol.size, symbol.module);
            let line = symbol.line.map_or(String::new(), |line| alloc::format!(" ({line})"));
            text = Some(alloc::format!("{name}+{offset:#x}/{size:#x} [{module}]{line}"));
        });
        let exported = || {
            let mut text = None;
            self.kernel_symbols()?.symbolize(address, &mut |name, _, _| text = Some(name.into()));
            text
        };
        text.or_else(exported).unwrap_or_else(|| alloc::format!("{address:#x}"))
    }

    /// What an object is called: a variable's name, or the block that it lies in.
    pub(crate) fn object_name(&self, address: usize) -> String {
        if let Some(name) = self.name_of(address) {
            return alloc::format!("{} ({address:#x})", name.as_str());
        }
        match self.find_block(address) {
            Some((_, record)) => {
                let block = record.block();
                let offset = address.wrapping_sub(block.memory);
                alloc::format!("{address:#x}, {offset} bytes into an object of {}", block.len)
            }
            None => alloc::format!("{address:#x}"),
        }
    }

    /// Says which object it is: its name, or the block that it lies in with who had that.
    pub fn log_object(&self, cx: &Cx<'_>, kind: &str, address: usize) {
        log!(cx, Level::Error, " {kind}: {}", self.object_name(address));
        self.log_block_of(cx, address);
    }

    pub(crate) fn log_block_of(&self, cx: &Cx<'_>, address: usize) {
        if let Some((_, record)) = self.find_block(address) {
            self.log_block(cx, &record.block());
        }
    }

    /// Looks for objects in use in a block that is about to be freed by a function of that name,
    /// and reports them. Timers are waiting out, as their memory goes.
    pub fn check_freed(
        &self,
        cx: &Cx<'_>,
        block: &Block,
        words: &[AtomicUsize],
        who: &'static str,
    ) {
        self.for_each_in_use(cx, (block.memory, words), &mut |address, object| {
            self.report_in_use(cx, address, &object, &Going::Freed(who, block));
            if matches!(object, InUse::Timer(_)) {
                self.timers.detach_where(&mut |timer| timer.address() == address);
            }
        });
        let range = block.memory..block.memory + block.len;
        if !self.queue_entries.is_empty() {
            self.drop_queue_entries(&|address| range.contains(&address));
        }
    }
}
