//! The end of a run whose kernel is locked up.
//!
//! A module that never lets go of a CPU, with preemption or interrupts off, is reported by the
//! kernel. If it is the CPU of the task that loads, unloads or runs the script, that one can do
//! nothing about it any more, so a thread of the host looks whether it still does something.

use std::fmt::Write as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::session::Session;
use crate::status::{BUG, exit_now};
use crate::supervisor;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Ends the program when who waits for a job has done nothing for `seconds` of real time; never,
/// if that is 0.
pub(crate) fn watch(session: &Arc<Session>, seconds: u64) {
    if seconds == 0 {
        return;
    }
    let session = session.clone();
    thread::spawn(move || {
        let (mut seen, mut since) = (None, Instant::now());
        loop {
            thread::sleep(LOOK_EVERY);
            let looks = session.shell.looks();
            if looks.is_none() || looks != seen {
                (seen, since) = (looks, Instant::now());
            } else if since.elapsed() > Duration::from_secs(seconds) + LOOK_EVERY {
                give_up(&session, seconds);
            }
        }
    });
}

fn give_up(session: &Session, seconds: u64) -> ! {
    session.outside.console.flush();
    let mut text =
        format!("kthreads: the kernel is locked up: a CPU has not let go for {seconds} seconds\n");
    for place in supervisor::last_places() {
        // Writing to a String does not fail.
        let _ = writeln!(text, "kthreads: {place}");
    }
    eprint!("{text}");
    exit_now(BUG)
}
