//! The table of tasks: slots, free slots, and pids.
//!
//! Free slots are used again oldest first, and only when a number of them wait, so that a pointer
//! that a module keeps after a task's end names a dead slot for a while, not another task.

use core::sync::atomic::{AtomicU32, Ordering};

use kthreads_base::{Slab, SpinLock};

use super::{NO_TASK, Task, TaskId, TaskPin};
use crate::Errno;
use crate::audit::Findings;

/// How many dead slots wait before one is used again.
const QUARANTINE: u32 = 64;

struct FreeSlots {
    first: u32,
    last: u32,
    count: u32,
}

struct PidCursor {
    last: i32,
    max: i32,
    /// How many pids have been given.
    given: u64,
}

/// All tasks of a kernel.
pub(crate) struct TaskTable {
    slots: Slab<Task>,
    free: SpinLock<FreeSlots>,
    /// For each pid, the slot of its task plus one, or 0.
    by_pid: Slab<AtomicU32>,
    cursor: SpinLock<PidCursor>,
    live: AtomicU32,
    max_live: AtomicU32,
}

impl TaskTable {
    pub(crate) fn new(pid_max: i32, threads_max: u32) -> TaskTable {
        TaskTable {
            slots: Slab::new(),
            free: SpinLock::new(FreeSlots { first: NO_TASK, last: NO_TASK, count: 0 }),
            by_pid: Slab::new(),
            cursor: SpinLock::new(PidCursor { last: 0, max: pid_max, given: 0 }),
            live: AtomicU32::new(0),
            max_live: AtomicU32::new(threads_max),
        }
    }

    /// Makes the first slots before any CPU runs; idle tasks take the first of them.
    pub(crate) fn make_first(&self, idle_tasks: u32) -> Result<(), Errno> {
        while self.slots.len() <= idle_tasks {
            self.slots.grow(Task::new).map_err(|_| Errno::ENOMEM)?;
        }
        let count = self.slots.len();
        for index in 0..idle_tasks {
            self.get(index).start_life();
        }
        let mut previous = NO_TASK;
        for index in (idle_tasks..count).rev() {
            self.get(index).free_next.store(previous, Ordering::Relaxed);
            previous = index;
        }
        Ok(())
    }

    /// Puts the first slots on the free list; the first thing done on a CPU.
    pub(crate) fn open(&self, idle_tasks: u32) {
        let count = self.slots.len();
        let mut free = self.free.lock();
        *free = FreeSlots { first: idle_tasks, last: count - 1, count: count - idle_tasks };
    }

    /// The slot with that index.
    #[inline(always)]
    pub(crate) fn get(&self, index: u32) -> &Task {
        self.slots.made(index).get_ref()
    }

    /// The slot with that index, pinned.
    #[inline(always)]
    pub(crate) fn pin(&self, index: u32) -> TaskPin<'_> {
        self.slots.made(index)
    }

    /// The slot with that index, if there is one.
    pub(crate) fn slot(&self, index: u32) -> Option<&Task> {
        self.slots.get(index)
    }

    /// The live task that `id` names.
    pub(crate) fn by_id(&self, id: TaskId) -> Option<&Task> {
        let task = self.slots.get(id.index)?;
        (task.id() == id && task.is_live()).then_some(task)
    }

    /// The slot whose task_struct lies at `address`, live or dead.
    pub(crate) fn at_address(&self, address: usize) -> Option<&Task> {
        self.slots.at(address)
    }

    /// The live task with that pid.
    pub(crate) fn by_pid(&self, pid: i32) -> Option<&Task> {
        let slot = self.by_pid.get(u32::try_from(pid).ok()?)?.load(Ordering::Acquire);
        let task = self.slots.get(slot.checked_sub(1)?)?;
        (task.is_live() && task.pid() == pid).then_some(task)
    }

    /// How many tasks live, idle ones not counted.
    pub(crate) fn live(&self) -> u32 {
        self.live.load(Ordering::Relaxed)
    }

    /// The highest pid plus one.
    pub(crate) fn pid_max(&self) -> i32 {
        self.cursor.lock().max
    }

    /// Changes the highest pid plus one; tasks that are there keep their pids.
    pub(crate) fn set_pid_max(&self, max: i32) {
        self.cursor.lock().max = max;
    }

    /// How many tasks there may be.
    pub(crate) fn threads_max(&self) -> u32 {
        self.max_live.load(Ordering::Relaxed)
    }

    /// Changes how many tasks there may be; those that are there stay.
    pub(crate) fn set_threads_max(&self, max: u32) {
        self.max_live.store(max, Ordering::Relaxed);
    }

    /// The pid given last, and how many have been given.
    pub(crate) fn pids_given(&self) -> (i32, u64) {
        let cursor = self.cursor.lock();
        (cursor.last, cursor.given)
    }

    /// How many slots there are.
    pub(crate) fn slot_count(&self) -> u32 {
        self.slots.len()
    }

    /// How many slots wait to be used.
    pub(crate) fn free_count(&self) -> u32 {
        self.free.lock().count
    }

    /// How many pids name a task.
    pub(crate) fn pids_in_use(&self) -> u32 {
        let _cursor = self.cursor.lock();
        let cells = (0..self.by_pid.len()).filter_map(|pid| self.by_pid.get(pid));
        cells.filter(|cell| cell.load(Ordering::Relaxed) != 0).count() as u32
    }

    /// Looks at the free slots.
    pub(crate) fn audit(&self, found: &mut Findings) {
        let free = self.free.lock();
        let (mut at, mut last, mut count) = (free.first, NO_TASK, 0);
        while at != NO_TASK && count <= free.count {
            let task = self.get(at);
            if task.is_live() {
                found.add(format_args!("slot {at} is free and has task {}", task.pid()));
            }
            (last, count) = (at, count + 1);
            at = task.free_next.load(Ordering::Relaxed);
        }
        if (last, count) != (free.last, free.count) {
            found.add(format_args!(
                "{count} slots are free, the last is {last}; noted are {} and {}",
                free.count, free.last
            ));
        }
    }

    /// All live tasks, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Task> {
        (0..self.slots.len()).filter_map(|index| self.slots.get(index)).filter(|t| t.is_live())
    }

    /// Takes a slot and a pid for a new task.
    pub(crate) fn alloc(&self) -> Result<&Task, Errno> {
        let task = self.take_slot()?;
        match self.take_pid(task.index) {
            Ok(pid) => {
                task.head.pid.store(pid, Ordering::Relaxed);
                task.head.tgid.store(pid, Ordering::Relaxed);
                task.start_life();
                Ok(task)
            }
            Err(errno) => {
                self.live.fetch_sub(1, Ordering::Relaxed);
                self.put_slot(task);
                Err(errno)
            }
        }
    }

    /// Takes the task's pid away: it can no longer be found, and the pid may be given again.
    pub(crate) fn release_pid(&self, task: &Task) {
        let pid = task.pid();
        if let Some(slot) = u32::try_from(pid).ok().and_then(|pid| self.by_pid.get(pid)) {
            let mine = task.index + 1;
            let _ = slot.compare_exchange(mine, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Ends the life of a task whose last reference is gone.
    pub(crate) fn free(&self, task: &Task) {
        task.end_life();
        self.live.fetch_sub(1, Ordering::Relaxed);
        self.put_slot(task);
    }

    fn put_slot(&self, task: &Task) {
        task.free_next.store(NO_TASK, Ordering::Relaxed);
        let mut free = self.free.lock();
        match free.last {
            NO_TASK => free.first = task.index,
            last => self.get(last).free_next.store(task.index, Ordering::Relaxed),
        }
        free.last = task.index;
        free.count += 1;
    }

    fn take_slot(&self) -> Result<&Task, Errno> {
        if self.live.fetch_add(1, Ordering::Relaxed) >= self.max_live.load(Ordering::Relaxed) {
            self.live.fetch_sub(1, Ordering::Relaxed);
            return Err(Errno::EAGAIN);
        }
        let mut free = self.free.lock();
        if free.count <= QUARANTINE && self.add_slots(&mut free).is_err() && free.count == 0 {
            self.live.fetch_sub(1, Ordering::Relaxed);
            return Err(Errno::ENOMEM);
        }
        let task = self.get(free.first);
        free.first = task.free_next.load(Ordering::Relaxed);
        free.count -= 1;
        if free.first == NO_TASK {
            free.last = NO_TASK;
        }
        Ok(task)
    }

    /// Adds a chunk of new slots before the waiting dead ones.
    fn add_slots(&self, free: &mut FreeSlots) -> Result<(), Errno> {
        let (first, count) = self.slots.grow(Task::new).map_err(|_| Errno::ENOMEM)?;
        for index in first..first + count - 1 {
            self.get(index).free_next.store(index + 1, Ordering::Relaxed);
        }
        self.get(first + count - 1).free_next.store(free.first, Ordering::Relaxed);
        if free.last == NO_TASK {
            free.last = first + count - 1;
        }
        free.first = first;
        free.count += count;
        Ok(())
    }

    fn take_pid(&self, slot: u32) -> Result<i32, Errno> {
        /// Where pids begin again after the largest (Linux: RESERVED_PIDS).
        const RESERVED_PIDS: i32 = 300;
        let mut cursor = self.cursor.lock();
        let mut pid = cursor.last;
        for _ in 0..cursor.max {
            pid = if pid + 1 < cursor.max { pid + 1 } else { RESERVED_PIDS.min(cursor.max - 1) };
            let cell = self.pid_cell(pid)?;
            if cell.load(Ordering::Relaxed) == 0 {
                cell.store(slot + 1, Ordering::Release);
                cursor.last = pid;
                cursor.given += 1;
                return Ok(pid);
            }
        }
        Err(Errno::EAGAIN)
    }

    fn pid_cell(&self, pid: i32) -> Result<&AtomicU32, Errno> {
        let pid = u32::try_from(pid).map_err(|_| Errno::EAGAIN)?;
        while pid >= self.by_pid.len() {
            self.by_pid.grow(|_| AtomicU32::new(0)).map_err(|_| Errno::ENOMEM)?;
        }
        self.by_pid.get(pid).ok_or(Errno::ENOMEM)
    }
}
