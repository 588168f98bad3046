//! The kernel between two lines of a prompt: its clock is held.
//!
//! A job takes the hold as the last thing it does on its CPU and returns it with its result, so no
//! time passes before the prompt is back. The next job's way to a CPU lets it go.

use std::sync::{Arc, Mutex, PoisonError};

use kthreads_host::ClockHold;
use kthreads_kernel::{Cx, EnterError};

use crate::session::Session;

/// Is a kernel that stands still while nobody enters it.
pub(super) struct Held {
    /// The kernel.
    pub(super) session: Arc<Session>,
    hold: Mutex<Option<ClockHold>>,
}

impl Held {
    /// Begins with a hold that somebody has taken.
    pub(super) fn new(session: Arc<Session>, hold: ClockHold) -> Arc<Held> {
        Arc::new(Held { session, hold: Mutex::new(Some(hold)) })
    }

    /// Does something in the kernel, with the clock running meanwhile.
    pub(super) fn enter<R: Send>(
        &self,
        name: &str,
        body: impl FnOnce(&Cx<'_>, &Arc<Session>) -> R + Send,
    ) -> Result<R, EnterError> {
        let session = &self.session;
        let before = self.hold.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (result, hold) = session.kernel.enter_holding(name, before, |cx| {
            let result = body(cx, session);
            (result, session.machine.hold_clock())
        })?;
        *self.hold.lock().unwrap_or_else(PoisonError::into_inner) = Some(hold);
        Ok(result)
    }
}
