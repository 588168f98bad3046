//! Data races: from what is told of accesses to findings.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use kthreads_base::access::{self, ACQUIRES, MARKED, RELEASES, Told, WRITES};
use kthreads_base::frames::Place;
use kthreads_base::{SLOT_SIZE, stack};
use kthreads_race::{Access, Detector, Effect, Mode, Race, Release};

use crate::finding::{Finding, Kind};
use crate::run::Scenario;
use crate::story::calls_from_modules;

/// The races of one schedule.
#[derive(Default)]
pub(crate) struct Races {
    detector: Detector,
    /// How often each slot of the stacks has begun a new life.
    stack_lives: HashMap<usize, usize>,
    /// The pairs of places, the lower first.
    seen: BTreeSet<(usize, usize)>,
    found: Vec<(Race, [String; 2])>,
    names: Vec<String>,
    /// How each access came to be, if that is to be told: the calls from modules, innermost first.
    /// The first is nobody's.
    traces: Option<Vec<Vec<usize>>>,
}

impl Races {
    /// As `default`, but remembers how each access came to be.
    pub(crate) fn with_traces() -> Races {
        Races { traces: Some(vec![Vec::new()]), ..Races::default() }
    }

    /// The number of the trace of what is done here.
    fn trace_here(&mut self) -> u32 {
        let Some(traces) = &mut self.traces else { return 0 };
        let mut trace = Vec::new();
        calls_from_modules(Place::here(), |call| trace.push(call));
        if traces.last() != Some(&trace) {
            traces.push(trace);
        }
        traces.len() as u32 - 1
    }

    /// A memory barrier with an order of C's.
    pub(crate) fn fence(&mut self, thread: u32, order: usize) {
        /// Consume and acquire: these order no writes.
        const ACQUIRING: [usize; 3] = [0, 1, 2];
        if !ACQUIRING.contains(&order) {
            self.detector.barrier(thread);
        }
    }

    pub(crate) fn takes(&mut self, thread: u32, object: usize) {
        self.detector.takes(thread, object);
    }

    pub(crate) fn gives(&mut self, thread: u32, object: usize) {
        self.detector.gives(thread, object);
    }

    /// Memory begins a new life. A stack is too long to be forgotten bit by bit: its cells get
    /// new keys.
    pub(crate) fn forget(&mut self, address: usize, len: usize) {
        if stack::in_range(address) {
            *self.stack_lives.entry(address / SLOT_SIZE).or_default() += 1;
        } else {
            self.detector.forget(address, len);
        }
    }

    /// What stands for an address.
    fn key(&self, address: usize) -> usize {
        if !stack::in_range(address) {
            return address;
        }
        let life = self.stack_lives.get(&(address / SLOT_SIZE)).copied().unwrap_or(0);
        address ^ (life << 48)
    }

    pub(crate) fn access(
        &mut self,
        thread: u32,
        address: usize,
        value: usize,
        name: impl Fn() -> String,
    ) {
        let told = access::read(value);
        let key = self.key(address);
        let is_marked = told.how & MARKED != 0;
        if is_marked && (told.how & WRITES == 0 || told.how & ACQUIRES != 0) {
            self.detector.reads_marked(thread, key);
        }
        let access = Access { trace: self.trace_here(), ..access_of(told, thread, key) };
        let index = thread as usize;
        if self.names.len() <= index {
            self.names.resize(index + 1, String::new());
        }
        if self.names[index].is_empty() {
            self.names[index] = name();
        }
        let race = self.detector.access(access);
        if is_marked && told.how & WRITES != 0 {
            let release = if told.how & RELEASES != 0 { Release::Yes } else { Release::No };
            self.detector.writes_marked(thread, key, release);
        }
        let Some(race) = race else { return };
        let (a, b) = (race.first.place, race.second.place);
        if self.seen.insert((a.min(b), a.max(b))) {
            let name = |access: Access| self.names[access.thread as usize].clone();
            self.found.push((race, [name(race.first), name(race.second)]));
        }
    }

    /// What is to be reported, in an order that does not depend on who came first.
    pub(crate) fn findings(self, scenario: &dyn Scenario) -> Vec<Finding> {
        let found = self.found.iter();
        found.map(|(race, names)| self.finding(race, names, scenario)).collect()
    }

    fn finding(&self, race: &Race, names: &[String; 2], scenario: &dyn Scenario) -> Finding {
        let place = |place: usize| scenario.place(place).unwrap_or_else(|| format!("{place:#x}"));
        let variable = race.first.address.max(race.second.address) & ((1 << 48) - 1);
        let variable = scenario.variable(variable).unwrap_or_else(|| format!("{variable:#x}"));
        let (first, second) = (place(race.first.place), place(race.second.place));
        let (low, high) = if first <= second { (&first, &second) } else { (&second, &first) };
        let both = if low == high { low.clone() } else { format!("{low} / {high}") };
        let mut text = format!("data race on {variable}: {both}");
        for (access, name) in [race.first, race.second].into_iter().zip(names) {
            let _ = write!(text, "\n{}", say(access, name, &place(access.place)));
            for call in self.calls_of(access) {
                let _ = write!(text, "\n        called at {}", place(call));
            }
        }
        let key = format!("{variable} {low} {high}");
        Finding { key, ..Finding::new(Kind::DataRace, text) }
    }

    /// The calls that led to the function that an access is made in.
    fn calls_of(&self, access: Access) -> impl Iterator<Item = usize> {
        let traces = self.traces.as_deref().unwrap_or_default();
        let trace = traces.get(access.trace as usize).map_or(&[][..], Vec::as_slice);
        // The innermost is that of the compiler's own call, before the access.
        trace.iter().copied().filter(move |call| *call != access.place)
    }
}

fn say(access: Access, name: &str, place: &str) -> String {
    let verb = match access.effect {
        Effect::Write => "write",
        Effect::Read => "read",
    };
    let marked = if access.mode == Mode::Marked { " (marked)" } else { "" };
    format!("    {verb} of {} bytes{marked} by {name} at {place}", access.size)
}

fn access_of(told: Told, thread: u32, address: usize) -> Access {
    Access {
        thread,
        address,
        size: told.size,
        mode: if told.how & MARKED != 0 { Mode::Marked } else { Mode::Plain },
        effect: if told.how & WRITES != 0 { Effect::Write } else { Effect::Read },
        place: told.place,
        trace: 0,
    }
}
