//! Tasks: what they are, and the table that holds them.

mod spawn;
pub mod state;
mod table;

use alloc::boxed::Box;
use alloc::string::String;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use kthreads_base::head::TIF_KILLED;
use kthreads_base::job::Done;
use kthreads_base::{
    AtomicFn, AtomicRef, Head, RawSpinLock, SpinLock, Stack, always_pinned, explore_point,
    head_first, pin_field,
};

use crate::Cx;
use crate::kthread::{KthreadState, Worker};
use crate::sched::{Entity, HeapNode};
use crate::signal::Signals;
use crate::time::Timer;
use crate::wait::{Awaited, WaitNode};

pub(crate) use spawn::KILLED_CODE;
pub use spawn::{Spawn, Start};
pub(crate) use table::TaskTable;

/// A slot index that names no task.
pub const NO_TASK: u32 = u32::MAX;

/// The C form of a thread function.
pub type ThreadFn = extern "C" fn(usize) -> i32;

/// The Rust form of a thread function.
pub type ThreadBody = Box<dyn FnOnce(&Cx<'_>) -> i32 + Send>;

/// A task. Its slot is never freed while the kernel lives; `generation` tells its lives apart.
#[repr(C)]
pub struct Task {
    /// What C sees, and the saved context.
    pub head: Head,
    index: u32,
    /// Odd while the slot holds a task, even while it is free.
    generation: AtomicU32,
    pub(crate) sched: Entity,
    pub(crate) wait: WaitNode,
    /// The wait queue that it last put an entry on its own stack into, until that wait is over.
    pub(crate) wait_queue: AtomicUsize,
    pub(crate) kthread: KthreadState,
    pub(crate) signals: Signals,
    pub(crate) sleep_timer: Timer,
    pub(crate) sleep_node: HeapNode<Task>,
    pub(crate) sleep_cpu: AtomicU32,
    killed: AtomicBool,
    /// Whether a task was ever made its child.
    pub(crate) has_children: AtomicBool,
    pub(crate) belongings: SpinLock<Belongings>,
    /// The kernel function it waits in, for wchan: a `proc::WaitsIn`, 0 for none.
    pub(crate) wait_channel: AtomicUsize,
    /// The C function that runs in it, for reports.
    pub(crate) entry_point: AtomicFn<ThreadFn>,
    /// The worker whose works it does.
    pub(crate) worker: AtomicRef<Worker>,
    pub(crate) free_next: AtomicU32,
    /// Frames on its stack that others may have links to. If it ends while there are some (killed
    /// in the condition of a wait), the stack is never used again.
    pub(crate) pinned_frames: AtomicU32,
    /// What C sees as its `struct sighand_struct`: a lock that modules may take.
    pub(crate) siglock: RawSpinLock,
    /// The memory nodes it may use: bit 0 is the only one there is.
    pub(crate) mems_allowed: AtomicU64,
}

/// What a task has from its birth until it no longer needs it.
#[derive(Default)]
pub(crate) struct Belongings {
    /// What it runs on.
    pub(crate) stack: Option<Stack>,
    /// What it has yet to begin with.
    pub(crate) start: Option<Start>,
    /// Who waits outside the kernel for its end.
    pub(crate) done: Option<Done>,
    /// Its name, if `comm` has no room for it; stays until the slot has another task.
    pub(crate) full_name: Option<Box<str>>,
}

impl Belongings {
    /// Leaves the name: a dead task may still be asked for it.
    pub(crate) fn take_all_but_name(&mut self) -> Belongings {
        let full_name = self.full_name.take();
        core::mem::replace(self, Belongings { full_name, ..Belongings::default() })
    }
}

head_first!(Task, head);
always_pinned!(
    /// The task, pinned: its slot never moves.
    pub fn Task::pin
);
pin_field!(pub(crate) fn Task::timer_pin -> sleep_timer: Timer);

/// A link to a task. Slots live as long as the kernel, so that a link may stay where it is.
pub(crate) type TaskLink = AtomicRef<Task>;

/// Names a task for as long as it lives: the slot and its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskId {
    index: u32,
    generation: u32,
}

impl Task {
    fn new(index: u32) -> Task {
        let task = Task {
            head: Head::default(),
            index,
            generation: AtomicU32::new(0),
            sched: Entity::default(),
            wait: WaitNode::default(),
            wait_queue: AtomicUsize::new(0),
            kthread: KthreadState::default(),
            signals: Signals::default(),
            sleep_timer: Timer::new(),
            sleep_node: HeapNode::default(),
            sleep_cpu: AtomicU32::new(0),
            belongings: SpinLock::new(Belongings::default()),
            wait_channel: AtomicUsize::new(0),
            entry_point: AtomicFn::null(),
            worker: AtomicRef::null(),
            free_next: AtomicU32::new(NO_TASK),
            siglock: RawSpinLock::new(),
            killed: AtomicBool::new(false),
            has_children: AtomicBool::new(false),
            pinned_frames: AtomicU32::new(0),
            mems_allowed: AtomicU64::new(1),
        };
        task.head.index.store(index, Ordering::Relaxed);
        task
    }

    /// The slot's index.
    #[inline(always)]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The task's name for as long as it lives.
    pub fn id(&self) -> TaskId {
        TaskId { index: self.index, generation: self.generation.load(Ordering::Acquire) }
    }

    /// Whether the slot holds a task now.
    #[inline(always)]
    pub fn is_live(&self) -> bool {
        self.generation.load(Ordering::Acquire) % 2 == 1
    }

    /// The address of its `struct task_struct`.
    #[inline(always)]
    pub fn address(&self) -> usize {
        core::ptr::from_ref(&self.head) as usize
    }

    /// The process id.
    pub fn pid(&self) -> i32 {
        self.head.pid.load(Ordering::Relaxed)
    }

    /// The TASK_ bits.
    #[inline(always)]
    pub fn state(&self) -> u32 {
        self.head.state.load(Ordering::Relaxed)
    }

    /// The PF_ bits.
    #[inline(always)]
    pub fn flags(&self) -> u32 {
        self.head.flags.load(Ordering::Relaxed)
    }

    /// Whether it is a kernel thread.
    #[inline(always)]
    pub fn is_kthread(&self) -> bool {
        self.flags() & state::PF_KTHREAD != 0
    }

    /// Sets the state with a full barrier, as set_current_state does: the store is seen before
    /// any later read of a condition. For the running task.
    #[inline]
    pub fn set_state(&self, state: u32) {
        explore_point();
        self.store_state(state);
    }

    /// As [`set_state`](Task::set_state), but no point for a machine that explores.
    #[inline(always)]
    pub(crate) fn store_state(&self, state: u32) {
        self.head.state.swap(state, Ordering::SeqCst);
    }

    /// The name, at most 15 bytes.
    pub fn comm(&self) -> Comm {
        let mut bytes = [0; state::TASK_COMM_LEN];
        let mut len = 0;
        for (byte, cell) in bytes.iter_mut().zip(&self.head.comm) {
            *byte = cell.load(Ordering::Relaxed);
            if *byte == 0 {
                break;
            }
            len += 1;
        }
        Comm { bytes, len: len.min(state::TASK_COMM_LEN - 1) }
    }

    /// Sets the name, cut to 15 bytes (Linux: __set_task_comm).
    pub fn set_comm(&self, name: &str) {
        let cut = cut_at_char(name, state::TASK_COMM_LEN - 1).as_bytes();
        let mut bytes = [0; state::TASK_COMM_LEN];
        bytes[..cut.len()].copy_from_slice(cut);
        for (cell, byte) in self.head.comm.iter().zip(bytes) {
            cell.store(byte, Ordering::Relaxed);
        }
    }

    /// The name that /proc shows: the one asked for at creation, up to 63 bytes (Linux:
    /// get_kthread_comm).
    pub fn full_name(&self) -> String {
        match &self.belongings.lock().full_name {
            Some(name) => String::from(&**name),
            None => String::from(self.comm().as_str()),
        }
    }

    /// The address of the completion, mutex or semaphore it waits for.
    pub fn waits_for(&self) -> Option<usize> {
        self.wait.waits_for()
    }

    /// The nice value, -20 to 19.
    pub fn nice(&self) -> i32 {
        self.head.static_prio.load(Ordering::Relaxed) - 120
    }

    /// Whether a signal is pending, or kthread_stop asked to look as if (Linux: signal_pending).
    #[inline(always)]
    pub fn signal_pending(&self) -> bool {
        let flags = self.head.ti_flags.load(Ordering::Relaxed);
        flags & (state::TIF_SIGPENDING | state::TIF_NOTIFY_SIGNAL) != 0
    }

    /// Lets the task use the memory nodes of `mask` (Linux: set_mems_allowed).
    pub(crate) fn set_mems_allowed(&self, mask: u64) {
        self.mems_allowed.store(mask, Ordering::Relaxed);
    }

    /// What the task waits for, and where that lies.
    pub fn awaits(&self) -> Option<(Awaited, usize)> {
        if let Some(address) = self.wait.waits_for() {
            return Some((self.wait.kind(), address));
        }
        let queue = self.wait_queue.load(Ordering::Relaxed);
        (queue != 0).then_some((Awaited::Queue, queue))
    }

    /// Notes that an oops ends the task.
    pub(crate) fn mark_killed(&self) {
        self.killed.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to end where it stands in no function of the kernel.
    #[inline(always)]
    pub(crate) fn is_to_end(&self) -> bool {
        self.head.ti_flags.load(Ordering::Relaxed) & TIF_KILLED != 0
    }

    /// Tells it to end there, or puts that off.
    pub(crate) fn set_to_end(&self, is_to_end: bool) {
        match is_to_end {
            true => self.head.ti_flags.fetch_or(TIF_KILLED, Ordering::SeqCst),
            false => self.head.ti_flags.fetch_and(!TIF_KILLED, Ordering::SeqCst),
        };
    }

    pub(crate) fn is_marked_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }

    pub(crate) fn start_life(&self) {
        self.killed.store(false, Ordering::Relaxed);
        self.wait_queue.store(0, Ordering::Relaxed);
        self.pinned_frames.store(0, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn end_life(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// Cuts a text to at most `max` bytes, at a character's end.
pub(crate) fn cut_at_char(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A task's name, copied.
#[derive(Clone, Copy)]
pub struct Comm {
    bytes: [u8; state::TASK_COMM_LEN],
    len: usize,
}

impl Comm {
    /// The name; bytes that are no text are cut off.
    pub fn as_str(&self) -> &str {
        let bytes = &self.bytes[..self.len];
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => core::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""),
        }
    }
}

impl core::fmt::Display for Comm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A task, pinned in its slot.
pub type TaskPin<'k> = Pin<&'k Task>;
