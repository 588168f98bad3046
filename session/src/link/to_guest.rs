//! What the kernel is told.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{borrow::ToOwned, format};

use super::frame::Frame;

/// Is what the program tells the kernel that it has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToGuest {
    /// Run this.
    Line(String),
    /// There will be no more lines.
    End,
    /// There will be no more lines, and this calls for an exit status.
    Stop(u8),
    /// Ctrl-C was pressed.
    Interrupt,
    /// What could stand where the word begins, behind that command?
    Complete {
        /// The name of the command; empty if the word is the name.
        command: String,
        /// The word, as far as it was written.
        word: String,
    },
    /// The module that was asked for has this name and so many bytes; they follow in pieces.
    Object {
        /// The name it is loaded under.
        name: String,
        /// How many bytes there are.
        len: usize,
    },
    /// A piece of a module.
    Piece(Vec<u8>),
    /// The module that was asked for cannot be had: why.
    NotFound(String),
}

impl ToGuest {
    /// The bytes it is sent as.
    pub fn bytes(&self) -> Vec<u8> {
        let frame = match self {
            ToGuest::Line(text) => Frame::new(b'L', text.as_bytes()),
            ToGuest::End => Frame::new(b'E', b""),
            ToGuest::Stop(status) => Frame::new(b'S', &[*status]),
            ToGuest::Interrupt => Frame::new(b'I', b""),
            ToGuest::Complete { command, word } => {
                Frame::new(b'C', format!("{command}\n{word}").as_bytes())
            }
            ToGuest::Object { name, len } => Frame::new(b'O', format!("{len}\n{name}").as_bytes()),
            ToGuest::Piece(bytes) => Frame::new(b'P', bytes),
            ToGuest::NotFound(why) => Frame::new(b'N', why.as_bytes()),
        };
        frame.bytes()
    }

    /// What a frame means; none if it means nothing.
    pub fn from_frame(frame: &Frame) -> Option<ToGuest> {
        let text = String::from_utf8_lossy(&frame.payload).into_owned();
        let two = || text.split_once('\n');
        Some(match (frame.letter, &frame.payload[..]) {
            (b'L', _) => ToGuest::Line(text),
            (b'E', []) => ToGuest::End,
            (b'S', [status]) => ToGuest::Stop(*status),
            (b'I', []) => ToGuest::Interrupt,
            (b'C', _) => {
                let (command, word) = two()?;
                ToGuest::Complete { command: command.to_owned(), word: word.to_owned() }
            }
            (b'O', _) => {
                let (len, name) = two()?;
                ToGuest::Object { name: name.to_owned(), len: len.parse().ok()? }
            }
            (b'P', bytes) => ToGuest::Piece(bytes.to_vec()),
            (b'N', _) => ToGuest::NotFound(text),
            _ => return None,
        })
    }
}
