//! Runs a parsed script as a task of the kernel.
//!
//! The script's own task runs one command after the other. A command that ended in `&`, and
//! `insmod` and `rmmod` always, run in a user-like task of their own, a child of the script's, so
//! that one that blocks is seen in `ps`. What is waited for is an interruptible sleep: a signal to
//! the script's task ends the script, as it would end sh.

mod call;
mod job;
mod jobs;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use kthreads_base::SpinLock;
use kthreads_kernel::Cx;
use kthreads_kernel::signal::{SIGKILL, Sender, Target};
use kthreads_kernel::task::TaskId;

pub(crate) use call::Call;
pub use job::{Job, JobEnd};

use crate::commands::{self, Place};
use crate::expand::expand;
use crate::files;
use crate::host::{Host, Stream};
use crate::syntax::{Command, Mode, RedirectMode, Script, Statement};

/// The status of a command that is not there.
const NOT_FOUND: i32 = 127;
/// What a signal's number is added to for a status.
pub(crate) const SIGNAL_STATUS: i32 = 128;
/// The longest line of a command is far below this; a task's name is cut anyway.
const NAMELESS: &str = "sh";

/// Says how a script came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its last command has run.
    Finished,
    /// `exit` was reached; with its number.
    Exit(i32),
    /// A signal ended its task.
    Killed(u32),
}

/// Is a shell: what scripts that run one after the other share. Clones are the same shell.
#[derive(Clone)]
pub struct Shell {
    inner: Arc<Inner>,
}

struct Inner {
    host: Arc<dyn Host>,
    jobs: SpinLock<Vec<Arc<Job>>>,
    /// The task that runs the script, or ran the last one.
    main: SpinLock<Option<TaskId>>,
    /// The log record where the next `expect` begins to search.
    expect_from: AtomicU64,
    failed_expectations: AtomicU32,
    hung: AtomicU32,
    /// How many tasks wait for a job, and how often they have looked.
    waiting: AtomicU32,
    looks: AtomicU64,
}

impl Shell {
    /// Makes a shell for a kernel; nothing has been expected of its log yet.
    pub fn new(host: Arc<dyn Host>) -> Shell {
        let inner = Inner {
            host,
            jobs: SpinLock::new(Vec::new()),
            main: SpinLock::new(None),
            expect_from: AtomicU64::new(0),
            failed_expectations: AtomicU32::new(0),
            hung: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            looks: AtomicU64::new(0),
        };
        Shell { inner: Arc::new(inner) }
    }

    /// Runs a script in the calling task.
    pub fn run(&self, cx: &Cx<'_>, script: &Script) -> Ended {
        self.attach(cx);
        let ended = Interpreter { shell: self, cx, captured: None }.script(script);
        ended.err().unwrap_or(Ended::Finished)
    }

    /// Makes the calling task the one that [`signal_script`](Shell::signal_script) signals.
    pub fn attach(&self, cx: &Cx<'_>) {
        *self.inner.main.lock() = Some(cx.task.id());
    }

    /// Takes the signal that has come for the calling task, if one has.
    pub fn take_signal(&self, cx: &Cx<'_>) -> Option<u32> {
        match check_signals(cx) {
            Err(Ended::Killed(signal)) => Some(signal),
            _ => None,
        }
    }

    /// How many expectations have failed. From anywhere.
    pub fn failed_expectations(&self) -> u32 {
        self.inner.failed_expectations.load(Ordering::Relaxed)
    }

    /// How many commands were given up because they hung. From anywhere.
    pub fn hung_commands(&self) -> u32 {
        self.inner.hung.load(Ordering::Relaxed)
    }

    /// Sends a signal to the task that runs the script, if it is still there; returns whether.
    pub fn signal_script(&self, cx: &Cx<'_>, signal: u32) -> bool {
        let Some(main) = *self.inner.main.lock() else { return false };
        let Some(task) = cx.kernel.task_by_id(main) else { return false };
        // A task that has just ended needs no signal.
        let _ = cx.kernel.send_signal(task, signal, Sender::User, Target::Process);
        true
    }

    /// Sends a signal to all background commands.
    pub fn signal_jobs(&self, cx: &Cx<'_>, signal: u32) {
        for job in self.jobs() {
            job.signal(cx, signal);
        }
    }

    pub(crate) fn host(&self) -> &dyn Host {
        &*self.inner.host
    }

    pub(crate) fn expect_from(&self) -> &AtomicU64 {
        &self.inner.expect_from
    }

    pub(crate) fn count_failed_expectation(&self) {
        self.inner.failed_expectations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_hung(&self) {
        self.inner.hung.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs statements; made anew for each task and for each `$(...)`.
struct Interpreter<'a> {
    shell: &'a Shell,
    cx: &'a Cx<'a>,
    /// Where output goes inside `$(...)`.
    captured: Option<&'a mut String>,
}

impl Interpreter<'_> {
    fn script(&mut self, script: &Script) -> Result<(), Ended> {
        script.statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Ended> {
        match statement.mode {
            Mode::Background => self.background(statement),
            Mode::Foreground => {
                self.command(&statement.command, statement.line, Place::OwnTask)?;
            }
        }
        check_signals(self.cx)
    }

    fn background(&mut self, statement: &Statement) {
        let name = statement.command.words.first().and_then(|word| word.literal());
        let name = name.unwrap_or_else(|| NAMELESS.to_string());
        let (command, line) = (statement.command.clone(), statement.line);
        let shell = self.shell.clone();
        let started = self.shell.start(self.cx, &name, move |cx| {
            let mut interpreter = Interpreter { shell: &shell, cx, captured: None };
            let ended = interpreter.command(&command, line, Place::Inline);
            ended.and_then(|status| check_signals(cx).map(|()| status)).unwrap_or_else(status_of)
        });
        if let Err(errno) = started {
            self.error(&format!("sh: cannot fork: {errno}\n"));
        }
    }

    /// Runs a command. `place` says whether a command that wants a task of its own gets one: in
    /// the background it has one already.
    fn command(&mut self, command: &Command, line: u32, place: Place) -> Result<i32, Ended> {
        let arguments = self.arguments(command)?;
        let mut targets = Vec::new();
        for redirect in &command.redirects {
            targets.push((self.target(redirect)?, redirect.mode));
        }
        let Some((name, arguments)) = arguments.split_first() else { return Ok(0) };
        let Some(info) = commands::find(name) else {
            self.error(&commands::not_found(name));
            return Ok(NOT_FOUND);
        };
        if place == Place::OwnTask && info.place == Place::OwnTask {
            return self.in_own_task(info, arguments.to_vec(), line);
        }
        if targets.is_empty() {
            return self.call(info, arguments, line);
        }
        self.redirected(info, arguments, line, &targets)
    }

    fn arguments(&mut self, command: &Command) -> Result<Vec<String>, Ended> {
        let (shell, cx) = (self.shell, self.cx);
        expand(&command.words, &mut |script| substitute(shell, cx, script))
    }

    fn target(&mut self, redirect: &crate::syntax::Redirect) -> Result<String, Ended> {
        let (shell, cx) = (self.shell, self.cx);
        let words = core::slice::from_ref(&redirect.target);
        Ok(expand(words, &mut |script| substitute(shell, cx, script))?.join(" "))
    }

    fn call(
        &mut self,
        info: &'static commands::Info,
        arguments: &[String],
        line: u32,
    ) -> Result<i32, Ended> {
        let mut call = Call::new(self.shell, self.cx, info, arguments, line);
        if let Some(captured) = &mut self.captured {
            call.capture_into(captured);
        }
        let status = (info.run)(&mut call);
        call.exit().map_or(Ok(status), |code| Err(Ended::Exit(code)))
    }

    /// Runs a command and writes what it printed to the last of the files; the others are only
    /// opened, as in sh.
    fn redirected(
        &mut self,
        info: &'static commands::Info,
        arguments: &[String],
        line: u32,
        targets: &[(String, RedirectMode)],
    ) -> Result<i32, Ended> {
        for (path, _) in targets {
            if let Err(errno) = files::check_writable(self.cx, path) {
                self.error(&format!("sh: {path}: {errno}\n"));
                return Ok(1);
            }
        }
        let mut output = String::new();
        let mut inner = Interpreter { shell: self.shell, cx: self.cx, captured: Some(&mut output) };
        let status = inner.call(info, arguments, line)?;
        let Some((path, _)) = targets.last() else { return Ok(status) };
        match files::write(self.cx, path, &output) {
            Ok(()) => Ok(status),
            Err(errno) => {
                self.error(&format!("sh: {}: write error: {errno}\n", info.name));
                Ok(1)
            }
        }
    }

    fn in_own_task(
        &mut self,
        info: &'static commands::Info,
        arguments: Vec<String>,
        line: u32,
    ) -> Result<i32, Ended> {
        let shell = self.shell.clone();
        let started = self.shell.start(self.cx, info.name, move |cx| {
            (info.run)(&mut Call::new(&shell, cx, info, &arguments, line))
        });
        let job = match started {
            Ok(job) => job,
            Err(errno) => {
                self.error(&format!("sh: cannot fork: {errno}\n"));
                return Ok(1);
            }
        };
        match self.shell.wait_for(self.cx, &job) {
            JobEnd::Done(status) => Ok(status),
            JobEnd::Died => {
                self.error("Killed\n");
                Ok(SIGNAL_STATUS + SIGKILL as i32)
            }
            JobEnd::Hung => {
                self.shell.report_hung(self.cx, &job);
                Ok(1)
            }
            JobEnd::Interrupted => check_signals(self.cx).map(|()| 1),
        }
    }

    fn error(&self, text: &str) {
        self.shell.host().write(Stream::Error, text);
    }
}

/// Runs the commands of a `$(...)` and returns what they printed.
#[inline(never)]
fn substitute(shell: &Shell, cx: &Cx<'_>, script: &Script) -> Result<String, Ended> {
    let mut output = String::new();
    let ended = Interpreter { shell, cx, captured: Some(&mut output) }.script(script);
    match ended {
        // As in sh, `exit` there ends only that.
        Ok(()) | Err(Ended::Exit(_)) => Ok(output),
        Err(ended) => Err(ended),
    }
}

/// Ends the script if a signal has come for its task: user-like tasks have no handlers.
fn check_signals(cx: &Cx<'_>) -> Result<(), Ended> {
    if !cx.task.signal_pending() {
        return Ok(());
    }
    // A fatal signal adds a SIGKILL, which is not what was sent.
    let signals: Vec<u32> = core::iter::from_fn(|| match cx.task.dequeue_signal() {
        0 => None,
        signal => Some(signal),
    })
    .collect();
    let sent = signals.iter().find(|signal| **signal != SIGKILL).or(signals.first());
    sent.map_or(Ok(()), |signal| Err(Ended::Killed(*signal)))
}

fn status_of(ended: Ended) -> i32 {
    match ended {
        Ended::Finished => 0,
        Ended::Exit(code) => code,
        Ended::Killed(signal) => SIGNAL_STATUS + signal as i32,
    }
}
