//! What strands and kernel threads leave for a strand.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use kthreads_base::Machine;
use kthreads_base::job::Mailbox;
use kthreads_pc::PcMachine;

/// Is a box that one strand empties.
pub(crate) struct Inbox<T> {
    machine: Arc<PcMachine>,
    mail: Mailbox<T>,
    /// Not zero if there may be something.
    has_mail: AtomicU32,
}

impl<T> Inbox<T> {
    /// Makes an empty one.
    pub(crate) fn new(machine: &Arc<PcMachine>) -> Inbox<T> {
        let (machine, has_mail) = (machine.clone(), AtomicU32::new(0));
        Inbox { machine, mail: Mailbox::default(), has_mail }
    }

    /// Puts something in. From any stack.
    pub(crate) fn put(&self, item: T) {
        self.mail.push(item);
        self.machine.wake_host(&self.has_mail);
    }

    /// Takes the oldest; the calling strand waits until there is something.
    pub(crate) fn take(&self) -> T {
        loop {
            // Whoever puts something in from here on stores 1 after it.
            self.has_mail.store(0, Ordering::SeqCst);
            if let Some(item) = self.mail.pop() {
                return item;
            }
            self.machine.wait_host(&self.has_mail);
        }
    }
}
