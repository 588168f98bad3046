//! `%ptT` and `%ptR`: a date and time, from seconds since 1970 or from a `struct rtc_time`.

use super::pointer::{complaint, fetch};
use super::spec::Spec;
use super::writer::{Writer, print};
use super::{Env, Output};

const DAY_SECONDS: i64 = 86_400;

/// A date as `struct rtc_time` holds it: months from 0, years from 1900.
#[derive(Clone, Copy)]
struct Date {
    second: i32,
    minute: i32,
    hour: i32,
    day: i32,
    month: i32,
    year: i32,
}

/// Writes the date at `addr`; `d` or `t` gives one half, `r` the raw fields, `s` a space instead of `T`.
pub(super) fn date(writer: &mut Writer<'_>, spec: &Spec, addr: u64, letters: &[u8], env: &dyn Env) {
    let date = match letters.get(1) {
        Some(b'R') => fetch::<36>(writer, spec, addr, env).map(from_rtc),
        Some(b'T') => fetch::<8>(writer, spec, addr, env)
            .map(|object| from_seconds(i64::from_le_bytes(object))),
        _ => {
            if fetch::<1>(writer, spec, addr, env).is_some() {
                complaint(writer, spec, "(%pt?)");
            }
            return;
        }
    };
    if let Some(date) = date {
        put_date(writer, date, &letters[2..]);
    }
}

fn put_date(out: &mut dyn Output, mut date: Date, letters: &[u8]) {
    let (half, rest) = match letters.first() {
        Some(half @ (b'd' | b't')) => (*half, &letters[1..]),
        _ => (0, letters),
    };
    // Of the two flags each counts once, and another letter ends them.
    let flags = rest.iter().take_while(|letter| matches!(letter, b'r' | b's'));
    let (mut raw, mut separator) = (false, "T");
    for flag in flags {
        match flag {
            b'r' => raw = true,
            _ => separator = " ",
        }
    }
    if !raw {
        date.year = date.year.wrapping_add(1900);
        date.month = date.month.wrapping_add(1);
    }
    let Date { second, minute, hour, day, month, year } = date;
    if half != b't' {
        print(out, format_args!("{year:04}-{month:02}-{day:02}"));
    }
    if half == 0 {
        out.put(separator.as_bytes());
    }
    if half != b'd' {
        print(out, format_args!("{hour:02}:{minute:02}:{second:02}"));
    }
}

fn from_rtc(object: [u8; 36]) -> Date {
    let field = |index: usize| {
        let bytes: [u8; 4] = core::array::from_fn(|byte| object[4 * index + byte]);
        i32::from_le_bytes(bytes)
    };
    Date {
        second: field(0),
        minute: field(1),
        hour: field(2),
        day: field(3),
        month: field(4),
        year: field(5),
    }
}

/// Turns seconds since 1970 into a date of the Gregorian calendar, counted in years that begin in March,
/// so that the leap day is the last one of its year.
fn from_seconds(seconds: i64) -> Date {
    const ERA_DAYS: i64 = 146_097;
    // From 1 March of year 0 to 1 January 1970.
    const EPOCH_DAYS: i64 = 719_468;
    let of_day = seconds.rem_euclid(DAY_SECONDS) as i32;
    let days = seconds.div_euclid(DAY_SECONDS) + EPOCH_DAYS;
    let era = days.div_euclid(ERA_DAYS);
    let day = days.rem_euclid(ERA_DAYS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = (march_month + 2) % 12;
    let january_year = era * 400 + year + i64::from(month < 2);
    Date {
        second: of_day % 60,
        minute: of_day / 60 % 60,
        hour: of_day / 3_600,
        day: (day_of_year - (153 * march_month + 2) / 5 + 1) as i32,
        month: month as i32,
        year: (january_year - 1900) as i32,
    }
}
