//! Jiffies: the tick that timers and timeouts count in, and what it is in other units.
//!
//! The counter starts shortly before its low 32 bits wrap, so that code which compares jiffies
//! with `<` goes wrong within five minutes and not after 198 days. For the same reason
//! [`Jiffies`] has no order: ask [`Jiffies::is_after`] and its kin, which are right across a wrap.

use core::ops::{Add, Sub};
use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::Nanos;

/// Ticks in a second.
pub const HZ: u64 = 250;
/// How long a jiffy is, in nanoseconds.
pub const TICK_NANOS: u64 = 1_000_000_000 / HZ;
/// The value of `jiffies` when the kernel starts.
pub const INITIAL_JIFFIES: Jiffies = Jiffies((300 * HZ as u32).wrapping_neg() as u64);
/// The longest span that a conversion gives.
pub const MAX_JIFFY_OFFSET: Jiffies = Jiffies((i64::MAX as u64 >> 1) - 1);
/// The timeout that never ends (`MAX_SCHEDULE_TIMEOUT`).
pub const MAX_SCHEDULE_TIMEOUT: Jiffies = Jiffies(i64::MAX as u64);

const MILLIS_PER_JIFFY: u64 = 1_000 / HZ;
const MICROS_PER_JIFFY: u64 = 1_000_000 / HZ;
/// Ticks in a second as user space counts them.
const USER_HZ: u64 = 100;

/// A point in time or a span, in ticks; arithmetic wraps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Jiffies(pub u64);

impl Jiffies {
    /// The jiffy that a point in time lies in.
    pub const fn containing(now: Nanos) -> Jiffies {
        Jiffies(INITIAL_JIFFIES.0.wrapping_add(now.0 / TICK_NANOS))
    }

    /// When the jiffy begins; the start of time if it lies before that, [`Nanos::NEVER`] if it
    /// is too far off to tell.
    pub const fn begins(self) -> Nanos {
        let ticks = self.ticks_since(INITIAL_JIFFIES);
        if ticks <= 0 {
            return Nanos::ZERO;
        }
        Nanos((ticks as u64).saturating_mul(TICK_NANOS))
    }

    /// How many ticks lie between `earlier` and this; negative if it is the later one.
    pub const fn ticks_since(self, earlier: Jiffies) -> i64 {
        self.0.wrapping_sub(earlier.0) as i64
    }

    /// Whether this is later than `other` (time_after).
    pub const fn is_after(self, other: Jiffies) -> bool {
        other.ticks_since(self) < 0
    }

    /// Whether this is earlier than `other` (time_before).
    pub const fn is_before(self, other: Jiffies) -> bool {
        other.is_after(self)
    }

    /// Whether this is `other` or later (time_after_eq).
    pub const fn is_at_or_after(self, other: Jiffies) -> bool {
        self.ticks_since(other) >= 0
    }

    /// Whether this is `other` or earlier (time_before_eq).
    pub const fn is_at_or_before(self, other: Jiffies) -> bool {
        other.is_at_or_after(self)
    }

    /// Whether this lies from `first` to `last`, both included (time_in_range).
    pub const fn is_in_range(self, first: Jiffies, last: Jiffies) -> bool {
        self.is_at_or_after(first) && self.is_at_or_before(last)
    }

    /// Whether this lies from `first` to before `end` (time_in_range_open).
    pub const fn is_in_range_open(self, first: Jiffies, end: Jiffies) -> bool {
        self.is_at_or_after(first) && self.is_before(end)
    }
}

impl Add for Jiffies {
    type Output = Jiffies;
    fn add(self, span: Jiffies) -> Jiffies {
        Jiffies(self.0.wrapping_add(span.0))
    }
}

impl Sub for Jiffies {
    type Output = Jiffies;
    fn sub(self, other: Jiffies) -> Jiffies {
        Jiffies(self.0.wrapping_sub(other.0))
    }
}

/// The span of so many milliseconds, rounded up (msecs_to_jiffies).
///
/// What is negative as a C int is taken for "for ever".
pub const fn msecs_to_jiffies(millis: u32) -> Jiffies {
    if (millis as i32) < 0 {
        return MAX_JIFFY_OFFSET;
    }
    Jiffies((millis as u64).div_ceil(MILLIS_PER_JIFFY))
}

/// The span of so many microseconds, rounded up (usecs_to_jiffies).
///
/// The limit is Linux's: the longest span in microseconds, cut to 32 bits.
pub const fn usecs_to_jiffies(micros: u32) -> Jiffies {
    if micros > jiffies_to_usecs(MAX_JIFFY_OFFSET) {
        return MAX_JIFFY_OFFSET;
    }
    Jiffies((micros as u64).div_ceil(MICROS_PER_JIFFY))
}

/// The span of so many seconds (secs_to_jiffies).
pub const fn secs_to_jiffies(seconds: u64) -> Jiffies {
    Jiffies(seconds.wrapping_mul(HZ))
}

/// The span of so many nanoseconds, rounded down (nsecs_to_jiffies).
pub const fn nsecs_to_jiffies(nanos: u64) -> Jiffies {
    Jiffies(nanos / TICK_NANOS)
}

/// How many milliseconds a span is, cut to 32 bits (jiffies_to_msecs).
pub const fn jiffies_to_msecs(span: Jiffies) -> u32 {
    span.0.wrapping_mul(MILLIS_PER_JIFFY) as u32
}

/// How many microseconds a span is, cut to 32 bits (jiffies_to_usecs).
pub const fn jiffies_to_usecs(span: Jiffies) -> u32 {
    span.0.wrapping_mul(MICROS_PER_JIFFY) as u32
}

/// How many nanoseconds a span is; the microseconds are cut to 32 bits first (jiffies_to_nsecs).
pub const fn jiffies_to_nsecs(span: Jiffies) -> u64 {
    jiffies_to_usecs(span) as u64 * 1_000
}

/// How many of user space's hundredths of a second a span is (jiffies_to_clock_t).
pub const fn jiffies_to_clock_t(span: Jiffies) -> u64 {
    span.0.wrapping_mul(TICK_NANOS) / (1_000_000_000 / USER_HZ)
}

/// The span of so many of user space's hundredths of a second (clock_t_to_jiffies).
pub const fn clock_t_to_jiffies(clocks: u64) -> Jiffies {
    if clocks >= u64::MAX / HZ * USER_HZ {
        return Jiffies(u64::MAX);
    }
    Jiffies(clocks.wrapping_mul(HZ) / USER_HZ)
}

/// Which whole second [`round_jiffies`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// The one just gone, if it is less than a quarter of a second ago; else the next.
    Near,
    /// The next.
    Up,
}

/// Rounds a point in time to a whole second, a little apart for each CPU, so that timers which
/// may be late go off together (round_jiffies, and its _up forms).
///
/// Returns `when` itself where rounding would give a point that is not to come.
pub const fn round_jiffies(when: Jiffies, now: Jiffies, cpu: u32, rounding: Rounding) -> Jiffies {
    let skew = cpu as u64 * 3;
    let skewed = when.0.wrapping_add(skew);
    let rest = skewed % HZ;
    let down = skewed.wrapping_sub(rest);
    let to_earlier = rest < HZ / 4 && matches!(rounding, Rounding::Near);
    let rounded = if to_earlier { down } else { down.wrapping_add(HZ) };
    let rounded = Jiffies(rounded.wrapping_sub(skew));
    if rounded.is_after(now) { rounded } else { when }
}

/// Rounds a span that begins now so that its end is a whole second (round_jiffies_relative, and
/// its _up forms).
pub const fn round_jiffies_relative(
    span: Jiffies,
    now: Jiffies,
    cpu: u32,
    rounding: Rounding,
) -> Jiffies {
    let end = Jiffies(span.0.wrapping_add(now.0));
    Jiffies(round_jiffies(end, now, cpu, rounding).0.wrapping_sub(now.0))
}

/// The tick counter, in the memory that C reads as `jiffies`.
///
/// It only says what time it is, so nothing is ordered by it: all access is relaxed.
#[repr(transparent)]
#[derive(Debug)]
pub struct JiffiesClock {
    ticks: AtomicU64,
}

impl JiffiesClock {
    /// A counter at the start of time.
    pub const fn new() -> JiffiesClock {
        JiffiesClock { ticks: AtomicU64::new(INITIAL_JIFFIES.0) }
    }

    /// The jiffy that it is.
    #[inline]
    pub fn now(&self) -> Jiffies {
        Jiffies(self.ticks.load(Ordering::Relaxed))
    }

    /// Lets the counter go on to `now`; it never goes back, whoever calls last.
    ///
    /// The full 64 bits do not wrap in a machine's life, so a plain maximum will do.
    #[inline]
    pub fn advance(&self, now: Nanos) {
        let ticks = Jiffies::containing(now).0;
        if self.ticks.load(Ordering::Relaxed) < ticks {
            self.ticks.fetch_max(ticks, Ordering::Relaxed);
        }
    }

    /// When `jiffy` begins.
    pub const fn at(&self, jiffy: Jiffies) -> Nanos {
        jiffy.begins()
    }

    /// Where the counter lies, for the symbol `jiffies`.
    pub fn address(&self) -> usize {
        self.ticks.as_ptr() as usize
    }
}

impl Default for JiffiesClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_starts_five_minutes_before_its_low_half_wraps() {
        assert_eq!(INITIAL_JIFFIES, Jiffies(0xFFFE_DB08));
        let clock = JiffiesClock::new();
        clock.advance(Nanos(300 * Nanos::SECOND.0 - 1));
        assert_eq!(clock.now(), Jiffies(0xFFFF_FFFF));
        clock.advance(Nanos(300 * Nanos::SECOND.0));
        assert_eq!(clock.now(), Jiffies(0x1_0000_0000));
    }

    #[test]
    fn the_counter_never_goes_back() {
        let clock = JiffiesClock::new();
        clock.advance(Nanos(10 * TICK_NANOS));
        clock.advance(Nanos(3 * TICK_NANOS));
        assert_eq!(clock.now(), INITIAL_JIFFIES + Jiffies(10));
    }

    #[test]
    fn a_jiffy_begins_where_the_one_before_ends() {
        let clock = JiffiesClock::new();
        let seventh = INITIAL_JIFFIES + Jiffies(7);
        assert_eq!(clock.at(seventh), Nanos(28_000_000));
        assert_eq!(Jiffies::containing(Nanos(28_000_000)), seventh);
        assert_eq!(Jiffies::containing(Nanos(27_999_999)), INITIAL_JIFFIES + Jiffies(6));
        assert_eq!(clock.at(INITIAL_JIFFIES), Nanos::ZERO);
        assert_eq!(clock.at(INITIAL_JIFFIES - Jiffies(1)), Nanos::ZERO);
        assert_eq!(clock.at(INITIAL_JIFFIES + MAX_SCHEDULE_TIMEOUT), Nanos::NEVER);
    }

    #[test]
    fn comparisons_are_right_across_a_wrap() {
        let before = Jiffies(u64::MAX - 1);
        let after = before + Jiffies(5);
        assert!(after.0 < before.0);
        assert!(after.is_after(before) && before.is_before(after));
        assert!(after.is_at_or_after(after) && !after.is_after(after));
        assert!(before.is_at_or_before(after));
        assert!((before + Jiffies(2)).is_in_range(before, after));
        assert!(after.is_in_range(before, after) && !after.is_in_range_open(before, after));
    }

    #[test]
    fn milliseconds_round_up_and_negative_ones_are_for_ever() {
        assert_eq!(msecs_to_jiffies(0), Jiffies(0));
        assert_eq!(msecs_to_jiffies(1), Jiffies(1));
        assert_eq!(msecs_to_jiffies(4), Jiffies(1));
        assert_eq!(msecs_to_jiffies(5), Jiffies(2));
        assert_eq!(msecs_to_jiffies(i32::MAX as u32), Jiffies(536_870_912));
        assert_eq!(msecs_to_jiffies(-1i32 as u32), MAX_JIFFY_OFFSET);
        assert_eq!(MAX_JIFFY_OFFSET, Jiffies(0x3fff_ffff_ffff_fffe));
    }

    #[test]
    fn microseconds_round_up_and_are_limited_as_on_linux() {
        assert_eq!(usecs_to_jiffies(1), Jiffies(1));
        assert_eq!(usecs_to_jiffies(4_001), Jiffies(2));
        assert_eq!(usecs_to_jiffies(4_294_959_296), Jiffies(1_073_740));
        assert_eq!(usecs_to_jiffies(4_294_959_297), MAX_JIFFY_OFFSET);
    }

    #[test]
    fn spans_in_other_units_are_cut_to_32_bits() {
        assert_eq!(jiffies_to_msecs(Jiffies(250)), 1_000);
        assert_eq!(jiffies_to_usecs(Jiffies(3)), 12_000);
        assert_eq!(jiffies_to_nsecs(Jiffies(3)), 12_000_000);
        assert_eq!(jiffies_to_msecs(Jiffies(1 << 30)), 0);
        assert_eq!(jiffies_to_nsecs(Jiffies(1_073_742)), 704_000);
        assert_eq!(jiffies_to_clock_t(Jiffies(250)), 100);
        assert_eq!(clock_t_to_jiffies(100), Jiffies(250));
        assert_eq!(clock_t_to_jiffies(u64::MAX), Jiffies(u64::MAX));
        assert_eq!(nsecs_to_jiffies(7_999_999), Jiffies(1));
        assert_eq!(secs_to_jiffies(5), Jiffies(1_250));
    }

    #[test]
    fn rounding_goes_to_whole_seconds_that_are_to_come() {
        let near =
            |when, now, cpu| round_jiffies(Jiffies(when), Jiffies(now), cpu, Rounding::Near).0;
        assert_eq!(near(1_061, 900, 0), 1_000);
        assert_eq!(near(1_062, 900, 0), 1_250);
        assert_eq!(near(1_030, 1_010, 0), 1_030);
        assert_eq!(near(1_062, 900, 2), 1_244);
        let up = round_jiffies(Jiffies(1_001), Jiffies(900), 0, Rounding::Up);
        assert_eq!(up, Jiffies(1_250));
        let span = round_jiffies_relative(Jiffies(300), Jiffies(740), 0, Rounding::Near);
        assert_eq!(span, Jiffies(1_000 - 740));
    }
}
