//! Times in RFC 3339 format, and durations with units.
//!
//! This is no library, because `jiff`, which `maintctl` uses, would be a tenth of the module. A test compares both.

use std::fmt;

/// A time, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// Parses a `date-time` with its offset (RFC 3339 section 5.6). Fractions are cut to milliseconds; a leap second counts
    /// as the second before it.
    pub fn parse(text: &str) -> Option<Time> {
        let mut rest = text.as_bytes();
        let year = number(&mut rest, 4)?;
        let month = mark(&mut rest, b"-").and_then(|()| number(&mut rest, 2))?;
        let day = mark(&mut rest, b"-").and_then(|()| number(&mut rest, 2))?;
        let hour = mark(&mut rest, b"Tt").and_then(|()| number(&mut rest, 2))?;
        let minute = mark(&mut rest, b":").and_then(|()| number(&mut rest, 2))?;
        let second = mark(&mut rest, b":").and_then(|()| number(&mut rest, 2))?;
        let millisecond = if mark(&mut rest, b".").is_some() { fraction(&mut rest)? } else { 0 };
        let offset = if mark(&mut rest, b"Zz").is_some() {
            0
        } else {
            let sign = if mark(&mut rest, b"+").is_some() { 1 } else { mark(&mut rest, b"-").map(|()| -1)? };
            let hours = number(&mut rest, 2).filter(|hours| *hours < 24)?;
            let minutes = mark(&mut rest, b":").and_then(|()| number(&mut rest, 2)).filter(|minutes| *minutes < 60)?;
            sign * (hours * 60 + minutes)
        };
        let is_time = hour < 24 && minute < 60 && second <= 60;
        let is_date = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        if !(rest.is_empty() && is_time && is_date) {
            return None;
        }
        let minutes = (days_before(year, month, day) * 24 + hour) * 60 + minute - offset;
        Some(Time((minutes * 60 + second.min(59)) * 1000 + millisecond))
    }

    /// The seconds from `self` to `later`, rounded up, at least 0.
    pub fn seconds_until(self, later: Time) -> u64 {
        u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0).div_ceil(1000)
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC, with a fraction only if it is not zero.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, time) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = date_after(days);
        let (hour, minute, second) = (time / 3_600_000, time / 60_000 % 60, time / 1000 % 60);
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match time % 1000 {
            0 => {}
            milliseconds => {
                let digits = format!("{milliseconds:03}");
                write!(formatter, ".{}", digits.trim_end_matches('0'))?;
            }
        }
        formatter.write_str("Z")
    }
}

/// Consumes one of `bytes`.
fn mark(rest: &mut &[u8], bytes: &[u8]) -> Option<()> {
    let (first, tail) = rest.split_first()?;
    bytes.contains(first).then(|| *rest = tail)
}

/// Consumes a number of exactly `digits` digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (taken, tail) = rest.split_at_checked(digits)?;
    *rest = tail;
    taken.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

/// Consumes the fraction of a second. Returns milliseconds.
fn fraction(rest: &mut &[u8]) -> Option<i64> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (taken, tail) = rest.split_at_checked(digits).filter(|_| digits > 0)?;
    *rest = tail;
    let digit = |index: usize| taken.get(index).map_or(0, |byte| i64::from(byte - b'0'));
    Some(digit(0) * 100 + digit(1) * 10 + digit(2))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that the leap day is the
/// last of its year (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// The date `days` after 1970-01-01 (`civil_from_days` of the same source).
fn date_after(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// Parses a duration such as `900s`, `15m` or `2h30m` into milliseconds. The units are `d`, `h`, `m`, `s` and `ms`, each at
/// most once and in this order. A number without a unit is an error.
pub fn parse_duration(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = text;
    let mut units = UNITS.as_slice();
    let mut total = 0u64;
    while !rest.is_empty() || total == 0 && units.len() == UNITS.len() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit_length = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, after) = tail.split_at_checked(unit_length)?;
        let position = units.iter().position(|(name, _)| *name == unit)?;
        let (_, milliseconds) = units.get(position)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*milliseconds)?)?;
        units = units.get(position + 1..)?;
        rest = after;
    }
    (total <= i64::MAX as u64 / 4).then_some(total)
}

/// Formats a number of seconds as a duration: `45s`, `15m`, `2h30m`, `3d`.
pub fn format_duration(seconds: u64) -> String {
    let mut text = String::new();
    let mut rest = seconds;
    for (unit, size) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests;
