//! What the kernel says.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kthreads_shell::Stream;

use super::frame::{Frame, FrameReader, Step};
use super::{DLE, PIECE};

/// Is what the kernel tells or asks the program that started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromGuest {
    /// It runs.
    Hello,
    /// It waits for a line.
    Ready,
    /// All is over, with this exit status.
    Status(u8),
    /// It needs this module.
    Find(String),
    /// It has taken the last piece of a file and waits for the next.
    Next,
    /// These words could stand there.
    Candidates(Vec<String>),
    /// What follows goes to that stream.
    To(Stream),
}

impl FromGuest {
    /// The bytes it is sent as.
    pub fn bytes(&self) -> Vec<u8> {
        let frame = match self {
            FromGuest::Hello => Frame::new(b'H', b""),
            FromGuest::Ready => Frame::new(b'R', b""),
            FromGuest::Status(status) => Frame::new(b'S', format!("{status}").as_bytes()),
            FromGuest::Find(file) => Frame::new(b'F', file.as_bytes()),
            FromGuest::Next => Frame::new(b'N', b""),
            FromGuest::Candidates(words) => Frame::new(b'C', words.join("\n").as_bytes()),
            FromGuest::To(Stream::Output) => Frame::new(b'O', b""),
            FromGuest::To(Stream::Error) => Frame::new(b'E', b""),
        };
        let mut bytes = frame.bytes();
        bytes.insert(0, DLE);
        bytes
    }

    fn from_frame(frame: &Frame) -> Option<FromGuest> {
        let text = || String::from_utf8_lossy(&frame.payload).into_owned();
        Some(match (frame.letter, &frame.payload[..]) {
            (b'H', []) => FromGuest::Hello,
            (b'R', []) => FromGuest::Ready,
            (b'S', _) => FromGuest::Status(text().parse().ok()?),
            (b'F', _) => FromGuest::Find(text()),
            (b'N', []) => FromGuest::Next,
            (b'C', _) => FromGuest::Candidates(text().lines().map(str::to_owned).collect()),
            (b'O', []) => FromGuest::To(Stream::Output),
            (b'E', []) => FromGuest::To(Stream::Error),
            _ => return None,
        })
    }
}

/// Is a piece of what the kernel writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Text for a stream.
    Text(Stream, Vec<u8>),
    /// Something for the program.
    Frame(FromGuest),
}

/// Tells text and frames apart, and turns the line's `\r\n` into `\n`.
#[derive(Debug)]
pub struct Decoder {
    stream: Stream,
    text: Vec<u8>,
    /// There is one after a DLE.
    frame: Option<FrameReader>,
    has_return: bool,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder { stream: Stream::Output, text: Vec::new(), frame: None, has_return: false }
    }
}

impl Decoder {
    /// Takes what has come; `sink` gets it in order.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Said)) {
        for byte in bytes {
            // A return stands for itself unless a newline follows.
            if self.has_return && *byte != b'\n' {
                self.take(b'\r', sink);
            }
            self.has_return = *byte == b'\r';
            if !self.has_return {
                self.take(*byte, sink);
            }
        }
        self.flush(sink);
    }

    fn take(&mut self, byte: u8, sink: &mut dyn FnMut(Said)) {
        let Some(reader) = &mut self.frame else {
            match byte {
                DLE => self.frame = Some(FrameReader::default()),
                byte => self.text.push(byte),
            }
            if self.text.len() >= PIECE * 16 {
                self.flush(sink);
            }
            return;
        };
        let frame = match reader.push(byte) {
            Step::More => return,
            Step::Complete(frame) => FromGuest::from_frame(&frame),
            Step::Nonsense => None,
        };
        self.frame = None;
        match frame {
            Some(FromGuest::To(stream)) => {
                self.flush(sink);
                self.stream = stream;
            }
            Some(frame) => {
                self.flush(sink);
                sink(Said::Frame(frame));
            }
            // Some module has written that byte.
            None => self.text.push(byte),
        }
    }

    fn flush(&mut self, sink: &mut dyn FnMut(Said)) {
        if !self.text.is_empty() {
            sink(Said::Text(self.stream, core::mem::take(&mut self.text)));
        }
    }
}
