//! Moments and durations as people write them: RFC 3339 times, and durations with units.

use std::fmt;

/// A moment, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// Reads an RFC 3339 `date-time` (section 5.6), with its offset.
    pub fn parse(text: &str) -> Option<Time> {
        let (date, time) = (text.get(..10)?, text.get(11..19)?);
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return None;
        }
        let [year, month, day] = numbers(date, b'-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, b':', [2, 2, 2])?;
        // A leap second counts as the one before it, as Unix time has none.
        if !(1..=12).contains(&month) || day < 1 || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_before(year, month, day);
        // A day that its month does not have is one of the next.
        if civil(days) != (year, month, day) {
            return None;
        }
        let (fraction, offset) = fraction(text.get(19..)?)?;
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second.min(59) - seconds_of_offset(offset)?;
        Some(Time(seconds * 1000 + fraction))
    }

    /// This moment and `seconds` more.
    pub fn plus_seconds(self, seconds: i64) -> Time {
        Time(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Seconds from `self` until `later`, rounded up, at least 0.
    pub fn seconds_until(self, later: Time) -> u64 {
        u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0).div_ceil(1000)
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC, with milliseconds only where there are any.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, of_day) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        if !(0..=9999).contains(&year) {
            return write!(formatter, "{} ms", self.0);
        }
        let (second, millisecond) = (of_day / 1000, of_day % 1000);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if millisecond != 0 {
            let digits = format!("{millisecond:03}");
            write!(formatter, ".{}", digits.trim_end_matches('0'))?;
        }
        formatter.write_str("Z")
    }
}

/// Milliseconds.
const DAY: i64 = 86_400_000;

/// Three numbers with `between` between them, of so many digits.
fn numbers(text: &str, between: u8, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(char::from(between)).zip(digits).map(|(part, digits)| number(part, digits));
    Some([parts.next()??, parts.next()??, parts.next()??])
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let all = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// The milliseconds of a fraction of a second at the front, if there is one, and what follows.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let (digits, offset) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
    let places = [100, 10, 1];
    let value = digits.bytes().zip(places).map(|(digit, place)| i64::from(digit - b'0') * place).sum();
    (1..=9).contains(&digits.len()).then_some((value, offset))
}

fn seconds_of_offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let seconds = (hours * 60 + minutes) * 60;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

/// Days from the epoch to a date, in eras of 400 years that begin in March: the leap day is then a year's last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year, month and day of a day from the epoch.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Reads a duration such as `900s`, `15m` or `2h30m` (units `ms`, `s`, `m`, `h`, `d`, each at most once, from large to
/// small) as milliseconds. A bare number is an error: nobody knows its unit.
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

/// Writes a number of seconds as people do: `45s`, `15m`, `2h30m`, `3d`.
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
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_and_nothing_else() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-21T02:00:00Z", Some(1_795_226_400_000)),
            ("2026-11-21T03:00:00+01:00", Some(1_795_226_400_000)),
            ("2026-11-21t02:00:00.250z", Some(1_795_226_400_250)),
            ("2026-11-21", None),
            ("2026-11-21 02:00:00Z", None),
            ("2026-11-21T02:00:00", None),
            ("2026-11-21T02:00:00+01", None),
            ("2026-11-21T02:00:00+01:00[Europe/Paris]", None),
            ("2026-13-21T02:00:00Z", None),
            ("2026-02-29T00:00:00Z", None),
            ("2028-02-29T00:00:00Z", Some(1_835_395_200_000)),
            ("2026-11-21T24:00:00Z", None),
            ("2026-11-21T02:00:00.Z", None),
            ("2026-11-21T02:00:00+25:00", None),
            ("2026-11-21T02:00:0éZ", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(Time::parse(text), expected.map(Time), "{text}");
        }
    }

    #[test]
    fn a_time_is_written_as_it_was_read() {
        for text in ["2026-11-21T02:00:00Z", "2026-11-21T02:00:00.25Z"] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for day in (-719_528..2_932_896).step_by(97) {
            let time = Time(day * DAY + 12_345_000);
            let known = jiff::Timestamp::from_millisecond(time.0).unwrap().to_string();
            assert_eq!(time.to_string(), known);
            assert_eq!(Time::parse(&known), Some(time));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_time_or_none(text in "\\PC*") {
            Time::parse(&text);
        }

        #[test]
        fn what_looks_like_a_time_is_read_as_others_do(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[+-][01][0-9]:[0-5][0-9])") {
            let known = text.parse::<jiff::Timestamp>().ok().map(|time| Time(time.as_nanosecond().div_euclid(1_000_000) as i64));
            proptest::prop_assert_eq!(Time::parse(&text), known);
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, expected) in [
            ("900s", Some(900_000)),
            ("15m", Some(900_000)),
            ("2h30m", Some(9_000_000)),
            ("1d", Some(86_400_000)),
            ("250ms", Some(250)),
            ("0s", Some(0)),
            ("900", None),
            ("", None),
            ("m", None),
            ("-5m", None),
            ("5m5m", None),
            ("5s2h", None),
            ("5 m", None),
            ("5w", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for (seconds, text) in [(0, "0s"), (45, "45s"), (900, "15m"), (9000, "2h30m"), (259_200, "3d")] {
            assert_eq!(format_duration(seconds), text);
        }
    }
}
