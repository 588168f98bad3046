//! What comes in over the serial line.

use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use kthreads_base::Machine;
use kthreads_pc::{PcMachine, serial};
use kthreads_session::link::{FrameReader, Step, ToGuest};
use kthreads_session::status;

use crate::arguments::Peer;
use crate::bare::Session;
use crate::inbox::Inbox;

const SIGINT: u32 = 2;
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 0x15;
const BACKSPACE: u8 = 8;
const DELETE: u8 = 0x7f;

/// Sorts what comes in.
pub(crate) struct Wire {
    session: Arc<Session>,
    machine: Arc<PcMachine>,
    /// Lines, and questions about them.
    pub(crate) requests: Inbox<ToGuest>,
    /// Not zero when the script is to be told of Ctrl-C.
    has_interrupt: AtomicU32,
}

impl Wire {
    /// Makes a wire that nobody reads yet.
    pub(crate) fn new(session: &Arc<Session>) -> Arc<Wire> {
        let machine = session.outside.machine.clone();
        Arc::new(Wire {
            session: session.clone(),
            requests: Inbox::new(&machine),
            machine,
            has_interrupt: AtomicU32::new(0),
        })
    }

    /// Reads for ever. A strand's body.
    pub(crate) fn read(&self, peer: Peer) {
        match peer {
            Peer::Command => self.read_frames(),
            Peer::Terminal => self.read_keys(),
        }
    }

    fn read_frames(&self) {
        let mut reader = FrameReader::default();
        loop {
            let Step::Complete(frame) = reader.push(serial::read()) else { continue };
            match ToGuest::from_frame(&frame) {
                Some(ToGuest::Interrupt) => self.interrupt(),
                Some(
                    answer @ (ToGuest::Object { .. } | ToGuest::Piece(_) | ToGuest::NotFound(_)),
                ) => self.session.outside.librarian.answers.put(answer),
                Some(request) => self.requests.put(request),
                None => {}
            }
        }
    }

    /// Keys from a terminal, with as much editing as a terminal's line discipline has.
    fn read_keys(&self) {
        let mut line = String::new();
        loop {
            match serial::read() {
                CTRL_C => {
                    line.clear();
                    serial::write(b"^C\n");
                    if self.session.outside.is_interrupted.load(Ordering::Relaxed) {
                        kthreads_pc::exit(status::INTERRUPTED);
                    }
                    self.interrupt();
                }
                CTRL_D if line.is_empty() => self.requests.put(ToGuest::End),
                CTRL_U => {
                    serial::write("\u{8} \u{8}".repeat(line.chars().count()).as_bytes());
                    line.clear();
                }
                BACKSPACE | DELETE if line.pop().is_some() => serial::write(b"\x08 \x08"),
                b'\r' | b'\n' => {
                    serial::write(b"\n");
                    self.requests.put(ToGuest::Line(core::mem::take(&mut line)));
                }
                key @ b' '..=b'~' => {
                    line.push(char::from(key));
                    serial::write(&[key]);
                }
                _ => {}
            }
        }
    }

    fn interrupt(&self) {
        self.session.outside.is_interrupted.store(true, Ordering::Relaxed);
        self.machine.wake_host(&self.has_interrupt);
    }

    /// Tells the script of each Ctrl-C. A strand's body: a kernel that does not answer must not
    /// keep other keys from being seen.
    pub(crate) fn deliver_interrupts(&self) {
        loop {
            self.machine.wait_host(&self.has_interrupt);
            self.has_interrupt.store(0, Ordering::SeqCst);
            self.session.interrupt(SIGINT);
        }
    }
}
