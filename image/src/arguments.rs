//! The kernel's command line: options, then `--` and modules with their parameters, then `--` and
//! a script, as in `fast-forward panic_on_oops=1 -- hello.ko number=3 -- sleep 1; rmmod hello`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kthreads_base::Nanos;
use kthreads_kernel::{Config, LockLimits, OopsPolicy};
use kthreads_session::{Show, words};

/// The word with which the command `kthreads` begins.
const COMMAND: &str = "command";

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// As the machine's clock.
    Real,
    /// It jumps to the next timer when every CPU is idle.
    FastForward,
}

/// Who is at the other end of the serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A person, or a program that knows nothing of us.
    Terminal,
    /// The command `kthreads`, which understands frames.
    Command,
}

/// What is done between loading and unloading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A script if there is one, else a wait.
    Plan,
    /// Lines from the serial line.
    Lines,
}

/// Whether modules are announced to a debugger, which may come at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Debugger {
    /// There is none.
    None,
    /// They are.
    Announce,
}

/// Is what the command line says.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) time: Time,
    pub(crate) show: Show,
    pub(crate) peer: Peer,
    pub(crate) work: Work,
    pub(crate) debugger: Debugger,
    /// The kernel time after which to end.
    pub(crate) limit: Option<Nanos>,
    /// How many processors to use; 0 for all.
    pub(crate) cpus: u32,
    pub(crate) config: Config,
    /// Files of the initrd, in the order to load them, with their parameters.
    pub(crate) modules: Vec<(String, Vec<String>)>,
    pub(crate) script: Option<String>,
}

/// Who is at the other end: the command says so with its first word, so that it is known even if
/// the others are wrong.
pub(crate) fn peer(line: &str) -> Peer {
    match line.split_ascii_whitespace().next() {
        Some(COMMAND) => Peer::Command,
        _ => Peer::Terminal,
    }
}

/// Reads a command line.
///
/// # Errors
///
/// What is wrong with it, in words for the user.
pub(crate) fn parse(line: &str) -> Result<Arguments, String> {
    let (options, rest) = cut(line);
    let (modules, script) = rest.map_or((None, None), |rest| {
        let (modules, script) = cut(rest);
        (Some(modules), script)
    });
    let mut arguments = Arguments {
        time: Time::Real,
        show: Show::Log,
        peer: peer(line),
        work: Work::Plan,
        debugger: Debugger::None,
        limit: None,
        cpus: 0,
        config: Config::default(),
        modules: group(modules.unwrap_or_default())?,
        script: script.map(ToString::to_string),
    };
    for word in words::split(options) {
        arguments.option(&word)?;
    }
    Ok(arguments)
}

/// Cuts a text at the first word that is `--`.
fn cut(text: &str) -> (&str, Option<&str>) {
    let is_space = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    let bytes = text.as_bytes();
    let is_word = |at: usize| {
        is_space(at.checked_sub(1).and_then(|before| bytes.get(before)))
            && is_space(bytes.get(at + 2))
            // White space behind a backslash is part of a word.
            && at.checked_sub(2).and_then(|before| bytes.get(before)) != Some(&b'\\')
    };
    match text.match_indices("--").find(|(at, _)| is_word(*at)) {
        Some((at, dashes)) => (&text[..at], Some(text[at + dashes.len()..].trim_start())),
        None => (text, None),
    }
}

/// Gives each file the `name=value` words behind it.
fn group(text: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut modules: Vec<(String, Vec<String>)> = Vec::new();
    for word in words::split(text) {
        let is_parameter = word.split_once('=').is_some_and(|(name, _)| !name.contains('/'));
        match (is_parameter, modules.last_mut()) {
            (true, Some((_, parameters))) => parameters.push(word),
            (true, None) => return Err(format!("'{word}' stands before the first module")),
            (false, _) => modules.push((word, Vec::new())),
        }
    }
    Ok(modules)
}

impl Arguments {
    fn option(&mut self, word: &str) -> Result<(), String> {
        let wrong = || format!("'{word}' on the kernel's command line is wrong or unknown");
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let number = || value.parse::<u64>().map_err(|_| wrong());
        match (name, value) {
            ("fast-forward", "") => self.time = Time::FastForward,
            ("quiet", "") => self.show = Show::Nothing,
            (COMMAND, "") if self.peer == Peer::Command => {}
            ("prompt", "") => self.work = Work::Lines,
            ("gdb", "") => self.debugger = Debugger::Announce,
            ("limit_ns", _) => self.limit = Some(Nanos(number()?)),
            ("cpus", _) => self.cpus = u32::try_from(number()?).map_err(|_| wrong())?,
            ("panic_on_oops", "0") => self.config.oops = OopsPolicy::Kill,
            ("panic_on_oops", "1") => self.config.oops = OopsPolicy::Panic,
            ("prove_locking", "0") => self.config.lockdep = None,
            ("prove_locking", "1") => self.config.lockdep = Some(LockLimits::USUAL),
            ("hung_task_timeout_secs", _) => self.config.hung_task_seconds = number()?,
            ("watchdog_thresh", _) => {
                let seconds = number()?;
                self.config.watchdog_seconds = if seconds <= 60 { seconds } else { Err(wrong())? };
            }
            ("linux", _) => self.config.linux = value.parse().map_err(|_| wrong())?,
            ("threads-max", _) => {
                self.config.threads_max = u32::try_from(number()?).map_err(|_| wrong())?;
            }
            ("log_buf_len", _) => {
                self.config.log_bytes = usize::try_from(number()?).map_err(|_| wrong())?;
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kthreads_kernel::Linux;

    use super::*;

    #[test]
    fn options_modules_and_script() {
        let line = "fast-forward panic_on_oops=1 limit_ns=5 -- ./a\\ b.c x=1 s=\"a\\ --\\ b\" c.ko \
                    -- sleep 1; echo -- \"a\nb\"";
        let arguments = parse(line).expect("a right line");
        assert_eq!((arguments.time, arguments.work), (Time::FastForward, Work::Plan));
        assert_eq!(arguments.config.oops, OopsPolicy::Panic);
        assert_eq!(arguments.debugger, Debugger::None);
        assert_eq!(arguments.limit, Some(Nanos(5)));
        let parameters = ["x=1".to_string(), "s=\"a -- b\"".to_string()];
        let modules = [("./a b.c".to_string(), parameters.to_vec()), ("c.ko".to_string(), vec![])];
        assert_eq!(arguments.modules, modules);
        assert_eq!(arguments.script.as_deref(), Some("sleep 1; echo -- \"a\nb\""));
    }

    #[test]
    fn all_of_it_may_be_missing() {
        let arguments = parse("").expect("nothing is right");
        assert!(arguments.modules.is_empty() && arguments.script.is_none());
        assert!(arguments.config.lockdep.is_some());
        assert_eq!(parse("prove_locking=0").expect("an option").config.lockdep, None);
        let old = parse("linux=5.15 watchdog_thresh=3").expect("two options").config;
        assert_eq!((old.linux, old.watchdog_seconds), (Linux::V5_15, 3));
        assert_eq!(parse("gdb").expect("an option").debugger, Debugger::Announce);
        assert_eq!(parse("-- a.ko").expect("one module").modules.len(), 1);
        assert_eq!(parse("-- -- ps").expect("a script").script.as_deref(), Some("ps"));
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        for line in [
            "linux=2.4",
            "fastforward",
            "cpus=x",
            "panic_on_oops=2",
            "-- x=1 a.ko",
            "quiet command",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
