//! The ring of log records: one writer, any number of readers that take no lock.
//!
//! Records have sequence numbers that never repeat. The last of them are kept: record `s` has the
//! descriptor `s % descriptors`, which says where its text lies in a ring of words. The oldest
//! are given up for new ones, be the descriptors or the words short. Two counters tell readers
//! which records are there: `oldest <= s < finished`.
//!
//! A record that does not end in a newline stays open, so that a continuation by the same caller
//! can be added to it. It is invisible until it is finished: by a newline, by the next record,
//! or by [`Writer::finish`]. So no reader ever sees a record change.
//!
//! # Orders
//!
//! The writer is one at a time: it needs the [`Writer`] by `&mut`, which its owner keeps behind a
//! lock. It stores the words of a record relaxed and then `finished` with release; a reader loads
//! `finished` with acquire, so what it reads of a finished record is that record or a later one.
//!
//! Before the writer stores into anything that belongs to an old record, it raises `oldest` above
//! that record, followed by a release fence. A reader that has copied a record issues an acquire
//! fence and then loads `oldest`. Had it read a single word of a later record, the two fences
//! would make it see `oldest` above its own; so if it does not, the copy is whole. What it
//! copied before it knew that may be anything, and is bounded before it is used.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering, fence};

use kthreads_base::Nanos;

use super::memory::{LogMemory, Shape};

/// The longest text of a record, in bytes; what is longer is cut.
pub const LOG_LINE_MAX: usize = 1024;

const WORD: usize = size_of::<u64>();
const LINE_WORDS: u64 = (LOG_LINE_MAX / WORD) as u64;

/// How much a ring holds; both are rounded up to a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Bytes of text; at least two of the longest records.
    pub text_bytes: usize,
    /// Records; at least two.
    pub records: usize,
}

impl Capacity {
    /// With a record for each 64 bytes of text.
    pub(crate) fn of(text_bytes: usize) -> Capacity {
        Capacity { text_bytes, records: (text_bytes / 64).max(16) }
    }
}

impl Default for Capacity {
    /// As much text as Linux keeps (CONFIG_LOG_BUF_SHIFT 17), and a record for each 32 bytes.
    fn default() -> Self {
        Capacity { text_bytes: 1 << 17, records: 1 << 12 }
    }
}

impl Capacity {
    fn shape(self) -> Shape {
        let words = (self.text_bytes / WORD).max(2 * LINE_WORDS as usize);
        let records = self.records.max(2).next_power_of_two();
        Shape { records, text_words: words.next_power_of_two() }
    }
}

/// How many words a log with so many bytes of text takes.
pub fn log_memory_words(text_bytes: usize) -> usize {
    Capacity::of(text_bytes).shape().total_words()
}

/// Who wrote a record: what /dev/kmsg shows as caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caller(u32);

impl Caller {
    const IS_CPU: u32 = 1 << 31;

    /// The thread with that pid.
    pub const fn thread(pid: i32) -> Caller {
        Caller(pid as u32 & !Self::IS_CPU)
    }

    /// That CPU, outside of any thread.
    pub const fn cpu(number: u32) -> Caller {
        Caller(number | Self::IS_CPU)
    }

    /// The pid, if it was a thread.
    pub const fn pid(self) -> Option<i32> {
        if self.0 & Self::IS_CPU == 0 { Some(self.0 as i32) } else { None }
    }

    /// The number of the CPU, if it was no thread.
    pub const fn cpu_number(self) -> Option<u32> {
        if self.0 & Self::IS_CPU != 0 { Some(self.0 & !Self::IS_CPU) } else { None }
    }
}

/// How the text of a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a newline (which is not kept).
    Newline,
    /// Without: the caller may go on.
    Open,
}

/// Whether a text begins a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It does.
    Line,
    /// It goes on (KERN_CONT).
    Continuation,
}

/// What a record says beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// 0 KERN_EMERG to 7 KERN_DEBUG.
    pub level: u8,
    /// The syslog facility: 0 for the kernel.
    pub facility: u8,
    /// Whether it was written as a continuation.
    pub start: Start,
    /// How it ends.
    pub end: End,
    /// When it was written, since boot.
    pub time: Nanos,
    /// By whom.
    pub caller: Caller,
}

impl Info {
    const NEWLINE: u64 = 1 << 3;
    const CONTINUATION: u64 = 1 << 4;

    /// From the low end: level 3 bits, flags 5, facility 8, length 16, caller 32.
    fn pack(&self, len: usize) -> u64 {
        let newline = if self.end == End::Newline { Self::NEWLINE } else { 0 };
        let continuation = if self.start == Start::Continuation { Self::CONTINUATION } else { 0 };
        u64::from(self.level & 7)
            | newline
            | continuation
            | u64::from(self.facility) << 8
            | (len as u64) << 16
            | u64::from(self.caller.0) << 32
    }

    fn unpack(meta: u64, time: u64) -> (Info, usize) {
        let info = Info {
            level: (meta & 7) as u8,
            facility: (meta >> 8) as u8,
            start: if meta & Self::CONTINUATION != 0 { Start::Continuation } else { Start::Line },
            end: if meta & Self::NEWLINE != 0 { End::Newline } else { End::Open },
            time: Nanos(time),
            caller: Caller((meta >> 32) as u32),
        };
        (info, ((meta >> 16) as u16 as usize).min(LOG_LINE_MAX))
    }
}

/// Where the text of a record begins, in words since the ring was made, and what is said of it.
struct Descriptor<'r> {
    start: &'r AtomicU64,
    meta: &'r AtomicU64,
    time: &'r AtomicU64,
}

/// The records, as readers see them.
pub struct Ring {
    memory: LogMemory,
    shape: Shape,
}

impl Ring {
    /// The ring that somebody else's kernel writes, or wrote, in memory that was given to it
    /// (`Config::log_memory`); `None` if there is none. It is for readers only.
    pub fn attach(words: &'static [AtomicU64]) -> Option<Ring> {
        let memory = LogMemory::Given(words);
        let shape = memory.shape()?;
        Some(Ring { memory, shape })
    }

    fn descriptor(&self, sequence: u64) -> Descriptor<'_> {
        let [start, meta, time] = self.memory.descriptor(self.shape, sequence);
        Descriptor { start, meta, time }
    }

    fn word(&self, position: u64) -> &AtomicU64 {
        self.memory.word(self.shape, position)
    }

    /// The sequence number of the oldest record that is kept.
    pub fn oldest(&self) -> u64 {
        self.memory.oldest().load(Ordering::Relaxed)
    }

    /// The sequence number that the next record gets, or the one that is still open.
    pub fn next(&self) -> u64 {
        self.memory.finished().load(Ordering::Acquire)
    }

    /// Hides what is there from [`Reader::since_clear`] (dmesg -C).
    pub fn clear(&self) {
        self.memory.cleared().fetch_max(self.next(), Ordering::Relaxed);
    }

    /// Copies record `sequence`, which is finished; None if it was given up meanwhile.
    fn copy(&self, sequence: u64, text: &mut [u8; LOG_LINE_MAX]) -> Option<(Info, usize)> {
        let descriptor = self.descriptor(sequence);
        let start = descriptor.start.load(Ordering::Relaxed);
        let meta = descriptor.meta.load(Ordering::Relaxed);
        let (info, len) = Info::unpack(meta, descriptor.time.load(Ordering::Relaxed));
        for (part, position) in text[..len].chunks_mut(WORD).zip(0..) {
            let word = self.word(start.wrapping_add(position)).load(Ordering::Relaxed);
            part.copy_from_slice(&word.to_le_bytes()[..part.len()]);
        }
        fence(Ordering::Acquire);
        (self.oldest() <= sequence).then_some((info, len))
    }
}

/// The one that may write; made with its ring by [`Writer::new`].
pub(crate) struct Writer {
    ring: Arc<Ring>,
    /// The first record that is not begun.
    next: u64,
    /// Where its text will begin.
    next_word: u64,
    /// The last record, while it may be continued.
    open: Option<Open>,
}

/// A record that is not finished.
struct Open {
    info: Info,
    start: u64,
    len: usize,
    /// The bytes of its last word, if that is not full.
    last_word: [u8; WORD],
}

/// What became of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The record it is in.
    pub sequence: u64,
    /// How many of its bytes were kept.
    pub len: usize,
}

impl Writer {
    /// Makes a ring of that capacity.
    pub(crate) fn new(capacity: Capacity) -> Writer {
        let shape = capacity.shape();
        Writer::on(LogMemory::own(shape), shape)
    }

    /// Makes a ring of that capacity in zeroed memory that outlives the kernel; in memory of its
    /// own if that is too small.
    pub(crate) fn new_in(words: &'static [AtomicU64], capacity: Capacity) -> Writer {
        let shape = capacity.shape();
        if words.len() < shape.total_words() {
            return Writer::new(capacity);
        }
        Writer::on(LogMemory::Given(words), shape)
    }

    fn on(memory: LogMemory, shape: Shape) -> Writer {
        memory.set_shape(shape);
        let ring = Ring { memory, shape };
        Writer { ring: Arc::new(ring), next: 0, next_word: 0, open: None }
    }

    /// The ring, to read.
    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Keeps a text, in a record of its own or, if it is a continuation, in the open record of
    /// the same caller when there is one with room (vprintk_store).
    pub(crate) fn store(&mut self, info: &Info, text: &[u8]) -> Stored {
        let text = &text[..text.len().min(LOG_LINE_MAX)];
        match self.open.take_if(|open| open.takes(info, text)) {
            Some(open) => self.extend(open, info.end, text),
            None => self.begin(info, text),
        }
        Stored { sequence: self.next - 1, len: text.len() }
    }

    /// Finishes the open record, if there is one, so that readers see it; true if there was.
    pub(crate) fn finish(&mut self) -> bool {
        let was_open = self.open.take().is_some();
        if was_open {
            self.publish();
        }
        was_open
    }

    fn begin(&mut self, info: &Info, text: &[u8]) {
        self.finish();
        let record = Open { info: *info, start: self.next_word, len: 0, last_word: [0; WORD] };
        self.next += 1;
        self.extend(record, info.end, text);
    }

    /// Adds to the last record, and publishes it or keeps it open.
    fn extend(&mut self, mut record: Open, end: End, text: &[u8]) {
        let sequence = self.next - 1;
        let len = record.len + text.len();
        self.make_room(sequence, record.start + len.div_ceil(WORD) as u64);
        self.append(&mut record, text);
        record.info.end = end;
        let descriptor = self.ring.descriptor(sequence);
        descriptor.start.store(record.start, Ordering::Relaxed);
        descriptor.meta.store(record.info.pack(len), Ordering::Relaxed);
        descriptor.time.store(record.info.time.0, Ordering::Relaxed);
        match end {
            End::Newline => self.publish(),
            End::Open => self.open = Some(record),
        }
    }

    fn append(&mut self, record: &mut Open, text: &[u8]) {
        for byte in text {
            let place = record.len % WORD;
            if place == 0 {
                record.last_word = [0; WORD];
            }
            record.last_word[place] = *byte;
            record.len += 1;
            if place == WORD - 1 {
                self.store_last_word(record);
            }
        }
        if !record.len.is_multiple_of(WORD) {
            self.store_last_word(record);
        }
        self.next_word = record.start + record.len.div_ceil(WORD) as u64;
    }

    fn store_last_word(&self, record: &Open) {
        let position = record.start + ((record.len - 1) / WORD) as u64;
        self.ring.word(position).store(u64::from_le_bytes(record.last_word), Ordering::Relaxed);
    }

    /// Gives up the oldest records until record `sequence` may have its descriptor and its text
    /// the words up to `end`. It never has to give up `sequence` itself: the words are enough
    /// for two of the longest records.
    fn make_room(&self, sequence: u64, end: u64) {
        let ring = &*self.ring;
        let mut oldest = ring.oldest();
        let first_kept = (sequence + 1).saturating_sub(ring.shape.records as u64);
        let first_word = end.saturating_sub(ring.shape.text_words as u64);
        oldest = oldest.max(first_kept);
        while oldest < sequence
            && ring.descriptor(oldest).start.load(Ordering::Relaxed) < first_word
        {
            oldest += 1;
        }
        ring.memory.oldest().store(oldest, Ordering::Relaxed);
        fence(Ordering::Release);
    }

    /// Shows the last record to readers.
    fn publish(&self) {
        self.ring.memory.finished().store(self.next, Ordering::Release);
    }
}

impl Open {
    fn takes(&self, info: &Info, text: &[u8]) -> bool {
        info.start == Start::Continuation
            && info.caller == self.info.caller
            && self.len + text.len() <= LOG_LINE_MAX
    }
}

/// A place in the log. Reading moves it on; the log does not know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The record to read next.
    pub next: u64,
}

/// What there was to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<'b> {
    /// A record.
    Record {
        /// Its sequence number.
        sequence: u64,
        /// What it says beside its text.
        info: Info,
        /// Its text, without the newline.
        text: &'b [u8],
    },
    /// So many records were given up before they were read; the reader stands on the oldest now.
    Dropped(u64),
    /// Nothing yet.
    Nothing,
}

impl Reader {
    /// Begins with the oldest record.
    pub fn from_oldest(ring: &Ring) -> Reader {
        Reader { next: ring.oldest() }
    }

    /// Begins with the oldest record since the last [`Ring::clear`] (dmesg).
    pub fn since_clear(ring: &Ring) -> Reader {
        Reader { next: ring.oldest().max(ring.memory.cleared().load(Ordering::Relaxed)) }
    }

    /// Begins with what is written from now on.
    pub fn from_now(ring: &Ring) -> Reader {
        Reader { next: ring.next() }
    }

    /// Reads the next record; its text goes to `buffer`.
    pub fn read<'b>(&mut self, ring: &Ring, buffer: &'b mut [u8; LOG_LINE_MAX]) -> Read<'b> {
        let sequence = self.next;
        if sequence >= ring.next() {
            return Read::Nothing;
        }
        let Some((info, len)) = ring.copy(sequence, buffer) else {
            self.next = ring.oldest();
            return Read::Dropped(self.next.saturating_sub(sequence));
        };
        self.next += 1;
        Read::Record { sequence, info, text: &buffer[..len] }
    }
}

#[cfg(test)]
mod tests;
