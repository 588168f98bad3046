//! Replay strings.

use crate::choices::Choices;
use crate::config::Config;
use crate::room::Room;
use crate::run::{Ran, Scenario, Telling, run_schedule};
use crate::strategy::Replay;
use std::fmt;
use std::str::FromStr;

/// The version of the format.
const VERSION: &str = "kt3";

/// Stands for the sources that this program was built of, as far as schedules depend on them.
pub(crate) const BUILD: u32 = match u32::from_str_radix(env!("KTHREADS_BUILD"), 16) {
    Ok(build) => build,
    Err(_) => panic!("the build script writes a number"),
};

/// A schedule, in a line of text: the version, the number of CPUs, the seed, which build it is
/// of, what it is of, and the choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayString {
    /// How many CPUs.
    pub cpus: u32,
    /// The seed of the machine.
    pub seed: u64,
    /// Stands for the build that made it: another has other points, or numbers them otherwise.
    pub build: u32,
    /// Stands for what was explored.
    pub hash: u32,
    /// What was chosen.
    pub choices: Choices,
}

/// Why a text is no replay string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// It does not begin as one.
    NoReplayString,
    /// It was written by another version, this one.
    Version(String),
    /// Some of it is missing or changed.
    Garbled,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::NoReplayString => {
                write!(f, "this is no replay string: one looks like {VERSION}.2.1.0.0.AB")
            }
            ReplayError::Version(version) => {
                write!(f, "the replay string is of version {version}, this program reads {VERSION}")
            }
            ReplayError::Garbled => f.write_str("the replay string is cut or changed"),
        }
    }
}

impl std::error::Error for ReplayError {}

impl ReplayString {
    /// Whether this build made it, so that its choices mean what they meant.
    pub fn is_of_this_build(&self) -> bool {
        self.build == BUILD
    }

    /// Runs the schedule, with its story.
    pub fn run(&self, config: &Config, scenario: &dyn Scenario) -> Ran {
        self.run_in(&mut Room::new(), config, scenario)
    }

    /// As [`run`](ReplayString::run), in a room for the scenario.
    pub fn run_in(&self, room: &mut Room, config: &Config, scenario: &dyn Scenario) -> Ran {
        let config = Config { cpus: self.cpus, seed: self.seed, ..config.clone() };
        run_choices(&config, &self.choices, scenario, Telling::Story, room)
    }
}

/// Runs a scenario under known choices.
pub(crate) fn run_choices(
    config: &Config,
    choices: &Choices,
    scenario: &dyn Scenario,
    telling: Telling,
    room: &mut Room,
) -> Ran {
    let strategy = Box::new(Replay::new(choices.clone()));
    run_schedule(config, strategy, 0, scenario, telling, room).0
}

impl fmt::Display for ReplayString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReplayString { cpus, seed, build, hash, choices } = self;
        write!(f, "{VERSION}.{cpus}.{seed:x}.{build:x}.{hash:x}.{choices}")
    }
}

impl FromStr for ReplayString {
    type Err = ReplayError;

    fn from_str(text: &str) -> Result<ReplayString, ReplayError> {
        let mut parts = text.trim().split('.');
        let version = parts.next().filter(|version| version.starts_with("kt"));
        let version = version.ok_or(ReplayError::NoReplayString)?;
        if version != VERSION {
            return Err(ReplayError::Version(version.to_owned()));
        }
        let parts: Vec<&str> = parts.collect();
        let [cpus, seed, build, hash, choices] = parts[..] else {
            return Err(ReplayError::Garbled);
        };
        let string = ReplayString {
            cpus: cpus.parse().map_err(|_| ReplayError::Garbled)?,
            seed: u64::from_str_radix(seed, 16).map_err(|_| ReplayError::Garbled)?,
            build: u32::from_str_radix(build, 16).map_err(|_| ReplayError::Garbled)?,
            hash: u32::from_str_radix(hash, 16).map_err(|_| ReplayError::Garbled)?,
            choices: Choices::parse(choices).map_err(|_| ReplayError::Garbled)?,
        };
        if !(1..=64).contains(&string.cpus) {
            return Err(ReplayError::Garbled);
        }
        Ok(string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_of_another_build_is_told_apart() {
        let of =
            |build| ReplayString { cpus: 2, seed: 1, build, hash: 1, choices: Choices::none() };
        assert!(of(BUILD).is_of_this_build());
        assert!(!of(!BUILD).is_of_this_build());
    }

    #[test]
    fn a_replay_string_is_read_as_it_was_written() {
        let mut choices = Choices::none();
        choices.push(17, 2);
        choices.push(900, 1);
        let string = ReplayString { cpus: 2, seed: 0xfeed, build: 0xb, hash: 0x1234, choices };
        let text = string.to_string();
        assert_eq!(text.parse(), Ok(string));
        assert_eq!("hello".parse::<ReplayString>(), Err(ReplayError::NoReplayString));
        assert_eq!("kt9.1".parse::<ReplayString>(), Err(ReplayError::Version("kt9".into())));
        assert_eq!("kt3.2.1".parse::<ReplayString>(), Err(ReplayError::Garbled));
        assert_eq!("kt3.0.1.1.1.".parse::<ReplayString>(), Err(ReplayError::Garbled));
    }
}
