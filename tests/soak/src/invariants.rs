//! What must hold.
//!
//! - At any time the kernel's books do not contradict themselves ([`Kernel::audit`]): no task is
//!   lost or in two places, queues hold together. Drivers look while all others run.
//! - Every operation ends: a stop is answered, with the number that the thread's function
//!   returns, and a wait is over in time.
//! - Tokens are neither lost nor made: completions, items that are waited for, works, numbers
//!   under locks ([`Shared::drain`], [`Bench::destroy`](crate::works::Bench::destroy)).
//! - Nothing is reported: no oops, no warning, no bug.
//! - When all have cleaned up, tasks, memory, timers, waiters, modules are as many as before, and
//!   so is, when a kernel is gone, the memory of the whole program.

use kthreads_kernel::audit::{Books, When};
use kthreads_kernel::log::{LOG_LINE_MAX, Read, Reader};
use kthreads_kernel::stats::End;
use kthreads_kernel::{Cx, Kernel};

use crate::memory;
use crate::shared::Shared;

/// What the program itself may have more at one time than at another.
const SLACK_BYTES: usize = 16 << 10;
/// How many ticks ended threads may take to be gone.
const SETTLING: u32 = 500;

/// The books at rest, once they hold together.
///
/// # Errors
///
/// When they do not get there.
pub(crate) fn settle(cx: &Cx<'_>, before: Option<Books>) -> Result<Books, Vec<String>> {
    let contradictions = cx.kernel.audit(When::Anytime);
    if !contradictions.is_empty() {
        return Err(contradictions);
    }
    let mut wrong = Vec::new();
    for _ in 0..SETTLING {
        wrong = cx.kernel.audit(When::AtRest);
        let books = cx.kernel.books();
        if books.tasks != books.pids {
            wrong.push(format!("tasks have not gone: {books:?}"));
        }
        if before.is_some_and(|before| before != books) {
            wrong.push(format!("not given back: {books:?}, before {before:?}"));
        }
        if wrong.is_empty() {
            return Ok(books);
        }
        cx.sleep(1);
    }
    Err(wrong)
}

/// What does not hold at the end of a round, when all drivers have cleaned up.
pub(crate) fn at_rest(cx: &Cx<'_>, shared: &Shared, before: Books) -> Vec<String> {
    let mut wrong = shared.drain(cx);
    wrong.extend(settle(cx, Some(before)).err().into_iter().flatten());
    let kernel = cx.kernel;
    if kernel.bug_count() != 0 {
        wrong.push(format!("{} bugs were reported", kernel.bug_count()));
    }
    let (ended, _) = kernel.ended_threads();
    for ended in ended.iter().filter(|ended| ended.end != End::Returned) {
        wrong.push(format!(
            "thread {} ({}) was killed: {:?}",
            ended.comm.as_str(),
            ended.pid,
            ended.end
        ));
    }
    wrong
}

/// Whether the program has as much memory as when another kernel had gone.
///
/// # Errors
///
/// When it has more.
pub(crate) fn nothing_kept(before: usize) -> Result<(), String> {
    let kept = memory::allocated().saturating_sub(before);
    if kept <= SLACK_BYTES {
        return Ok(());
    }
    Err(format!("soak: VIOLATED:\n  kernels that are gone have kept {kept} bytes"))
}

/// The last lines of the log.
pub(crate) fn log_tail(kernel: &Kernel, most: usize) -> String {
    let mut reader = Reader::from_oldest(kernel.log_ring());
    let mut buffer = [0; LOG_LINE_MAX];
    let mut lines = Vec::new();
    loop {
        match reader.read(kernel.log_ring(), &mut buffer) {
            Read::Nothing => break,
            Read::Record { text, .. } => {
                lines.push(String::from_utf8_lossy(text).replace('\n', "\n    "));
            }
            Read::Dropped(_) => {}
        }
    }
    let skipped = lines.len().saturating_sub(most);
    lines[skipped..].iter().map(|line| format!("  {line}\n")).collect()
}
