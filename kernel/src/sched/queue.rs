//! A CPU's run queue.

#[cfg(test)]
mod tests;

use core::sync::atomic::Ordering;

use super::heap::{Heap, HeapNode, NodeOf};
use super::{MAX_RT_PRIO, weight};
use crate::audit::Findings;
use crate::bits::bits;
use crate::task::state::SCHED_NORMAL;
use crate::task::{Task, TaskLink, TaskPin};

/// How long a fair task runs before the next gets its turn, in nanoseconds at nice 0.
pub(crate) const SLICE: u64 = 3_000_000;
/// How far behind the others a task that slept may be put, so that it gets the CPU soon.
const SLEEPER_CREDIT: u64 = SLICE;
/// How much earlier than the running task's deadline a woken one's slice must end, and one slice
/// more, for it to have the CPU at once. Equals never are so far apart, whatever they have slept
/// and whoever waits: that a woken one waits for its turn must not hang on when the clock was read
/// last. Those of a better nice value are.
const WAKE_LEAD: u64 = SLICE / 2;

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
    current: TaskLink,
    idle: TaskLink,
    /// How many tasks wait, the running one not counted.
    pub(crate) waiting: u32,
    /// How often the CPU went from one task to another.
    pub(crate) switches: u64,
    /// How many switches until the next tick or rest will read the clock.
    pub(crate) timed_left: u32,
    /// What the clock was when it was read last.
    pub(crate) clock: u64,
    fair: Heap<Task, ByDeadline>,
    /// The virtual time of the CPU.
    vtime: u64,
    /// The first and the last virtual time that new and woken tasks begin at.
    first_begin: u64,
    last_begin: u64,
    rt: RealTime,
}

/// The real-time tasks: a ring of each priority, and which are not empty.
#[derive(Debug)]
struct RealTime {
    /// Whether one is not empty.
    is_any_ready: bool,
    /// A bit for each level.
    ready: [u64; 2],
    first: [TaskLink; RT_LEVELS],
    last: [TaskLink; RT_LEVELS],
}

/// Fair tasks in line, by virtual deadline.
#[derive(Debug)]
pub(crate) struct ByDeadline;

impl NodeOf<Task> for ByDeadline {
    #[inline(always)]
    fn node(task: &Task) -> &HeapNode<Task> {
        &task.sched.node
    }
}

/// Which end of its priority's ring a real-time task goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Head,
    Tail,
}

impl RunQueue {
    /// The queue of a CPU that has yet to be told its idle task.
    pub(crate) fn new() -> RunQueue {
        RunQueue {
            current: TaskLink::null(),
            idle: TaskLink::null(),
            waiting: 0,
            switches: 0,
            timed_left: TIMED_SWITCHES,
            clock: 0,
            fair: Heap::default(),
            vtime: 0,
            first_begin: 0,
            last_begin: SLICE,
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

    /// Tells which task is the CPU's idle one, and runs.
    pub(crate) fn start(&mut self, idle: TaskPin<'_>) {
        self.idle.set(Some(idle));
        self.current.set(Some(idle));
    }

    /// The task that runs.
    #[inline(always)]
    pub(crate) fn current<'t>(&self) -> TaskPin<'t> {
        self.current.get().unwrap_or_else(|| has_no_task())
    }

    /// The task that runs when no other wants to.
    #[inline(always)]
    pub(crate) fn idle<'t>(&self) -> TaskPin<'t> {
        self.idle.get().unwrap_or_else(|| has_no_task())
    }

    /// Where the idle task lies.
    #[inline(always)]
    pub(crate) fn idle_address(&self) -> usize {
        self.idle.address()
    }

    /// Whether `task` is the one that runs.
    #[inline(always)]
    pub(crate) fn runs(&self, task: &Task) -> bool {
        self.current.is(task)
    }

    /// Whether `task` is the CPU's idle task.
    #[inline(always)]
    pub(crate) fn is_idle(&self, task: &Task) -> bool {
        self.idle.is(task)
    }

    /// Whether the idle task runs.
    #[inline(always)]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.current.address() == self.idle.address()
    }

    /// Notes that the CPU goes to `next`.
    #[inline(always)]
    pub(crate) fn go_to(&mut self, next: TaskPin<'_>) {
        self.current.set(Some(next));
        self.switches += 1;
    }

    /// Whether somebody waits while a task other than the idle one runs.
    pub(crate) fn has_waiting_behind_task(&self) -> bool {
        self.waiting > 0 && !self.is_at_rest()
    }

    /// Puts a task that is to run among those that wait.
    #[inline(always)]
    pub(crate) fn enqueue(&mut self, task: &Task, end: End) {
        self.enqueue_as(class_of(task), task, end);
    }

    /// As [`enqueue`](RunQueue::enqueue), for a caller that knows the task's class.
    #[inline(always)]
    pub(crate) fn enqueue_as(&mut self, class: Class, task: &Task, end: End) {
        self.waiting += 1;
        match class {
            Class::RealTime => self.rt.push(task.pin(), end),
            Class::Fair => self.fair.push(task.pin(), task.sched.deadline.load(ORDER)),
        }
    }

    /// Takes a task that waits here out of line.
    pub(crate) fn dequeue(&mut self, task: &Task) {
        self.waiting -= 1;
        if !self.fair.remove(task) {
            self.rt.remove(task);
        }
    }

    /// Gives a task that slept, is new, or comes from another CPU its virtual time here.
    #[inline(always)]
    pub(crate) fn place(&mut self, task: &Task) {
        let entity = &task.sched;
        let mut vruntime = entity.vruntime.load(ORDER);
        if vruntime < self.first_begin || vruntime > self.last_begin {
            vruntime = vruntime.clamp(self.first_begin, self.last_begin);
            entity.vruntime.store(vruntime, ORDER);
        }
        entity.deadline.store(vruntime + slice_of(task), ORDER);
    }

    /// Takes the task that is to run next out of line; None if no one waits.
    #[inline(always)]
    pub(crate) fn pick<'t>(&mut self) -> Option<TaskPin<'t>> {
        let next = match self.rt.pop() {
            Some(task) => task,
            None => self.fair.pop()?,
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
        if self.is_idle(task) {
            return false;
        }
        if is_rt(task) {
            return charge_rt(task, spent);
        }
        let vruntime = entity.vruntime.load(ORDER) + scaled(spent, task);
        entity.vruntime.store(vruntime, ORDER);
        self.advance(self.lowest_vruntime(vruntime));
        if vruntime < entity.deadline.load(ORDER) {
            return false;
        }
        entity.deadline.store(vruntime + slice_of(task), ORDER);
        true
    }

    /// The virtual time goes on, never back.
    fn advance(&mut self, to: u64) {
        self.vtime = self.vtime.max(to);
        self.first_begin = self.vtime.saturating_sub(SLEEPER_CREDIT);
        self.last_begin = self.vtime + SLICE;
    }

    /// The virtual time must not run ahead of those that wait: their deadline is at most one
    /// slice after their virtual runtime.
    fn lowest_vruntime(&self, running: u64) -> u64 {
        if self.fair.is_empty() { running } else { running.saturating_sub(SLICE / 2) }
    }

    /// Puts the running task, which is a fair one, behind the others (yield).
    #[inline(always)]
    pub(crate) fn pass(&mut self, task: &Task) {
        let deadline = task.sched.deadline.load(ORDER).max(self.vtime) + slice_of(task);
        task.sched.deadline.store(deadline, ORDER);
    }

    /// Whether `woken` should have the CPU at once (Linux: check_preempt_curr).
    #[inline(always)]
    pub(crate) fn should_preempt(&self, woken: &Task) -> bool {
        self.should_preempt_as(class_of(woken), woken)
    }

    /// As [`should_preempt`](RunQueue::should_preempt), for a caller that knows the task's class.
    #[inline(always)]
    pub(crate) fn should_preempt_as(&self, class: Class, woken: &Task) -> bool {
        let current = self.current();
        if self.is_idle(current.get_ref()) {
            return true;
        }
        match (class, class_of(current.get_ref())) {
            (Class::RealTime, Class::RealTime) => {
                woken.head.prio.load(ORDER) < current.head.prio.load(ORDER)
            }
            (Class::RealTime, Class::Fair) => true,
            (Class::Fair, Class::RealTime) => false,
            (Class::Fair, Class::Fair) => {
                let ends = woken.sched.deadline.load(ORDER);
                let lead = current.sched.deadline.load(ORDER);
                ends < lead && ends + slice_of(woken) + WAKE_LEAD < lead
            }
        }
    }

    /// Calls `see` with each task in line; notes what does not hold together.
    pub(crate) fn audit(&self, cpu: u32, found: &mut Findings, see: &mut dyn FnMut(&Task)) {
        let mut count = 0;
        let mut seen = |task: &Task| {
            count += 1;
            see(task);
        };
        let wrong = [self.fair.audit(&mut seen), self.rt.audit(self.waiting, &mut seen)];
        for wrong in wrong.into_iter().flatten() {
            found.add(format_args!("the queue of CPU {cpu}: {wrong}"));
        }
        if count != self.waiting {
            found.add(format_args!("CPU {cpu}: {count} tasks wait, {} are counted", self.waiting));
        }
    }

    /// A waiting task that `suits`: the real-time ones by priority, then the fair ones,
    /// the one with the first deadline before others; for another CPU that has nothing to do.
    pub(crate) fn find(&self, suits: impl Fn(&Task) -> bool) -> Option<TaskPin<'_>> {
        let rt = self.rt.iter().find(|task| suits(task.get_ref()));
        rt.or_else(|| self.fair.find(suits))
    }
}

#[cold]
#[inline(never)]
fn has_no_task() -> ! {
    kthreads_base::fatal("a run queue was used before its CPU was started")
}

impl RealTime {
    fn new() -> RealTime {
        let links = || [const { TaskLink::null() }; RT_LEVELS];
        RealTime { is_any_ready: false, ready: [0; 2], first: links(), last: links() }
    }

    #[inline(always)]
    fn push(&mut self, task: TaskPin<'_>, end: End) {
        let level = level_of(task.get_ref());
        let (first, last) = (self.first[level].get(), self.last[level].get());
        let (Some(first), Some(last)) = (first, last) else {
            task.sched.rt_next.set(None);
            self.first[level].set(Some(task));
            self.last[level].set(Some(task));
            self.ready[level / 64] |= 1 << (level % 64);
            self.is_any_ready = true;
            return;
        };
        if end == End::Tail {
            task.sched.rt_next.set(None);
            task.sched.rt_prev.set(Some(last));
            last.sched.rt_next.set(Some(task));
            self.last[level].set(Some(task));
        } else {
            task.sched.rt_next.set(Some(first));
            first.sched.rt_prev.set(Some(task));
            self.first[level].set(Some(task));
        }
    }

    /// Takes the first of a level out; what the next one says of it is not kept up.
    #[inline(always)]
    fn pop_level<'t>(&mut self, level: usize) -> Option<TaskPin<'t>> {
        let task: TaskPin<'t> = self.first[level].get()?;
        let next = task.sched.rt_next.get();
        self.first[level].set(next);
        if next.is_none() {
            self.last[level].set(None);
            self.ready[level / 64] &= !(1 << (level % 64));
            self.is_any_ready = self.ready != [0, 0];
        }
        Some(task)
    }

    fn remove(&mut self, task: &Task) {
        let level = level_of(task);
        if self.first[level].is(task) {
            self.pop_level(level);
            return;
        }
        let Some(prev) = task.sched.rt_prev.get() else { return };
        let next = task.sched.rt_next.get();
        prev.sched.rt_next.set(next);
        match next {
            None => self.last[level].set(Some(prev)),
            Some(next) => next.sched.rt_prev.set(Some(prev)),
        }
    }

    #[inline(always)]
    fn pop<'t>(&mut self) -> Option<TaskPin<'t>> {
        if !self.is_any_ready {
            return None;
        }
        let level = match self.ready {
            [0, low] => 64 + low.trailing_zeros(),
            [high, _] => high.trailing_zeros(),
        };
        self.pop_level(level as usize)
    }

    /// Calls `see` with each of at most `most` tasks; tells what does not hold together.
    fn audit(&self, most: u32, see: &mut dyn FnMut(&Task)) -> Option<&'static str> {
        let mut left = most;
        for level in 0..RT_LEVELS {
            let is_ready = self.ready[level / 64] & (1 << (level % 64)) != 0;
            let mut at: Option<TaskPin<'_>> = self.first[level].get();
            if is_ready != at.is_some() || at.is_none() != self.last[level].is_null() {
                return Some("a priority does not know whether somebody waits");
            }
            let mut prev: Option<TaskPin<'_>> = None;
            while let Some(task) = at {
                if left == 0 {
                    return Some("there are more real-time tasks than are counted");
                }
                left -= 1;
                see(task.get_ref());
                if level_of(task.get_ref()) != level || !is_rt(task.get_ref()) {
                    return Some("a task waits at another priority than its own");
                }
                if prev.is_some_and(|prev| !task.sched.rt_prev.is(prev.get_ref())) {
                    return Some("a link does not lead back");
                }
                (prev, at) = (Some(task), task.sched.rt_next.get());
            }
            if prev.is_some_and(|prev| !self.last[level].is(prev.get_ref())) {
                return Some("the last of a priority is not last");
            }
        }
        None
    }

    fn iter(&self) -> impl Iterator<Item = TaskPin<'_>> {
        let words = self.ready.iter().enumerate();
        let levels = words.flat_map(|(word, ready)| bits(*ready).map(move |bit| 64 * word + bit));
        levels.flat_map(|level| {
            core::iter::successors(self.first[level].get(), |task| task.sched.rt_next.get())
        })
    }
}

/// The level is the task's effective priority when it was queued; it does not change while it is.
#[inline(always)]
fn level_of(task: &Task) -> usize {
    task.head.prio.load(ORDER) as usize % RT_LEVELS
}

/// What a task's place in line depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    RealTime,
    Fair,
}

#[inline(always)]
pub(crate) fn class_of(task: &Task) -> Class {
    if is_rt(task) { Class::RealTime } else { Class::Fair }
}

#[inline(always)]
pub(crate) fn is_rt(task: &Task) -> bool {
    task.head.policy.load(ORDER) != SCHED_NORMAL
}

#[inline(always)]
fn add(cell: &core::sync::atomic::AtomicU64, amount: u64) {
    cell.store(cell.load(ORDER).wrapping_add(amount), ORDER);
}

#[inline(always)]
fn scaled(time: u64, task: &Task) -> u64 {
    let prio = task.head.static_prio.load(ORDER);
    if prio == super::DEFAULT_PRIO { time } else { time * 1024 / weight(prio) }
}

#[inline(always)]
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
