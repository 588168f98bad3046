//! A run: loading, a script or a wait, unloading.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use kthreads_base::Nanos;
use kthreads_kernel::Cx;
use kthreads_kernel::signal::{SIGKILL, Sender, Target};
use kthreads_kernel::task::state::{TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::task::{Spawn, Start, Task, TaskId};
use kthreads_shell::Ended;
use kthreads_shell::syntax::{Script, SyntaxError};

use crate::session::SIGTERM;
use crate::{Outside, Session, status};

/// How long a task that is to end gets before it is looked at again.
const BREATH: Nanos = Nanos::from_millis(1);

/// Says what is wrong with a script that was given on a command line.
pub fn wrong_script(error: &SyntaxError) -> String {
    format!("the script is wrong: {error}")
}

/// What a run is to do between loading and unloading.
#[derive(Debug, Default)]
pub struct Plan {
    /// The commands to run; without any it waits.
    pub script: Option<Script>,
    /// The kernel time after which to end, if there is one.
    pub limit: Option<Nanos>,
}

impl Plan {
    /// Does it all and returns the exit status. From outside the kernel; the clock does not jump
    /// before the kernel is at it. What the console still has to show is the caller's business.
    pub fn run<O: Outside>(&self, session: &Arc<Session<O>>, hold: O::Hold) -> u8 {
        // One task does it all: between two of them time could jump.
        let whole = |cx: &Cx<'_>| self.carry_out(session, cx);
        session.kernel.enter_holding("sh", hold, whole).unwrap_or_else(|error| {
            session.died(&error);
            status::BUG
        })
    }

    fn carry_out<O: Outside>(&self, session: &Arc<Session<O>>, cx: &Cx<'_>) -> u8 {
        if session.load(cx) {
            self.run_script(session, cx);
        }
        // What has come too late for the script must not disturb the unloading.
        let _ = session.shell.take_signal(cx);
        session.clear(cx);
        if session.outside.is_interrupted() {
            session.call_for(status::INTERRUPTED);
        }
        session.sum_up(cx)
    }

    fn run_script<O: Outside>(&self, session: &Arc<Session<O>>, cx: &Cx<'_>) {
        let Some(script) = &self.script else { return session.wait(cx, self.limit) };
        let timeout = self.limit.and_then(|limit| start_timeout(session, cx, limit));
        let ended = match session.shell.run(cx, script) {
            Ended::Finished => session.shell.wait_for_jobs(cx),
            ended => ended,
        };
        if let Some(task) = timeout {
            end_timeout(cx, task);
        }
        if let Ended::Exit(code) = ended {
            session.call_for(code as u8);
        }
    }
}

/// Ends the task that [`start_timeout`] started, and waits until it has: it is not to be counted
/// with what the modules leave behind.
fn end_timeout(cx: &Cx<'_>, task: TaskId) {
    if let Some(task) = cx.kernel.task_by_id(task) {
        // It may have ended just now.
        let _ = cx.kernel.send_signal(task, SIGKILL, Sender::User, Target::Process);
    }
    let is_alive = |task: &Task| task.head.exit_state.load(Ordering::Relaxed) == 0;
    while cx.kernel.task_by_id(task).is_some_and(is_alive) {
        cx.kernel.sleep_until(cx, cx.kernel.uptime() + BREATH, TASK_UNINTERRUPTIBLE);
    }
}

/// Starts the task that ends the script when its time is over.
fn start_timeout<O: Outside>(
    session: &Arc<Session<O>>,
    cx: &Cx<'_>,
    limit: Nanos,
) -> Option<TaskId> {
    let (me, deadline) = (session.clone(), cx.kernel.uptime() + limit);
    let body = Box::new(move |cx: &Cx<'_>| {
        if cx.kernel.sleep_until(cx, deadline, TASK_INTERRUPTIBLE) {
            me.shell.signal_script(cx, SIGTERM);
        }
        0
    });
    let parent = cx.task.get_ref();
    let spawn = Spawn { name: "timeout", start: Start::Body(body), parent, flags: 0, done: None };
    match cx.kernel.spawn(spawn) {
        Ok(task) => {
            let id = task.id();
            cx.kernel.wake_up_new_task(task);
            Some(id)
        }
        Err(errno) => {
            session.tell(&format!("--for has no effect: {errno}"));
            None
        }
    }
}
