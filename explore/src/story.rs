//! What happened in a schedule, as a story that a person can read.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::Ordering;

use kthreads_base::frames::{Chain, Frame, Place};
use kthreads_base::{Nanos, current_head, on_kernel_stack};
use kthreads_host::process::is_module_text;
use kthreads_kernel::observe;
use kthreads_sim::Next;

use crate::recorder::name_of_current;

/// How many places in modules are kept of each event.
const PLACES: usize = 3;
/// How many events are kept.
const MOST_EVENTS: usize = 200_000;

/// Names the place in a module that an address stands for: function, file and line.
pub type Symbolizer<'a> = dyn Fn(usize) -> Option<String> + 'a;

/// What happened at one moment.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub time: Nanos,
    /// On which CPU.
    pub cpu: u32,
    /// The slot index of the thread that ran there.
    pub thread: u32,
    /// Return addresses in modules, innermost first; 0 for none.
    pub places: [usize; PLACES],
    /// What: a kind of [`kthreads_kernel::observe`], or [`Event::TURNED`].
    pub kind: u32,
    /// The kind's object.
    pub object: usize,
    /// The kind's value.
    pub value: usize,
}

impl Event {
    /// Another CPU was let go on though this one could: the object is that CPU, or [`usize::MAX`]
    /// when time passed.
    pub const TURNED: u32 = 1000;
    /// A variable was accessed: the object is the address, the value says how.
    pub const ACCESSED: u32 = 1001;
}

/// All that happened.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// In the order it happened.
    pub events: Vec<Event>,
    /// Names and pids by slot index.
    pub names: HashMap<u32, String>,
}

impl Story {
    pub(crate) fn note(&mut self, time: Nanos, cpu: u32, kind: u32, object: usize, value: usize) {
        if self.events.len() >= MOST_EVENTS || !on_kernel_stack() {
            return;
        }
        let thread = current_head().index.load(Ordering::Relaxed);
        self.names.insert(thread, name_of_current());
        let places = places_here();
        self.events.push(Event { time, cpu, thread, places, kind, object, value });
    }

    pub(crate) fn turned(&mut self, time: Nanos, cpu: Option<u32>, next: Next) {
        let object = match next {
            Next::Run(cpu) => cpu as usize,
            Next::PassTime => usize::MAX,
        };
        self.note(time, cpu.unwrap_or(0), Event::TURNED, object, 0);
    }

    fn name(&self, thread: usize) -> &str {
        self.names.get(&(thread as u32)).map_or("?", String::as_str)
    }

    /// What an event says, None if it does not matter to a reader.
    pub fn say(&self, event: &Event) -> Option<String> {
        let object = self.name(event.object);
        Some(match event.kind {
            observe::SWITCHED if event.value & 0x80 != 0 => format!("is gone; {object} runs"),
            observe::SWITCHED if event.value != 0 => {
                format!("sleeps ({}); {object} runs", state_name(event.value))
            }
            observe::SWITCHED if self.name(event.thread as usize).starts_with("swapper") => {
                return None;
            }
            observe::SWITCHED => format!("waits for the CPU; {object} runs"),
            observe::WOKE if event.value != 0 => format!("wakes {object}"),
            observe::WOKE => format!("would wake {object}, which is awake"),
            observe::NEW_TASK => "lets a new thread run".to_owned(),
            observe::EXITED => "ends".to_owned(),
            observe::TOLD_TO_STOP => format!("tells {object} to stop"),
            observe::TOLD_TO_PARK => format!("tells {object} to park"),
            observe::SIGNALLED => format!("sends signal {} to {object}", event.value),
            observe::COMPLETED => "completes what is waited for".to_owned(),
            Event::TURNED if event.object == usize::MAX => "is held up; time passes".to_owned(),
            Event::TURNED => format!("is held up here; CPU {} goes on", event.object),
            _ => return None,
        })
    }

    /// The story, one line an event that matters.
    pub fn text(&self, symbolize: &Symbolizer<'_>) -> String {
        let mut out = String::new();
        let mut said: Option<String> = None;
        for event in &self.events {
            let Some(what) = self.say(event) else { continue };
            let seconds = event.time.0 as f64 / 1e9;
            let name = self.name(event.thread as usize);
            let line = format!("cpu{} {name:<20} {what}{}", event.cpu, place(event, symbolize));
            if said.as_ref() == Some(&line) {
                continue;
            }
            let _ = writeln!(out, "{seconds:>12.6} {line}");
            said = Some(line);
        }
        shortened(out)
    }
}

/// Leaves the middle of a long story out: it is the end that matters.
fn shortened(text: String) -> String {
    const FIRST: usize = 30;
    const LAST: usize = 120;
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= FIRST + LAST + 1 {
        return text;
    }
    let left_out = lines.len() - FIRST - LAST;
    let (first, last) = (lines[..FIRST].join("\n"), lines[lines.len() - LAST..].join("\n"));
    format!("{first}\n             ... {left_out} lines ...\n{last}\n")
}

fn place(event: &Event, symbolize: &Symbolizer<'_>) -> String {
    let named =
        event.places.iter().filter(|place| **place != 0).find_map(|place| symbolize(*place));
    named.map(|name| format!("  [{name}]")).unwrap_or_default()
}

/// The calls from modules that the running thread is in, innermost first.
fn places_here() -> [usize; PLACES] {
    let mut places = [0; PLACES];
    let mut free = places.iter_mut();
    calls_from_modules(Place::here(), |call| {
        if let Some(place) = free.next() {
            *place = call;
        }
    });
    places
}

/// Calls `see` with the return address of each call from a module that is under way at a place, the
/// innermost first.
pub(crate) fn calls_from_modules(place: Place, mut see: impl FnMut(usize)) {
    let mut has_any = false;
    let chain = place.for_each_frame(|frame| match frame {
        Frame::Return(address) if is_module_text(address) => {
            has_any = true;
            see(address);
        }
        _ => {}
    });
    if chain == Chain::Broken && !has_any {
        // A function without a frame: what looks like a call may be one that is long over.
        let mut first = None;
        place.for_each_word(|word| first = first.or(Some(word).filter(|it| is_module_text(*it))));
        first.into_iter().for_each(see);
    }
}

/// What a sleep is called.
pub(crate) fn state_name(state: usize) -> &'static str {
    match state & 0x443 {
        0x1 => "interruptible",
        0x2 => "uninterruptible",
        0x402 => "idle",
        0x40 => "parked",
        _ => "other",
    }
}
