//! Task states, flags and numbers, with Linux's values.

/// Runs or is to run.
pub const TASK_RUNNING: u32 = 0;
/// Sleeps; signals end the sleep.
pub const TASK_INTERRUPTIBLE: u32 = 1;
/// Sleeps; signals do not end the sleep.
pub const TASK_UNINTERRUPTIBLE: u32 = 2;
/// Has asked to be parked.
pub const TASK_PARKED: u32 = 0x40;
/// Has ended.
pub const TASK_DEAD: u32 = 0x80;
/// A fatal signal ends the sleep.
pub const TASK_WAKEKILL: u32 = 0x100;
/// A wake-up is under way.
pub const TASK_WAKING: u32 = 0x200;
/// The sleep does not count as load.
pub const TASK_NOLOAD: u32 = 0x400;
/// Made, but not yet let run.
pub const TASK_NEW: u32 = 0x800;
/// Sleeps until woken or fatally signalled.
pub const TASK_KILLABLE: u32 = TASK_WAKEKILL | TASK_UNINTERRUPTIBLE;
/// Sleeps, is not load, ignores signals.
pub const TASK_IDLE: u32 = TASK_UNINTERRUPTIBLE | TASK_NOLOAD;
/// What an ordinary wake-up wakes.
pub const TASK_NORMAL: u32 = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE;

/// It is an idle thread.
pub const PF_IDLE: u32 = 0x2;
/// It is on its way out.
pub use kthreads_base::head::PF_EXITING;
/// It was made by fork and has not run exec.
pub const PF_FORKNOEXEC: u32 = 0x40;
/// The freezer leaves it alone.
pub const PF_NOFREEZE: u32 = 0x8000;
/// It is a kernel thread.
pub const PF_KTHREAD: u32 = 0x20_0000;
/// User space may not change its affinity.
pub const PF_NO_SETAFFINITY: u32 = 0x400_0000;

/// A signal is pending (thread_info.flags).
pub const TIF_SIGPENDING: u64 = 1 << 2;
/// The task should look as if a signal were pending: kthread_stop sets it.
pub const TIF_NOTIFY_SIGNAL: u64 = 1 << 17;

/// The fair policy.
pub const SCHED_NORMAL: u32 = 0;
/// Real-time, first in first out.
pub const SCHED_FIFO: u32 = 1;
/// Real-time, round robin.
pub const SCHED_RR: u32 = 2;

/// The longest `comm`, its NUL counted.
pub const TASK_COMM_LEN: usize = 16;
/// The longest full name that /proc shows.
pub const FULL_NAME_MAX: usize = 63;

/// The letter that /proc shows for a state (Linux: __task_state_index and task_state_array).
pub fn state_letter(state: u32, exit_state: i32) -> (char, &'static str) {
    if state & TASK_DEAD != 0 || exit_state != 0 {
        return ('X', "dead");
    }
    if state & TASK_IDLE == TASK_IDLE {
        return ('I', "idle");
    }
    match state & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_PARKED) {
        TASK_INTERRUPTIBLE => ('S', "sleeping"),
        TASK_PARKED => ('P', "parked"),
        0 => ('R', "running"),
        _ => ('D', "disk sleep"),
    }
}
