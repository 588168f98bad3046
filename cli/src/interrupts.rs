//! Signals that a user sends.
//!
//! The first Ctrl-C ends the script as a signal ends sh, and what is loaded is unloaded cleanly; a
//! second one ends the program at once. SIGTERM and SIGHUP count like Ctrl-C. SIGQUIT shows what
//! all threads do, and changes nothing.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::session::Session;
use crate::status::{INTERRUPTED, exit_now};
use crate::{stacks, supervisor};

/// Counts interrupts.
#[derive(Clone, Default)]
pub(crate) struct Interrupts {
    count: Arc<AtomicU32>,
}

/// Where signals are heard of.
enum Source {
    /// From the process that supervises this one.
    Parent(File),
    /// From the host.
    Host(Signals),
}

impl Source {
    fn open() -> io::Result<Source> {
        match supervisor::take_orders() {
            Some(orders) => Ok(Source::Parent(orders)),
            None => Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT]).map(Source::Host),
        }
    }

    /// Waits for signals; `None` when there will be none any more.
    fn next(&mut self) -> Option<i32> {
        match self {
            Source::Host(signals) => signals.forever().next(),
            Source::Parent(orders) => {
                let mut number = [0];
                orders.read_exact(&mut number).ok()?;
                supervisor::answer();
                Some(i32::from(number[0]))
            }
        }
    }
}

impl Interrupts {
    /// Begins to watch. Each first interrupt is told to the script of `session`.
    pub(crate) fn watch(session: &Arc<Session>) -> Interrupts {
        let interrupts = Interrupts::default();
        let mut source = match Source::open() {
            Ok(source) => source,
            Err(error) => {
                session.tell(&format!("Ctrl-C ends at once: {error}"));
                return interrupts;
            }
        };
        let (me, session) = (interrupts.clone(), session.clone());
        thread::spawn(move || {
            while let Some(signal) = source.next() {
                me.take(&session, signal);
            }
        });
        interrupts
    }

    fn take(&self, session: &Arc<Session>, signal: i32) {
        if signal == SIGQUIT {
            return stacks::show(session);
        }
        if self.count.fetch_add(1, Ordering::Relaxed) > 0 {
            exit_now(INTERRUPTED);
        }
        tell(session, signal as u32);
    }

    /// Whether there was one.
    pub(crate) fn happened(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Begins anew: the next interrupt is a first one.
    pub(crate) fn reset(&self) {
        self.count.store(0, Ordering::Relaxed);
    }
}

/// Tells the script. On a thread of its own: a kernel that does not answer must not keep a second
/// interrupt from being seen.
fn tell(session: &Arc<Session>, signal: u32) {
    let session = session.clone();
    thread::spawn(move || {
        // A kernel that has ended runs no script.
        let _ = session.kernel.try_enter_as("host", |cx| session.shell.signal_script(cx, signal));
    });
}
