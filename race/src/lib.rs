//! A data race detector with vector clocks.
//!
//! Two accesses race when both touch the same byte, one of them writes, one of them is plain, and
//! nothing orders them. What orders: a thread's own sequence, and *giving* an object, which what
//! comes after *taking* the same object sees: locks, wake-ups, completions, atomics. The rule
//! about plain accesses is KCSAN's: two marked ones (READ_ONCE, WRITE_ONCE, atomics) never race.
//!
//! Time is counted per thread, in how often it gave something. An access is remembered as (thread,
//! time): it comes before another thread's access exactly if that thread has seen that time, by
//! way of what it took. Of each eight bytes the last write, the last marked write and the last
//! read of each thread are remembered; that finds some race on every variable that has one in
//! the run, but not each pair.
//!
//! A detector is made for each of very many short runs. So threads are numbered as they come, which
//! keeps clocks short, and a new detector takes over the memory of the last one.
#![forbid(unsafe_code)]

mod map;

use std::cell::Cell as Place;

use map::{Clear, WordMap};

/// How memory is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By an ordinary load or store.
    Plain,
    /// In a way that says that others may access it at the same time.
    Marked,
}

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It reads.
    Read,
    /// It writes, or reads and writes.
    Write,
}

/// An access of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who; a small number.
    pub thread: u32,
    /// The first byte.
    pub address: usize,
    /// How many bytes.
    pub size: u32,
    /// How.
    pub mode: Mode,
    /// What it does.
    pub effect: Effect,
    /// Where in the program; means nothing here.
    pub place: usize,
    /// How it came to that; means nothing here.
    pub trace: u32,
}

/// Two accesses that race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Race {
    /// The one that came first.
    pub first: Access,
    /// The other.
    pub second: Access,
}

/// Whether a marked write orders what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// It does.
    Yes,
    /// It does not by itself.
    No,
}

/// How far a thread has seen each thread's time.
#[derive(Clone, Debug, Default)]
struct Clock(Vec<u32>);

impl Clock {
    fn get(&self, thread: u32) -> u32 {
        self.0.get(thread as usize).copied().unwrap_or(0)
    }

    #[inline]
    fn join(&mut self, other: &Clock) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    fn tick(&mut self, thread: u32) {
        let index = thread as usize;
        if self.0.len() <= index {
            self.0.resize(index + 1, 0);
        }
        self.0[index] += 1;
    }
}

impl Clear for Clock {
    fn clear(&mut self) {
        self.0.clear();
    }
}

/// A remembered access: what [`Access`] says, with the number and the time of its thread.
#[derive(Clone, Copy, Debug)]
struct Past {
    access: Access,
    thread: u32,
    time: u32,
}

/// What is remembered of eight bytes.
#[derive(Clone, Debug, Default)]
struct Cell {
    past: Vec<Past>,
}

impl Clear for Cell {
    fn clear(&mut self) {
        self.past.clear();
    }
}

/// The detector.
pub struct Detector {
    /// There until it is dropped.
    state: Option<Box<State>>,
}

thread_local! {
    /// The memory of the last detector.
    static SPARE: Place<Option<Box<State>>> = const { Place::new(None) };
}

impl Default for Detector {
    fn default() -> Detector {
        Detector::new()
    }
}

impl Drop for Detector {
    fn drop(&mut self) {
        if let Some(mut state) = self.state.take() {
            state.clear();
            // A thread that ends needs none.
            let _ = SPARE.try_with(|spare| spare.set(Some(state)));
        }
    }
}

/// What a detector knows.
#[derive(Default)]
struct State {
    /// The number of each thread, plus one; 0 if it was not seen.
    numbers: Vec<u32>,
    /// By number. Those that are no thread's now keep their memory.
    threads: Vec<Clock>,
    /// How many threads were seen.
    seen: u32,
    objects: WordMap<Clock>,
    cells: WordMap<Cell>,
    /// What who reads an address in a marked way sees of what was done before it was written.
    published: WordMap<Clock>,
    /// What each thread had seen at its last barrier: what its marked writes after it publish.
    barriers: Vec<Clock>,
}

impl Clear for State {
    fn clear(&mut self) {
        self.numbers.clear();
        self.threads.iter_mut().for_each(Clock::clear);
        self.seen = 0;
        self.objects.clear();
        self.cells.clear();
        self.published.clear();
        self.barriers.iter_mut().for_each(Clock::clear);
    }
}

impl State {
    /// The number of a thread, of which there is a clock.
    #[inline]
    fn number(&mut self, thread: u32) -> u32 {
        match self.numbers.get(thread as usize) {
            Some(&number) if number != 0 => number - 1,
            _ => self.meet(thread),
        }
    }

    #[cold]
    fn meet(&mut self, thread: u32) -> u32 {
        let index = thread as usize;
        if self.numbers.len() <= index {
            self.numbers.resize(index + 1, 0);
        }
        let number = self.seen;
        self.seen += 1;
        self.numbers[index] = self.seen;
        if self.threads.len() <= number as usize {
            self.threads.push(Clock::default());
        }
        // Time begins at one: nobody has seen any of it yet.
        self.threads[number as usize].tick(number);
        number
    }
}

impl Detector {
    /// A detector that has seen nothing.
    pub fn new() -> Detector {
        let spare = SPARE.try_with(Place::take).ok().flatten();
        Detector { state: Some(spare.unwrap_or_default()) }
    }

    #[inline]
    fn state(&mut self) -> &mut State {
        self.state.get_or_insert_default()
    }

    /// What others did before they gave `object` is seen by `thread` from now on.
    pub fn takes(&mut self, thread: u32, object: usize) {
        let state = self.state();
        let number = state.number(thread);
        if let Some(given) = state.objects.get(object) {
            state.threads[number as usize].join(given);
        }
    }

    /// What `thread` did so far is seen by whoever takes `object` next.
    pub fn gives(&mut self, thread: u32, object: usize) {
        let state = self.state();
        let number = state.number(thread);
        let clock = &mut state.threads[number as usize];
        state.objects.get_or_default(object).join(clock);
        clock.tick(number);
    }

    /// A barrier orders what `thread` did so far before its marked writes to come.
    pub fn barrier(&mut self, thread: u32) {
        let state = self.state();
        let number = state.number(thread);
        let index = number as usize;
        if state.barriers.len() <= index {
            state.barriers.resize(index + 1, Clock::default());
        }
        let clock = &mut state.threads[index];
        state.barriers[index].0.clone_from(&clock.0);
        clock.tick(number);
    }

    /// `thread` reads `address` in a marked way: what was published there is seen from now on.
    /// Dependencies order such a read before what depends on it, so every one counts as acquiring.
    pub fn reads_marked(&mut self, thread: u32, address: usize) {
        let state = self.state();
        let number = state.number(thread);
        if let Some(published) = state.published.get(address) {
            state.threads[number as usize].join(published);
        }
    }

    /// `thread` writes `address` in a marked way, and publishes what it did before if it releases,
    /// or else before its last barrier.
    pub fn writes_marked(&mut self, thread: u32, address: usize, release: Release) {
        let state = self.state();
        let number = state.number(thread);
        let index = number as usize;
        match release {
            Release::Yes => {
                let clock = &mut state.threads[index];
                state.published.get_or_default(address).join(clock);
                clock.tick(number);
            }
            Release::No => {
                let barrier = state.barriers.get(index).filter(|clock| !clock.0.is_empty());
                if let Some(barrier) = barrier {
                    state.published.get_or_default(address).join(barrier);
                }
            }
        }
    }

    /// Memory begins a new life: what was done to it before races with nothing.
    pub fn forget(&mut self, address: usize, size: usize) {
        let cells = &mut self.state().cells;
        if cells.is_empty() {
            return;
        }
        for cell in (address & !7..address.saturating_add(size)).step_by(8) {
            if let Some(cell) = cells.get_mut(cell) {
                cell.past.clear();
            }
        }
    }

    /// Notes an access; returns a race if it is part of one.
    pub fn access(&mut self, access: Access) -> Option<Race> {
        let state = self.state();
        let number = state.number(access.thread);
        let end = access.address.checked_add(access.size as usize)?;
        let mut race = None;
        for cell in (access.address & !7..end).step_by(8) {
            let clock = &state.threads[number as usize];
            let cell = state.cells.get_or_default(cell);
            race = race.or(cell.access(access, number, clock));
        }
        race
    }
}

impl Cell {
    fn access(&mut self, access: Access, thread: u32, clock: &Clock) -> Option<Race> {
        let racing = |past: &&Past| {
            past.thread != thread
                && conflicts(&past.access, &access)
                && past.time > clock.get(past.thread)
        };
        let race =
            self.past.iter().find(racing).map(|past| Race { first: past.access, second: access });
        let time = clock.get(thread);
        // A write that comes after all that is remembered stands for it: who is ordered behind
        // the write is ordered behind the rest.
        if access.effect == Effect::Write && access.mode == Mode::Plain {
            self.past.retain(|past| {
                past.time > clock.get(past.thread) || !covers(&access, &past.access)
            });
        }
        let same = |past: &Past| {
            past.thread == thread
                && past.access.effect == access.effect
                && past.access.mode == access.mode
                && covers(&access, &past.access)
        };
        self.past.retain(|past| !same(past));
        self.past.push(Past { access, thread, time });
        race
    }
}

fn conflicts(first: &Access, second: &Access) -> bool {
    let overlap = first.address < second.address + second.size as usize
        && second.address < first.address + first.size as usize;
    let writes = first.effect == Effect::Write || second.effect == Effect::Write;
    let plain = first.mode == Mode::Plain || second.mode == Mode::Plain;
    overlap && writes && plain
}

/// Whether `new` touches all that `old` does.
fn covers(new: &Access, old: &Access) -> bool {
    new.address <= old.address && new.address + new.size as usize >= old.address + old.size as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(thread: u32, mode: Mode, effect: Effect) -> Access {
        Access { thread, address: 0x1000, size: 4, mode, effect, place: 0, trace: 0 }
    }

    fn plain(thread: u32, effect: Effect) -> Access {
        access(thread, Mode::Plain, effect)
    }

    #[test]
    fn unordered_accesses_race_if_one_writes() {
        for (first, second, races) in [
            (Effect::Read, Effect::Read, false),
            (Effect::Read, Effect::Write, true),
            (Effect::Write, Effect::Read, true),
            (Effect::Write, Effect::Write, true),
        ] {
            let mut detector = Detector::new();
            assert_eq!(detector.access(plain(1, first)), None);
            assert_eq!(detector.access(plain(2, second)).is_some(), races);
        }
    }

    #[test]
    fn what_is_given_and_taken_orders() {
        let mut detector = Detector::new();
        for turn in 0..10 {
            let thread = turn % 3;
            detector.takes(thread, 0x77);
            assert_eq!(detector.access(plain(thread, Effect::Write)), None);
            detector.gives(thread, 0x77);
        }
        detector.takes(3, 0x78);
        assert!(detector.access(plain(3, Effect::Read)).is_some());
    }

    #[test]
    fn what_comes_after_giving_is_not_ordered() {
        let mut detector = Detector::new();
        detector.gives(1, 0x77);
        assert_eq!(detector.access(plain(1, Effect::Write)), None);
        detector.takes(2, 0x77);
        assert!(detector.access(plain(2, Effect::Write)).is_some());
    }

    #[test]
    fn marked_accesses_race_with_plain_ones_only() {
        let mut detector = Detector::new();
        assert_eq!(detector.access(access(1, Mode::Marked, Effect::Write)), None);
        assert_eq!(detector.access(access(2, Mode::Marked, Effect::Write)), None);
        assert!(detector.access(plain(3, Effect::Read)).is_some());
    }

    #[test]
    fn a_released_flag_hands_data_over_and_a_plain_marked_one_does_not() {
        for (release, barrier, races) in
            [(Release::Yes, false, false), (Release::No, true, false), (Release::No, false, true)]
        {
            let mut detector = Detector::new();
            assert_eq!(detector.access(plain(1, Effect::Write)), None);
            if barrier {
                detector.barrier(1);
            }
            detector.writes_marked(1, 0x2000, release);
            detector.reads_marked(2, 0x2000);
            assert_eq!(detector.access(plain(2, Effect::Read)).is_some(), races);
        }
    }

    #[test]
    fn neighbours_do_not_race() {
        let mut detector = Detector::new();
        let byte = |thread, address| Access { address, size: 1, ..plain(thread, Effect::Write) };
        assert_eq!(detector.access(byte(1, 0x1000)), None);
        assert_eq!(detector.access(byte(2, 0x1001)), None);
        let both = Access { address: 0xfff, size: 3, ..plain(3, Effect::Read) };
        assert!(detector.access(both).is_some());
    }

    #[test]
    fn a_new_detector_knows_nothing_of_the_last() {
        for _ in 0..3 {
            let mut detector = Detector::new();
            detector.takes(5, 0x77);
            assert_eq!(detector.access(plain(5, Effect::Write)), None);
            detector.gives(5, 0x77);
            detector.barrier(5);
            detector.writes_marked(5, 0x2000, Release::Yes);
            drop(detector);
            let mut detector = Detector::new();
            detector.takes(9, 0x77);
            detector.reads_marked(9, 0x2000);
            assert_eq!(detector.access(plain(9, Effect::Write)), None);
            assert!(detector.access(plain(5, Effect::Write)).is_some());
        }
    }

    #[test]
    fn freed_memory_begins_anew() {
        let mut detector = Detector::new();
        assert_eq!(detector.access(plain(1, Effect::Write)), None);
        detector.forget(0x1000, 16);
        assert_eq!(detector.access(plain(2, Effect::Write)), None);
    }

    #[test]
    fn a_reader_that_a_later_write_of_another_hides_is_found_in_time() {
        let mut detector = Detector::new();
        assert_eq!(detector.access(plain(1, Effect::Read)), None);
        detector.gives(2, 5);
        detector.takes(3, 5);
        assert!(detector.access(plain(3, Effect::Write)).is_some());
    }
}
