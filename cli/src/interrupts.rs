//! Ctrl-C.
//!
//! The first one ends the script as a signal ends sh, and what is loaded is unloaded cleanly; a
//! second one ends the program at once. SIGTERM and SIGHUP count like Ctrl-C.

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
    /// Begins to watch. Each first interrupt is told to the script of `session`.
    pub(crate) fn watch(session: &Arc<Session>) -> Interrupts {
        let interrupts = Interrupts::default();
        let mut signals = match Signals::new([SIGINT, SIGTERM, SIGHUP]) {
            Ok(signals) => signals,
            Err(error) => {
                session.tell(&format!("Ctrl-C ends at once: {error}"));
                return interrupts;
            }
        };
        let (count, session) = (interrupts.count.clone(), session.clone());
        thread::spawn(move || {
            for signal in signals.forever() {
                if count.fetch_add(1, Ordering::Relaxed) > 0 {
                    exit_now(INTERRUPTED);
                }
                tell(&session, signal as u32);
            }
        });
        interrupts
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
