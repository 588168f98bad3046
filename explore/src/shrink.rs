//! Makes a failing schedule short: fewest choices that still fail the same way, and of those with
//! as many, the ones that come to it soonest.

use crate::anchor::{Anchor, Anchored, ByPlace, Decisions};
use crate::choices::Choices;
use crate::config::Config;
use crate::finding::{Finding, Kind};
use crate::replay::run_choices;
use crate::room::Room;
use crate::run::{Ran, Scenario, Telling, run_schedule};

/// Up to so many choices are taken away at every place.
const SMALL: usize = 4;

/// Of up to so many choices any two are taken away, or have another one put in their place.
const FEW: usize = 24;

/// How many steps all tries may have together: schedules that loop are long.
const MOST_STEPS: u64 = 5_000_000;

/// How far a choice is moved to an earlier point, or a later one.
const MOVES: [i64; 6] = [-16, -4, -1, 1, 4, 16];

/// Makes a schedule short. Choices are taken away, ever smaller parts of them, as long as the same
/// is found (delta debugging, after Zeller and Hildebrandt, 2002); two are replaced by another one;
/// and they are moved. What is left stays where it was made.
pub(crate) fn shrink(
    config: &Config,
    choices: &Choices,
    finding: &Finding,
    scenario: &dyn Scenario,
    room: &mut Room,
) -> Choices {
    let best = run_choices(config, choices, scenario, Telling::Places, room);
    // What cannot be repeated cannot be made shorter either, and takes long to try.
    if !shows(&best, finding) || best.was_forced {
        return choices.clone();
    }
    let mut shrinker =
        Shrinker { config, finding, scenario, room, best, tries: config.shrink, steps: MOST_STEPS };
    if !shrinker.tries_better(&[]) {
        shrinker.until_nothing_helps();
    }
    shrinker.best.choices
}

/// What is tried, and the best that was found.
struct Shrinker<'s> {
    config: &'s Config,
    finding: &'s Finding,
    scenario: &'s dyn Scenario,
    room: &'s mut Room,
    best: Ran,
    /// How many more schedules may be run, and how many steps they may have.
    tries: u32,
    steps: u64,
}

impl Shrinker<'_> {
    fn until_nothing_helps(&mut self) {
        self.removes_parts();
        // Two accesses tell of a race; how it comes to them matters less.
        if self.finding.kind == Kind::DataRace {
            return;
        }
        while self.replaces_two() || self.moves_one() {
            self.removes_parts();
        }
    }

    /// Takes parts away, until none can go.
    fn removes_parts(&mut self) {
        let mut size = self.count() / 2;
        while size >= 1 {
            if self.removes_some(size) {
                // What could not go alone may go now.
                size = (2 * size).min(self.count() / 2);
            } else {
                size = if size > 2 * SMALL { size / 2 } else { size - 1 };
            }
            if size == 0 && self.removes_two() {
                size = SMALL.min(self.count() / 2);
            }
        }
        if self.count() == 1 {
            self.tries_better(&[]);
        }
    }

    /// Takes `size` choices in a row away. A turn of another CPU is two choices, one to it and one
    /// back: they must go together, wherever they stand. Large parts need not be tried at every
    /// place.
    fn removes_some(&mut self, size: usize) -> bool {
        let choices = self.best.anchored.clone();
        let stride = if size <= SMALL { 1 } else { size };
        (0..choices.len()).step_by(stride).any(|start| {
            let end = (start + size).min(choices.len());
            self.tries_fewer(&[&choices[..start], &choices[end..]].concat())
        })
    }

    /// Takes any two of a few away: a turn to another CPU and back with something in between.
    fn removes_two(&mut self) -> bool {
        let choices = self.best.anchored.clone();
        pairs(choices.len()).any(|pair| self.tries_fewer(&without(&choices, pair)))
    }

    /// Puts one choice, at any point, in the place of two.
    fn replaces_two(&mut self) -> bool {
        let choices = self.best.anchored.clone();
        pairs(choices.len()).any(|pair| {
            let kept = without(&choices, pair);
            let decisions = self.decisions(&kept);
            decisions.into_iter().any(|(anchor, options)| {
                let is_new = kept.iter().all(|(other, _)| *other != anchor);
                let mut numbers = (1..options).filter(|_| is_new);
                numbers.any(|number| self.tries_fewer(&[&kept[..], &[(anchor, number)]].concat()))
            })
        })
    }

    /// Moves one choice, or makes it a lower one.
    fn moves_one(&mut self) -> bool {
        let choices = self.best.anchored.clone();
        (0..choices.len()).any(|place| {
            let (anchor, number) = choices[place];
            let moved = MOVES.iter().filter_map(|by| Some((anchor.moved(*by)?, number)));
            let lower = (1..number).map(|lower| (anchor, lower));
            lower.chain(moved).any(|choice| {
                let mut choices = choices.clone();
                choices[place] = choice;
                self.tries_better(&choices)
            })
        })
    }

    fn count(&self) -> usize {
        self.best.anchored.len()
    }

    /// The decisions of a schedule with these choices.
    fn decisions(&mut self, choices: &[Anchored]) -> Vec<(Anchor, u32)> {
        let decisions = Decisions::default();
        self.runs(choices, Some(decisions.clone()));
        decisions.take()
    }

    /// Tries other choices; keeps them if there are fewer.
    fn tries_fewer(&mut self, choices: &[Anchored]) -> bool {
        let count = self.count();
        self.tries(choices, |ran| ran.anchored.len() < count)
    }

    /// Tries other choices; keeps them if there are fewer, or as many that need far fewer steps.
    fn tries_better(&mut self, choices: &[Anchored]) -> bool {
        let before = (self.count(), self.best.steps - self.best.steps / 8);
        self.tries(choices, |ran| (ran.anchored.len(), ran.steps) < before)
    }

    fn tries(&mut self, choices: &[Anchored], is_better: impl Fn(&Ran) -> bool) -> bool {
        let Some(ran) = self.runs(choices, None) else { return false };
        let is_taken = shows(&ran, self.finding) && is_better(&ran);
        if is_taken {
            self.best = ran;
        }
        is_taken
    }

    /// Runs a schedule; None when there were enough.
    fn runs(&mut self, choices: &[Anchored], decisions: Option<Decisions>) -> Option<Ran> {
        if self.tries == 0 || self.steps == 0 {
            return None;
        }
        let strategy = Box::new(ByPlace::new(choices, decisions));
        let (config, scenario) = (self.config, self.scenario);
        let (ran, _) = run_schedule(config, strategy, 0, scenario, Telling::Places, self.room);
        self.tries -= 1;
        self.steps = self.steps.saturating_sub(ran.steps);
        Some(ran)
    }
}

/// All pairs of a few, by their places.
fn pairs(len: usize) -> impl Iterator<Item = (usize, usize)> {
    let len = if len <= FEW { len } else { 0 };
    (0..len).flat_map(move |first| (first + 1..len).map(move |second| (first, second)))
}

fn without(choices: &[Anchored], (first, second): (usize, usize)) -> Vec<Anchored> {
    let stays = |place: &usize| *place != first && *place != second;
    (0..choices.len()).filter(stays).map(|place| choices[place]).collect()
}

fn shows(ran: &Ran, finding: &Finding) -> bool {
    ran.findings.iter().any(|found| found.is_same(finding))
}
