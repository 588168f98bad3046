//! A letter with a payload, as bytes.

use alloc::format;
use alloc::vec::Vec;

/// What is longer is no frame of ours.
const LONGEST: usize = 1 << 20;

/// Is a letter with a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub letter: u8,
    /// What belongs to it.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Makes a frame.
    pub fn new(letter: u8, payload: &[u8]) -> Frame {
        Frame { letter, payload: payload.to_vec() }
    }

    /// The bytes it is sent as.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}{};", self.letter as char, self.payload.len()).into_bytes();
        bytes.extend_from_slice(&self.payload);
        bytes
    }
}

/// Finds frames in a stream of bytes.
#[derive(Debug, Default)]
pub struct FrameReader {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Letter,
    Length(u8, usize),
    Payload(usize, Frame),
}

/// What a byte has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// More is needed.
    More,
    /// A frame is complete.
    Complete(Frame),
    /// That was no frame; the reader begins anew.
    Nonsense,
}

impl FrameReader {
    /// Takes a byte.
    pub fn push(&mut self, byte: u8) -> Step {
        match (core::mem::take(&mut self.state), byte) {
            (State::Letter, letter) if letter.is_ascii_alphabetic() => {
                self.state = State::Length(letter, 0);
            }
            (State::Length(letter, len), b'0'..=b'9') if len < LONGEST => {
                self.state = State::Length(letter, len * 10 + usize::from(byte - b'0'));
            }
            (State::Length(letter, len), b';') if len < LONGEST => {
                let frame = Frame { letter, payload: Vec::new() };
                if len == 0 {
                    return Step::Complete(frame);
                }
                self.state = State::Payload(len, frame);
            }
            (State::Payload(left, mut frame), byte) => {
                frame.payload.push(byte);
                if left == 1 {
                    return Step::Complete(frame);
                }
                self.state = State::Payload(left - 1, frame);
            }
            _ => return Step::Nonsense,
        }
        Step::More
    }
}
