//! What comes from the guest.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use kthreads_qemu::{Guest, Input, Outcome};
use kthreads_session::Object;
use kthreads_session::link::{Decoder, FromGuest, PIECE, Said, ToGuest};
use kthreads_shell::Stream;

use super::obituary::Obituary;
use super::screen::Screen;
use crate::interrupts::Interrupts;
use crate::objects::build_one;

/// No status has come.
const NONE: u32 = u32::MAX;

/// Is what the main thread waits for.
pub(crate) enum Event {
    /// The guest waits for a line.
    Ready,
    /// Words that could stand where it was asked about.
    Candidates(Vec<String>),
    /// It is over.
    Ended(Outcome),
}

/// Is the way to the guest.
#[derive(Clone)]
pub(crate) struct Link {
    input: Input,
    /// Whether the guest's kernel runs: before that nobody reads.
    is_up: Arc<AtomicBool>,
    /// The module that the guest takes, as far as it has not got it.
    outgoing: Arc<Mutex<Vec<u8>>>,
}

impl Link {
    /// Tells the guest something.
    pub(crate) fn send(&self, message: &ToGuest) -> io::Result<()> {
        self.input.send(&message.bytes())
    }

    /// Tells the guest of Ctrl-C.
    ///
    /// # Errors
    ///
    /// When it is not there, or not yet.
    pub(crate) fn interrupt(&self) -> io::Result<()> {
        match self.is_up.load(Ordering::Acquire) {
            true => self.send(&ToGuest::Interrupt),
            false => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Builds a module that a script names, and begins to send it. On a thread of its own: what
    /// the guest says meanwhile is shown meanwhile.
    fn build(&self, file: String) {
        let me = self.clone();
        thread::spawn(move || {
            let answer = match build_one(Path::new(&file)) {
                Ok(Object { name, bytes }) => {
                    let message = ToGuest::Object { name, len: bytes.len() };
                    *me.outgoing.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
                    message
                }
                Err(why) => ToGuest::NotFound(why),
            };
            // A guest that is gone needs no module.
            let _ = me.send(&answer);
        });
    }

    fn send_piece(&self) {
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        let len = outgoing.len().min(PIECE);
        let piece = ToGuest::Piece(outgoing.drain(..len).collect());
        drop(outgoing);
        // As above.
        let _ = self.send(&piece);
    }
}

/// Is what the threads that attend a guest share.
pub(crate) struct Events {
    /// The way to it.
    pub(crate) link: Link,
    /// Where its text goes.
    pub(crate) screen: Arc<Screen>,
    /// Ctrl-C.
    pub(crate) interrupts: Interrupts,
    status: Arc<AtomicU32>,
}

impl Events {
    /// Prepares to attend a guest.
    pub(crate) fn new(guest: &Guest) -> Events {
        let link = Link {
            input: guest.input(),
            is_up: Arc::new(AtomicBool::new(false)),
            outgoing: Arc::new(Mutex::new(Vec::new())),
        };
        let (screen, interrupts) = (Arc::new(Screen::default()), Interrupts::default());
        Events { link, screen, interrupts, status: Arc::new(AtomicU32::new(NONE)) }
    }

    /// The exit status that the guest has told, if it has.
    pub(crate) fn status(&self) -> Option<u8> {
        u8::try_from(self.status.load(Ordering::Acquire)).ok()
    }

    /// Starts the thread that takes what comes from the guest.
    pub(crate) fn watch(&self, guest: Guest, mut obituary: Obituary) -> Receiver<Event> {
        let (sender, receiver) = mpsc::channel();
        let (link, screen, status) = (self.link.clone(), self.screen.clone(), self.status.clone());
        thread::spawn(move || {
            let mut decoder = Decoder::default();
            let outcome = guest.run(&mut |bytes| {
                decoder.push(bytes, &mut |said| match said {
                    Said::Text(Stream::Output, text) => {
                        screen.write(Stream::Output, &obituary.pass(text));
                    }
                    Said::Text(stream, text) => screen.write(stream, &text),
                    Said::Frame(frame) => take(&link, &status, &sender, frame),
                });
            });
            screen.write(Stream::Output, &obituary.finish());
            // The main thread may have gone on to its end.
            let _ = sender.send(Event::Ended(outcome));
        });
        receiver
    }
}

fn take(link: &Link, status: &AtomicU32, events: &Sender<Event>, frame: FromGuest) {
    let event = match frame {
        FromGuest::Hello => return link.is_up.store(true, Ordering::Release),
        FromGuest::Status(told) => return status.store(u32::from(told), Ordering::Release),
        FromGuest::Find(file) => return link.build(file),
        FromGuest::Next => return link.send_piece(),
        FromGuest::To(_) => return,
        FromGuest::Ready => Event::Ready,
        FromGuest::Candidates(words) => Event::Candidates(words),
    };
    // As above.
    let _ = events.send(event);
}
