//! What is found, against a model that works everything out anew.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The model: every pair of classes of which one was held when the other was taken.
#[derive(Default)]
struct Model {
    pairs: BTreeSet<(usize, usize)>,
    usage: [u8; CLASSES],
}

const CLASSES: usize = 5;
const LOCKS: usize = 8;

impl Model {
    /// All classes that are reached, the first one too.
    fn reach(&self, from: usize, up: bool) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([from]);
        loop {
            let ways = self.pairs.iter().map(|(a, b)| if up { (*b, *a) } else { (*a, *b) });
            let more: BTreeSet<usize> =
                ways.filter(|(a, _)| found.contains(a)).map(|(_, b)| b).collect();
            if more.is_subset(&found) {
                return found;
            }
            found.extend(more);
        }
    }

    fn some_has(&self, classes: &BTreeSet<usize>, state: Usage) -> bool {
        classes.iter().any(|class| Usage(self.usage[*class]).has(state))
    }

    /// Whether states become wrong by this; else they are entered.
    fn states(&mut self, class: usize, states: Usage) -> bool {
        let mut wrong = false;
        for state in Usage::EACH.into_iter().filter(|state| states.has(*state)) {
            let reach = self.reach(class, !state.is_in());
            wrong |= self.some_has(&reach, state.opposite());
            self.usage[class] |= state.0;
        }
        wrong
    }

    /// Whether an order is wrong.
    fn is_wrong(&self, from: usize, to: usize) -> bool {
        let (above, below) = (self.reach(from, true), self.reach(to, false));
        let states = [Usage::IN_HARDIRQ, Usage::IN_SOFTIRQ].into_iter();
        below.contains(&from)
            || states.into_iter().any(|inside| {
                self.some_has(&above, inside) && self.some_has(&below, inside.opposite())
            })
    }
}

#[derive(Clone, Debug)]
enum Step {
    Take { thread: usize, lock: usize, here: Usage, tries: bool },
    Give { thread: usize, nth: usize },
    On { thread: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let here = prop_oneof![6 => Just(OFF), 4 => Just(TASK), 1 => Just(SOFT), 1 => Just(Usage(1))];
    let take = (0..2_usize, 0..LOCKS, here, proptest::bool::weighted(0.2));
    prop_oneof![
        6 => take.prop_map(|(thread, lock, here, tries)| Step::Take { thread, lock, here, tries }),
        5 => (0..2_usize, 0..4_usize).prop_map(|(thread, nth)| Step::Give { thread, nth }),
        1 => (0..2_usize).prop_map(|thread| Step::On { thread }),
    ]
}

fn class_of(lock: usize) -> usize {
    lock % CLASSES
}

/// Whether the model finds something wrong.
fn take_in_model(model: &mut Model, held: &[Held], lock: usize, here: Usage, how: How) -> bool {
    let class = class_of(lock);
    let mut wrong = model.states(class, how.usage(here));
    if how.waits() {
        wrong |= held.iter().any(|other| class_of(other.lock) == class);
        let others = held.iter().rev().take_while(|other| other.tag.level() == here.level());
        for other in others.map(|other| class_of(other.lock)).filter(|other| *other != class) {
            wrong |= model.is_wrong(other, class);
            model.pairs.insert((other, class));
        }
    }
    wrong
}

/// How many sequences of steps there are; where each is interpreted, few.
const CASES: u32 = if cfg!(miri) { 2 } else { 2000 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() })]

    /// Up to the first finding the validator and the model agree on every step.
    #[test]
    fn the_first_finding_is_where_the_model_has_it(
        steps in proptest::collection::vec(step(), 1..if cfg!(miri) { 20 } else { 60 })
    ) {
        let mut bench = bench_with(class_of);
        let (mut model, mut threads) = (Model::default(), [Vec::new(), Vec::new()]);
        for step in steps {
            let (expected, findings) = match step {
                Step::Take { thread, lock, here, tries } => {
                    let how = if tries { How::TRY } else { How::PLAIN };
                    bench.held = core::mem::take(&mut threads[thread]);
                    if bench.held.len() > 5 {
                        bench.held.clear();
                    }
                    let expected = take_in_model(&mut model, &bench.held, lock, here, how);
                    let findings = bench.take(lock, here, how);
                    threads[thread] = core::mem::take(&mut bench.held);
                    (expected, findings)
                }
                Step::Give { thread, nth } => {
                    let held = &mut threads[thread];
                    if nth < held.len() {
                        held.remove(held.len() - 1 - nth);
                    }
                    continue;
                }
                Step::On { thread } => {
                    let held = &threads[thread];
                    let mut expected = false;
                    for held in held {
                        expected |= model.states(class_of(held.lock), TASK);
                    }
                    (expected, bench.validator.states_on(held, TASK, Who::NOBODY))
                }
            };
            prop_assert_eq!(expected, !findings.is_empty(), "{:?}", findings);
            if expected {
                return Ok(());
            }
        }
    }

    /// Whatever is taken, orders never form a circle, and nothing is told of twice.
    #[test]
    fn there_is_never_a_circle_and_nothing_is_told_twice(
        steps in proptest::collection::vec(step(), 1..if cfg!(miri) { 12 } else { 200 })
    ) {
        let mut bench = bench_with(class_of);
        let (mut threads, mut told) = ([Vec::new(), Vec::new()], BTreeSet::new());
        for step in steps {
            match step {
                Step::Take { thread, lock, here, tries } => {
                    let how = if tries { How::TRY } else { How::PLAIN };
                    bench.held = core::mem::take(&mut threads[thread]);
                    if bench.held.len() > 5 {
                        bench.held.clear();
                    }
                    for finding in bench.take(lock, here, how) {
                        let key = key_of(&finding);
                        prop_assert!(told.insert(key), "{:?}", finding);
                    }
                    threads[thread] = core::mem::take(&mut bench.held);
                }
                Step::Give { thread, .. } => threads[thread].clear(),
                Step::On { .. } => {}
            }
            let mut pairs = BTreeSet::new();
            bench.validator.for_each_class(&mut |class, below| {
                pairs.extend(below.iter().map(|other| (number(&class), number(other))));
            });
            let model = Model { pairs, ..Model::default() };
            for (from, to) in &model.pairs {
                prop_assert!(!model.reach(*to, false).contains(from));
            }
        }
    }
}

fn number(label: &Label) -> usize {
    label.to_string()[1..].parse().expect("a class is called by its number")
}

/// What must not be the same of two findings.
fn key_of(finding: &Finding) -> String {
    match finding {
        Finding::Recursion { new, certainty, .. } => std::format!("{certainty:?} {}", new.label),
        Finding::Circle { new, held, .. } => std::format!("circle {} {}", new.label, held.label),
        Finding::Inconsistent { lock, now, .. } => std::format!("{} {}", lock.label, now.name()),
        Finding::Inversion { lock, now, other, .. } => {
            std::format!("{} {} {other}", lock.label, now.name())
        }
        Finding::SafeToUnsafe { inside, safe, unsafe_, .. } => {
            std::format!("{} {} {}", inside.name(), safe.0, unsafe_.0)
        }
        Finding::Full(pool) => std::format!("{pool:?}"),
    }
}
