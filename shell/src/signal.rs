//! Signal names and numbers, and the arguments of `kill` and `pkill`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// The signals of x86 by number, from 1.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Second names of some of them.
const ALIASES: [(&str, u8); 4] = [("IOT", 6), ("CLD", 17), ("POLL", 29), ("UNUSED", 31)];

/// The first real-time signal as user space counts: the C library keeps 32 and 33 for itself.
const RTMIN: u8 = 34;
/// The last real-time signal.
const RTMAX: u8 = 64;

/// Is the number of a signal, 0 to 64; 0 only asks whether the task is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

impl Signal {
    /// What `kill` sends when it is not told which.
    pub const TERM: Signal = Signal(15);

    /// Returns the number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Parses a number, or a name with or without `SIG`, in upper or lower case.
    ///
    /// ```
    /// use kthreads_shell::signal::Signal;
    ///
    /// assert_eq!(Signal::parse("SIGKILL").map(Signal::number), Ok(9));
    /// assert_eq!(Signal::parse("rtmin+1").map(Signal::number), Ok(35));
    /// ```
    pub fn parse(text: &str) -> Result<Signal, KillError> {
        let unknown = || KillError::UnknownSignal(text.to_string());
        if text.bytes().next().is_some_and(|b| b.is_ascii_digit()) {
            let number = text.parse::<u8>().map_err(|_| unknown())?;
            return if number <= RTMAX { Ok(Signal(number)) } else { Err(unknown()) };
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        by_name(name).or_else(|| real_time(name)).ok_or_else(unknown)
    }

    /// Lists the signals that have a name, by number.
    pub fn all() -> impl Iterator<Item = Signal> {
        (1..=NAMES.len() as u8).map(Signal)
    }
}

impl fmt::Display for Signal {
    /// Writes the name without `SIG`, or `RTMIN+n`, or else the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = usize::from(self.0).checked_sub(1).and_then(|index| NAMES.get(index));
        match (name, self.0) {
            (Some(name), _) => f.write_str(name),
            (None, RTMIN) => f.write_str("RTMIN"),
            (None, RTMAX) => f.write_str("RTMAX"),
            (None, number) if number > RTMIN => write!(f, "RTMIN+{}", number - RTMIN),
            (None, number) => write!(f, "{number}"),
        }
    }
}

fn by_name(name: &str) -> Option<Signal> {
    if let Some(index) = NAMES.iter().position(|known| *known == name) {
        return Some(Signal(index as u8 + 1));
    }
    ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, number)| Signal(*number))
}

fn real_time(name: &str) -> Option<Signal> {
    let offset = |digits: &str| digits.parse::<u8>().ok().filter(|n| *n <= RTMAX - RTMIN);
    let number = match name {
        "RTMIN" => RTMIN,
        "RTMAX" => RTMAX,
        _ => match (name.strip_prefix("RTMIN+"), name.strip_prefix("RTMAX-")) {
            (Some(digits), _) => RTMIN + offset(digits)?,
            (_, Some(digits)) => RTMAX - offset(digits)?,
            _ => return None,
        },
    };
    Some(Signal(number))
}

/// Says what is wrong with the arguments of `kill` or `pkill`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KillError {
    /// No signal has this name or number.
    UnknownSignal(String),
    /// `-s` or `-n` stands at the end.
    MissingSignal,
    /// `kill` was not told whom.
    MissingPid,
    /// Not a number of a task.
    InvalidPid(String),
    /// `pkill` was not told a name.
    MissingName,
    /// `pkill` was told more than one name.
    ExtraName(String),
}

impl fmt::Display for KillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KillError::UnknownSignal(text) => write!(
                f,
                "{text}: unknown signal: write a number from 0 to 64 or a name, as -9 or -KILL; \
                 `kill -l` lists them"
            ),
            KillError::MissingSignal => f.write_str("no signal follows: write it as `-s TERM`"),
            KillError::MissingPid => f.write_str("usage: kill [-SIG | -s SIG] PID..."),
            KillError::InvalidPid(text) => {
                write!(f, "{text}: arguments must be process IDs: `ps -ef` lists them")
            }
            KillError::MissingName => f.write_str("usage: pkill [-SIG | -s SIG] [-x] NAME"),
            KillError::ExtraName(text) => {
                write!(f, "{text}: only one name can be given: use one `pkill` for each")
            }
        }
    }
}

impl core::error::Error for KillError {}

/// Is what `kill` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kill {
    /// `kill -l`: list the signals.
    List,
    /// Send a signal. As for kill(2), 0 and negative numbers mean groups of processes.
    Send {
        /// The signal.
        signal: Signal,
        /// Whom to send it to; never empty.
        pids: Vec<i32>,
    },
}

impl Kill {
    /// Parses the arguments of `kill`, without its name.
    pub fn parse<S: AsRef<str>>(arguments: &[S]) -> Result<Kill, KillError> {
        let mut signal = None;
        let mut rest = arguments.iter().map(AsRef::as_ref).peekable();
        while let Some(option) = rest.next_if(|text| text.len() > 1 && text.starts_with('-')) {
            match option {
                "--" => break,
                "-l" | "-L" => return Ok(Kill::List),
                // Behind a signal, a negative number is a group of processes.
                _ if signal.is_some() && option[1..].parse::<i32>().is_ok() => {
                    return send(signal, core::iter::once(option).chain(rest));
                }
                _ => signal = Some(signal_option(option, &mut rest)?),
            }
        }
        send(signal, rest)
    }
}

fn send<'a>(
    signal: Option<Signal>,
    pids: impl Iterator<Item = &'a str>,
) -> Result<Kill, KillError> {
    let invalid = |text: &str| KillError::InvalidPid(text.to_string());
    let pids = pids
        .map(|text| text.parse::<i32>().map_err(|_| invalid(text)))
        .collect::<Result<Vec<_>, _>>()?;
    if pids.is_empty() {
        return Err(KillError::MissingPid);
    }
    Ok(Kill::Send { signal: signal.unwrap_or(Signal::TERM), pids })
}

/// Reads the signal of an option `-SIG`, `-s SIG` or `-n SIG`.
fn signal_option<'a>(
    option: &str,
    rest: &mut impl Iterator<Item = &'a str>,
) -> Result<Signal, KillError> {
    match option {
        "-s" | "-n" | "--signal" => Signal::parse(rest.next().ok_or(KillError::MissingSignal)?),
        _ => match option.strip_prefix("--signal=") {
            Some(text) => Signal::parse(text),
            None => Signal::parse(&option[1..]),
        },
    }
}

/// Says how `pkill` compares names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameMatch {
    /// The name occurs in the task's name.
    Contains,
    /// `-x`: the task's name is the name.
    Exact,
}

/// Is what `pkill` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkill {
    /// The signal.
    pub signal: Signal,
    /// How to compare names.
    pub matching: NameMatch,
    /// The name.
    pub name: String,
}

impl Pkill {
    /// Parses the arguments of `pkill`, without its name; options may stand on either side.
    pub fn parse<S: AsRef<str>>(arguments: &[S]) -> Result<Pkill, KillError> {
        let mut signal = Signal::TERM;
        let mut matching = NameMatch::Contains;
        let mut name = None;
        let mut rest = arguments.iter().map(AsRef::as_ref);
        let mut options_ended = false;
        while let Some(text) = rest.next() {
            match text {
                "--" if !options_ended => options_ended = true,
                "-x" | "--exact" if !options_ended => matching = NameMatch::Exact,
                _ if !options_ended && text.len() > 1 && text.starts_with('-') => {
                    signal = signal_option(text, &mut rest)?;
                }
                _ if name.is_some() => return Err(KillError::ExtraName(text.to_string())),
                _ => name = Some(text.to_string()),
            }
        }
        let name = name.filter(|name| !name.is_empty()).ok_or(KillError::MissingName)?;
        Ok(Pkill { signal, matching, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn number(text: &str) -> Option<u8> {
        Signal::parse(text).ok().map(Signal::number)
    }

    #[test]
    fn names_and_numbers() {
        let cases = [
            ("9", 9),
            ("KILL", 9),
            ("SIGKILL", 9),
            ("sigterm", 15),
            ("HUP", 1),
            ("STKFLT", 16),
            ("POLL", 29),
            ("SYS", 31),
            ("0", 0),
            ("33", 33),
            ("RTMIN", 34),
            ("RTMIN+30", 64),
            ("SIGRTMAX-1", 63),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text), Some(expected), "{text}");
        }
        for text in ["", "SIG", "65", "256", "-9", "FOO", "9x", "RTMIN+31", "RTMAX+1", "RTMIN-1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn each_signal_is_parsed_from_its_own_name() {
        assert_eq!(Signal::all().count(), 31);
        for signal in (0..=RTMAX).map(Signal) {
            assert_eq!(Signal::parse(&signal.to_string()), Ok(signal));
        }
    }

    #[test]
    fn kill_arguments() {
        let send =
            |signal, pids: &[i32]| Ok(Kill::Send { signal: Signal(signal), pids: pids.to_vec() });
        assert_eq!(Kill::parse(&["12"]), send(15, &[12]));
        assert_eq!(Kill::parse(&["-9", "12", "13"]), send(9, &[12, 13]));
        assert_eq!(Kill::parse(&["-SIGKILL", "12"]), send(9, &[12]));
        assert_eq!(Kill::parse(&["-s", "TERM", "12"]), send(15, &[12]));
        assert_eq!(Kill::parse(&["-n", "10", "12"]), send(10, &[12]));
        assert_eq!(Kill::parse(&["-0", "12"]), send(0, &[12]));
        assert_eq!(Kill::parse(&["-9", "-1"]), send(9, &[-1]));
        assert_eq!(Kill::parse(&["-9", "--", "-1"]), send(9, &[-1]));
        assert_eq!(Kill::parse(&["-l"]), Ok(Kill::List));
    }

    #[test]
    fn kill_says_what_is_wrong() {
        let none: [&str; 0] = [];
        assert_eq!(Kill::parse(&none), Err(KillError::MissingPid));
        assert_eq!(Kill::parse(&["-9"]), Err(KillError::MissingPid));
        assert_eq!(Kill::parse(&["-s"]), Err(KillError::MissingSignal));
        assert_eq!(Kill::parse(&["-FOO", "1"]), Err(KillError::UnknownSignal("FOO".into())));
        assert_eq!(Kill::parse(&["mythread"]), Err(KillError::InvalidPid("mythread".into())));
        assert_eq!(Kill::parse(&["1", "-9"]).map(|_| ()), Ok(()));
    }

    #[test]
    fn pkill_arguments() {
        let parsed = |arguments: &[&str]| {
            Pkill::parse(arguments).map(|p| (p.signal.number(), p.matching, p.name))
        };
        let exact = |signal| Ok((signal, NameMatch::Exact, "mythread".to_string()));
        assert_eq!(parsed(&["-9", "-x", "mythread"]), exact(9));
        assert_eq!(parsed(&["-x", "-SIGKILL", "mythread"]), exact(9));
        assert_eq!(parsed(&["mythread", "-x", "--signal", "INT"]), exact(2));
        assert_eq!(parsed(&["--signal=USR1", "-x", "mythread"]), exact(10));
        assert_eq!(parsed(&["--", "-x"]), Ok((15, NameMatch::Contains, "-x".to_string())));
        assert_eq!(parsed(&["-9"]), Err(KillError::MissingName));
        assert_eq!(parsed(&["a", "b"]), Err(KillError::ExtraName("b".into())));
    }

    #[test]
    fn no_arguments_make_it_panic() {
        let mut words = vec!["-", "--", "-s", "-n", "-x", "-l", "-9", "1", "", "é", "-é", "-1"];
        words.extend(["--signal", "--signal=", "-RTMIN+99", "99999999999", "RTMAX-255"]);
        for first in &words {
            for second in &words {
                for third in &words {
                    let _ = Kill::parse(&[first, second, third]);
                    let _ = Pkill::parse(&[first, second, third]);
                }
            }
        }
    }
}
