//! /proc/PID/wchan and /proc/PID/stack: where a task sleeps.
//!
//! Linux looks for the innermost function on the sleeper's stack that is not the scheduler's own
//! (schedule, wait_for_completion, mutex_lock, down, usleep_range ... do not count; msleep,
//! kthread_stop ... do). A module's function is found the same way here: by the first return
//! address into module text. The kernel's own functions leave no names on the stack, so those
//! that count say so while they wait: [`Cx::waits_in`].

use alloc::string::String;
use core::fmt::{self, Write};
use core::sync::atomic::Ordering;

use crate::backtrace::Origin;
use crate::module::SymbolAt;
use crate::task::Task;
use crate::task::state::{TASK_RUNNING, TASK_WAKING};
use crate::{Cx, Kernel};

/// The most frames that /proc/PID/stack shows (Linux: MAX_STACK_TRACE_DEPTH).
const MAX_FRAMES: usize = 64;

macro_rules! wait_functions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A function of the kernel that shows as the place where its caller sleeps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum WaitsIn {
            /// None: it shows as the module's function that waits.
            Caller = 0,
            $(#[doc = concat!("`", $text, "`.")] $name,)*
        }

        const NAMES: &[&str] = &["", $($text,)*];
    };
}

wait_functions! {
    Kthreadd = "kthreadd",
    Kthread = "kthread",
    KthreadCreate = "__kthread_create_on_node",
    KthreadStop = "kthread_stop",
    KthreadPark = "kthread_park",
    KthreadParkme = "__kthread_parkme",
    KthreadWorkerFn = "kthread_worker_fn",
    KthreadFlushWork = "kthread_flush_work",
    KthreadFlushWorker = "kthread_flush_worker",
    Msleep = "msleep",
    MsleepInterruptible = "msleep_interruptible",
    WaitWoken = "wait_woken",
    Wait = "do_wait",
    Nanosleep = "hrtimer_nanosleep",
    Watchdog = "watchdog",
}

/// While it lives, its task shows as sleeping in a function of the kernel.
pub struct WaitingIn<'k> {
    task: &'k Task,
    before: usize,
}

impl<'k> Cx<'k> {
    /// Says which function of the kernel the caller is about to sleep in.
    #[inline]
    pub fn waits_in(&self, function: WaitsIn) -> WaitingIn<'k> {
        let task = self.task.get_ref();
        let before = task.wait_channel.load(Ordering::Relaxed);
        task.wait_channel.store(function as usize, Ordering::Relaxed);
        WaitingIn { task, before }
    }
}

impl Drop for WaitingIn<'_> {
    #[inline]
    fn drop(&mut self) {
        self.task.wait_channel.store(self.before, Ordering::Relaxed);
    }
}

impl Kernel {
    /// The function a task sleeps in (Linux: /proc/PID/wchan), None while it runs. A thread that
    /// sleeps in nothing but Rust code, which has no symbols here, shows `schedule`.
    pub fn wait_channel(&self, task: &Task) -> Option<String> {
        if !sleeps(task) {
            return None;
        }
        if let Some(name) = self.named_wait_function(task) {
            return Some(String::from(name));
        }
        let mut innermost = None;
        self.for_each_frame(task, &mut |name, _| {
            innermost.get_or_insert_with(|| String::from(name));
        });
        Some(innermost.unwrap_or_else(|| String::from("schedule")))
    }

    /// The function of the kernel that a task has said it sleeps in.
    pub(crate) fn named_wait_function(&self, task: &Task) -> Option<&'static str> {
        let named = NAMES.get(task.wait_channel.load(Ordering::Relaxed)).copied();
        named.filter(|name| !name.is_empty())
    }

    /// Whether a kernel thread still waits for its first wake-up.
    pub(crate) fn is_not_started(&self, task: &Task) -> bool {
        task.wait_channel.load(Ordering::Relaxed) == WaitsIn::Kthread as usize
    }

    /// The frames of a sleeping task that lie in modules, as /proc/PID/stack shows them,
    /// innermost first.
    pub(super) fn stack_text(&self, task: &Task, out: &mut String) -> fmt::Result {
        if !sleeps(task) {
            return Ok(());
        }
        let (mut shown, mut result) = (0, Ok(()));
        self.for_each_frame(task, &mut |_, frame| {
            if shown < MAX_FRAMES && result.is_ok() {
                result = writeln!(out, "[<0>] {frame}");
                shown += 1;
            }
        });
        result
    }

    fn for_each_frame(&self, task: &Task, see: &mut dyn FnMut(&str, fmt::Arguments<'_>)) {
        let Some(origin) = Origin::of_resting(task) else { return };
        for address in self.trace_from(&origin).addresses() {
            self.with_symbol(address, &mut |symbol| {
                let SymbolAt { name, offset, size, module, .. } = symbol;
                // The address is that of the call; Linux shows where it returns to.
                let offset = offset + 1;
                see(name, format_args!("{name}+{offset:#x}/{size:#x} [{module}]"));
            });
        }
    }
}

/// Whether a task is off its CPU and does not wait to be put back on one (Linux: get_wchan).
pub(crate) fn sleeps(task: &Task) -> bool {
    let state = task.state();
    state != TASK_RUNNING && state != TASK_WAKING && !task.sched.is_on_rq()
}
