//! What all threads do, shown on SIGQUIT, and `kthreads stacks`, which sends it.

mod find;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use kthreads_kernel::Cx;
use kthreads_kernel::log::{LOG_LINE_MAX, LogLine, Read, Reader};
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
        match ask(&session) {
            // Otherwise the log shows it.
            Some(text) if session.outside.console.is_quiet() => {
                session.outside.console.write(Stream::Error, &text);
            }
            Some(_) => {}
            None => session.outside.console.write(Stream::Error, &unanswered()),
        }
    });
}

/// Asks the kernel; `None` if it does not answer.
fn ask(session: &Arc<Session>) -> Option<String> {
    let (sender, answer) = mpsc::channel();
    let asking = session.clone();
    thread::spawn(move || {
        let text = asking.kernel.try_enter_as("host", show_all);
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

/// Logs what all tasks do, and returns those lines. In the kernel.
fn show_all(cx: &Cx<'_>) -> String {
    let ring = cx.kernel.log_ring();
    cx.kernel.finish_log();
    let mut reader = Reader::from_now(ring);
    // The letter is one of those that mean something.
    let _ = cx.kernel.sysrq(cx, b't');
    cx.kernel.finish_log();
    let end = ring.next();
    let mut text = String::new();
    let mut buffer = [0; LOG_LINE_MAX];
    while reader.next < end {
        if let Read::Record { info, text: line, .. } = reader.read(ring, &mut buffer) {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{}", LogLine { time: info.time, text: line });
        }
    }
    text
}
