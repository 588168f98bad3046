//! What a module leaves behind when it is unloaded: memory, timers, works, entries of wait queues,
//! and objects in its own variables that somebody uses.
//!
//! What lies in the module's variables is taken out of the kernel's lists, since these would lead
//! into memory that is gone, and so is a timer whose function is: it would end the kernel. A work
//! in other memory stays, as on Linux, and its worker meets the text that is gone.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::record::State;
use super::used::Going;
use super::{Block, Kind, Record};
use crate::kthread::{DelayedWork, delayed_work_timer_fn};
use crate::log::Level;
use crate::module::{Image, Module};
use crate::task::Task;
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
        for task in self.all_tasks().into_iter().filter(|task| !task.worker.is_null()) {
            let stays = self.worker_looks.lock();
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
            if image.contains(address) {
                // It is not to be looked at again: its memory goes.
                task.worker.set(None);
            }
            drop(stays);
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
        let mut found = Vec::new();
        image.with_variables(&mut |base, words| {
            self.for_each_in_use(cx, (base, words), &mut |address, object| {
                found.push((address, object));
            });
        });
        // Only now: a trace asks the image for names, which it cannot tell meanwhile.
        for (address, object) in found {
            self.report_in_use(cx, address, &object, &Going::Module(module));
        }
    }

    fn report_memory(&self, cx: &Cx<'_>, module: &str, image: &dyn Image) {
        if let Some(memory) = self.heap.memory() {
            let damage_of = |record: &Record| {
                self.heap.with_block(record, |block| {
                    let is_theirs = image.contains(block.allocated.place);
                    let is_whole = record.is_kept() || record.is_fresh();
                    let damage = (is_theirs && is_whole).then(|| memory.find_damage(block));
                    damage.flatten().map(|damage| (*block, damage))
                })
            };
            let (live, freed): (Vec<_>, Vec<_>) = self.heap.iter().partition(|r| r.is_live());
            for (block, damage) in freed.into_iter().chain(live).filter_map(damage_of) {
                self.report_damage(cx, &block, &damage);
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
                let theirs = |t: &&&Task| t.worker.address() == memory;
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
