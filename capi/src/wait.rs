//! Wait queues (Linux: linux/wait.h).

use core::pin::Pin;
use core::sync::atomic::Ordering;

use kthreads_base::RawSpinLock;
use kthreads_base::held;
use kthreads_kernel::task::state::{TASK_INTERRUPTIBLE, TASK_RUNNING};
use kthreads_kernel::wait::{
    WaitEntry, WaitFlags, WaitQueueHead, autoremove_wake_function, default_wake_function,
    woken_wake_function,
};
use kthreads_kernel::{Cx, Errno};

use crate::lock;
use crate::lockdep::set_class;
use crate::object::Ptr;

/// The wake-up is by a task that is about to sleep.
const WF_SYNC: i32 = 0x10;

/// The lock validator learns that the queue's lock is taken.
#[inline]
fn note(cx: &Cx<'_>, queue: Ptr<WaitQueueHead>) {
    cx.kernel.note_inner_lock(&cx.task.head, queue.address());
}

/// How many exclusive waiters C's number means.
fn exclusive(nr: i32) -> Option<u32> {
    (nr != 0).then_some(nr as u32)
}

/// Puts an entry in a queue, with these flags set and cleared, for a call that returns to `place`.
fn add(
    cx: &Cx<'_>,
    queue: Ptr<WaitQueueHead>,
    entry: Ptr<WaitEntry>,
    (set, clear): (u32, u32),
    place: usize,
) {
    note(cx, queue);
    let queue = queue.pin();
    let entry = entry.pin();
    let flags = entry.flags().load(Ordering::Relaxed) & !clear | set;
    entry.flags().store(flags, Ordering::Relaxed);
    // What the links held may be anything: init_waitqueue_entry leaves them alone.
    entry.forget_queue();
    cx.kernel.add_wait_queue(queue, entry);
    cx.kernel.note_queue_entry(cx, queue, entry, place);
}

fn wake_locked(cx: &Cx<'_>, queue: Ptr<WaitQueueHead>, mode: u32, nr: i32, key: usize) {
    // C holds the lock and has no guard to show for it.
    let mut witness = RawSpinLock::new();
    cx.kernel.wake_up_locked(cx, queue.pin(), &witness.exclusive(), mode, exclusive(nr), key);
}

fn wake_sync(cx: &Cx<'_>, queue: Ptr<WaitQueueHead>, mode: u32, key: usize) {
    if queue.address() == 0 {
        return;
    }
    note(cx, queue);
    cx.kernel.wake_up_flags(cx, queue.pin(), mode, WF_SYNC, Some(1), key);
}

fn set_exclusive(entry: Pin<&WaitEntry>, bits: u32) {
    entry.flags().fetch_or(bits, Ordering::Relaxed);
}

/// How do_wait_intr and its _irq form free the lock and take it again.
#[derive(Clone, Copy)]
enum LockKind {
    Plain,
    Irq,
}

fn wait_interruptible(
    cx: &Cx<'_>,
    queue: Ptr<WaitQueueHead>,
    entry: Ptr<WaitEntry>,
    kind: LockKind,
) -> i64 {
    let mut witness = RawSpinLock::new();
    let pinned = entry.pin();
    if !pinned.is_queued() {
        queue.pin().push_last(&witness.exclusive(), pinned);
    }
    cx.task.set_state(TASK_INTERRUPTIBLE);
    if cx.task.signal_pending() {
        return i64::from(Errno::ERESTARTSYS.to_c());
    }
    // The head begins with its lock.
    let word = Ptr::at(queue.address());
    match kind {
        LockKind::Plain => lock::spin_unlock(word),
        LockKind::Irq => lock::spin_unlock_irq(word),
    }
    cx.kernel.schedule(cx);
    match kind {
        LockKind::Plain => lock::spin_lock(word),
        LockKind::Irq => lock::spin_lock_irq(word),
    }
    0
}

hot_export! {
    fn wake_up(cx, queue: Ptr<WaitQueueHead>, mode: u32, nr: i32, key: usize) -> i32 {
        note(cx, queue);
        cx.kernel.wake_up(cx, queue.pin(), mode, exclusive(nr), key) as i32
    }

    fn prepare_to_wait(cx, queue: Ptr<WaitQueueHead>, entry: Ptr<WaitEntry>, state: u32) {
        note(cx, queue);
        let entry = entry.pin();
        entry.flags().fetch_and(!WaitFlags::EXCLUSIVE.0, Ordering::Relaxed);
        cx.kernel.prepare_to_wait(cx, queue.pin(), entry, state);
    }

    fn begin_wait_event(
        cx,
        queue: Ptr<WaitQueueHead>,
        entry: Ptr<WaitEntry>,
        state: u32,
        flags: u32,
    ) -> i64 {
        note(cx, queue);
        entry.pin().init(cx.task.get_ref(), WaitFlags(flags));
        match cx.kernel.prepare_to_wait_event(cx, queue.pin(), entry.pin(), state) {
            Ok(()) => 0,
            Err(errno) => i64::from(errno.to_c()),
        }
    }

    fn prepare_to_wait_event(
        cx,
        queue: Ptr<WaitQueueHead>,
        entry: Ptr<WaitEntry>,
        state: u32,
    ) -> i64 {
        note(cx, queue);
        match cx.kernel.prepare_to_wait_event(cx, queue.pin(), entry.pin(), state) {
            Ok(()) => 0,
            Err(errno) => i64::from(errno.to_c()),
        }
    }

    fn finish_wait(cx, queue: Ptr<WaitQueueHead>, entry: Ptr<WaitEntry>) {
        if cx.task.head.held.mark() != 0 && entry.get().is_queued() {
            note(cx, queue);
        }
        cx.kernel.finish_wait(cx, queue.pin(), entry.get());
    }

    fn init_wait_entry(cx, entry: Ptr<WaitEntry>, flags: u32) {
        entry.pin().init(cx.task.get_ref(), WaitFlags(flags));
    }
}

export! {
    fn init_waitqueue_head(cx, queue: Ptr<WaitQueueHead>, name: Ptr<u8>, key: usize) {
        cx.kernel.check_queue_init(cx, queue.get());
        queue.pin().init();
        set_class(cx, held::LockKind::Spin, queue.address(), name, key);
    }

    fn add_wait_queue_from(cx, queue: Ptr<WaitQueueHead>, entry: Ptr<WaitEntry>, place: usize) {
        add(cx, queue, entry, (0, WaitFlags::EXCLUSIVE.0), place);
    }

    fn add_wait_queue_exclusive_from(cx, queue: Ptr<WaitQueueHead>, entry: Ptr<WaitEntry>, place: usize) {
        add(cx, queue, entry, (WaitFlags::EXCLUSIVE.0, 0), place);
    }

    fn add_wait_queue_priority_from(cx, queue: Ptr<WaitQueueHead>, entry: Ptr<WaitEntry>, place: usize) {
        add(cx, queue, entry, (WaitFlags::EXCLUSIVE.0 | WaitFlags::PRIORITY.0, 0), place);
    }

    fn remove_wait_queue(cx, queue: Ptr<WaitQueueHead>, entry: Ptr<WaitEntry>) {
        note(cx, queue);
        cx.kernel.remove_wait_queue(queue.pin(), entry.get());
        cx.kernel.forget_queue_entry(cx, entry.get());
    }

    fn wake_up_locked(cx, queue: Ptr<WaitQueueHead>, mode: u32, nr: i32) {
        wake_locked(cx, queue, mode, nr, 0);
    }

    fn wake_up_locked_key(cx, queue: Ptr<WaitQueueHead>, mode: u32, key: usize) {
        wake_locked(cx, queue, mode, 1, key);
    }

    fn wake_up_sync_key(cx, queue: Ptr<WaitQueueHead>, mode: u32, key: usize) {
        wake_sync(cx, queue, mode, key);
    }

    fn wake_up_sync(cx, queue: Ptr<WaitQueueHead>, mode: u32) {
        wake_sync(cx, queue, mode, 0);
    }

    fn prepare_to_wait_exclusive(
        cx,
        queue: Ptr<WaitQueueHead>,
        entry: Ptr<WaitEntry>,
        state: u32,
    ) -> bool {
        note(cx, queue);
        set_exclusive(entry.pin(), WaitFlags::EXCLUSIVE.0);
        cx.kernel.prepare_to_wait(cx, queue.pin(), entry.pin(), state)
    }

    fn wait_woken(cx, entry: Ptr<WaitEntry>, mode: u32, timeout: i64) -> i64 {
        let woken = WaitFlags::WOKEN.0;
        let flags = entry.get().flags();
        cx.task.set_state(mode);
        let stops = cx.task.is_kthread() && cx.kernel.kthread_should_stop(cx);
        let mut left = timeout;
        if flags.load(Ordering::SeqCst) & woken == 0 && !stops {
            left = cx.kernel.schedule_timeout(cx, timeout);
        }
        cx.task.head.state.store(TASK_RUNNING, Ordering::Relaxed);
        flags.fetch_and(!woken, Ordering::SeqCst);
        left
    }

    fn do_wait_intr(cx, queue: Ptr<WaitQueueHead>, entry: Ptr<WaitEntry>) -> i64 {
        wait_interruptible(cx, queue, entry, LockKind::Plain)
    }

    fn do_wait_intr_irq(cx, queue: Ptr<WaitQueueHead>, entry: Ptr<WaitEntry>) -> i64 {
        wait_interruptible(cx, queue, entry, LockKind::Irq)
    }
}

with_caller! {
    add_wait_queue, "rdx" => add_wait_queue_from;
    add_wait_queue_exclusive, "rdx" => add_wait_queue_exclusive_from;
    add_wait_queue_priority, "rdx" => add_wait_queue_priority_from;
}

exports! {
    "__init_waitqueue_head" => init_waitqueue_head, Any;
    "add_wait_queue" => add_wait_queue, Any;
    "add_wait_queue_exclusive" => add_wait_queue_exclusive, Any;
    "add_wait_queue_priority" => add_wait_queue_priority, GplOnly;
    "remove_wait_queue" => remove_wait_queue, Any;
    "__wake_up" => wake_up, Any;
    "__wake_up_locked" => wake_up_locked, GplOnly;
    "__wake_up_locked_key" => wake_up_locked_key, GplOnly;
    "__wake_up_sync_key" => wake_up_sync_key, GplOnly;
    "__wake_up_sync" => wake_up_sync, GplOnly;
    "prepare_to_wait" => prepare_to_wait, Any;
    "prepare_to_wait_exclusive" => prepare_to_wait_exclusive, Any;
    "__begin_wait_event" => begin_wait_event, Local;
    "prepare_to_wait_event" => prepare_to_wait_event, Any;
    "finish_wait" => finish_wait, Any;
    "init_wait_entry" => init_wait_entry, Any;
    "autoremove_wake_function" => autoremove_wake_function, Any;
    "default_wake_function" => default_wake_function, Any;
    "woken_wake_function" => woken_wake_function, Any;
    "wait_woken" => wait_woken, Any;
    "do_wait_intr" => do_wait_intr, Any;
    "do_wait_intr_irq" => do_wait_intr_irq, Any;
}
