//! Lengths of time as `sleep` takes them: `2`, `0.5`, `1m`, `500ms`.

use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// The suffixes and their length in nanoseconds; longer ones first. `s`, `m`, `h` and `d` are
/// those of sleep(1), the short ones are ours.
const UNITS: &[(&str, u128)] = &[
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("s", NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("d", 86_400 * NANOS_PER_SECOND),
];

/// Says that a text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// The text is not a number with a known suffix.
    Invalid(String),
    /// No length was given.
    Missing,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DurationError::Invalid(text) => write!(
                f,
                "invalid time interval '{text}': write a number of seconds, as 2 or 0.5, or a \
                 number with a suffix of ms, s, m, h or d"
            ),
            DurationError::Missing => {
                f.write_str("missing time interval: write a number of seconds, as 2 or 0.5")
            }
        }
    }
}

impl core::error::Error for DurationError {}

/// Adds up the arguments of `sleep`, as sleep(1) of GNU does.
pub fn parse_sleep<S: AsRef<str>>(arguments: &[S]) -> Result<Duration, DurationError> {
    if arguments.is_empty() {
        return Err(DurationError::Missing);
    }
    arguments
        .iter()
        .try_fold(Duration::ZERO, |sum, text| Ok(sum.saturating_add(parse(text.as_ref())?)))
}

/// Parses a length of time.
///
/// A fraction of a nanosecond is rounded up: a sleep is never shorter than asked for. `infinity`
/// and what is longer than [`Duration::MAX`] is [`Duration::MAX`].
///
/// ```
/// use core::time::Duration;
/// use kthreads_shell::duration::parse;
///
/// assert_eq!(parse("0.5"), Ok(Duration::from_millis(500)));
/// assert_eq!(parse("1.5m"), Ok(Duration::from_secs(90)));
/// assert!(parse("soon").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let invalid = || DurationError::Invalid(text.to_string());
    if text == "infinity" || text == "inf" {
        return Ok(Duration::MAX);
    }
    let (number, unit) = split_unit(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(invalid());
    }
    let nanos = whole_part(whole, unit).saturating_add(fraction_part(fraction, unit));
    Ok(from_nanos(nanos))
}

fn split_unit(text: &str) -> (&str, u128) {
    let with_suffix = |(suffix, unit): &(&str, u128)| Some((text.strip_suffix(suffix)?, *unit));
    UNITS.iter().find_map(with_suffix).unwrap_or((text, NANOS_PER_SECOND))
}

fn whole_part(digits: &str, unit: u128) -> u128 {
    let value = digits.bytes().fold(0_u128, |value, digit| {
        value.saturating_mul(10).saturating_add(u128::from(digit - b'0'))
    });
    value.saturating_mul(unit)
}

/// Returns `0.digits` units, rounded up to a nanosecond.
fn fraction_part(digits: &str, unit: u128) -> u128 {
    // More digits than this are below a nanosecond for every unit: only whether they are all zero
    // matters.
    const KEPT: usize = 18;
    let (kept, rest) = digits.split_at(digits.len().min(KEPT));
    let scale = 10_u128.pow(kept.len() as u32);
    let scaled = whole_part(kept, unit);
    let remainder = !scaled.is_multiple_of(scale) || rest.bytes().any(|digit| digit != b'0');
    scaled / scale + u128::from(remainder)
}

fn from_nanos(nanos: u128) -> Duration {
    let Ok(seconds) = u64::try_from(nanos / NANOS_PER_SECOND) else { return Duration::MAX };
    Duration::new(seconds, (nanos % NANOS_PER_SECOND) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_suffixes() {
        let cases = [
            ("0", Duration::ZERO),
            ("2", Duration::from_secs(2)),
            ("2s", Duration::from_secs(2)),
            ("0.5", Duration::from_millis(500)),
            (".5", Duration::from_millis(500)),
            ("5.", Duration::from_secs(5)),
            ("007", Duration::from_secs(7)),
            ("1m", Duration::from_secs(60)),
            ("0.5m", Duration::from_secs(30)),
            ("1h", Duration::from_secs(3_600)),
            ("1.5d", Duration::from_secs(129_600)),
            ("500ms", Duration::from_millis(500)),
            ("2.5ms", Duration::from_micros(2_500)),
            ("3us", Duration::from_micros(3)),
            ("0.000000001", Duration::from_nanos(1)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn fractions_below_a_nanosecond_round_up() {
        assert_eq!(parse("0.0000000001"), Ok(Duration::from_nanos(1)));
        assert_eq!(parse("1.0000000000000000000000000001"), Ok(Duration::new(1, 1)));
        assert_eq!(parse("1.0000000000000000000000000000"), Ok(Duration::from_secs(1)));
        assert_eq!(parse("0.333333333333d"), Ok(Duration::new(28_799, 999_999_972)));
    }

    #[test]
    fn too_long_is_the_longest() {
        assert_eq!(parse("infinity"), Ok(Duration::MAX));
        assert_eq!(parse("99999999999999999999999999999999999999999d"), Ok(Duration::MAX));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", ".", "s", "-1", "+1", "1 ", "1x", "1sm", "1.2.3", "0x10", "1e3", "ms", "٣"]
        {
            assert_eq!(parse(text), Err(DurationError::Invalid(text.into())), "{text}");
        }
    }

    #[test]
    fn sleep_adds_its_arguments() {
        assert_eq!(parse_sleep(&["1m", "30"]), Ok(Duration::from_secs(90)));
        assert_eq!(parse_sleep(&["1", "infinity"]), Ok(Duration::MAX));
        assert_eq!(parse_sleep::<&str>(&[]), Err(DurationError::Missing));
        assert!(parse_sleep(&["1", "x"]).is_err());
    }
}
