//! A prompt for the guest's kernel.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::mpsc::Receiver;

use kthreads_qemu::{End, Outcome};
use kthreads_session::Next;
use kthreads_session::link::ToGuest;
use kthreads_shell::Stream;

use super::{Event, Events};
use crate::console::AbovePrompt;
use crate::prompt::{self, Kernel};

/// Is a kernel in a guest.
pub(super) struct KernelThere {
    events: Rc<Events>,
    inbox: Receiver<Event>,
    outcome: RefCell<Option<Outcome>>,
}

impl KernelThere {
    /// Talks to a guest that [`Events`] attends.
    pub(super) fn new(events: Rc<Events>, inbox: Receiver<Event>) -> Rc<KernelThere> {
        Rc::new(KernelThere { events, inbox, outcome: RefCell::new(None) })
    }

    /// Waits until the guest is ready, and has it run lines until there are no more.
    pub(super) fn attend(self: &Rc<Self>) {
        if self.wait_until_ready() == Next::End {
            return;
        }
        let kernel: Rc<dyn Kernel> = self.clone();
        prompt::read(&kernel);
        self.send(&ToGuest::End);
    }

    /// Waits for the end.
    pub(super) fn wait_for_end(&self) -> Outcome {
        while self.next().is_some() {}
        let lost = || Outcome { end: End::NoStatus, messages: String::new() };
        self.outcome.borrow_mut().take().unwrap_or_else(lost)
    }

    /// The next event; none once the guest has ended.
    fn next(&self) -> Option<Event> {
        if self.outcome.borrow().is_some() {
            return None;
        }
        match self.inbox.recv() {
            Ok(Event::Ended(outcome)) => {
                *self.outcome.borrow_mut() = Some(outcome);
                None
            }
            event => event.ok(),
        }
    }

    fn wait_until_ready(&self) -> Next {
        while let Some(event) = self.next() {
            if matches!(event, Event::Ready) {
                return Next::Line;
            }
        }
        Next::End
    }

    /// Tells the guest something. One that is gone will be found out by whoever waits for it.
    fn send(&self, message: &ToGuest) {
        let _ = self.events.link.send(message);
    }
}

impl Kernel for KernelThere {
    fn run(&self, text: &str) -> Next {
        self.send(&ToGuest::Line(text.to_owned()));
        self.wait_until_ready()
    }

    fn candidates(&self, command: &str, word: &str) -> Vec<String> {
        self.send(&ToGuest::Complete { command: command.to_owned(), word: word.to_owned() });
        while let Some(event) = self.next() {
            if let Event::Candidates(words) = event {
                return words;
            }
        }
        Vec::new()
    }

    fn write(&self, stream: Stream, text: &str) {
        self.events.screen.write(stream, text.as_bytes());
    }

    fn tell(&self, text: &str) {
        // Nobody is left to tell if standard error is gone.
        let _ = writeln!(std::io::stderr(), "kthreads: {text}");
    }

    fn call_for(&self, status: u8) {
        self.send(&ToGuest::Stop(status));
    }

    fn is_interrupted(&self) -> bool {
        self.events.interrupts.happened()
    }

    fn reset_interrupts(&self) {
        self.events.interrupts.reset();
    }

    fn at_prompt(&self, read: &mut dyn FnMut()) {
        self.events.screen.at_prompt(read);
    }

    fn set_printer(&self, printer: AbovePrompt) {
        self.events.screen.set_printer(printer);
    }
}
