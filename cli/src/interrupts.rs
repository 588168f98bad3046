//! Ctrl-C.
//!
//! The first one ends the script as a signal ends sh, and what is loaded is unloaded cleanly; a
//! second one ends the program at once. SIGTERM and SIGHUP count like Ctrl-C.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::session::Session;
use crate::status::{INTERRUPTED, exit_now};

/// Counts interrupts.
#[derive(Clone, Default)]
pub(crate) struct Interrupts {
    count: Arc<AtomicU32>,
}

impl Interrupts {
    /// Begins to watch: calls `first` with each first interrupt, and `second` with each that
    /// follows it.
    ///
    /// # Errors
    ///
    /// When the signals cannot be watched: they end the program at once then.
    pub(crate) fn watch(
        &self,
        first: impl Fn(u32) + Send + 'static,
        second: impl Fn() + Send + 'static,
    ) -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let count = self.count.clone();
        thread::spawn(move || {
            for signal in signals.forever() {
                match count.fetch_add(1, Ordering::Relaxed) {
                    0 => first(signal as u32),
                    _ => second(),
                }
            }
        });
        Ok(())
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
    let me = session.clone();
    // On a thread of its own: a kernel that does not answer must not keep a second interrupt from
    // being seen.
    let tell = move |signal| {
        let session = me.clone();
        thread::spawn(move || session.interrupt(signal));
    };
    if let Err(error) = session.outside.interrupts.watch(tell, || exit_now(INTERRUPTED)) {
        session.tell(&cannot_watch(&error));
    }
}

/// What is said when the signals cannot be watched.
pub(crate) fn cannot_watch(error: &io::Error) -> String {
    format!("Ctrl-C ends at once: {error}")
}
