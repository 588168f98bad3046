//! What each task does: the dumps that SysRq asks for (Linux: show_state, sched_show_task).

use alloc::string::String;
use core::sync::atomic::Ordering;

use crate::log::Level;
use crate::task::Task;
use crate::task::state::{PF_KTHREAD, TASK_IDLE, TASK_RUNNING, TASK_UNINTERRUPTIBLE, state_letter};
use crate::{Cx, Errno, Kernel, log};

const LEVEL: Level = Level::Info;

impl Kernel {
    /// Logs every task with its back trace and what it waits for (Linux: show_state, SysRq t).
    pub fn show_tasks(&self, cx: &Cx<'_>) {
        for task in self.all_tasks() {
            self.show_task(cx, LEVEL, task);
            self.show_wait(cx, LEVEL, task);
        }
    }

    /// Logs the tasks that sleep uninterruptibly (Linux: show_state_filter, SysRq w).
    pub fn show_blocked_tasks(&self, cx: &Cx<'_>) {
        for task in self.all_tasks().into_iter().filter(|task| is_blocked(task)) {
            self.show_task(cx, LEVEL, task);
            self.show_wait(cx, LEVEL, task);
        }
    }

    /// Logs the locks that tasks hold (Linux: debug_show_all_locks, SysRq d).
    pub fn show_all_locks(&self, cx: &Cx<'_>) {
        log!(cx, LEVEL, "");
        log!(cx, LEVEL, "Showing all locks held in the system:");
        for task in self.all_tasks() {
            if task.head.held.iter().next().is_some() {
                self.print_locks(cx, LEVEL, task);
            }
        }
        log!(cx, LEVEL, "");
        log!(cx, LEVEL, "=============================================");
    }

    /// Does what a letter asks for (Linux: __handle_sysrq).
    ///
    /// # Errors
    ///
    /// EINVAL for a letter that means nothing here; the log says which ones do.
    pub fn sysrq(&self, cx: &Cx<'_>, letter: u8) -> Result<(), Errno> {
        match letter {
            b't' => {
                log!(cx, LEVEL, "sysrq: Show State");
                self.show_tasks(cx);
            }
            b'w' => {
                log!(cx, LEVEL, "sysrq: Show Blocked State");
                self.show_blocked_tasks(cx);
            }
            b'd' => {
                log!(cx, LEVEL, "sysrq: Show Locks Held");
                self.show_all_locks(cx);
            }
            b'l' => {
                log!(cx, LEVEL, "sysrq: Show backtrace of all active CPUs");
                self.show_running_tasks(cx);
            }
            _ => {
                let keys = "show-all-locks(d) show-backtrace-all-active-cpus(l) \
                            show-task-states(t) show-blocked-tasks(w)";
                log!(cx, LEVEL, "sysrq: HELP : {keys}");
                return if matches!(letter, b'h' | b'?') { Ok(()) } else { Err(Errno::EINVAL) };
            }
        }
        Ok(())
    }

    /// Where a task is in module text, whether it sleeps or runs: the innermost call, with its
    /// line.
    pub fn place_of(&self, cx: &Cx<'_>, task: &Task) -> Option<String> {
        let trace = self.trace_of(task).or_else(|| self.trace_of_running(cx, task))?;
        self.describe_innermost(&trace)
    }

    fn show_running_tasks(&self, cx: &Cx<'_>) {
        let runs = |task: &&Task| task.head.on_cpu.load(Ordering::Relaxed) != 0;
        for task in self.all_tasks().into_iter().filter(runs) {
            self.show_task(cx, LEVEL, task);
        }
    }

    /// Logs a task's line and its back trace (Linux: sched_show_task).
    pub(crate) fn show_task(&self, cx: &Cx<'_>, level: Level, task: &Task) {
        let head = &task.head;
        let exit_state = head.exit_state.load(Ordering::Relaxed);
        let (letter, _) = state_letter(task.state(), exit_state);
        let runs = if task.state() == TASK_RUNNING { "  running task    " } else { "" };
        let parent = self.task_at(head.parent.load(Ordering::Relaxed)).map_or(0, Task::pid);
        let flags = head.ti_flags.load(Ordering::Relaxed);
        let (comm, pid) = (task.comm(), task.pid());
        log!(
            cx,
            level,
            "task:{comm:<15} state:{letter}{runs} stack:{:<5} pid:{pid:<5} ppid:{parent:<6} \
             flags:{flags:#010x}",
            0
        );
        log!(cx, level, "Call Trace:");
        if core::ptr::eq(task, cx.task.get_ref()) {
            return self.print_trace(cx, level, &crate::backtrace::Origin::here());
        }
        match self.trace_of(task).or_else(|| self.trace_of_running(cx, task)) {
            Some(trace) => self.print_taken(cx, level, &trace),
            None => log!(cx, level, " (it runs on CPU {})", head.cpu()),
        }
    }

    /// Logs what a sleeping task waits for; nothing where that is its trade.
    pub(crate) fn show_wait(&self, cx: &Cx<'_>, level: Level, task: &Task) {
        let is_own = task.flags() & PF_KTHREAD != 0 && task.pid() <= self.khungtaskd().pid();
        if is_own || task.pid() == 1 || !crate::proc::sleeps(task) {
            return;
        }
        for line in self.explain_wait(task, self.trace_of(task).as_ref()) {
            log!(cx, level, "kthreads: {line}");
        }
    }
}

/// Whether a task sleeps in a way that counts as blocked.
fn is_blocked(task: &Task) -> bool {
    let state = task.state();
    state & TASK_UNINTERRUPTIBLE != 0 && state & TASK_IDLE != TASK_IDLE
}
