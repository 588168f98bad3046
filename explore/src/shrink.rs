//! Makes a failing schedule short: fewest choices that still fail the same way.

use crate::anchor::{Anchored, ByPlace};
use crate::choices::Choices;
use crate::config::Config;
use crate::finding::Finding;
use crate::replay::run_choices;
use crate::room::Room;
use crate::run::{Ran, Scenario, Telling, run_schedule};

/// Up to so many choices are taken away at every place.
const SMALL: usize = 4;

/// Of up to so many choices any two are taken away.
const FEW: usize = 24;

/// Takes choices away, ever smaller parts of them, as long as the same is found (delta debugging,
/// after Zeller and Hildebrandt, 2002). What is left stays where it was made.
pub(crate) fn shrink(
    config: &Config,
    choices: &Choices,
    finding: &Finding,
    scenario: &dyn Scenario,
    room: &mut Room,
) -> Choices {
    let mut best = run_choices(config, choices, scenario, Telling::Places, room);
    // What cannot be repeated cannot be made shorter either, and takes long to try.
    if !shows(&best, finding) || best.was_forced {
        return choices.clone();
    }
    let mut tries = config.shrink;
    let mut fails = |choices: &[Anchored]| {
        if tries == 0 {
            return None;
        }
        tries -= 1;
        let strategy = Box::new(ByPlace::new(choices));
        let (ran, _) = run_schedule(config, strategy, 0, scenario, Telling::Places, room);
        shows(&ran, finding).then_some(ran)
    };
    if let Some(none) = fails(&[]) {
        return none.choices;
    }
    let mut size = best.anchored.len() / 2;
    while size >= 1 {
        match without_some(&best.anchored, size, &mut fails) {
            Some(smaller) => {
                best = smaller;
                // What could not go alone may go now.
                size = (2 * size).min(best.anchored.len() / 2);
            }
            None => size = next_size(size),
        }
        if size == 0
            && let Some(smaller) = without_two(&best.anchored, &mut fails)
        {
            best = smaller;
            size = SMALL.min(best.anchored.len() / 2);
        }
    }
    best.choices
}

/// A run without any two of a few choices that still fails: a turn to another CPU and back with
/// something in between.
fn without_two(
    choices: &[Anchored],
    fails: &mut impl FnMut(&[Anchored]) -> Option<Ran>,
) -> Option<Ran> {
    let len = if choices.len() <= FEW { choices.len() } else { 0 };
    let pairs = (0..len).flat_map(|first| (first + 1..len).map(move |second| (first, second)));
    pairs.into_iter().find_map(|(first, second)| {
        let stays = |place: &usize| *place != first && *place != second;
        let kept: Vec<Anchored> = (0..len).filter(stays).map(|place| choices[place]).collect();
        fails(&kept).filter(|ran| ran.anchored.len() < len)
    })
}

/// A run without `size` choices in a row that still fails, with fewer choices.
fn without_some(
    choices: &[Anchored],
    size: usize,
    fails: &mut impl FnMut(&[Anchored]) -> Option<Ran>,
) -> Option<Ran> {
    // A turn of another CPU is two choices, one to it and one back: they must go together, wherever
    // they stand. Large parts need not be tried at every place.
    let stride = if size <= SMALL { 1 } else { size };
    (0..choices.len()).step_by(stride).find_map(|start| {
        let end = (start + size).min(choices.len());
        let kept = [&choices[..start], &choices[end..]].concat();
        fails(&kept).filter(|ran| ran.anchored.len() < choices.len())
    })
}

fn next_size(size: usize) -> usize {
    if size > 2 * SMALL { size / 2 } else { size - 1 }
}

fn shows(ran: &Ran, finding: &Finding) -> bool {
    ran.findings.iter().any(|found| found.is_same(finding))
}
