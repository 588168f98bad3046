//! Signals that a user sends.
//!
//! The first Ctrl-C ends the script as a signal ends sh, and what is loaded is unloaded cleanly; a
//! second one ends the program at once. SIGTERM and SIGHUP count like Ctrl-C. SIGQUIT shows what
//! all threads of a kernel in this process do, and changes nothing.

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
    /// The signals of a kernel in this process.
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

    /// Calls `take` with each signal, on a thread of its own.
    fn attend(mut self, take: impl Fn(i32) + Send + 'static) {
        thread::spawn(move || {
            while let Some(signal) = self.next() {
                take(signal);
            }
        });
    }
}

impl Interrupts {
    /// Begins to watch the interrupts of a kernel elsewhere: calls `first` with each first one,
    /// and `second` with each that follows it.
    ///
    /// # Errors
    ///
    /// When the signals cannot be watched: they end the program at once then.
    pub(crate) fn watch(
        &self,
        first: impl Fn(u32) + Send + 'static,
        second: impl Fn() + Send + 'static,
    ) -> io::Result<()> {
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let me = self.clone();
        Source::Host(signals).attend(move |signal| match me.count_one() {
            0 => first(signal as u32),
            _ => second(),
        });
        Ok(())
    }

    /// Counts one more; returns how many there were before.
    fn count_one(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
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

/// Begins to watch for a kernel in this process: each first interrupt is told to its script.
pub(crate) fn watch(session: &Arc<Session>) {
    let source = match Source::open() {
        Ok(source) => source,
        Err(error) => return session.tell(&cannot_watch(&error)),
    };
    let me = session.clone();
    source.attend(move |signal| take(&me, signal));
}

fn take(session: &Arc<Session>, signal: i32) {
    if signal == SIGQUIT {
        return stacks::show(session);
    }
    if session.outside.interrupts.count_one() > 0 {
        exit_now(INTERRUPTED);
    }
    // On a thread of its own: a kernel that does not answer must not keep a second interrupt from
    // being seen.
    let session = session.clone();
    thread::spawn(move || session.interrupt(signal as u32));
}

/// What is said when the signals cannot be watched.
pub(crate) fn cannot_watch(error: &io::Error) -> String {
    format!("Ctrl-C ends at once: {error}")
}
