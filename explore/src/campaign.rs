//! Many schedules.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::finding::Finding;
use crate::replay::{BUILD, ReplayString, run_choices};
use crate::result::Outcome;
use crate::room::Room;
use crate::run::{Scenario, Telling, run_schedule};
use crate::shrink::shrink;
use crate::story::Story;

/// How often the one who follows a campaign is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Something that was found, with how.
#[derive(Clone, Debug)]
pub struct Found {
    /// What.
    pub finding: Finding,
    /// How many schedules showed it.
    pub count: u64,
    /// The number of the first of them.
    pub schedule: u64,
    /// The shortest schedule known that shows it.
    pub replay: ReplayString,
    /// What happens in that.
    pub story: Story,
    /// The kernel's log in that.
    pub log: Vec<String>,
}

/// What came of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many schedules were run.
    pub schedules: u64,
    /// How many of them differ.
    pub distinct: u64,
    /// How many steps they had together.
    pub steps: u64,
    /// How many of them cannot be repeated.
    pub forced: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether every schedule within the strategy's bound was run.
    pub covered_all: bool,
    /// The most allocations and creations of threads that a schedule had.
    pub most_fails: u32,
    /// Where a schedule went another way when it was run again, if one did.
    pub strays: Option<String>,
    /// What was found, each once.
    pub found: Vec<Found>,
}

/// Whether a campaign goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It does.
    GoOn,
    /// It ends with what was found.
    Stop,
}

/// Takes what is a hash already for its own hash.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A campaign.
pub struct Campaign<'s> {
    config: Config,
    scenario: &'s dyn Scenario,
    room: Room,
    repeats: Repeats,
}

/// Whether a campaign looks now and then if a schedule is the same when it is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// It does.
    Checked,
    /// It does not: each run of the scenario is a schedule of the campaign.
    Trusted,
}

impl<'s> Campaign<'s> {
    /// A campaign of `scenario`.
    pub fn new(config: Config, scenario: &'s dyn Scenario) -> Campaign<'s> {
        Campaign { config, scenario, room: Room::new(), repeats: Repeats::Trusted }
    }

    /// Runs its schedules in that room.
    pub fn in_room(self, room: Room) -> Campaign<'s> {
        Campaign { room, ..self }
    }

    /// Looks whether schedules can be repeated, or not.
    pub fn with_repeats(self, repeats: Repeats) -> Campaign<'s> {
        Campaign { repeats, ..self }
    }

    /// Runs it; tells `follow` of the progress now and then.
    pub fn run(&mut self, follow: &mut dyn FnMut(&Report) -> Progress) -> Report {
        let begin = Instant::now();
        let (mut told, mut known) = (begin, 0);
        let mut report = Report::default();
        let mut hashes = HashSet::<u64, BuildHasherDefault<AsIs>>::default();
        let mut strategy = self.config.strategy.make();
        let (shard, shards) = self.config.shard;
        let numbers = (0..self.config.schedules).filter(|n| n % shards.max(1) == shard);
        for number in numbers {
            let seed = self.config.seed_of(number);
            if !strategy.begin(seed) {
                break;
            }
            let scenario = self.scenario;
            let run = run_schedule(
                &self.config,
                strategy,
                seed,
                scenario,
                Telling::Nothing,
                &mut self.room,
            );
            let (ran, back) = run;
            strategy = back;
            report.schedules += 1;
            report.steps += ran.steps;
            report.forced += u64::from(ran.was_forced);
            report.most_fails = report.most_fails.max(ran.fails_seen);
            report.distinct += u64::from(hashes.insert(ran.hash));
            let new = |place: usize, finding: &Finding| {
                !ran.findings[..place].iter().any(|other| other.is_same(finding))
            };
            if self.is_checked(&report) && !ran.was_forced {
                report.strays = self.strays(&ran.choices);
            }
            for (_, finding) in ran.findings.iter().enumerate().filter(|(p, f)| new(*p, f)) {
                self.add(&mut report, finding, number, &ran.choices);
            }
            report.elapsed = begin.elapsed();
            if !report.found.is_empty() && !self.config.keep_going {
                break;
            }
            if self.config.time.is_some_and(|time| report.elapsed >= time) {
                break;
            }
            if told.elapsed() >= TELL_EVERY || report.found.len() > known {
                known = report.found.len();
                told = Instant::now();
                if follow(&report) == Progress::Stop {
                    break;
                }
            }
        }
        report.covered_all = strategy.has_covered_all();
        report.elapsed = begin.elapsed();
        report
    }

    /// Whether it is looked if the last schedule is the same when it is run again: the first is,
    /// the tenth, the hundredth and so on, until one is not.
    fn is_checked(&self, report: &Report) -> bool {
        let number = report.schedules;
        let is_power = number == 10_u64.pow(number.ilog10());
        self.repeats == Repeats::Checked && report.strays.is_none() && is_power
    }

    /// Runs a schedule again, twice; where the second goes another way than the first, if it does.
    fn strays(&mut self, choices: &crate::Choices) -> Option<String> {
        let mut story = || {
            let (config, scenario) = (&self.config, self.scenario);
            run_choices(config, choices, scenario, Telling::Story, &mut self.room).story
        };
        let (first, second) = (story()?, story()?);
        first.parts_from(&second, self.scenario)
    }

    /// Notes what a schedule showed; what is new is made short and told.
    fn add(
        &mut self,
        report: &mut Report,
        finding: &Finding,
        schedule: u64,
        choices: &crate::Choices,
    ) {
        if let Some(known) = report.found.iter_mut().find(|found| found.finding.is_same(finding)) {
            known.count += 1;
            return;
        }
        let (config, scenario) = (&self.config, self.scenario);
        let choices = shrink(config, choices, finding, scenario, &mut self.room);
        let ran = run_choices(config, &choices, scenario, Telling::Story, &mut self.room);
        let shown = ran.findings.iter().find(|found| found.is_same(finding));
        if shown.is_none() && !ran.was_forced && report.strays.is_none() {
            report.strays = Some(format!("schedule {schedule}"));
        }
        let finding = shown.unwrap_or(finding).clone();
        let replay = ReplayString {
            cpus: config.cpus,
            seed: config.seed,
            build: BUILD,
            hash: config.hash,
            choices,
        };
        let story = ran.story.unwrap_or_default();
        report.found.push(Found { finding, count: 1, schedule, replay, story, log: ran.log });
    }
}

impl Report {
    /// The text of one thing that was found: what, how often, the story, the replay string.
    pub fn explain(&self, found: &Found, scenario: &dyn Scenario) -> String {
        let only = Report { found: vec![found.clone()], ..self.clone() };
        let outcome = Outcome::of(&only, scenario);
        outcome.found.first().map(|bug| outcome.explain(bug)).unwrap_or_default()
    }

    /// Panics with the first thing that was found, if anything was.
    ///
    /// # Panics
    ///
    /// When anything was found.
    pub fn expect_clean(&self) {
        let scenario = |_: &kthreads_kernel::Kernel| {};
        if let Some(found) = self.found.first() {
            panic!("{}", self.explain(found, &scenario));
        }
    }
}
