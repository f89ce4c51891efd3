//! Moments and durations as people write them: RFC 3339 times, and durations with units.

use std::fmt;

/// A moment, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// Reads an RFC 3339 `date-time` (section 5.6), with its offset.
    pub fn parse(text: &str) -> Option<Time> {
        // The library reads more than RFC 3339: dates without a time, spaces, time zones in brackets.
        let shape =
            text.len() >= 20 && matches!(text.as_bytes().get(10), Some(b'T' | b't')) && !text.contains(['[', ',', ' ']);
        let minutes = match text.as_bytes().last() {
            Some(b'Z' | b'z') => true,
            _ => text
                .get(text.len().wrapping_sub(6)..)
                .is_some_and(|offset| offset.starts_with(['+', '-']) && offset.as_bytes().get(3) == Some(&b':')),
        };
        if !(shape && minutes) {
            return None;
        }
        text.parse::<jiff::Timestamp>().ok().map(|time| Time(time.as_millisecond()))
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
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => time.fmt(formatter),
            Err(_) => write!(formatter, "{} ms", self.0),
        }
    }
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
