//! What is found, and what is not, by example.

mod model;

use super::*;
use crate::finding::Certainty;
use std::string::{String, ToString};

const TASK: Usage = Usage(12);
const SOFT: Usage = Usage(6);
const OFF: Usage = Usage(0);

/// A thread that takes locks; lock `n` has the class that `class_of` says.
struct Bench {
    validator: Validator,
    held: Vec<Held>,
    class_of: fn(usize) -> usize,
    is_semaphore: fn(usize) -> bool,
}

fn bench() -> Bench {
    bench_with(|lock| lock / 10)
}

fn bench_with(class_of: fn(usize) -> usize) -> Bench {
    let limits = Limits { classes: 16, orders: 64, ..Limits::SMALL };
    let validator = Validator::new(&limits);
    Bench { validator, held: Vec::new(), class_of, is_semaphore: |_| false }
}

impl Bench {
    fn take(&mut self, lock: usize, here: Usage, how: How) -> Vec<Finding> {
        let number = (self.class_of)(lock);
        let kind = if (self.is_semaphore)(number) { Kind::Semaphore } else { Kind::Spinning };
        let key = Key::of(number);
        let class = self.validator.class(key, kind, &std::format!("l{number}"));
        let class = class.expect("there is room");
        let site = Site { place: lock, ..Site::NOWHERE };
        let new = Acquire { lock, class, here, how, site };
        let findings = self.validator.acquire(&self.held, &new);
        let tag = Tag::bare(here, how).with(class, crate::Chain::UNKNOWN);
        self.held.push(Held { lock, place: lock, tag });
        findings
    }

    fn lock(&mut self, lock: usize) -> Vec<Finding> {
        self.take(lock, TASK, How::PLAIN)
    }

    fn unlock(&mut self, lock: usize) {
        let at = self.held.iter().rposition(|held| held.lock == lock).expect("it is held");
        self.held.remove(at);
    }

    /// Takes locks one under the other and gives them back; what is found.
    fn nest(&mut self, locks: &[usize]) -> Vec<Finding> {
        let findings = locks.iter().flat_map(|lock| self.lock(*lock)).collect();
        locks.iter().for_each(|lock| self.unlock(*lock));
        findings
    }
}

fn names(links: &[crate::Link]) -> Vec<String> {
    links.iter().map(|link| std::format!("{}>{}", link.from, link.to)).collect()
}

#[test]
fn opposite_orders_are_a_circle_and_told_once() {
    let mut bench = bench();
    assert_eq!(bench.nest(&[10, 20]), []);
    let findings = bench.nest(&[21, 11]);
    let [Finding::Circle { new, held, back }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((new.lock, held.lock, held.place), (11, 21, 21));
    assert_eq!(names(back), ["l1>l2"]);
    assert_eq!((back[0].from_place, back[0].site.place), (10, 20));
    assert_eq!(bench.nest(&[20, 10]), []);
    // What is wrong did not become an order.
    assert_eq!(bench.nest(&[10, 20]), []);
    assert_eq!(bench.validator.stats().orders.0, 1);
}

#[test]
fn longer_circles_are_found_and_others_go_on() {
    let mut bench = bench();
    for order in [[10, 20], [20, 30], [30, 40], [50, 40]] {
        assert_eq!(bench.nest(&order), []);
    }
    let findings = bench.nest(&[40, 10]);
    let [Finding::Circle { back, .. }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(names(back), ["l1>l2", "l2>l3", "l3>l4"]);
    // The same once more, by another pair that is part of it.
    assert_eq!(bench.nest(&[40, 20]), []);
    let findings = bench.nest(&[40, 50]);
    assert!(matches!(findings[..], [Finding::Circle { .. }]), "{findings:?}");
}

#[test]
fn a_class_within_itself_is_recursion_unless_it_is_nested() {
    let mut bench = bench();
    let findings = bench.nest(&[10, 11]);
    let same = |findings: &[Finding]| match findings {
        [Finding::Recursion { certainty, .. }] => *certainty,
        _ => panic!("{findings:?}"),
    };
    assert_eq!(same(&findings), Certainty::SameClass);
    let findings = bench.nest(&[10, 10]);
    assert_eq!(same(&findings), Certainty::SameLock);
    assert_eq!(bench.nest(&[11, 11]), []);
    bench.lock(20);
    assert_eq!(bench.take(21, TASK, How::nested(1)), []);
    assert_eq!(bench.take(22, TASK, How::nested(2)), []);
    bench.unlock(20);
    bench.unlock(21);
    let findings = bench.take(21, TASK, How::nested(1));
    let [Finding::Circle { new, .. }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(new.label.to_string(), "l2/1");
}

#[test]
fn an_outer_lock_allows_several_of_a_class() {
    let mut bench = bench();
    bench.lock(10);
    for lock in [20, 21, 22] {
        assert_eq!(bench.take(lock, TASK, How::UNDER_OUTER), []);
    }
    let findings = bench.take(20, TASK, How::UNDER_OUTER);
    assert!(matches!(findings[..], [Finding::Recursion { .. }]), "{findings:?}");
}

#[test]
fn locks_of_which_only_the_place_is_known_may_be_taken_under_each_other() {
    let mut validator = Validator::new(&Limits::SMALL);
    let class = validator.class(Key::of_place(7), Kind::Spinning, "?").expect("room");
    let new = |lock| {
        let site = Site { place: 7, ..Site::NOWHERE };
        Acquire { lock, class, here: TASK, how: How::PLAIN, site }
    };
    let tag = Tag::bare(TASK, How::PLAIN).with(class, crate::Chain::UNKNOWN);
    let held = [Held { lock: 1, place: 7, tag }];
    assert_eq!(validator.acquire(&held, &new(2)), []);
    let findings = validator.acquire(&held, &new(1));
    assert!(matches!(findings[..], [Finding::Recursion { .. }]), "{findings:?}");
}

#[test]
fn trying_makes_no_order_but_what_is_under_it_does() {
    let mut bench = bench();
    assert_eq!(bench.nest(&[10, 20]), []);
    bench.lock(20);
    assert_eq!(bench.take(10, TASK, How::TRY), []);
    bench.held.clear();
    bench.take(30, TASK, How::TRY);
    bench.lock(10);
    bench.held.clear();
    let findings = bench.nest(&[10, 30]);
    assert!(matches!(findings[..], [Finding::Circle { .. }]), "{findings:?}");
}

#[test]
fn a_lock_of_interrupts_must_not_be_taken_where_they_may_come() {
    let mut bench = bench();
    bench.lock(10);
    bench.held.clear();
    let findings = bench.take(11, SOFT, How::PLAIN);
    let [Finding::Inconsistent { lock, now, since }] = &findings[..] else {
        panic!("{findings:?}")
    };
    assert_eq!((lock.lock, *now, since.place), (11, Usage::IN_SOFTIRQ, 10));
    bench.held.clear();
    assert_eq!(bench.take(12, SOFT, How::PLAIN), []);
    bench.held.clear();
    // The other way round; with interrupts off there is nothing wrong.
    bench.take(20, SOFT, How::PLAIN);
    bench.held.clear();
    assert_eq!(bench.take(21, OFF, How::PLAIN), []);
    bench.held.clear();
    assert!(matches!(bench.lock(20)[..], [Finding::Inconsistent { .. }]));
    bench.held.clear();
    // Who tries does not wait for what it has interrupted.
    bench.lock(30);
    bench.held.clear();
    assert_eq!(bench.take(30, SOFT, How::TRY), []);
}

#[test]
fn interrupts_that_come_on_count_for_what_is_held() {
    let mut bench = bench();
    bench.take(10, SOFT, How::PLAIN);
    bench.held.clear();
    bench.take(11, OFF, How::PLAIN);
    let findings = bench.validator.states_on(&bench.held, TASK, Who::NOBODY);
    let [Finding::Inconsistent { lock, now, .. }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((lock.lock, *now), (11, Usage::SOFTIRQ_ON));
}

#[test]
fn an_order_must_not_lead_from_interrupts_to_where_they_may_come() {
    let mut bench = bench();
    bench.take(10, SOFT, How::PLAIN);
    bench.held.clear();
    bench.nest(&[30, 40]);
    bench.take(10, OFF, How::PLAIN);
    bench.take(20, OFF, How::PLAIN);
    bench.held.clear();
    bench.take(20, OFF, How::PLAIN);
    let findings = bench.take(30, OFF, How::PLAIN);
    let [Finding::SafeToUnsafe { inside, safe, unsafe_, before, behind, .. }] = &findings[..]
    else {
        panic!("{findings:?}")
    };
    assert_eq!(*inside, Usage::IN_SOFTIRQ);
    assert_eq!((safe.0.to_string(), safe.1.place), ("l1".into(), 10));
    assert_eq!((unsafe_.0.to_string(), unsafe_.1.place), ("l3".into(), 30));
    assert_eq!((names(before), names(behind)), (std::vec!["l1>l2".into()], Vec::<String>::new()));
}

#[test]
fn a_state_must_not_come_to_lead_there() {
    let mut bench = bench();
    bench.take(10, OFF, How::PLAIN);
    bench.lock(20);
    bench.held.clear();
    let findings = bench.take(10, SOFT, How::PLAIN);
    let [Finding::Inversion { now, other, way, since, .. }] = &findings[..] else {
        panic!("{findings:?}")
    };
    assert_eq!((*now, other.to_string()), (Usage::IN_SOFTIRQ, "l2".into()));
    assert_eq!((names(way), since.place), (std::vec![String::from("l1>l2")], 20));
    bench.held.clear();
    // From the other end.
    bench.take(30, SOFT, How::PLAIN);
    bench.take(40, SOFT, How::PLAIN);
    bench.held.clear();
    bench.take(30, OFF, How::PLAIN);
    bench.take(50, OFF, How::PLAIN);
    bench.held.clear();
    let findings = bench.lock(50);
    let [Finding::Inversion { now, other, way, .. }] = &findings[..] else {
        panic!("{findings:?}")
    };
    assert_eq!((*now, other.to_string()), (Usage::SOFTIRQ_ON, "l3".into()));
    assert_eq!(names(way), ["l3>l5"]);
}

#[test]
fn what_an_interrupt_takes_is_not_under_what_it_has_interrupted() {
    let mut bench = bench();
    bench.take(10, OFF, How::PLAIN);
    assert_eq!(bench.take(20, SOFT, How::PLAIN), []);
    bench.held.clear();
    bench.take(20, OFF, How::PLAIN);
    assert_eq!(bench.take(10, OFF, How::PLAIN), []);
    bench.held.clear();
    // But it must not wait for it.
    bench.lock(30);
    let findings = bench.take(30, SOFT, How::PLAIN);
    assert!(matches!(findings[..], [Finding::Inconsistent { .. }]), "{findings:?}");
    bench.held.pop();
    let findings = bench.take(30, SOFT, How::PLAIN);
    assert!(matches!(findings[..], [Finding::Recursion { .. }]), "{findings:?}");
}

#[test]
fn semaphores_make_orders_once_they_are_known_as_locks() {
    let mut bench = bench();
    bench.is_semaphore = |number| number < 3;
    assert_eq!(bench.nest(&[10, 20]), []);
    assert_eq!(bench.nest(&[20, 10]), []);
    let class = bench.validator.find_class(Key::of(1)).expect("it was taken");
    assert!(bench.validator.confirm(class) && !bench.validator.confirm(class));
    assert_eq!(bench.nest(&[10, 30]), []);
    assert_eq!(bench.nest(&[10, 11]), []);
    assert!(matches!(bench.nest(&[30, 10])[..], [Finding::Circle { .. }]));
    bench.validator.dismiss(class);
    assert_eq!(bench.nest(&[40, 10]), []);
    assert_eq!(bench.nest(&[10, 40]), []);
    assert_eq!(bench.validator.seen(class), Usage::ALL);
}

#[test]
fn forgotten_classes_are_gone_with_all_that_was_known() {
    let mut bench = bench();
    bench.nest(&[10, 20, 30]);
    bench.nest(&[20, 10]);
    assert_eq!(bench.validator.forget(&|key| key.address == 2).len(), 1);
    assert_eq!(bench.validator.forget(&|key| key.address == 2), []);
    assert_eq!(bench.nest(&[20, 10]), []);
    assert!(matches!(bench.nest(&[10, 20])[..], [Finding::Circle { .. }]));
    // The order of the first and the third was there by way of the second alone.
    assert_eq!(bench.nest(&[30, 10]), []);
}

#[test]
fn full_pools_are_told_of() {
    let limits = Limits { classes: 2, orders: 1, ..Limits::SMALL };
    let mut bench = Bench { validator: Validator::new(&limits), ..bench() };
    assert_eq!(bench.lock(10), []);
    assert_eq!(bench.take(11, TASK, How::nested(1)), []);
    let full = |pool| std::vec![Finding::Full(pool)];
    assert_eq!(bench.take(12, TASK, How::nested(2)), full(Pool::Classes));
    let key = Key::of(7);
    assert_eq!(bench.validator.class(key, Kind::Sleeping, "x"), Err(Pool::Classes));
    let limits = Limits { classes: 8, orders: 1, ..Limits::SMALL };
    let mut bench = Bench { validator: Validator::new(&limits), ..super::tests::bench() };
    assert_eq!(bench.nest(&[10, 20]), []);
    assert_eq!(bench.nest(&[20, 30]), full(Pool::Orders));
}

#[test]
fn classes_are_shown_with_what_is_under_them() {
    let mut bench = bench();
    bench.nest(&[10, 20]);
    bench.nest(&[10, 30]);
    let mut shown = Vec::new();
    bench.validator.for_each_class(&mut |class, below| {
        let below: Vec<String> = below.iter().map(Label::to_string).collect();
        shown.push(std::format!("{} {}", class.with_usage(), below.join(",")));
    });
    assert_eq!(shown, ["(l1){+.+.}-{2:2} l2,l3", "(l2){+.+.}-{2:2} ", "(l3){+.+.}-{2:2} "]);
}
