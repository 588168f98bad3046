//! Tests of the serial line's language.

use alloc::borrow::ToOwned;
use alloc::vec;
use alloc::vec::Vec;

use kthreads_shell::Stream;

use super::*;

fn decoded(bytes: &[u8], size: usize) -> Vec<Said> {
    let mut decoder = Decoder::default();
    let mut said: Vec<Said> = Vec::new();
    for chunk in bytes.chunks(size) {
        decoder.push(chunk, &mut |piece| match (said.last_mut(), piece) {
            (Some(Said::Text(last, text)), Said::Text(stream, more)) if *last == stream => {
                text.extend(more);
            }
            (_, piece) => said.push(piece),
        });
    }
    said
}

#[test]
fn text_and_frames_are_told_apart_however_they_come() {
    let mut bytes = Vec::new();
    let frames = [
        FromGuest::Hello,
        FromGuest::Status(130),
        FromGuest::Find("a b.c".to_owned()),
        FromGuest::Candidates(vec!["ps".to_owned(), "pkill".to_owned()]),
        FromGuest::Next,
        FromGuest::Ready,
    ];
    bytes.extend_from_slice(b"one\r\ntw\ro\x10\r\n");
    frames.iter().for_each(|frame| bytes.extend(frame.bytes()));
    bytes.extend(FromGuest::To(Stream::Error).bytes());
    bytes.extend_from_slice(b"\x10?oops\r\n");
    let mut expected = vec![Said::Text(Stream::Output, b"one\ntw\ro\n".to_vec())];
    expected.extend(frames.map(Said::Frame));
    expected.push(Said::Text(Stream::Error, b"?oops\n".to_vec()));
    for size in 1..bytes.len() {
        assert_eq!(decoded(&bytes, size), expected, "{size}");
    }
}

#[test]
fn what_the_kernel_is_told_comes_back_as_it_was() {
    let all = [
        ToGuest::Line("ps\n; echo 1".to_owned()),
        ToGuest::End,
        ToGuest::Stop(2),
        ToGuest::Interrupt,
        ToGuest::Complete { command: "kill".to_owned(), word: "1".to_owned() },
        ToGuest::Object { name: "x".to_owned(), len: 123_456 },
        ToGuest::Piece(vec![0, b';', DLE, 255]),
        ToGuest::NotFound("No such file or directory".to_owned()),
    ];
    let mut reader = FrameReader::default();
    for message in all {
        let mut seen = Vec::new();
        for byte in message.bytes() {
            match reader.push(byte) {
                Step::Complete(frame) => seen.extend(ToGuest::from_frame(&frame)),
                Step::More => {}
                Step::Nonsense => panic!("{message:?}"),
            }
        }
        assert_eq!(seen, [message]);
    }
}

#[test]
fn nonsense_does_not_stick() {
    let mut reader = FrameReader::default();
    for byte in b"?L9x" {
        reader.push(*byte);
    }
    let steps: Vec<_> = b"L1;a".iter().map(|byte| reader.push(*byte)).collect();
    assert_eq!(steps.last(), Some(&Step::Complete(Frame::new(b'L', b"a"))));
}
