//! What came of a campaign, for people and programs to read, and to be joined with others.

use serde::{Deserialize, Serialize};

use crate::campaign::{Found, Report};
use crate::finding::{Kind, headed};
use crate::run::Scenario;

/// The version of the format.
const VERSION: u32 = 1;

/// What came of a campaign, or of several that were joined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The version of the format.
    pub version: u32,
    /// How many schedules were run.
    pub schedules: u64,
    /// How many of them differ, as far as each campaign knows.
    pub distinct: u64,
    /// How many steps they had together.
    pub steps: u64,
    /// How many of them cannot be repeated.
    pub forced: u64,
    /// How many seconds it took, on as many cores as there were.
    pub seconds: f64,
    /// Whether every schedule within the strategy's bound was run.
    pub covered_all: bool,
    /// The most allocations and creations of threads that a schedule had.
    pub most_fails: u32,
    /// Where a schedule went another way when it was run again, if one did.
    #[serde(default)]
    pub strays: Option<String>,
    /// Why a module was loaded in no schedule, if one was not.
    #[serde(default)]
    pub never_loaded: Option<String>,
    /// What was found, each once.
    pub found: Vec<Bug>,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bug {
    /// Its class.
    pub kind: String,
    /// What tells it from others.
    pub key: String,
    /// What there is to say about it.
    pub text: String,
    /// How many schedules showed it.
    pub count: u64,
    /// The number of the first of them.
    pub schedule: u64,
    /// The shortest schedule known that shows it.
    pub replay: String,
    /// What happens in that.
    pub story: String,
    /// The same for trace viewers.
    pub trace: String,
}

impl Bug {
    fn new(found: &Found, scenario: &dyn Scenario) -> Bug {
        Bug {
            kind: found.finding.kind.to_string(),
            key: found.finding.key.clone(),
            text: found.finding.text.trim_end().to_owned(),
            count: found.count,
            schedule: found.schedule,
            replay: found.replay.to_string(),
            story: found.story.text(scenario, std::slice::from_ref(&found.finding)),
            trace: found.story.trace(),
        }
    }
}

impl Outcome {
    /// What came of one campaign.
    pub fn of(report: &Report, scenario: &dyn Scenario) -> Outcome {
        Outcome {
            version: VERSION,
            schedules: report.schedules,
            distinct: report.distinct,
            steps: report.steps,
            forced: report.forced,
            seconds: report.elapsed.as_secs_f64(),
            covered_all: report.covered_all,
            most_fails: report.most_fails,
            strays: report.strays.clone(),
            never_loaded: None,
            found: report.found.iter().map(|found| Bug::new(found, scenario)).collect(),
        }
    }

    /// Joins what came of several campaigns that ran at the same time.
    pub fn join<'o>(outcomes: impl IntoIterator<Item = &'o Outcome> + Clone) -> Outcome {
        let mut all = Outcome { version: VERSION, ..Outcome::default() };
        let mut covered = true;
        for outcome in outcomes.clone() {
            all.schedules += outcome.schedules;
            all.distinct += outcome.distinct;
            all.steps += outcome.steps;
            all.forced += outcome.forced;
            all.seconds = all.seconds.max(outcome.seconds);
            all.most_fails = all.most_fails.max(outcome.most_fails);
            covered &= outcome.covered_all;
            all.strays = all.strays.or_else(|| outcome.strays.clone());
            outcome.found.iter().for_each(|bug| all.add(bug));
        }
        let have_run = || outcomes.clone().into_iter().filter(|outcome| outcome.schedules > 0);
        if have_run().all(|outcome| outcome.never_loaded.is_some()) {
            all.never_loaded = have_run().find_map(|outcome| outcome.never_loaded.clone());
        }
        all.covered_all = covered && all.schedules > 0;
        all
    }

    fn add(&mut self, bug: &Bug) {
        let same = |other: &&mut Bug| other.kind == bug.kind && other.key == bug.key;
        let Some(known) = self.found.iter_mut().find(same) else {
            return self.found.push(bug.clone());
        };
        let (count, schedule) = (known.count + bug.count, known.schedule.min(bug.schedule));
        // The shortest way to show it is kept.
        if bug.replay.len() < known.replay.len() {
            *known = bug.clone();
        }
        (known.count, known.schedule) = (count, schedule);
    }

    /// As JSON, on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`to_json`](Outcome::to_json) wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn from_json(text: &str) -> Result<Outcome, String> {
        let outcome: Outcome = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if outcome.version != VERSION {
            return Err(format!("it is of version {}, not {VERSION}", outcome.version));
        }
        Ok(outcome)
    }

    /// How fast it went.
    pub fn rate(&self) -> f64 {
        self.schedules as f64 / self.seconds.max(1e-9)
    }

    /// Progress, in a line.
    pub fn progress(&self) -> String {
        let bugs = if self.found.len() == 1 { "bug" } else { "bugs" };
        format!(
            "{} schedules, {:.0} a second, {} distinct, {} {bugs}",
            self.schedules,
            self.rate(),
            self.distinct,
            self.found.len()
        )
    }

    /// The text of one thing that was found: what, how often, the story, the replay string.
    pub fn explain(&self, bug: &Bug) -> String {
        let Bug { kind, text, count, replay, story, .. } = bug;
        let before = self.found.iter().take_while(|other| !std::ptr::eq(*other, bug));
        let is_told = before.into_iter().any(|other| other.replay == *replay && !is_race(other));
        // The two accesses say it all; who was where before is for --trace and replay.
        let (story, how) = match (story.as_str(), is_race(bug)) {
            ("", _) | (_, true) => ("", ""),
            _ if is_told => ("", "; one that is told above shows it, too"),
            (story, _) => (story, "; this one:"),
        };
        format!(
            "{}\nin {count} of {} schedules{how}\n{story}replay string: {replay}\n",
            headed(kind, text),
            self.schedules
        )
    }
}

fn is_race(bug: &Bug) -> bool {
    bug.kind == Kind::DataRace.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bug(key: &str, count: u64, replay: &str) -> Bug {
        Bug {
            kind: "deadlock".into(),
            key: key.into(),
            text: "a \"text\"\nof lines".into(),
            count,
            schedule: 3,
            replay: replay.into(),
            story: String::new(),
            trace: String::new(),
        }
    }

    #[test]
    fn a_schedule_that_shows_two_things_is_told_once() {
        let story = |key| Bug { story: "    a step\n".into(), ..bug(key, 1, "kt") };
        let found = vec![story("x"), story("y")];
        let outcome = Outcome { found, ..Outcome::default() };
        assert!(outcome.explain(&outcome.found[0]).contains("this one:\n    a step\n"));
        assert!(!outcome.explain(&outcome.found[1]).contains("a step"));
    }

    #[test]
    fn campaigns_are_joined() {
        let outcome = |found: Vec<Bug>| Outcome {
            version: VERSION,
            schedules: 10,
            seconds: 2.0,
            covered_all: true,
            found,
            ..Outcome::default()
        };
        let first = outcome(vec![bug("x", 2, "long long"), bug("y", 1, "s")]);
        let second = outcome(vec![bug("x", 3, "short")]);
        let joined = Outcome::join([&first, &second]);
        assert_eq!((joined.schedules, joined.found.len()), (20, 2));
        assert_eq!((joined.found[0].count, joined.found[0].replay.as_str()), (5, "short"));
        assert_eq!(Outcome::from_json(&joined.to_json()), Ok(joined));
        assert!(Outcome::from_json("{}").is_err());
    }
}
