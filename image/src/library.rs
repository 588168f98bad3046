//! Modules that are not in the initrd: the command that started us has or builds them.
//!
//! The task that needs one sleeps while a strand asks for it, and the clock is held.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kthreads_base::SpinLock;
use kthreads_kernel::wait::Completion;
use kthreads_kernel::{Booted, Cx};
use kthreads_pc::{ClockHold, PcMachine};
use kthreads_session::Object;
use kthreads_session::link::{FromGuest, ToGuest};
use kthreads_shell::CommandError;

use crate::arguments::Peer;
use crate::console::Console;
use crate::inbox::Inbox;

type Outcome = Result<Object, String>;

/// A file to get, and the task that waits for it.
struct Order {
    file: String,
    done: Completion,
    outcome: SpinLock<Option<Outcome>>,
}

/// Gets modules from the command.
pub(crate) struct Librarian {
    peer: Peer,
    orders: Inbox<(Arc<Order>, ClockHold)>,
    /// What the command answers.
    pub(crate) answers: Inbox<ToGuest>,
}

impl Librarian {
    /// Makes one that is asked by kernel tasks.
    pub(crate) fn new(machine: &Arc<PcMachine>, peer: Peer) -> Arc<Librarian> {
        let (orders, answers) = (Inbox::new(machine), Inbox::new(machine));
        Arc::new(Librarian { peer, orders, answers })
    }

    /// Gets a module. In the kernel; the calling task sleeps.
    pub(crate) fn find(
        &self,
        cx: &Cx<'_>,
        file: &str,
        hold: ClockHold,
    ) -> Result<Object, CommandError> {
        if self.peer == Peer::Terminal {
            return Err(CommandError::Other("No such file or directory".to_owned()));
        }
        let (file, done) = (file.to_owned(), Completion::new());
        let order = Arc::new(Order { file, done, outcome: SpinLock::new(None) });
        self.orders.put((order.clone(), hold));
        cx.kernel.wait_for_completion(cx, &order.done);
        let outcome = order.outcome.lock().take();
        let none = || Err("it was not built".to_owned());
        outcome.unwrap_or_else(none).map_err(CommandError::Other)
    }

    /// Serves one order after the other. The strand's body.
    pub(crate) fn serve(&self, kernel: &Booted, console: &Console) {
        loop {
            let (order, hold) = self.orders.take();
            let outcome = self.get(&order.file, console);
            // A kernel that has ended waits for nothing.
            let _ = kernel.enter_holding("host", hold, |cx| {
                *order.outcome.lock() = Some(outcome);
                cx.kernel.complete(&order.done);
            });
        }
    }

    fn get(&self, file: &str, console: &Console) -> Outcome {
        console.tell(&FromGuest::Find(file.to_owned()));
        let (name, len) = loop {
            match self.answers.take() {
                ToGuest::Object { name, len } => break (name, len),
                ToGuest::NotFound(why) => return Err(why),
                // Left over from an order that was given up.
                _ => {}
            }
        };
        let mut bytes: Vec<u8> = Vec::new();
        while bytes.len() < len {
            console.tell(&FromGuest::Next);
            match self.answers.take() {
                ToGuest::Piece(piece) if !piece.is_empty() => bytes.extend(piece),
                _ => return Err("it did not come whole".to_owned()),
            }
        }
        Ok(Object { name, bytes: bytes.into() })
    }
}
