//! What the kernel has given out: equal before and after whatever cleans up behind itself.

use core::sync::atomic::Ordering;

use super::Findings;
use crate::Kernel;
use crate::task::Task;

/// How much of everything is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books {
    /// Tasks, idle ones not counted.
    pub tasks: u32,
    /// Pids that name a task.
    pub pids: u32,
    /// Create requests for kthreadd.
    pub requests: u32,
    /// Tasks that wait for a completion, mutex or semaphore.
    pub waiters: u32,
    /// Tasks that sleep until a point in time.
    pub sleepers: u32,
    /// Timers that are pending.
    pub timers: u32,
    /// Wait-queue entries that lie on no stack.
    pub queue_entries: u32,
    /// Modules.
    pub modules: u32,
    /// Images of unloaded modules that are kept because threads run in them.
    pub kept_images: u32,
    /// Blocks of memory that modules have.
    pub blocks: u32,
    /// What these take, in bytes.
    pub bytes: u64,
    /// Locks that the lock validator knows.
    pub locks: u32,
}

impl Kernel {
    /// Counts what is in use. Only at rest (see [`When`](super::When)) do the numbers belong
    /// together.
    pub fn books(&self) -> Books {
        let sleepers = self.cpus.iter().map(|cpu| cpu.sleepers.lock().len()).sum();
        Books {
            tasks: self.tasks.live(),
            pids: self.tasks.pids_in_use(),
            requests: self.requests.in_use(),
            waiters: self.waits.waiters(),
            sleepers,
            timers: self.timers.pending(),
            queue_entries: self.queue_entries.len() as u32,
            modules: self.modules().len() as u32,
            kept_images: self.kept_images().len() as u32,
            blocks: self.heap.live_blocks(),
            bytes: self.memory_in_use(),
            locks: self.lockdep.stats().1 as u32,
        }
    }

    /// What is counted in one place and noted in another.
    pub(super) fn audit_sums(&self, found: &mut Findings) {
        let books = self.books();
        let mut same = |what: &str, (name, one): (&str, u32), (other_name, other): (&str, u32)| {
            if one != other {
                found.add(format_args!("{what}: {one} {name}, {other} {other_name}"));
            }
        };
        let count = |which: &dyn Fn(&Task) -> bool| {
            let is_counted = |task: &&Task| !self.is_fixture(task) && which(task);
            self.tasks.iter().filter(is_counted).count() as u32
        };
        let has_pid = |task: &Task| task.head.exit_state.load(Ordering::Relaxed) == 0;
        same("tasks", ("counted", books.tasks), ("live", count(&|_| true)));
        same("pids", ("given", books.pids), ("of tasks", count(&has_pid)));
        let waits = |task: &Task| task.waits_for().is_some();
        same("waiters", ("in the table", books.waiters), ("of tasks", count(&waits)));
        let sleeps = |task: &Task| task.sleep_node.is_queued();
        same("sleepers", ("in line", books.sleepers), ("of tasks", count(&sleeps)));
        let fixtures = self.nr_cpus() + 1;
        let slots = self.tasks.slot_count();
        let used = books.tasks + fixtures + self.tasks.free_count();
        same("slots of tasks", ("made", slots), ("free or used", used));
        let jobs = count(&|task| task.belongings.lock().done.is_some());
        same("jobs", ("under way", self.doorbell.count()), ("of tasks", jobs));
    }

    /// Whether a task is one of the first, which no count has: an idle one or the watcher.
    fn is_fixture(&self, task: &Task) -> bool {
        task.index() <= self.nr_cpus()
    }
}
