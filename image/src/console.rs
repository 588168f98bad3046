//! The console: the log as it comes, and what commands print, in one order.
//!
//! One strand writes it all. Whoever prints leaves its text with the number of the log record that
//! comes next; the strand shows the records before that one first. So no thread of the kernel
//! waits for the serial line, and no order is lost.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use kthreads_base::job::Mailbox;
use kthreads_kernel::Booted;
use kthreads_kernel::log::Ring;
use kthreads_pc::serial;
use kthreads_session::link::{DLE, FromGuest};
use kthreads_session::{Level, LogText, More, Show};
use kthreads_shell::Stream;

use crate::arguments::Peer;
use crate::last_words;

/// How much of the log is written at a time: the boot processor's CPU waits meanwhile.
const CHUNK: usize = 2048;

/// Something to write behind the log records before `after`.
struct Piece {
    after: u64,
    bytes: Vec<u8>,
}

/// The console of a kernel.
pub(crate) struct Console {
    kernel: Arc<Booted>,
    peer: Peer,
    show: Show,
    level: Level,
    pieces: Mailbox<Piece>,
    is_closing: AtomicBool,
    is_closed: AtomicU32,
}

impl Console {
    /// Makes a console that has shown nothing yet.
    pub(crate) fn new(kernel: &Arc<Booted>, peer: Peer, show: Show) -> Arc<Console> {
        Arc::new(Console {
            kernel: kernel.clone(),
            peer,
            show,
            level: Level::default(),
            pieces: Mailbox::default(),
            is_closing: AtomicBool::new(false),
            is_closed: AtomicU32::new(0),
        })
    }

    /// Lets only messages below `level` through.
    pub(crate) fn set_level(&self, level: u8) {
        self.level.set(level);
    }

    /// Prints text behind all that the log had to say before it. From any stack.
    pub(crate) fn write(&self, stream: Stream, text: &str) {
        self.put(match (self.peer, stream) {
            (Peer::Terminal, _) => text.as_bytes().to_vec(),
            (Peer::Command, Stream::Output) => escaped(text.as_bytes()),
            (Peer::Command, Stream::Error) => on_error_stream(text),
        });
    }

    /// Tells the command something, if it is there.
    pub(crate) fn tell(&self, frame: &FromGuest) {
        if self.peer == Peer::Command {
            self.put(frame.bytes());
        }
    }

    fn put(&self, bytes: Vec<u8>) {
        self.pieces.push(Piece { after: self.kernel.log_ring().next(), bytes });
        self.kernel.wake_log_follower();
    }

    /// Writes what there is, and ends when the console is closed. The strand's body.
    pub(crate) fn follow(&self) {
        let ring = self.kernel.log_ring().clone();
        let mut log = LogText::new(&ring, self.show, CHUNK);
        loop {
            let is_closing = self.is_closing.load(Ordering::Acquire);
            while let Some(piece) = self.pieces.pop() {
                self.show_log(&ring, &mut log, piece.after);
                serial::write(&piece.bytes);
            }
            self.show_log(&ring, &mut log, ring.next());
            if is_closing {
                break;
            }
            let next = if self.show == Show::Log { log.next() } else { u64::MAX };
            let is_due = || !self.pieces.is_empty() || self.is_closing.load(Ordering::Acquire);
            self.kernel.wait_for_log_or(next, is_due);
        }
        self.kernel.machine().wake_host(&self.is_closed);
    }

    fn show_log(&self, ring: &Ring, log: &mut LogText, end: u64) {
        let mut lines = String::new();
        loop {
            lines.clear();
            let more = log.collect(ring, end, &self.level, &mut lines);
            match self.peer {
                Peer::Terminal => serial::write(lines.as_bytes()),
                Peer::Command => serial::write(&escaped(lines.as_bytes())),
            }
            last_words::note_shown(log.next());
            if more == More::No {
                return;
            }
        }
    }

    /// Waits until all is written. The log must be finished. From outside the kernel.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.kernel.wake_log_follower();
        self.kernel.machine().wait_host(&self.is_closed);
    }
}

/// Text of the error stream, for the command.
pub(crate) fn on_error_stream(text: &str) -> Vec<u8> {
    let mut bytes = FromGuest::To(Stream::Error).bytes();
    bytes.extend(escaped(text.as_bytes()));
    bytes.extend(FromGuest::To(Stream::Output).bytes());
    bytes
}

/// Text in which no byte can be taken for the beginning of a frame.
fn escaped(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| if *byte == DLE { b'?' } else { *byte }).collect()
}
