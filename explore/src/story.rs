//! What happened in a schedule, as a story that a person can read.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use kthreads_base::frames::{Chain, Frame, Place};
use kthreads_base::{Nanos, current_head, on_kernel_stack};
use kthreads_host::process::is_module_text;
use kthreads_kernel::{HARDIRQ_MASK, SOFTIRQ_OFFSET, observe};
use kthreads_sim::Next;

use crate::recorder::name_of_current;
use crate::run::Scenario;

/// How many places in modules are kept of each event.
const PLACES: usize = 3;
/// How many events are kept.
const MOST_EVENTS: usize = 200_000;
/// The bits of a preempt count that say that an interrupt is handled (Linux: in_hardirq,
/// in_serving_softirq).
const IN_INTERRUPT: u32 = HARDIRQ_MASK | SOFTIRQ_OFFSET;

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
    /// Whether an interrupt did it, on top of the thread.
    pub is_interrupt: bool,
}

impl Event {
    /// Another CPU was let go on though this one could: the object is that CPU, or [`usize::MAX`]
    /// when time passed.
    pub const TURNED: u32 = 1000;
    /// An allocation or the creation of a thread was made to fail: the object is which, a kind of
    /// choice.
    pub const FAILED: u32 = 1001;
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
        let head = current_head();
        let thread = head.index.load(Ordering::Relaxed);
        let is_interrupt = head.preempt_count.load(Ordering::Relaxed) & IN_INTERRUPT != 0;
        self.names.insert(thread, name_of_current());
        let places = places_here();
        self.events.push(Event { time, cpu, thread, places, kind, object, value, is_interrupt });
    }

    /// Something is made to fail. The time is that of the last event.
    pub(crate) fn fails(&mut self, what: u32) {
        let (time, cpu) = self.events.last().map_or_else(Default::default, |e| (e.time, e.cpu));
        self.note(time, cpu, Event::FAILED, what as usize, 0);
    }

    pub(crate) fn turned(&mut self, time: Nanos, cpu: Option<u32>, next: Next) {
        let object = match next {
            Next::Run(cpu) => cpu as usize,
            Next::PassTime => usize::MAX,
        };
        self.note(time, cpu.unwrap_or(0), Event::TURNED, object, 0);
    }

    /// Where another story of the same schedule goes another way, if it does: who, and in which
    /// place of a module it was last.
    pub(crate) fn parts_from(&self, other: &Story, scenario: &dyn Scenario) -> Option<String> {
        let what = |event: &Event| {
            let Event { time, cpu, thread, kind, places, .. } = *event;
            (time, cpu, thread, kind, places)
        };
        let pairs = self.events.iter().zip(&other.events);
        let common = pairs.take_while(|(one, other)| what(one) == what(other)).count();
        if common == self.events.len() && common == other.events.len() {
            return None;
        }
        let last = self.events[..self.events.len().min(common + 1)].iter().rev();
        let place = |event: &Event| {
            let place = event.places.iter().find_map(|place| scenario.place(*place))?;
            Some(format!("{} in {place}", self.name(event.thread as usize)))
        };
        let named = last.clone().find_map(place);
        named.or_else(|| last.clone().next().map(|event| self.name(event.thread as usize).into()))
    }

    /// The name and pid of a thread.
    pub(crate) fn name(&self, thread: usize) -> &str {
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
            Event::FAILED if event.object == observe::CHOOSE_THREAD as usize => {
                "is told that no thread can be made".to_owned()
            }
            Event::FAILED => "is told that there is no memory".to_owned(),
            _ => return None,
        })
    }
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
