//! Makes a failing schedule short: fewest choices that still fail the same way.

use std::sync::Arc;

use kthreads_sim::StackPool;

use crate::choices::Choices;
use crate::config::Config;
use crate::finding::Finding;
use crate::replay::run_choices;
use crate::run::{Scenario, Telling};

/// Takes choices away, ever smaller parts of them, as long as the same is found (delta debugging,
/// after Zeller and Hildebrandt, 2002).
pub(crate) fn shrink(
    config: &Config,
    choices: &Choices,
    finding: &Finding,
    scenario: &dyn Scenario,
    stacks: &Arc<StackPool>,
) -> Choices {
    let mut best = choices.clone();
    let mut tries = config.shrink;
    let mut fails = |choices: &Choices| {
        if tries == 0 {
            return None;
        }
        tries -= 1;
        let ran = run_choices(config, choices, scenario, Telling::Nothing, stacks);
        // What was chosen and could not be is no part of what was chosen.
        ran.findings.iter().any(|found| found.is_same(finding)).then_some(ran.choices)
    };
    if let Some(none) = fails(&Choices::none()) {
        return none;
    }
    let mut parts = 2;
    while best.list().len() >= 2 {
        let len = best.list().len();
        let size = len.div_ceil(parts);
        let smaller = (0..len.div_ceil(size)).find_map(|part| {
            let gone = part * size..(part + 1) * size;
            fails(&best.keeping(|place| !gone.contains(&place)))
        });
        match smaller {
            Some(smaller) if smaller.list().len() < len => {
                best = smaller;
                parts = (parts - 1).max(2);
            }
            _ if size == 1 => break,
            _ => parts = (parts * 2).min(len),
        }
    }
    best
}
