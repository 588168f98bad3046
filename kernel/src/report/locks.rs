//! The locks that threads hold, named (Linux: lockdep_print_held_locks).

use alloc::string::String;

use kthreads_base::held::{HeldLock, LockKind};

use crate::log::Level;
use crate::task::Task;
use crate::{Cx, Kernel, log};

impl Kernel {
    /// Logs the locks of a task; returns how many there are.
    pub(crate) fn print_locks(&self, cx: &Cx<'_>, level: Level, task: &Task) -> usize {
        let (comm, pid) = (task.comm(), task.pid());
        let count = task.head.held.iter().count();
        match count {
            0 => log!(cx, level, "no locks held by {comm}/{pid}."),
            1 => log!(cx, level, "1 lock held by {comm}/{pid}:"),
            count => log!(cx, level, "{count} locks held by {comm}/{pid}:"),
        }
        for (nth, held) in task.head.held.iter().enumerate() {
            log!(cx, level, " #{nth}: {}", self.describe_lock(&held));
        }
        count
    }

    /// Describes a lock: where it lies, its name, its kind and where it was taken.
    fn describe_lock(&self, held: &HeldLock) -> String {
        let name = match self.lockdep.label_of(held) {
            Some(label) => alloc::format!("{label}"),
            None => self.variable_name(held.address),
        };
        let kind = held.kind.name();
        let place = match held.taken_at {
            0 => String::new(),
            place => alloc::format!(", at: {}", self.lock_place(place)),
        };
        alloc::format!("{:016x} ({name}){{{kind}}}{place}", held.address)
    }

    /// The name of the lock at an address: that of its class, or of the variable that it is.
    pub(crate) fn lock_name(&self, address: usize) -> String {
        let held = HeldLock { kind: LockKind::Spin, address, taken_at: 0, tag: 0 };
        let label = self.lockdep.label_of(&held);
        label.map_or_else(|| self.variable_name(address), |label| alloc::format!("{label}"))
    }

    /// The name of the variable that lies at an address, `?` if it is none of a module.
    pub(crate) fn variable_name(&self, address: usize) -> String {
        let name = self.name_of(address);
        String::from(name.as_ref().map_or("?", |name| name.as_str()))
    }

    /// Names the locks of a thread that an oops ends: they stay locked.
    pub(super) fn print_locks_of_dying(&self, cx: &Cx<'_>) {
        let held = &cx.task.head.held;
        if held.iter().next().is_none() {
            return;
        }
        self.print_locks(cx, Level::Alert, cx.task.get_ref());
        if held.iter().any(|held| held.kind != LockKind::Semaphore) {
            log!(cx, Level::Alert, "kthreads: what it holds stays locked for ever");
        }
    }

    /// Says so if the running thread ends with locks held (Linux: debug_check_no_locks_held). A
    /// spin lock counts only while preemption is off, and a semaphore may be given by anybody.
    pub(super) fn check_locks_at_exit(&self, cx: &Cx<'_>, preempt_count: u32) {
        let is_left = |held: &HeldLock| match held.kind {
            LockKind::Spin => preempt_count != 0,
            LockKind::Mutex => true,
            LockKind::Semaphore | LockKind::Function => false,
        };
        let held = &cx.task.head.held;
        if held.iter().any(|lock| is_left(&lock)) {
            self.count_bug();
            let (comm, pid) = (cx.task.comm(), cx.task.pid());
            log!(cx, Level::Warning, "WARNING: {comm}/{pid} still has locks held!");
            self.print_locks(cx, Level::Warning, cx.task.get_ref());
        }
        held.clear();
    }

    /// The tasks that hold a lock, or took a semaphore last.
    pub(crate) fn holders_of(&self, address: usize) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |task| task.head.held.contains(address))
    }
}
