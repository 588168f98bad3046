//! Writes down what a strategy chooses and what the kernel tells.

use std::sync::atomic::Ordering;

use kthreads_base::explore::{
    NOTE_ACCESS, NOTE_FENCE, NOTE_FREED_MEMORY, NOTE_GIVES, NOTE_NEW_MEMORY, NOTE_TAKES,
};
use kthreads_base::{Nanos, current_head, on_kernel_stack};
use kthreads_kernel::observe;
use kthreads_sim::{Again, Chooser, Next, Point, Rng};

use crate::anchor::{Anchor, Anchored, Places};
use crate::choices::Choices;
use crate::config::FailPlan;
use crate::freed::Freed;
use crate::races::Races;
use crate::story::Story;
use crate::strategy::Strategy;

/// A wake-up that found its task awake.
#[derive(Clone, Debug)]
pub(crate) struct IdleWake {
    pub(crate) time: Nanos,
    /// Who tried.
    pub(crate) by: String,
}

/// What the strategy chose, and what came of it.
pub(crate) struct Recorder {
    strategy: Box<dyn Strategy>,
    /// The number after that of the last choice.
    decisions: u32,
    pub(crate) choices: Choices,
    /// Tells where choices are made, if that is to be known.
    pub(crate) places: Option<Places>,
    /// The same choices, by where they were made.
    pub(crate) anchored: Vec<Anchored>,
    /// Differs where something else was chosen.
    pub(crate) hash: u64,
    fail: FailPlan,
    fail_rng: Rng,
    pub(crate) fails_seen: u32,
    /// The last wake-up that found a task awake, since it was woken last, by its slot index.
    pub(crate) idle_wakes: Vec<(u32, IdleWake)>,
    pub(crate) story: Option<Story>,
    pub(crate) races: Option<Races>,
    pub(crate) freed: Freed,
}

impl Recorder {
    pub(crate) fn new(strategy: Box<dyn Strategy>, fail: FailPlan, seed: u64) -> Recorder {
        Recorder {
            strategy,
            decisions: 0,
            choices: Choices::none(),
            places: None,
            anchored: Vec::new(),
            hash: 0xcbf2_9ce4_8422_2325,
            fail,
            fail_rng: Rng::new(seed ^ 0x6661_696c),
            fails_seen: 0,
            idle_wakes: Vec::new(),
            story: None,
            races: None,
            freed: Freed::default(),
        }
    }

    pub(crate) fn into_strategy(mut self) -> Box<dyn Strategy> {
        self.strategy.end(self.decisions);
        self.strategy
    }

    pub(crate) fn misfits(&self) -> u32 {
        self.strategy.misfits()
    }

    fn mix(&mut self, value: u64) {
        self.hash = (self.hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    fn decide(&mut self, at: u64, number: u32, place: impl FnOnce(&mut Places) -> Anchor) {
        let at = number_of(at);
        self.choices.push(at, number);
        self.decisions = at.saturating_add(1);
        let place = self.places.as_mut().map(place);
        if number != 0 {
            self.mix(u64::from(at) << 32 | u64::from(number));
            self.anchored.extend(place.map(|place| (place, number)));
        }
    }

    fn fails_now(&mut self) -> bool {
        self.fails_seen += 1;
        match self.fail {
            FailPlan::None => false,
            FailPlan::Nth(nth) => self.fails_seen == nth,
            FailPlan::OneIn(rate) => self.fail_rng.below(rate.max(1)) == 0,
        }
    }
}

impl Chooser for Recorder {
    fn next(&mut self, point: &Point<'_>) -> Next {
        self.next_and_again(point).0
    }

    fn next_and_again(&mut self, point: &Point<'_>) -> (Next, Again) {
        let (next, again) = self.strategy.point_and_again(point, number_of(point.number()));
        let number = point.number_of(next);
        self.decide(point.number(), number, |places| places.at(point));
        if number != 0
            && point.current.is_some()
            && let Some(story) = &mut self.story
        {
            story.turned(point.now(), point.current, next);
        }
        (next, again)
    }

    fn heeds(&self) -> u32 {
        let has_all = self.races.is_some() || self.story.is_some();
        if has_all { u32::MAX } else { 1 << observe::WOKE }
    }

    fn choose(&mut self, what: u32, options: u32, number: u64) -> u32 {
        let chosen = match what {
            observe::CHOOSE_MEMORY | observe::CHOOSE_THREAD => match self.fail {
                // Failures that are replayed are choices like others.
                FailPlan::None => self.strategy_fails(what, options, number),
                _ => u32::from(self.fails_now()),
            },
            _ => self.strategy.choose(what, options, number_of(number)),
        };
        if let (observe::CHOOSE_MEMORY | observe::CHOOSE_THREAD, 1, Some(story)) =
            (what, chosen, &mut self.story)
        {
            story.fails(what);
        }
        self.decide(number, chosen, |places| places.of_kind(what));
        chosen
    }

    fn note(&mut self, now: Nanos, cpu: u32, kind: u32, object: usize, value: usize) {
        match kind {
            observe::WOKE => self.note_wake(now, object as u32, value),
            observe::SWITCHED.. => {}
            _ => self.note_memory(now, kind, object, value),
        }
        if let Some(story) = &mut self.story {
            story.note(now, cpu, kind, object, value);
        }
    }
}

impl Recorder {
    /// Takes note of what tells of memory and its order.
    fn note_memory(&mut self, now: Nanos, kind: u32, object: usize, value: usize) {
        if let Some(races) = &mut self.races {
            let thread = current_head().index.load(Ordering::Relaxed);
            match kind {
                NOTE_TAKES => races.takes(thread, object),
                NOTE_GIVES => races.gives(thread, object),
                NOTE_NEW_MEMORY => races.forget(object, value),
                NOTE_FENCE => races.fence(thread, object),
                NOTE_ACCESS => races.access(thread, object, value, name_of_current),
                _ => {}
            }
        }
        match kind {
            NOTE_FREED_MEMORY => self.freed.frees(object, value, name_of_current),
            NOTE_NEW_MEMORY => self.freed.allocates(object, value),
            NOTE_ACCESS => self.freed.access(now, object, value, name_of_current),
            _ => {}
        }
    }

    /// A replay decides about failures as about anything else; other strategies never let
    /// anything fail.
    fn strategy_fails(&mut self, what: u32, options: u32, number: u64) -> u32 {
        if !self.is_replay() {
            return 0;
        }
        self.strategy.choose(what, options, number_of(number))
    }

    fn is_replay(&self) -> bool {
        self.strategy.decides_failures()
    }

    fn note_wake(&mut self, now: Nanos, task: u32, woken: usize) {
        let is_known = self.idle_wakes.iter().position(|(known, _)| *known == task);
        if let Some(place) = is_known {
            self.idle_wakes.swap_remove(place);
        }
        if woken == 0 && on_kernel_stack() {
            self.idle_wakes.push((task, IdleWake { time: now, by: name_of_current() }));
        }
    }
}

/// The number of a point or a choice as choices have it: they are not that many.
fn number_of(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The name and pid of the running thread.
pub(crate) fn name_of_current() -> String {
    let head = current_head();
    let bytes = head.comm.iter().map(|byte| byte.load(Ordering::Relaxed));
    let name: Vec<u8> = bytes.take_while(|byte| *byte != 0).collect();
    format!("{}/{}", String::from_utf8_lossy(&name), head.pid.load(Ordering::Relaxed))
}
