//! Commands in tasks of their own.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use kthreads_base::Nanos;
use kthreads_kernel::signal::{Sender, Target};
use kthreads_kernel::task::state::{TASK_INTERRUPTIBLE, TASK_RUNNING, TASK_UNINTERRUPTIBLE};
use kthreads_kernel::task::{Spawn, Start, TaskId};
use kthreads_kernel::time::Jiffies;
use kthreads_kernel::wait::{Completion, Limit, Waited};
use kthreads_kernel::{Cx, Errno};

use super::Shell;

/// How often a command that is waited for is looked at: one that an oops ended says nothing.
const LOOK_EVERY: Jiffies = Jiffies(62);
/// How many turns a task that has said its last gets to be gone before it is slept for.
const TURNS_TO_GO: u32 = 1000;
/// How long a sleep for such a task is: its CPU may be in the middle of something, or have no
/// processor to run on.
const BREATH: Nanos = Nanos::from_millis(1);
/// How long such a task is waited for at all, in kernel time.
const TIME_TO_GO: Nanos = Nanos::from_millis(10_000);

/// Is a command in a task of its own.
pub struct Job {
    name: String,
    task: TaskId,
    pid: i32,
    shared: Arc<Shared>,
}

/// What the waiting side and the job's own task both hold.
struct Shared {
    /// Completed once the command has run; lets every wait pass.
    done: Completion,
    is_done: AtomicBool,
    status: AtomicI32,
}

/// Says how a job that was waited for ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// The command has run, with this status.
    Done(i32),
    /// Its task was killed by an oops.
    Died,
    /// It sleeps uninterruptibly for longer than the hung-task time.
    Hung,
    /// A signal to the waiting task ended the wait.
    Interrupted,
}

impl Job {
    /// The name of the command.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The pid of its task.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether the command has run.
    pub fn is_done(&self) -> bool {
        self.shared.is_done.load(Ordering::Acquire)
    }

    /// Sends a signal to its task.
    pub fn signal(&self, cx: &Cx<'_>, signal: u32) {
        if let Some(task) = cx.kernel.task_by_id(self.task) {
            // A task that has just ended needs no signal.
            let _ = cx.kernel.send_signal(task, signal, Sender::User, Target::Process);
        }
    }

    fn is_gone(&self, cx: &Cx<'_>) -> bool {
        let ended =
            |task: &kthreads_kernel::task::Task| task.head.exit_state.load(Ordering::Relaxed) != 0;
        cx.kernel.task_by_id(self.task).is_none_or(ended)
    }

    /// Waits until the task of a command that has run is gone: what follows must not find it in
    /// `ps`. Turns first, which let no time pass on a clock that jumps.
    fn let_go(&self, cx: &Cx<'_>) {
        let is_there = || cx.kernel.task_by_id(self.task).is_some();
        for _ in 0..TURNS_TO_GO {
            if !is_there() {
                return;
            }
            cx.kernel.yield_now(cx);
        }
        let deadline = cx.kernel.uptime() + TIME_TO_GO;
        while is_there() && cx.kernel.uptime() < deadline {
            cx.kernel.sleep_for(cx, BREATH, TASK_UNINTERRUPTIBLE);
        }
    }

    /// Whether the task runs, or could.
    pub(super) fn is_running(&self, cx: &Cx<'_>) -> bool {
        cx.kernel.task_by_id(self.task).is_some_and(|task| task.state() == TASK_RUNNING)
    }

    /// Where the task is in a module, if it is in one.
    pub(super) fn place(&self, cx: &Cx<'_>) -> Option<String> {
        cx.kernel.place_of(cx, cx.kernel.task_by_id(self.task)?)
    }

    /// How often the task has slept, if it does not listen now: it runs, or sleeps
    /// uninterruptibly.
    fn deaf_since(&self, cx: &Cx<'_>) -> Option<u64> {
        let task = cx.kernel.task_by_id(self.task)?;
        let is_deaf = task.state() == TASK_RUNNING || task.state() & TASK_UNINTERRUPTIBLE != 0;
        is_deaf.then(|| task.head.nvcsw.load(Ordering::Relaxed))
    }
}

/// Watches whether a task stays in one uninterruptible sleep, or runs and runs.
struct HangWatch {
    sleep: Option<u64>,
    since: Nanos,
    limit: Nanos,
}

impl HangWatch {
    fn new(cx: &Cx<'_>) -> HangWatch {
        let limit = match cx.kernel.hung_task_seconds() {
            0 => Nanos::NEVER,
            seconds => Nanos(seconds.saturating_mul(Nanos::SECOND.0)),
        };
        HangWatch { sleep: None, since: cx.kernel.uptime(), limit }
    }

    fn is_hung(&mut self, cx: &Cx<'_>, job: &Job) -> bool {
        let sleep = job.deaf_since(cx);
        if sleep.is_none() || sleep != self.sleep {
            self.sleep = sleep;
            self.since = cx.kernel.uptime();
            return false;
        }
        cx.kernel.uptime() - self.since >= self.limit
    }
}

impl Shell {
    /// Starts a command in a user-like task of its own.
    ///
    /// # Errors
    ///
    /// EAGAIN or ENOMEM when there can be no more tasks.
    pub fn start(
        &self,
        cx: &Cx<'_>,
        name: &str,
        body: impl FnOnce(&Cx<'_>) -> i32 + Send + 'static,
    ) -> Result<Arc<Job>, Errno> {
        let shared = Arc::new(Shared {
            done: Completion::new(),
            is_done: AtomicBool::new(false),
            status: AtomicI32::new(0),
        });
        let theirs = shared.clone();
        let start = Start::Body(Box::new(move |cx| {
            let status = body(cx);
            theirs.status.store(status, Ordering::Relaxed);
            theirs.is_done.store(true, Ordering::Release);
            cx.kernel.complete_all(&theirs.done);
            status
        }));
        let parent = cx.task.get_ref();
        let task = cx.kernel.spawn(Spawn { name, start, parent, flags: 0, done: None })?;
        let (id, pid) = (task.id(), task.pid());
        let job = Arc::new(Job { name: name.to_string(), task: id, pid, shared });
        self.add_job(job.clone());
        cx.kernel.wake_up_new_task(task);
        Ok(job)
    }

    /// Waits for a job, however long it takes unless it hangs.
    pub fn wait_for(&self, cx: &Cx<'_>, job: &Arc<Job>) -> JobEnd {
        self.inner.waiting.fetch_add(1, Ordering::Relaxed);
        let end = self.wait_and_look(cx, job);
        self.inner.waiting.fetch_sub(1, Ordering::Relaxed);
        end
    }

    /// How often whoever waits for a job has looked whether it hangs; `None` while nobody waits.
    /// One who waits looks four times a second: if the number stays the same, the CPU of who
    /// waits runs something that does not let go. It may be asked from anywhere.
    pub fn looks(&self) -> Option<u64> {
        let is_waiting = self.inner.waiting.load(Ordering::Relaxed) != 0;
        is_waiting.then(|| self.inner.looks.load(Ordering::Relaxed))
    }

    fn wait_and_look(&self, cx: &Cx<'_>, job: &Arc<Job>) -> JobEnd {
        let mut watch = HangWatch::new(cx);
        let limit = Limit::At(LOOK_EVERY);
        loop {
            self.inner.looks.fetch_add(1, Ordering::Relaxed);
            let (kernel, done) = (cx.kernel, &job.shared.done);
            match kernel.wait_for_completion_state(cx, done, TASK_INTERRUPTIBLE, limit) {
                Waited::Done(_) => break,
                Waited::Interrupted => return JobEnd::Interrupted,
                Waited::TimedOut if job.is_gone(cx) => {
                    self.forget(job);
                    return JobEnd::Died;
                }
                Waited::TimedOut if watch.is_hung(cx, job) => return JobEnd::Hung,
                Waited::TimedOut => {}
            }
        }
        job.let_go(cx);
        JobEnd::Done(job.shared.status.load(Ordering::Relaxed))
    }

    /// Strikes a job from the list.
    fn forget(&self, job: &Arc<Job>) {
        job.shared.is_done.store(true, Ordering::Release);
        drop(self.jobs());
    }
}
