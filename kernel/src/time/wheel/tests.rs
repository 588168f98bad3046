extern crate std;

use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use core::pin::Pin;
use kthreads_base::RawSpinLock;
use proptest::prelude::*;

use super::*;

extern "C" fn nothing(_: &Timer) {}

fn timer() -> Pin<Box<Timer>> {
    let timer = Box::pin(Timer::new());
    timer.init(nothing, 0, 0);
    timer
}

/// A wheel with the timers of a test, and a lock that only this test can reach.
struct Bench {
    wheel: Wheel,
    lock: RawSpinLock,
    timers: Vec<Pin<Box<Timer>>>,
    now: Jiffies,
}

impl Bench {
    fn new(now: u64, count: usize) -> Bench {
        let now = Jiffies(now);
        let wheel = Wheel::new(now).expect("memory");
        let timers = (0..count).map(|_| timer()).collect();
        Bench { wheel, lock: RawSpinLock::new(), timers, now }
    }

    fn arm(&mut self, index: usize, expires: u64, arming: Arming) -> bool {
        let held = self.lock.exclusive();
        let timer = self.timers[index].as_ref();
        let expires = Jiffies(expires);
        match self.wheel.begin_change(&held, timer.get_ref(), expires, arming, self.now) {
            Begun::Settled(was_pending) => was_pending,
            Begun::Detached(was_pending) => {
                timer.set_expires(expires);
                self.wheel.enqueue(&held, timer);
                was_pending
            }
        }
    }

    fn delete(&mut self, index: usize) -> bool {
        let held = self.lock.exclusive();
        self.wheel.detach(&held, &self.timers[index])
    }

    /// Runs what is due now; returns which timers, in order. `on_run` stands for the functions.
    fn run(&mut self, mut on_run: impl FnMut(&mut Bench, usize)) -> Vec<usize> {
        let mut ran = vec![];
        loop {
            let held = self.lock.exclusive();
            let Some((timer, _)) = self.wheel.next_due(&held, self.now) else { return ran };
            let address = timer.address();
            let index = self.timers.iter().position(|timer| timer.address() == address);
            let index = index.expect("one of the bench");
            assert!(!timer.is_pending());
            assert!(self.wheel.is_running(&self.timers[index]));
            ran.push(index);
            on_run(self, index);
        }
    }

    /// Goes on to `until` and stops at each next expiry, as a CPU's clock would; returns what ran
    /// when.
    fn run_until(&mut self, until: u64) -> Vec<(u64, usize)> {
        let mut ran = vec![];
        while let Some(next) =
            self.wheel.next_expiry().filter(|next| !next.is_after(Jiffies(until)))
        {
            self.now = if next.is_after(self.now) { next } else { self.now };
            let now = self.now.0;
            ran.extend(self.run(|_, _| ()).into_iter().map(|index| (now, index)));
        }
        self.now = Jiffies(until);
        ran
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for timer in &self.timers {
            self.wheel.detach(&self.lock.exclusive(), timer);
        }
    }
}

#[test]
fn a_timer_runs_when_the_bucket_after_its_expiry_begins() {
    for (expires, due) in
        [(0, 1), (1, 2), (62, 63), (63, 64), (100, 104), (503, 504), (504, 512), (511, 512)]
    {
        let mut bench = Bench::new(0, 1);
        bench.arm(0, expires, Arming::Always);
        assert_eq!(bench.wheel.next_expiry(), Some(Jiffies(due)), "{expires}");
        assert_eq!(bench.run_until(due - 1), []);
        assert_eq!(bench.run_until(due), [(due, 0)], "{expires}");
    }
}

#[test]
fn a_timer_in_the_past_runs_at_once() {
    let mut bench = Bench::new(1_000, 1);
    bench.arm(0, 10, Arming::Always);
    assert_eq!(bench.run(|_, _| ()), [0]);
}

#[test]
fn a_timer_beyond_the_wheel_runs_at_its_end() {
    let mut bench = Bench::new(5, 2);
    bench.arm(0, u64::MAX / 2, Arming::Always);
    assert_eq!(bench.wheel.next_expiry(), Some(Jiffies(CUTOFF)));
    bench.arm(1, 5 + CUTOFF - 1, Arming::Always);
    assert_eq!(bench.run_until(CUTOFF + granularity(8)).len(), 2);
}

#[test]
fn timers_of_one_bucket_run_last_armed_first_and_coarse_ones_before_fine_ones() {
    let mut bench = Bench::new(0, 3);
    bench.arm(0, 100, Arming::Always);
    bench.now = Jiffies(60);
    bench.arm(1, 103, Arming::Always);
    bench.arm(2, 103, Arming::Always);
    assert_eq!(bench.run_until(104), [(104, 0), (104, 2), (104, 1)]);
}

#[test]
fn results_are_those_of_linux() {
    let mut bench = Bench::new(0, 1);
    assert!(!bench.arm(0, 10, Arming::IfPending));
    assert!(!bench.timers[0].is_pending());
    assert!(!bench.arm(0, 10, Arming::IfEarlier));
    assert!(bench.arm(0, 20, Arming::IfEarlier));
    assert_eq!(bench.timers[0].expires(), Jiffies(10));
    assert!(bench.arm(0, 20, Arming::IfPending));
    assert_eq!(bench.timers[0].expires(), Jiffies(20));
    assert!(bench.arm(0, 5, Arming::IfEarlier));
    assert_eq!(bench.run_until(6), [(6, 0)]);
    assert!(!bench.arm(0, 10, Arming::Always));
    assert!(bench.delete(0));
    assert!(!bench.delete(0));
    assert_eq!(bench.wheel.next_expiry(), None);
}

#[test]
fn a_timer_without_a_function_is_never_armed() {
    let mut bench = Bench::new(0, 0);
    bench.timers.push(Box::pin(Timer::new()));
    assert!(!bench.arm(0, 10, Arming::Always));
    assert!(!bench.timers[0].is_pending());
}

#[test]
fn a_function_may_arm_its_timer_and_change_others() {
    let mut bench = Bench::new(0, 3);
    for index in 0..3 {
        bench.arm(index, 10, Arming::Always);
    }
    bench.now = Jiffies(11);
    // 74 has the same place on the wheel as 10 had: level 0, bucket 11.
    let ran = bench.run(|bench, index| {
        if index == 2 {
            assert!(!bench.arm(2, 11, Arming::Always));
            assert!(bench.arm(1, 74, Arming::Always));
            assert!(bench.delete(0));
        }
    });
    assert_eq!(ran, [2]);
    assert_eq!(bench.run_until(100), [(12, 2), (75, 1)]);
}

#[test]
fn a_timer_armed_for_the_past_again_and_again_does_not_hold_the_cpu() {
    let mut bench = Bench::new(0, 1);
    bench.arm(0, 1, Arming::Always);
    bench.now = Jiffies(10);
    let ran = bench.run(|bench, _| assert!(!bench.arm(0, 0, Arming::Always)));
    assert!(ran.len() <= 10, "{}", ran.len());
    assert!(bench.timers[0].is_pending());
}

#[test]
fn arming_a_timer_passes_over_none_that_is_due() {
    let mut bench = Bench::new(0, 3);
    bench.arm(0, 10, Arming::Always);
    bench.now = Jiffies(20);
    bench.arm(1, 25, Arming::Always);
    // So that the next expiry is worked out again.
    bench.arm(2, 30, Arming::Always);
    bench.delete(2);
    assert_eq!(bench.wheel.next_expiry(), Some(Jiffies(11)));
    assert_eq!(bench.run_until(40), [(20, 0), (26, 1)]);
}

#[test]
fn after_a_long_rest_timers_are_as_exact_as_ever() {
    let mut bench = Bench::new(0, 2);
    bench.now = Jiffies(1 << 40);
    bench.arm(0, (1 << 40) + 5, Arming::Always);
    assert_eq!(bench.wheel.next_expiry(), Some(Jiffies((1 << 40) + 6)));
    bench.delete(0);
    bench.now = Jiffies(1 << 41);
    bench.arm(1, (1 << 41) + 7, Arming::Always);
    assert_eq!(bench.run_until((1 << 41) + 8), [((1 << 41) + 8, 1)]);
}

#[test]
fn the_timers_of_a_module_can_be_taken_out() {
    let mut bench = Bench::new(0, 10);
    for index in 0..10 {
        bench.arm(index, 7 * index as u64 * index as u64, Arming::Always);
    }
    let held = bench.lock.exclusive();
    let count = bench.wheel.detach_where(&held, &mut |timer| timer.expires().0 % 2 == 1);
    assert_eq!(count, 5);
    assert_eq!(bench.run_until(10_000).len(), 5);
}

/// One step of the property tests.
#[derive(Clone, Debug)]
enum Step {
    Arm(usize, i64, Arming),
    Delete(usize),
    /// To each next expiry in turn.
    Walk(u64),
    /// In one jump, as when the CPU was busy.
    Jump(u64),
}

const COUNT: usize = 24;

fn distance() -> impl Strategy<Value = i64> {
    prop_oneof![
        -20..0i64,
        0..70i64,
        0..600i64,
        0..5_000i64,
        0..1_000_000i64,
        0..(2 * CUTOFF as i64),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let arming = prop_oneof![
        4 => Just(Arming::Always),
        1 => Just(Arming::IfPending),
        1 => Just(Arming::IfEarlier),
    ];
    let span = || prop_oneof![0..3u64, 0..100u64, 0..3_000u64, 0..50_000_000u64];
    prop_oneof![
        6 => (0..COUNT, distance(), arming).prop_map(|(i, d, a)| Step::Arm(i, d, a)),
        1 => (0..COUNT).prop_map(Step::Delete),
        2 => span().prop_map(Step::Walk),
        1 => span().prop_map(Step::Jump),
    ]
}

/// What is known of a pending timer without a wheel.
#[derive(Clone, Copy, Debug)]
struct Expected {
    expires: Jiffies,
    earliest: Jiffies,
    latest: Jiffies,
}

impl Expected {
    fn new(expires: Jiffies, now: Jiffies) -> Expected {
        let ahead = expires.ticks_since(now);
        if ahead < 0 {
            return Expected { expires, earliest: now, latest: now + Jiffies(1) };
        }
        if ahead as u64 >= CUTOFF - 1 {
            let earliest = now + Jiffies(CAPACITY);
            return Expected { expires, earliest, latest: now + Jiffies(CUTOFF + granularity(8)) };
        }
        // The granule is 1 up to 62 jiffies, 8 up to 503, and so on.
        let mut granule = 1;
        while ahead as u64 >= 63 * granule {
            granule *= 8;
        }
        Expected { expires, earliest: expires + Jiffies(1), latest: expires + Jiffies(granule) }
    }
}

fn earlier(a: Option<Jiffies>, b: Jiffies) -> Option<Jiffies> {
    Some(a.filter(|a| a.is_before(b)).unwrap_or(b))
}

struct Model {
    bench: Bench,
    pending: [Option<Expected>; COUNT],
}

impl Model {
    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Arm(index, distance, arming) => self.arm(index, distance, arming),
            Step::Delete(index) => {
                assert_eq!(self.bench.delete(index), self.pending[index].take().is_some());
            }
            Step::Walk(span) => {
                let ran = self.bench.run_until(self.bench.now.0.wrapping_add(span));
                for (when, index) in ran {
                    let expected = self.pending[index].take().expect("it ran once only");
                    let when = Jiffies(when);
                    assert!(when.is_in_range(expected.earliest, expected.latest), "{expected:?}");
                }
            }
            Step::Jump(span) => {
                self.bench.now = self.bench.now + Jiffies(span);
                for index in self.bench.run(|_, _| ()) {
                    let expected = self.pending[index].take().expect("it ran once only");
                    assert!(expected.earliest.is_at_or_before(self.bench.now), "{expected:?}");
                }
            }
        }
        self.check_next_expiry();
    }

    fn arm(&mut self, index: usize, distance: i64, arming: Arming) {
        let now = self.bench.now;
        let expires = now + Jiffies(distance as u64);
        let old = self.pending[index];
        let was_pending = self.bench.arm(index, expires.0, arming);
        assert_eq!(was_pending, old.is_some());
        let changes = match (arming, old) {
            (Arming::Always, _) | (Arming::IfPending, Some(_)) | (Arming::IfEarlier, None) => true,
            (Arming::IfPending, None) => false,
            (Arming::IfEarlier, Some(old)) => expires.is_before(old.expires),
        };
        if changes {
            self.pending[index] = Some(Expected::new(expires, now));
        }
    }

    fn check_next_expiry(&mut self) {
        let now = self.bench.now;
        let mut earliest: Option<Jiffies> = None;
        let mut latest: Option<Jiffies> = None;
        for (timer, expected) in self.bench.timers.iter().zip(&self.pending) {
            assert_eq!(timer.is_pending(), expected.is_some());
            let Some(expected) = expected else { continue };
            assert_eq!(timer.expires(), expected.expires);
            earliest = earlier(earliest, expected.earliest);
            latest = earlier(latest, expected.latest);
            let is_due = expected.latest.is_before(now);
            assert!(!is_due, "{expected:?} has not run at {now:?}");
        }
        let next = self.bench.wheel.next_expiry();
        assert_eq!(next.is_some(), latest.is_some());
        if let (Some(next), Some(earliest), Some(latest)) = (next, earliest, latest) {
            assert!(next.is_in_range(earliest, latest));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn timers_run_once_never_early_and_no_later_than_their_level_allows(
        start in prop_oneof![Just(super::super::jiffies::INITIAL_JIFFIES.0), Just(u64::MAX - 3_000), 0..100_000u64],
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut model = Model { bench: Bench::new(start, COUNT), pending: [None; COUNT] };
        for step in &steps {
            model.apply(step);
        }
    }
}
