//! A CPU's run queue.

use core::sync::atomic::Ordering;

use super::heap::{HeapNode, IndexHeap, Nodes};
use super::{MAX_RT_PRIO, weight};
use crate::task::state::SCHED_NORMAL;
use crate::task::{NO_TASK, Task, TaskPin, TaskTable};

/// How long a fair task runs before the next gets its turn, in nanoseconds at nice 0.
pub(crate) const SLICE: u64 = 3_000_000;
/// How far behind the others a task that slept may be put, so that it gets the CPU soon.
const SLEEPER_CREDIT: u64 = SLICE;

/// How many switches in one tick may read the clock.
const TIMED_SWITCHES: u32 = 64;

const ORDER: Ordering = Ordering::Relaxed;
/// Real-time priorities are 0 to 99; a power of two makes a level out of any number.
const RT_LEVELS: usize = 128;
const _: () = assert!(MAX_RT_PRIO as usize <= RT_LEVELS);

/// What runs on a CPU, and what waits for it.
#[derive(Debug)]
pub(crate) struct RunQueue {
    /// The task that runs.
    pub(crate) current: u32,
    pub(crate) idle: u32,
    /// How many tasks wait, the running one not counted.
    pub(crate) waiting: u32,
    /// How often the CPU went from one task to another.
    pub(crate) switches: u64,
    /// How many switches until the next tick or rest will read the clock.
    pub(crate) timed_left: u32,
    /// What the clock was when it was read last.
    pub(crate) clock: u64,
    fair: IndexHeap,
    /// The virtual time that new and woken tasks begin at.
    vtime: u64,
    rt: RealTime,
}

/// The real-time tasks: a ring of each priority, and which are not empty.
#[derive(Debug)]
struct RealTime {
    /// A bit for each level.
    ready: [u64; 2],
    first: [u32; RT_LEVELS],
    last: [u32; RT_LEVELS],
}

impl Nodes for TaskTable {
    fn node(&self, index: u32) -> &HeapNode {
        &self.get(index).sched.node
    }
}

/// Which end of its priority's ring a real-time task goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Head,
    Tail,
}

impl RunQueue {
    pub(crate) fn new(idle: u32) -> RunQueue {
        RunQueue {
            current: idle,
            idle,
            waiting: 0,
            switches: 0,
            timed_left: TIMED_SWITCHES,
            clock: 0,
            fair: IndexHeap::default(),
            vtime: 0,
            rt: RealTime::new(),
        }
    }

    /// Whether there were so many switches since the last tick that their time is no longer told
    /// apart.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.timed_left == 0
    }

    /// Has the next switches read the clock: after a tick or a rest.
    pub(crate) fn time_switches(&mut self) {
        self.timed_left = TIMED_SWITCHES;
    }

    /// Whether somebody waits while a task other than the idle one runs.
    pub(crate) fn has_waiting_behind_task(&self) -> bool {
        self.waiting > 0 && self.current != self.idle
    }

    /// Puts a task that is to run among those that wait.
    #[inline(always)]
    pub(crate) fn enqueue(&mut self, tasks: &TaskTable, task: &Task, end: End) {
        self.waiting += 1;
        if is_rt(task) {
            return self.rt.push(tasks, task, end);
        }
        let key = task.sched.deadline.load(ORDER);
        self.fair.push(tasks, task.index(), key);
    }

    /// Takes a task that waits here out of line.
    pub(crate) fn dequeue(&mut self, tasks: &TaskTable, task: &Task) {
        self.waiting -= 1;
        if !self.fair.remove(tasks, task.index()) {
            self.rt.remove(tasks, task);
        }
    }

    /// Gives a task that slept, is new, or comes from another CPU its virtual time here.
    #[inline]
    pub(crate) fn place(&mut self, task: &Task) {
        let entity = &task.sched;
        let floor = self.vtime.saturating_sub(SLEEPER_CREDIT);
        let vruntime = entity.vruntime.load(ORDER).max(floor).min(self.vtime + SLICE);
        entity.vruntime.store(vruntime, ORDER);
        entity.deadline.store(vruntime + slice_of(task), ORDER);
    }

    /// Takes the task that is to run next out of line; None if no one waits.
    #[inline(always)]
    pub(crate) fn pick<'t>(&mut self, tasks: &'t TaskTable) -> Option<TaskPin<'t>> {
        let next = match self.rt.pop(tasks) {
            Some(task) => task,
            None => tasks.pin(self.fair.pop(tasks)?),
        };
        self.waiting -= 1;
        Some(next)
    }

    /// Charges the running task for the time since it was last charged; returns whether its
    /// slice is over.
    pub(crate) fn charge(&mut self, task: &Task, now: u64) -> bool {
        self.clock = now;
        let entity = &task.sched;
        let spent = now.saturating_sub(entity.charged_at.swap(now, ORDER));
        add(&entity.runtime, spent);
        add(&task.head.stime, spent);
        if task.index() == self.idle {
            return false;
        }
        if is_rt(task) {
            return charge_rt(task, spent);
        }
        let vruntime = entity.vruntime.load(ORDER) + scaled(spent, task);
        entity.vruntime.store(vruntime, ORDER);
        self.vtime = self.vtime.max(self.lowest_vruntime(vruntime));
        if vruntime < entity.deadline.load(ORDER) {
            return false;
        }
        entity.deadline.store(vruntime + slice_of(task), ORDER);
        true
    }

    /// The virtual time must not run ahead of those that wait: their deadline is at most one
    /// slice after their virtual runtime.
    fn lowest_vruntime(&self, running: u64) -> u64 {
        let waiting = self.fair.len();
        if waiting == 0 { running } else { running.saturating_sub(SLICE / 2) }
    }

    /// Puts the running fair task behind the others (yield).
    pub(crate) fn pass(&mut self, task: &Task) {
        if !is_rt(task) {
            let deadline = task.sched.deadline.load(ORDER).max(self.vtime) + slice_of(task);
            task.sched.deadline.store(deadline, ORDER);
        }
    }

    /// Whether `woken` should have the CPU at once (Linux: check_preempt_curr).
    #[inline]
    pub(crate) fn should_preempt(&self, tasks: &TaskTable, woken: &Task) -> bool {
        if self.current == self.idle {
            return true;
        }
        let current = tasks.get(self.current);
        match (is_rt(woken), is_rt(current)) {
            (true, true) => woken.head.prio.load(ORDER) < current.head.prio.load(ORDER),
            (true, false) => true,
            (false, true) => false,
            (false, false) => {
                let lead = current.sched.deadline.load(ORDER);
                woken.sched.deadline.load(ORDER) + SLICE < lead
            }
        }
    }

    /// The index of a waiting task that `suits`: the real-time ones by priority, then the fair ones,
    /// the one with the first deadline before others; for another CPU that has nothing to do.
    pub(crate) fn find(&self, tasks: &TaskTable, suits: impl Fn(&Task) -> bool) -> Option<u32> {
        let fits = |index: u32| suits(tasks.get(index));
        let rt = self.rt.iter(tasks).find(|index| fits(*index));
        rt.or_else(|| self.fair.find(tasks, fits))
    }
}

impl RealTime {
    fn new() -> RealTime {
        RealTime { ready: [0; 2], first: [NO_TASK; RT_LEVELS], last: [NO_TASK; RT_LEVELS] }
    }

    #[inline(always)]
    fn push(&mut self, tasks: &TaskTable, task: &Task, end: End) {
        let level = level_of(task);
        let index = task.index();
        let (first, last) = (self.first[level], self.last[level]);
        if first == NO_TASK {
            task.sched.rt_next.store(NO_TASK, ORDER);
            self.first[level] = index;
            self.last[level] = index;
            self.ready[level / 64] |= 1 << (level % 64);
        } else if end == End::Tail {
            task.sched.rt_next.store(NO_TASK, ORDER);
            task.sched.rt_prev.store(last, ORDER);
            tasks.get(last).sched.rt_next.store(index, ORDER);
            self.last[level] = index;
        } else {
            task.sched.rt_next.store(first, ORDER);
            tasks.get(first).sched.rt_prev.store(index, ORDER);
            self.first[level] = index;
        }
    }

    /// Takes the first of a level out; what it says of the one before it is not kept up.
    #[inline(always)]
    fn pop_level<'t>(&mut self, tasks: &'t TaskTable, level: usize) -> TaskPin<'t> {
        let task = tasks.pin(self.first[level]);
        let next = task.sched.rt_next.load(ORDER);
        self.first[level] = next;
        if next == NO_TASK {
            self.last[level] = NO_TASK;
            self.ready[level / 64] &= !(1 << (level % 64));
        }
        task
    }

    fn remove(&mut self, tasks: &TaskTable, task: &Task) {
        let level = level_of(task);
        let index = task.index();
        if self.first[level] == index {
            self.pop_level(tasks, level);
            return;
        }
        let next = task.sched.rt_next.load(ORDER);
        let prev = task.sched.rt_prev.load(ORDER);
        tasks.get(prev).sched.rt_next.store(next, ORDER);
        match next {
            NO_TASK => self.last[level] = prev,
            next => tasks.get(next).sched.rt_prev.store(prev, ORDER),
        }
    }

    #[inline(always)]
    fn pop<'t>(&mut self, tasks: &'t TaskTable) -> Option<TaskPin<'t>> {
        let level = match self.ready {
            [0, 0] => return None,
            [0, low] => 64 + low.trailing_zeros(),
            [high, _] => high.trailing_zeros(),
        };
        Some(self.pop_level(tasks, level as usize))
    }

    fn iter<'a>(&'a self, tasks: &'a TaskTable) -> impl Iterator<Item = u32> + 'a {
        let is_ready = |level: &usize| self.ready[level / 64] & (1 << (level % 64)) != 0;
        (0..RT_LEVELS).filter(is_ready).flat_map(move |level| {
            let follow = |index: &u32| {
                Some(tasks.get(*index).sched.rt_next.load(ORDER)).filter(|next| *next != NO_TASK)
            };
            core::iter::successors(Some(self.first[level]), follow)
        })
    }
}

/// The level is the task's effective priority when it was queued; it does not change while it is.
fn level_of(task: &Task) -> usize {
    task.head.prio.load(ORDER) as usize % RT_LEVELS
}

pub(crate) fn is_rt(task: &Task) -> bool {
    task.head.policy.load(ORDER) != SCHED_NORMAL
}

fn add(cell: &core::sync::atomic::AtomicU64, amount: u64) {
    cell.store(cell.load(ORDER).wrapping_add(amount), ORDER);
}

fn scaled(time: u64, task: &Task) -> u64 {
    let prio = task.head.static_prio.load(ORDER);
    if prio == super::DEFAULT_PRIO { time } else { time * 1024 / weight(prio) }
}

fn slice_of(task: &Task) -> u64 {
    scaled(SLICE, task)
}

fn charge_rt(task: &Task, spent: u64) -> bool {
    if task.head.policy.load(ORDER) != crate::task::state::SCHED_RR {
        return false;
    }
    let left = task.sched.rr_left.load(ORDER).saturating_sub(spent);
    task.sched.rr_left.store(if left == 0 { super::tick::RR_SLICE } else { left }, ORDER);
    left == 0
}
