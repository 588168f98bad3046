//! The summary at the end of a run.

use std::fmt::Write;

use kthreads_kernel::Cx;
use kthreads_kernel::stats::Ended;
use kthreads_kernel::task::state::state_letter;

use crate::session::Session;

/// How many threads are named.
const NAMED: usize = 12;

/// Returns the summary: what ran, with which result, and what is left behind. In the kernel.
pub(crate) fn summary(session: &Session, cx: &Cx<'_>) -> String {
    let mut text = String::new();
    let seconds = cx.kernel.uptime().0 as f64 / 1e9;
    let (ended, count) = cx.kernel.ended_threads();
    let threads = plural(count, "kernel thread");
    // Writing to a String does not fail.
    let _ = writeln!(text, "kthreads: {threads} ended in {seconds:.3} seconds of kernel time");
    for thread in ended.iter().take(NAMED) {
        let _ = writeln!(text, "  {}", one(thread));
    }
    if count > NAMED as u64 {
        let _ = writeln!(text, "  and {} more", count - NAMED as u64);
    }
    add_rest(session, cx, &mut text);
    add_trouble(session, cx, &mut text);
    text
}

fn one(thread: &Ended) -> String {
    let Ended { pid, comm, result, killed } = thread;
    match killed {
        true => format!("{comm:<15} pid {pid:<6} was killed by an oops"),
        false => format!("{comm:<15} pid {pid:<6} returned {result}"),
    }
}

fn add_rest(session: &Session, cx: &Cx<'_>, text: &mut String) {
    let mut rest = Vec::new();
    for module in cx.kernel.modules() {
        let references = plural(module.refcount().max(0) as u64, "reference");
        rest.push(format!("module {} ({:?}, {references})", module.name(), module.state()));
    }
    for task in cx.kernel.all_tasks() {
        let is_me = task.id() == cx.task.id();
        let exit_state = task.head.exit_state.load(std::sync::atomic::Ordering::Relaxed);
        if session.is_first(task.id()) || is_me || exit_state != 0 {
            continue;
        }
        let (letter, _) = state_letter(task.state(), exit_state);
        let kind = if task.is_kthread() { "kernel thread" } else { "task" };
        rest.push(format!("{kind} {} (pid {}, state {letter})", task.full_name(), task.pid()));
    }
    let (blocks, bytes) = cx.kernel.memory_left_behind();
    if blocks > 0 {
        let (blocks, bytes) = (blocks as u64, bytes as u64);
        rest.push(format!("{} of memory ({})", plural(blocks, "block"), plural(bytes, "byte")));
    }
    if rest.is_empty() {
        let _ = writeln!(text, "kthreads: nothing is left behind");
        return;
    }
    let _ = writeln!(text, "kthreads: left behind:");
    for thing in rest {
        let _ = writeln!(text, "  {thing}");
    }
}

fn add_trouble(session: &Session, cx: &Cx<'_>, text: &mut String) {
    let bugs = u64::from(cx.kernel.bug_count());
    if bugs > 0 {
        let _ =
            writeln!(text, "kthreads: the kernel reported {}: see the log", plural(bugs, "bug"));
    }
    let failed = u64::from(session.shell.failed_expectations());
    if failed > 0 {
        let _ = writeln!(text, "kthreads: {} failed", plural(failed, "expectation"));
    }
}

fn plural(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
