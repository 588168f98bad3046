//! Reports of objects that are in use while their memory goes, or while they are made anew.

use alloc::string::String;
use core::sync::atomic::AtomicUsize;

use super::Block;
use crate::in_use::InUse;
use crate::log::Level;
use crate::task::Task;
use crate::{Cx, Kernel, log};

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

    fn report_held_lock(&self, cx: &Cx<'_>, address: usize, holder: &Task, going: &Going<'_>) {
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
    /// and reports them. Timers are taken out, as their memory goes.
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
        self.forget_locks_in(&range);
        if !self.queue_entries.is_empty() {
            self.drop_queue_entries(&|address| range.contains(&address));
        }
    }
}
