//! What all threads do, shown on SIGQUIT, and `kthreads stacks`, which sends it.

mod find;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use kthreads_kernel::Cx;
use kthreads_kernel::task::Task;
use kthreads_kernel::task::state::state_letter;
use kthreads_shell::Stream;

use crate::session::Session;
use crate::supervisor;

pub(crate) use find::send;

/// How long a kernel may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Shows what all threads do. Returns at once: a kernel that does not answer must not keep other
/// signals from being seen.
pub(crate) fn show(session: &Arc<Session>) {
    let session = session.clone();
    thread::spawn(move || {
        let text = ask(&session).unwrap_or_else(unanswered);
        session.console.write(Stream::Error, &text);
    });
}

/// Asks the kernel; `None` if it does not answer.
fn ask(session: &Arc<Session>) -> Option<String> {
    let (sender, answer) = mpsc::channel();
    let asking = session.clone();
    thread::spawn(move || {
        let text = asking.kernel.try_enter_as("host", all_tasks);
        // Nobody waits any more if it took too long.
        let _ = sender.send(text);
    });
    match answer.recv_timeout(PATIENCE) {
        Ok(Ok(text)) => Some(text),
        Ok(Err(error)) => Some(format!("kthreads: no threads to show: {error}\n")),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
    }
}

fn unanswered() -> String {
    let seconds = PATIENCE.as_secs();
    let mut text = format!("kthreads: the kernel does not answer for {seconds} seconds: ");
    text.push_str("every CPU runs something that does not let go\n");
    for place in supervisor::last_places() {
        // Writing to a String does not fail.
        let _ = writeln!(text, "kthreads: {place}");
    }
    text
}

/// Describes all tasks but the asking one: state, what each waits in, and its back trace. In the
/// kernel.
fn all_tasks(cx: &Cx<'_>) -> String {
    let tasks = cx.kernel.all_tasks();
    let others: Vec<&Task> = tasks.into_iter().filter(|task| task.id() != cx.task.id()).collect();
    let seconds = cx.kernel.uptime().0 as f64 / 1e9;
    let mut text = format!("kthreads: {} tasks after {seconds:.3} seconds\n", others.len());
    for task in others {
        add_task(cx, task, &mut text);
    }
    for place in supervisor::last_places() {
        // Writing to a String does not fail.
        let _ = writeln!(text, "kthreads: {place}");
    }
    text
}

fn add_task(cx: &Cx<'_>, task: &Task, text: &mut String) {
    let exit_state = task.head.exit_state.load(Ordering::Relaxed);
    let (letter, word) = state_letter(task.state(), exit_state);
    let (pid, name) = (task.pid(), task.full_name());
    let read = |file| cx.kernel.proc_read(cx, &format!("/proc/{pid}/{file}")).unwrap_or_default();
    let place = read("wchan");
    let waits = match place.as_str() {
        "" | "0" => String::new(),
        place => format!(", waits in {place}"),
    };
    // Writing to a String does not fail.
    let _ = writeln!(text, "{name} (pid {pid}): {letter} ({word}){waits}");
    for frame in read("stack").lines() {
        let _ = writeln!(text, "    {}", frame.trim_start_matches("[<0>] "));
    }
}
