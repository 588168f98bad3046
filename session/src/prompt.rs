//! A kernel that is given one line after the other.
//!
//! Between two lines its clock is held: a job takes the hold as the last thing it does on its CPU
//! and returns it with its result, so no time passes before the prompt is back. The next job's way
//! to a CPU lets it go.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_kernel::{Cx, EnterError};
use kthreads_shell::syntax::Script;
use kthreads_shell::{Ended, Stream};

use crate::complete::candidates;
use crate::{Outside, Session, status};

/// Says whether there is to be another line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is.
    Line,
    /// There is not.
    End,
}

/// Is a kernel that stands still while nobody enters it. All functions are called from outside
/// the kernel.
pub struct Prompt<O: Outside> {
    session: Arc<Session<O>>,
    hold: Option<O::Hold>,
}

impl<O: Outside> Prompt<O> {
    /// Begins with a hold that somebody has taken.
    pub fn new(session: Arc<Session<O>>, hold: O::Hold) -> Prompt<O> {
        Prompt { session, hold: Some(hold) }
    }

    /// The kernel.
    pub fn session(&self) -> &Arc<Session<O>> {
        &self.session
    }

    /// Does something in the kernel, with the clock running meanwhile.
    fn enter<R: Send>(
        &mut self,
        name: &str,
        body: impl FnOnce(&Cx<'_>, &Arc<Session<O>>) -> R + Send,
    ) -> Result<R, EnterError> {
        let session = &self.session;
        let (result, hold) = session.kernel.enter_holding(name, self.hold.take(), |cx| {
            let result = body(cx, session);
            (result, session.outside.hold_clock())
        })?;
        self.hold = Some(hold);
        Ok(result)
    }

    /// As [`enter`](Prompt::enter); if nothing came of it, that is said.
    fn enter_or_tell<R: Send>(
        &mut self,
        body: impl FnOnce(&Cx<'_>, &Arc<Session<O>>) -> R + Send,
    ) -> Option<R> {
        let result = self.enter("sh", body);
        result.inspect_err(|error| self.session.died(error)).ok()
    }

    /// Loads the modules; returns whether all could be.
    pub fn load(&mut self) -> bool {
        self.enter_or_tell(|cx, session| session.load(cx)).unwrap_or(false)
    }

    /// Runs what was written at the prompt.
    pub fn run(&mut self, script: &Script) -> Next {
        let Some(ended) = self.enter_or_tell(|cx, session| session.shell.run(cx, script)) else {
            return if self.session.kernel.has_panicked() { Next::End } else { Next::Line };
        };
        match ended {
            Ended::Finished => Next::Line,
            Ended::Killed(_) => {
                self.session.outside.write(Stream::Output, "\n");
                Next::Line
            }
            Ended::Exit(code) => {
                self.session.call_for(code as u8);
                Next::End
            }
        }
    }

    /// All that could stand where `word` begins, behind the command's name.
    pub fn candidates(&mut self, command: &str, word: &str) -> Vec<String> {
        let list = |cx: &Cx<'_>, session: &Arc<Session<O>>| candidates(session, cx, command, word);
        // A kernel that has ended knows no names; the next line tells.
        let mut names = self.enter("host", list).unwrap_or_default();
        names.retain(|name| name.starts_with(word));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Unloads and sums up; returns the exit status.
    pub fn end(&mut self) -> u8 {
        let status = self.enter_or_tell(|cx, session| {
            session.shell.attach(cx);
            session.clear(cx);
            session.sum_up(cx)
        });
        status.unwrap_or(status::BUG)
    }
}
