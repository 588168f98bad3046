//! A story for people: the steps that matter, one a line.
//!
//! What a kernel does all the time is left out: the idle threads, init, kthreadd while it makes a
//! thread, and that thread until it is woken for the first time. Of the accesses of variables those
//! are told by which threads meet: one that wrote what another has read or written, next in line.
//! The story ends where the finding shows.

use std::collections::{HashMap, HashSet};

use kthreads_base::Nanos;
use kthreads_base::access::{self, WRITES};
use kthreads_base::explore::{
    NOTE_ACCESS, NOTE_FREED_MEMORY, NOTE_GIVES, NOTE_SPIN_LOCK, NOTE_TAKES, freed,
};
use kthreads_kernel::observe;

use crate::finding::{Finding, Kind};
use crate::page::{Line, Page, Step};
use crate::run::Scenario;
use crate::story::{Event, Story, state_name};

/// Threads that serve others, by the beginnings of their names.
const SERVANTS: [&str; 4] = ["swapper/", "init/1", "kthreadd/2", "khungtaskd/"];

impl Story {
    /// The story of what was found.
    pub fn text(&self, scenario: &dyn Scenario, findings: &[Finding]) -> String {
        let mut teller = Teller::new(self, scenario, findings);
        let end = end(findings);
        for number in self.start()..self.events.len() {
            if end.is_none_or(|end| self.events[number].time <= end) {
                teller.hear(number);
            }
        }
        for (time, finding) in findings.iter().filter_map(|finding| Some((finding.at?, finding))) {
            teller.page.ends(time, finding.text.lines().next().unwrap_or_default());
        }
        teller.page.text()
    }

    /// The first event of the scenario: init lets its thread run.
    fn start(&self) -> usize {
        let begins = |event: &Event| {
            event.kind == observe::NEW_TASK && self.name(event.thread as usize) == "init/1"
        };
        self.events.iter().position(begins).unwrap_or(0)
    }

    fn is_kthreadd(&self, thread: u32) -> bool {
        self.name(thread as usize) == "kthreadd/2"
    }
}

/// When all has shown that does before the end of the schedule.
fn end(findings: &[Finding]) -> Option<Nanos> {
    let findings = findings.iter().filter(|finding| finding.kind != Kind::DataRace);
    findings.map(|finding| finding.at).collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// Who tells a story.
struct Teller<'s> {
    story: &'s Story,
    scenario: &'s dyn Scenario,
    /// The servants that are no part of the findings.
    servants: Vec<&'static str>,
    /// The words of the findings.
    about: HashSet<&'s str>,
    is_of_use_after_free: bool,
    /// The accesses by which threads meet, by number.
    meetings: HashSet<usize>,
    /// Which thread runs on each CPU.
    running: HashMap<u32, u32>,
    /// Threads that were not woken yet since they were made.
    unborn: HashSet<u32>,
    /// Threads that wait for one that is being made, with where.
    makers: HashMap<u32, String>,
    /// Threads that have come to their end.
    ended: HashSet<u32>,
    page: Page,
}

impl<'s> Teller<'s> {
    fn new(story: &'s Story, scenario: &'s dyn Scenario, findings: &'s [Finding]) -> Teller<'s> {
        let names = |name: &str| {
            let plain = name.split('/').next().unwrap_or(name);
            findings.iter().any(|finding| plain != "init" && finding.text.contains(plain))
        };
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = |finding: &'s Finding| finding.text.split(move |c| !is_part(c));
        let is_use = |finding: &Finding| finding.kind == Kind::UseAfterFree;
        Teller {
            story,
            scenario,
            about: findings.iter().flat_map(words).collect(),
            is_of_use_after_free: findings.iter().any(is_use),
            servants: SERVANTS.into_iter().filter(|name| !names(name)).collect(),
            meetings: meetings(story, scenario),
            running: HashMap::new(),
            unborn: HashSet::new(),
            makers: HashMap::new(),
            ended: HashSet::new(),
            page: Page::default(),
        }
    }

    fn serves(&self, thread: u32) -> bool {
        let name = self.story.name(thread as usize);
        self.servants.iter().any(|servant| name.starts_with(servant))
    }

    /// Takes note of an event, and tells it if it matters.
    fn hear(&mut self, number: usize) {
        let event = &self.story.events[number];
        let (thread, object) = (event.thread, event.object as u32);
        self.running.insert(event.cpu, thread);
        if event.kind == observe::SWITCHED {
            self.running.insert(event.cpu, object);
        }
        if event.kind == observe::NEW_TASK && self.story.is_kthreadd(thread) {
            self.unborn.insert(object);
        }
        if self.is_of_a_birth(event) {
            return;
        }
        if event.kind == observe::WOKE && event.value != 0 {
            self.unborn.remove(&object);
        }
        if event.kind == Event::FAILED && self.story.is_kthreadd(thread) {
            return self.fails_to_make(number);
        }
        if self.serves(thread) && !event.is_interrupt {
            return;
        }
        if let Some((step, what)) = self.say(number) {
            self.tell(event, thread, (step, what), self.place(event));
        }
        if event.kind == observe::EXITED {
            self.ended.insert(thread);
        }
    }

    /// Whether an event is part of making a thread; that is told as one step of whoever asked.
    fn is_of_a_birth(&mut self, event: &Event) -> bool {
        let (thread, object) = (event.thread, event.object as u32);
        if event.kind == observe::WOKE && self.story.is_kthreadd(object) && !self.serves(thread) {
            self.makers.insert(thread, self.place(event));
            return self.serves(object);
        }
        if self.unborn.contains(&thread) {
            if event.kind == observe::WOKE
                && let Some(place) = self.makers.remove(&object)
            {
                let what = format!("creates {}", self.story.name(thread as usize));
                self.tell(event, object, (Step::Creates(thread), what), place);
            }
            return true;
        }
        let is_wait = matches!(event.kind, observe::SWITCHED | Event::TURNED);
        let waits = self.makers.contains_key(&thread);
        if waits && !is_wait {
            self.makers.remove(&thread);
        }
        waits && is_wait
    }

    /// Kthreadd is made to fail; that is told of whoever asked.
    fn fails_to_make(&mut self, number: usize) {
        let Some((thread, place)) = self.makers.drain().next() else { return };
        let what = self.story.say(&self.story.events[number]).unwrap_or_default();
        self.tell(&self.story.events[number], thread, (Step::Other, what), place);
    }

    /// What an event says to a reader, if it matters.
    fn say(&self, number: usize) -> Option<(Step, String)> {
        let event = &self.story.events[number];
        let next = event.object as u32;
        let is_hidden = self.serves(next) || self.unborn.contains(&next);
        let other = |what: String| Some((Step::Other, what));
        match event.kind {
            NOTE_ACCESS if self.meetings.contains(&number) => other(self.access(event)?),
            NOTE_TAKES if self.is_named_lock(event) => {
                other(format!("takes {}", self.scenario.variable(event.object)?))
            }
            NOTE_GIVES if self.is_named_lock(event) => {
                other(format!("gives {} back", self.scenario.variable(event.object)?))
            }
            NOTE_FREED_MEMORY if self.is_of_use_after_free => {
                other(format!("frees {} bytes", freed::read(event.value).0))
            }
            // It was said that it ends.
            observe::SWITCHED if event.value & 0x80 != 0 => None,
            observe::SWITCHED if event.value != 0 => {
                let state = state_name(event.value);
                let runs = format!("; {} runs", self.story.name(next as usize));
                let runs = if is_hidden { "" } else { &runs };
                Some((Step::Sleeps(state), format!("sleeps ({state}){runs}")))
            }
            observe::SWITCHED | observe::WOKE if is_hidden => None,
            observe::WOKE if event.is_interrupt => {
                Some((Step::Interrupt(next), format!("interrupt: {}", self.story.say(event)?)))
            }
            observe::WOKE => Some((Step::Wakes(next), self.story.say(event)?)),
            observe::COMPLETED => {
                let name = self.scenario.variable(event.object);
                if name.is_none() && self.ended.contains(&event.thread) {
                    return None;
                }
                other(format!("completes {}", name.as_deref().unwrap_or("what is waited for")))
            }
            Event::TURNED => other(self.held_up(number)),
            _ => other(self.story.say(event)?),
        }
    }

    /// Whether an event is about a lock that the findings name.
    fn is_named_lock(&self, event: &Event) -> bool {
        let is_lock = event.value == NOTE_SPIN_LOCK || event.value == observe::MUTEX;
        let name = || self.scenario.variable(event.object);
        is_lock && name().is_some_and(|name| self.about.contains(name.as_str()))
    }

    fn held_up(&self, number: usize) -> String {
        let event = &self.story.events[number];
        let rest = &self.story.events[number + 1..];
        let next = rest.iter().find(|other| other.thread == event.thread);
        let next = next.filter(|next| next.kind == NOTE_ACCESS).and_then(|next| self.access(next));
        let before = next.map(|access| format!(" before it {access}")).unwrap_or_default();
        if event.object == usize::MAX {
            let until = rest.first().map_or(event.time, |next| next.time);
            let millis = (until - event.time).0 as f64 / 1e6;
            return format!("is held up{before} for {millis:.1} ms");
        }
        let other = self.running.get(&(event.object as u32)).copied();
        let other = other.filter(|other| !self.serves(*other) && !self.unborn.contains(other));
        match other {
            Some(other) => {
                format!("is held up{before}; {} goes on", self.story.name(other as usize))
            }
            None => format!("is held up{before}; CPU {} goes on", event.object),
        }
    }

    /// What an access does, if the variable has a name.
    fn access(&self, event: &Event) -> Option<String> {
        let verb = if access::read(event.value).how & WRITES != 0 { "writes" } else { "reads" };
        Some(format!("{verb} {}", self.scenario.variable(event.object)?))
    }

    fn place(&self, event: &Event) -> String {
        let told = match event.kind {
            NOTE_ACCESS => Some(access::read(event.value).place),
            NOTE_FREED_MEMORY => Some(freed::read(event.value).1),
            _ => None,
        };
        let places = told.into_iter().chain(event.places).filter(|place| *place != 0);
        let name = places.into_iter().find_map(|place| self.scenario.place(place));
        name.map(|name| format!("  [{}]", without_calls(&name))).unwrap_or_default()
    }

    fn tell(&mut self, event: &Event, thread: u32, (step, what): (Step, String), place: String) {
        let name = self.story.name(thread as usize);
        // The threads that idle have no pid of their own.
        let name = name.strip_suffix("/0").unwrap_or(name).to_owned();
        let Event { time, cpu, .. } = *event;
        self.page.write(Line { time, cpu, thread, name, step, what, place });
    }
}

/// A place without the functions that it was inlined into.
fn without_calls(place: &str) -> String {
    let parts = || {
        let (outer, rest) = place.split_once(" in ")?;
        let (inner, _) = rest.split_once(", inlined")?;
        let (_, line) = outer.split_once(' ')?;
        Some(format!("{inner} {line}"))
    };
    parts().unwrap_or_else(|| place.to_owned())
}

/// The accesses by which threads meet: of two that follow each other at one address, by different
/// threads, one of them a write, both.
fn meetings(story: &Story, scenario: &dyn Scenario) -> HashSet<usize> {
    let mut last: HashMap<usize, usize> = HashMap::new();
    let mut meetings = HashSet::new();
    let writes = |event: &Event| access::read(event.value).how & WRITES != 0;
    for (number, event) in story.events.iter().enumerate() {
        if event.kind != NOTE_ACCESS {
            continue;
        }
        let Some(before) = last.insert(event.object, number) else { continue };
        let other = &story.events[before];
        let meet = other.thread != event.thread && (writes(other) || writes(event));
        if meet && scenario.variable(event.object).is_some() {
            meetings.extend([before, number]);
        }
    }
    meetings
}
