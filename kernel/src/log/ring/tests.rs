extern crate std;

use std::collections::VecDeque;
use std::string::String;
use std::thread;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

const SMALL: Capacity = Capacity { text_bytes: 0, records: 8 };

fn line(pid: i32) -> Info {
    Info {
        level: 6,
        facility: 0,
        start: Start::Line,
        end: End::Newline,
        time: Nanos(5),
        caller: Caller::thread(pid),
    }
}

fn open(pid: i32) -> Info {
    Info { end: End::Open, ..line(pid) }
}

fn more(pid: i32, end: End) -> Info {
    Info { start: Start::Continuation, end, ..line(pid) }
}

/// Reads on until there is nothing; `[n dropped]` stands for what was lost.
fn read_all(reader: &mut Reader, ring: &Ring) -> Vec<String> {
    let mut buffer = [0; LOG_LINE_MAX];
    let mut all = vec![];
    loop {
        match reader.read(ring, &mut buffer) {
            Read::Record { text, .. } => all.push(String::from_utf8_lossy(text).into_owned()),
            Read::Dropped(count) => all.push(std::format!("[{count} dropped]")),
            Read::Nothing => return all,
        }
    }
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let mut writer = Writer::new(SMALL);
    let info = Info {
        level: 3,
        facility: 23,
        time: Nanos(u64::MAX - 1),
        caller: Caller::cpu(63),
        ..more(0, End::Newline)
    };
    assert_eq!(writer.store(&info, b"hello, world"), Stored { sequence: 0, len: 12 });
    let mut buffer = [0; LOG_LINE_MAX];
    let mut reader = Reader::from_oldest(writer.ring());
    let read = reader.read(writer.ring(), &mut buffer);
    assert_eq!(read, Read::Record { sequence: 0, info, text: b"hello, world" });
    assert_eq!(reader.read(writer.ring(), &mut buffer), Read::Nothing);
    assert_eq!(info.caller.cpu_number(), Some(63));
    assert_eq!(Caller::thread(12).pid(), Some(12));
}

#[test]
fn a_text_of_any_length_up_to_the_longest_is_kept() {
    let mut writer = Writer::new(SMALL);
    let mut reader = Reader::from_now(writer.ring());
    let text = "0123456789abcdef".repeat(70);
    for len in (0..40).chain(1_000..1_100) {
        let stored = writer.store(&line(1), &text.as_bytes()[..len]);
        assert_eq!(stored.len, len.min(LOG_LINE_MAX));
        assert_eq!(read_all(&mut reader, writer.ring()), [&text[..stored.len]]);
    }
}

#[test]
fn an_open_record_shows_when_it_is_finished() {
    let mut writer = Writer::new(SMALL);
    let ring = writer.ring().clone();
    let mut reader = Reader::from_oldest(&ring);
    writer.store(&open(1), b"loading");
    assert_eq!(read_all(&mut reader, &ring), [""; 0]);
    assert_eq!(writer.store(&more(1, End::Open), b"..."), Stored { sequence: 0, len: 3 });
    writer.store(&more(1, End::Newline), b" done");
    assert_eq!(read_all(&mut reader, &ring), ["loading... done"]);
    writer.store(&open(1), b"no newline");
    writer.store(&line(1), b"next");
    assert_eq!(read_all(&mut reader, &ring), ["no newline", "next"]);
    writer.store(&open(1), b"last words");
    assert!(writer.finish());
    assert!(!writer.finish());
    assert_eq!(read_all(&mut reader, &ring), ["last words"]);
}

#[test]
fn only_the_same_caller_continues_an_open_record_with_room() {
    let mut writer = Writer::new(SMALL);
    let ring = writer.ring().clone();
    let mut reader = Reader::from_oldest(&ring);
    writer.store(&open(1), b"one");
    writer.store(&more(2, End::Open), b"two");
    writer.store(&more(1, End::Newline), b"one again");
    writer.store(&more(1, End::Newline), b"nothing open");
    assert_eq!(read_all(&mut reader, &ring), ["one", "two", "one again", "nothing open"]);
    let long = "x".repeat(LOG_LINE_MAX - 1);
    writer.store(&open(1), long.as_bytes());
    writer.store(&more(1, End::Newline), b"ab");
    assert_eq!(read_all(&mut reader, &ring), [long.as_str(), "ab"]);
}

#[test]
fn a_slow_reader_learns_how_many_it_lost() {
    let mut writer = Writer::new(SMALL);
    let mut reader = Reader::from_oldest(writer.ring());
    for number in 0..20 {
        writer.store(&line(1), std::format!("{number}").as_bytes());
    }
    let read = read_all(&mut reader, writer.ring());
    assert_eq!(read, ["[12 dropped]", "12", "13", "14", "15", "16", "17", "18", "19"]);
}

#[test]
fn clearing_hides_what_is_there_from_who_asks_for_the_rest() {
    let mut writer = Writer::new(SMALL);
    writer.store(&line(1), b"old");
    writer.store(&open(1), b"op");
    writer.ring().clear();
    writer.store(&more(1, End::Newline), b"en");
    writer.store(&line(1), b"new");
    let ring = writer.ring();
    assert_eq!(read_all(&mut Reader::since_clear(ring), ring), ["open", "new"]);
    assert_eq!(read_all(&mut Reader::from_oldest(ring), ring), ["old", "open", "new"]);
}

/// The text of record `number` in the race: long or short, and like no other.
fn text_of(number: u64) -> Vec<u8> {
    let len = 8 + (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57) as usize;
    (0..len as u64).map(|place| (number >> (place % 8 * 8)) as u8 ^ place as u8).collect()
}

#[test]
fn readers_racing_with_the_writer_see_whole_records_in_order() {
    const RECORDS: u64 = 200_000;
    let mut writer = Writer::new(Capacity { text_bytes: 4_096, records: 32 });
    let ring = writer.ring().clone();
    let read = |pause: u64| {
        let mut reader = Reader { next: 0 };
        let (mut seen, mut dropped) = (0, 0);
        let mut buffer = [0; LOG_LINE_MAX];
        while seen + dropped < RECORDS {
            match reader.read(&ring, &mut buffer) {
                Read::Record { sequence, info, text } => {
                    assert_eq!(sequence, seen + dropped);
                    assert_eq!(info.time, Nanos(sequence));
                    assert_eq!(info.caller.pid(), Some(sequence as i32 % 1_000));
                    assert_eq!(text, text_of(sequence));
                    seen += 1;
                    (0..pause).for_each(|_| core::hint::spin_loop());
                }
                Read::Dropped(count) => dropped += count,
                Read::Nothing => thread::yield_now(),
            }
        }
        assert!(seen > 0);
        dropped
    };
    thread::scope(|scope| {
        let readers = [0, 2_000].map(|pause| scope.spawn(move || read(pause)));
        for number in 0..RECORDS {
            let info = Info { time: Nanos(number), ..line(number as i32 % 1_000) };
            let text = text_of(number);
            // Half of them in two parts, the first of which nobody may see alone.
            let cut = if number % 2 == 0 { text.len() / 2 } else { 0 };
            if cut > 0 {
                writer.store(&Info { end: End::Open, ..info }, &text[..cut]);
                writer.store(&Info { start: Start::Continuation, ..info }, &text[cut..]);
            } else {
                writer.store(&info, &text);
            }
        }
        let dropped = readers.map(|reader| reader.join().expect("the reader saw nothing wrong"));
        assert!(dropped[1] > 0, "the slow reader was not overtaken");
    });
}

#[derive(Clone, Debug)]
enum Step {
    Store(i32, Start, End, usize),
    Finish,
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    let start = prop_oneof![Just(Start::Line), Just(Start::Continuation)];
    let end = prop_oneof![Just(End::Newline), Just(End::Open)];
    let len = prop_oneof![0..20usize, 0..1_100usize];
    prop_oneof![
        8 => (0..2, start, end, len).prop_map(|(p, s, e, l)| Step::Store(p, s, e, l)),
        1 => Just(Step::Finish),
        2 => Just(Step::Read),
    ]
}

/// All that was ever logged, and a reader's place in it.
#[derive(Default)]
struct Model {
    finished: VecDeque<Vec<u8>>,
    open: Option<(i32, Vec<u8>)>,
    read: usize,
}

impl Model {
    fn store(&mut self, (pid, start, end): (i32, Start, End), text: &[u8]) {
        let fits = |open: &mut (i32, Vec<u8>)| {
            start == Start::Continuation
                && open.0 == pid
                && open.1.len() + text.len() <= LOG_LINE_MAX
        };
        let mut record = self.open.take_if(fits).map(|open| open.1).unwrap_or_default();
        self.finish();
        record.extend(text);
        self.open = Some((pid, record));
        if end == End::Newline {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.finished.extend(self.open.take().map(|open| open.1));
    }

    fn check_read(&mut self, reader: &mut Reader, ring: &Ring) {
        let mut buffer = [0; LOG_LINE_MAX];
        loop {
            match reader.read(ring, &mut buffer) {
                Read::Record { text, sequence, .. } => {
                    assert_eq!(sequence as usize, self.read);
                    assert_eq!(text, self.finished[self.read]);
                    self.read += 1;
                }
                Read::Dropped(count) => {
                    assert!(count > 0);
                    self.read += count as usize;
                }
                Read::Nothing => break,
            }
        }
        assert_eq!(self.read, self.finished.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_kept_is_the_newest_of_what_was_written(
        records in 1..40usize,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut writer = Writer::new(Capacity { text_bytes: 4_096, records });
        let ring = writer.ring().clone();
        let mut reader = Reader::from_oldest(&ring);
        let mut model = Model::default();
        for (number, step) in steps.iter().enumerate() {
            match *step {
                Step::Store(pid, start, end, len) => {
                    let text = vec![number as u8; len.min(LOG_LINE_MAX)];
                    writer.store(&Info { start, end, ..line(pid) }, &text);
                    model.store((pid, start, end), &text);
                }
                Step::Finish => {
                    writer.finish();
                    model.finish();
                }
                Step::Read => model.check_read(&mut reader, &ring),
            }
            let kept = ring.next() - ring.oldest();
            let limit = records.max(2).next_power_of_two() as u64;
            prop_assert!(kept <= limit);
            // The newest three always fit: the words are enough for four of the longest.
            let least = (model.finished.len() as u64).min(limit - 1).min(3 - 1);
            prop_assert!(kept >= least, "{kept} of {}", model.finished.len());
        }
        model.check_read(&mut reader, &ring);
    }
}

#[test]
fn a_ring_in_given_memory_can_be_read_there() {
    let capacity = Capacity { text_bytes: 0, records: 8 };
    let words: Vec<AtomicU64> = (0..4096).map(|_| AtomicU64::new(0)).collect();
    let words: &'static [AtomicU64] = Vec::leak(words);
    assert!(Ring::attach(words).is_none(), "nobody wrote there");
    let mut writer = Writer::new_in(words, capacity);
    for number in 0..20 {
        writer.store(&line(1), std::format!("record {number}").as_bytes());
    }
    drop(writer);
    let ring = Ring::attach(words).expect("a ring");
    let read = read_all(&mut Reader::from_oldest(&ring), &ring);
    assert_eq!(read.len(), 8);
    assert_eq!(read[7], "record 19");
    for (at, value) in [(3, 7), (3, 1 << 40), (4, 0), (4, 1 << 13)] {
        let before = words[at].swap(value, Ordering::Relaxed);
        assert!(Ring::attach(words).is_none(), "word {at} is {value}");
        words[at].store(before, Ordering::Relaxed);
    }
    let few: &'static [AtomicU64] = &words[..4];
    assert!(Ring::attach(few).is_none());
    let mut writer = Writer::new_in(few, capacity);
    assert_eq!(writer.store(&line(1), b"own memory").len, 10);
}
