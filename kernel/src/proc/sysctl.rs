//! /proc/sys/kernel: what can be changed while the kernel runs (Linux: kernel/sysctl.c).

use alloc::string::String;
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use super::system::{OS_RELEASE, OS_TYPE};
use crate::log::{CONSOLE_LOGLEVEL, Level};
use crate::{Config, Errno, Kernel, OopsPolicy};

/// The bounds of pid_max: the first must leave room above the pids that are reserved.
const PID_MAX: core::ops::RangeInclusive<i64> = 301..=4_194_304;
/// The bounds of threads-max.
const THREADS_MAX: core::ops::RangeInclusive<i64> = 1..=0x3fff_ffff;
/// The bounds of hung_task_timeout_secs: the time must not overflow in jiffies.
const HUNG_TASK_SECONDS: core::ops::RangeInclusive<i64> = 0..=i64::MAX / 250;
/// What C's int holds.
const INT: core::ops::RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;
/// The bounds of hung_task_warnings: -1 for no limit.
const HUNG_TASK_WARNINGS: core::ops::RangeInclusive<i64> = -1..=i32::MAX as i64;
/// How many hung tasks are named unless that is changed.
const DEFAULT_WARNINGS: i32 = 10;
/// The bounds of watchdog_thresh.
const WATCHDOG_SECONDS: core::ops::RangeInclusive<i64> = 0..=60;
/// The most important level that the console may be limited to.
const MINIMUM_CONSOLE_LOGLEVEL: i32 = 1;

/// A file of /proc/sys/kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sysctl {
    HungTaskTimeout,
    HungTaskWarnings,
    OsRelease,
    OsType,
    PanicOnOops,
    PidMax,
    Printk,
    ProveLocking,
    Tainted,
    ThreadsMax,
    WatchdogThresh,
}

impl Sysctl {
    pub(super) const ALL: &[(&str, Sysctl)] = &[
        ("hung_task_timeout_secs", Sysctl::HungTaskTimeout),
        ("hung_task_warnings", Sysctl::HungTaskWarnings),
        ("osrelease", Sysctl::OsRelease),
        ("ostype", Sysctl::OsType),
        ("panic_on_oops", Sysctl::PanicOnOops),
        ("pid_max", Sysctl::PidMax),
        ("printk", Sysctl::Printk),
        ("prove_locking", Sysctl::ProveLocking),
        ("tainted", Sysctl::Tainted),
        ("threads-max", Sysctl::ThreadsMax),
        ("watchdog_thresh", Sysctl::WatchdogThresh),
    ];
}

/// The settings that live nowhere else.
pub(crate) struct Sysctls {
    hung_task_seconds: AtomicU64,
    panic_on_oops: AtomicI32,
    hung_task_warnings: AtomicI32,
    watchdog_seconds: AtomicU64,
    /// console_loglevel, default_message_loglevel, minimum_console_loglevel,
    /// default_console_loglevel.
    printk: [AtomicI32; 4],
}

impl Sysctls {
    pub(crate) fn new(config: &Config) -> Sysctls {
        let console = i32::from(CONSOLE_LOGLEVEL);
        let printk = [console, Level::Warning as i32, MINIMUM_CONSOLE_LOGLEVEL, console];
        Sysctls {
            hung_task_seconds: AtomicU64::new(config.hung_task_seconds),
            panic_on_oops: AtomicI32::new(i32::from(config.oops == OopsPolicy::Panic)),
            hung_task_warnings: AtomicI32::new(DEFAULT_WARNINGS),
            watchdog_seconds: AtomicU64::new(config.watchdog_seconds),
            printk: printk.map(AtomicI32::new),
        }
    }
}

impl Sysctls {
    /// How many hung tasks may still be named; negative for no limit.
    pub(crate) fn hung_task_warnings(&self) -> i32 {
        self.hung_task_warnings.load(Ordering::Relaxed)
    }

    /// One has been named. Only khungtaskd counts.
    pub(crate) fn count_hung_task_warning(&self) {
        let left = self.hung_task_warnings();
        if left > 0 {
            self.hung_task_warnings.store(left - 1, Ordering::Relaxed);
        }
    }

    /// The time that makes a lockup, in seconds; 0 for never (watchdog_thresh).
    pub(crate) fn watchdog_seconds(&self) -> u64 {
        self.watchdog_seconds.load(Ordering::Relaxed)
    }
}

impl Kernel {
    /// How long an uninterruptible sleep may last before it counts as a hang, in seconds; 0 for
    /// ever (hung_task_timeout_secs).
    pub fn hung_task_seconds(&self) -> u64 {
        self.sysctls.hung_task_seconds.load(Ordering::Relaxed)
    }

    /// Whether an oops stops the kernel (panic_on_oops).
    pub fn panics_on_oops(&self) -> bool {
        self.sysctls.panic_on_oops.load(Ordering::Relaxed) != 0
    }

    /// Messages of this level and less important ones do not reach the console
    /// (console_loglevel).
    pub fn console_loglevel(&self) -> i32 {
        self.sysctls.printk[0].load(Ordering::Relaxed)
    }

    /// The highest pid plus one, as it is now.
    pub fn pid_max(&self) -> i32 {
        self.tasks.pid_max()
    }

    pub(super) fn read_sysctl(&self, file: Sysctl) -> String {
        super::render(|out| {
            use core::fmt::Write;
            match file {
                Sysctl::HungTaskTimeout => writeln!(out, "{}", self.hung_task_seconds()),
                Sysctl::HungTaskWarnings => {
                    writeln!(out, "{}", self.sysctls.hung_task_warnings())
                }
                Sysctl::WatchdogThresh => writeln!(out, "{}", self.sysctls.watchdog_seconds()),
                Sysctl::OsRelease => writeln!(out, "{OS_RELEASE}"),
                Sysctl::OsType => writeln!(out, "{OS_TYPE}"),
                Sysctl::PanicOnOops => writeln!(out, "{}", i32::from(self.panics_on_oops())),
                Sysctl::PidMax => writeln!(out, "{}", self.pid_max()),
                Sysctl::Printk => {
                    let levels = &self.sysctls.printk;
                    let [a, b, c, d] = levels.each_ref().map(|level| level.load(Ordering::Relaxed));
                    writeln!(out, "{a}\t{b}\t{c}\t{d}")
                }
                Sysctl::ProveLocking => writeln!(out, "{}", i32::from(self.lockdep.is_on())),
                Sysctl::Tainted => writeln!(out, "{}", self.taint()),
                Sysctl::ThreadsMax => writeln!(out, "{}", self.tasks.threads_max()),
            }
        })
    }

    pub(super) fn write_sysctl(&self, file: Sysctl, bytes: &[u8]) -> Result<usize, Errno> {
        let mut numbers = Numbers { left: bytes };
        match file {
            Sysctl::OsRelease | Sysctl::OsType => return Err(Errno::EACCES),
            Sysctl::HungTaskTimeout => {
                let seconds = numbers.first_in(HUNG_TASK_SECONDS)?;
                self.sysctls.hung_task_seconds.store(seconds as u64, Ordering::Relaxed);
                self.hung.start_over();
            }
            Sysctl::HungTaskWarnings => {
                let warnings = numbers.first_in(HUNG_TASK_WARNINGS)?;
                self.sysctls.hung_task_warnings.store(warnings as i32, Ordering::Relaxed);
            }
            Sysctl::WatchdogThresh => {
                let seconds = numbers.first_in(WATCHDOG_SECONDS)?;
                self.sysctls.watchdog_seconds.store(seconds as u64, Ordering::Relaxed);
            }
            Sysctl::PanicOnOops => {
                let policy = numbers.first_in(INT)? as i32;
                self.sysctls.panic_on_oops.store(policy, Ordering::Relaxed);
            }
            Sysctl::PidMax => self.tasks.set_pid_max(numbers.first_in(PID_MAX)? as i32),
            Sysctl::ThreadsMax => {
                self.tasks.set_threads_max(numbers.first_in(THREADS_MAX)? as u32);
            }
            // Once off, too much has been missed.
            Sysctl::ProveLocking => match (numbers.first_in(0..=1)?, self.lockdep.is_on()) {
                (0, _) => self.lockdep.turn_off(),
                (_, true) => {}
                (_, false) => return Err(Errno::EINVAL),
            },
            // Bits can be added, never taken away.
            Sysctl::Tainted => self.add_taint(numbers.first_in(0..=i64::MAX)? as u64),
            Sysctl::Printk => self.write_printk(numbers)?,
        }
        Ok(bytes.len())
    }

    /// Sets as many of the four levels as numbers were given.
    fn write_printk(&self, mut numbers: Numbers<'_>) -> Result<(), Errno> {
        let first = numbers.first_in(INT)?;
        self.sysctls.printk[0].store(first as i32, Ordering::Relaxed);
        for level in &self.sysctls.printk[1..] {
            let Some(number) = numbers.next()? else { break };
            if !INT.contains(&number) {
                return Err(Errno::EINVAL);
            }
            level.store(number as i32, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Numbers in a text, apart by white space; 0x and 0 begin hexadecimal and octal ones.
struct Numbers<'a> {
    left: &'a [u8],
}

impl Numbers<'_> {
    /// The next number, None at the end.
    fn next(&mut self) -> Result<Option<i64>, Errno> {
        let text = self.left.trim_ascii_start();
        if text.is_empty() {
            return Ok(None);
        }
        let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        let (word, left) = text.split_at(end);
        self.left = left;
        let word = core::str::from_utf8(word).map_err(|_| Errno::EINVAL)?;
        parse(word).map(Some).ok_or(Errno::EINVAL)
    }

    /// The next number, which must be there and in `range`.
    fn first_in(&mut self, range: core::ops::RangeInclusive<i64>) -> Result<i64, Errno> {
        let number = self.next()?.ok_or(Errno::EINVAL)?;
        if range.contains(&number) { Ok(number) } else { Err(Errno::EINVAL) }
    }
}

fn parse(word: &str) -> Option<i64> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word),
    };
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    // A second sign would be taken by the standard parser.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    Some(sign * i64::from_str_radix(digits, radix).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_writes_them() {
        let mut numbers = Numbers { left: b"  0x10 7\t010\n-3" };
        assert_eq!(numbers.next(), Ok(Some(16)));
        assert_eq!(numbers.next(), Ok(Some(7)));
        assert_eq!(numbers.next(), Ok(Some(8)));
        assert_eq!(numbers.next(), Ok(Some(-3)));
        assert_eq!(numbers.next(), Ok(None));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["abc", "12x", "--1", "-", "0x", "+5", "99999999999999999999"] {
            assert_eq!(Numbers { left: text.as_bytes() }.next(), Err(Errno::EINVAL), "{text}");
        }
        assert_eq!(Numbers { left: b"\n" }.first_in(0..=9), Err(Errno::EINVAL));
        assert_eq!(Numbers { left: b"10" }.first_in(0..=9), Err(Errno::EINVAL));
        assert_eq!(Numbers { left: b"0" }.first_in(0..=9), Ok(0));
    }
}
