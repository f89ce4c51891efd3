//! Times as operators type and read them: RFC 3339 or `HH:MM` in, local times out.

use anyhow::{Result, bail};
use envoy_maintenance::time::{Time, parse_duration};
use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use crate::exit::End;

/// Now, in the operator's time zone.
pub fn now() -> Zoned {
    Zoned::now()
}

/// `now` as documents have it.
pub fn time(now: &Zoned) -> Time {
    Time(now.timestamp().as_millisecond())
}

/// The last moment that RFC 3339 can tell: the end of the year 9999.
const LAST: Time = Time(253_402_300_799_999);

/// Reads a time that lies ahead: RFC 3339, or `HH:MM`, the next one where `now` is. `flag` is named in errors.
pub fn ahead(flag: &str, text: &str, now: &Zoned) -> Result<Time> {
    ahead_after(flag, text, time(now), now)
}

/// Reads a time that lies ahead: RFC 3339, or `HH:MM`, the next one after `start`.
pub fn ahead_after(flag: &str, text: &str, start: Time, now: &Zoned) -> Result<Time> {
    let Some(time) = read(text, start, now) else {
        let problem = "not a time; write HH:MM or RFC 3339, such as 2026-11-21T03:30:00Z";
        bail!(End::Usage(format!("{flag} \"{text}\": {problem}")));
    };
    checked(flag, text, time, now)
}

/// Reads a duration from `start`, or a time that lies ahead, as `ahead_after` does.
pub fn ahead_or_after(flag: &str, text: &str, start: Time, now: &Zoned) -> Result<Time> {
    let duration = parse_duration(text).and_then(|milliseconds| i64::try_from(milliseconds).ok());
    let after = duration.map(|milliseconds| Time(start.0.saturating_add(milliseconds)));
    let Some(time) = after.or_else(|| read(text, start, now)) else {
        let hint = unit_hint(text);
        let hint = hint.unwrap_or_else(|| "write 20m, HH:MM or RFC 3339, such as 2026-11-21T03:30:00Z".to_owned());
        bail!(End::Usage(format!("{flag} \"{text}\": neither a duration nor a time; {hint}")));
    };
    checked(flag, text, time, now)
}

fn read(text: &str, start: Time, now: &Zoned) -> Option<Time> {
    Time::parse(text).or_else(|| next(text, &local(start, now.time_zone())?))
}

/// `time`, which must lie ahead and within reach.
fn checked(flag: &str, text: &str, time: Time, now: &Zoned) -> Result<Time> {
    if time <= self::time(now) {
        bail!(End::Usage(format!("{flag} \"{text}\": {} lies in the past", full(time, now.time_zone()))));
    }
    within_reach(flag, time)
}

/// `time`, which no document can hold if it lies too far ahead.
pub fn within_reach(flag: &str, time: Time) -> Result<Time> {
    match time <= LAST {
        true => Ok(time),
        false => bail!(End::Usage(format!("{flag}: too far ahead; the last year is 9999"))),
    }
}

/// What a bare number may have been meant to be.
pub fn unit_hint(text: &str) -> Option<String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("did you mean {text}s or {text}m?"))
}

/// What `HH:MM` was taken for, to be echoed; nothing for times that say it themselves.
pub fn echo(flag: &str, text: &str, time: Time, now: &Zoned) -> Option<String> {
    Time::parse(text).is_none().then(|| format!("{flag} {text} is {}", full(time, now.time_zone())))
}

/// The next `HH:MM`. A clock change may leave it out: then the moment at which the clock has passed it. It may also show it
/// twice, even on the day before, where midnight is what is repeated.
fn next(text: &str, now: &Zoned) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !(two_digits(minutes) && (two_digits(hours) || two_digits(&format!("0{hours}")))) {
        return None;
    }
    let clock = civil::Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()?;
    let days = (-1..=1).filter_map(|days| now.date().checked_add(days.days()).ok());
    let times = days.map(|day| now.time_zone().to_ambiguous_zoned(day.to_datetime(clock)));
    let mut readings = times.flat_map(|time| [time.clone().compatible(), time.later()]).filter_map(Result::ok);
    let next = readings.find(|reading| reading > now)?;
    Some(Time(next.timestamp().as_millisecond()))
}

fn local(time: Time, zone: &TimeZone) -> Option<Zoned> {
    Timestamp::from_millisecond(time.0).ok().map(|timestamp| timestamp.to_zoned(zone.clone()))
}

/// A time with its zone and in UTC: `2026-11-21 03:30 CET (02:30 UTC)`.
pub fn full(time: Time, zone: &TimeZone) -> String {
    let (Some(here), Some(utc)) = (local(time, zone), local(time, &TimeZone::UTC)) else {
        return time.to_string();
    };
    let clock = if here.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    if here.offset() == utc.offset() {
        return here.strftime(&format!("%Y-%m-%d {clock} UTC")).to_string();
    }
    let utc_form = if here.date() == utc.date() { clock.to_owned() } else { format!("%Y-%m-%d {clock}") };
    format!("{} ({} UTC)", here.strftime(&format!("%Y-%m-%d {clock} %Z")), utc.strftime(&utc_form))
}

/// A time in short, local: `03:30`, with the day where it is neither within the day nor within twelve hours.
pub fn short(time: Time, now: &Zoned) -> String {
    let Some(here) = local(time, now.time_zone()) else {
        return time.to_string();
    };
    let clock = if here.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    let away = time.0.abs_diff(self::time(now).0);
    if here.date() == now.date() || away < 12 * 3_600_000 {
        here.strftime(clock).to_string()
    } else {
        here.strftime(&format!("%Y-%m-%d {clock}")).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_time_is_the_next_one_where_the_operator_is() {
        for (now, text, expected) in [
            ("2026-11-21T02:00:00+01:00[Europe/Berlin]", "03:30", "2026-11-21T02:30:00Z"),
            ("2026-11-21T02:00:00+01:00[Europe/Berlin]", "02:00", "2026-11-22T01:00:00Z"),
            ("2026-11-21T02:00:00+01:00[Europe/Berlin]", "1:15", "2026-11-22T00:15:00Z"),
            ("2026-11-21T23:59:59+01:00[Europe/Berlin]", "00:00", "2026-11-21T23:00:00Z"),
            // The clock goes from 02:00 to 03:00.
            ("2026-03-29T01:00:00+01:00[Europe/Berlin]", "02:30", "2026-03-29T01:30:00Z"),
            // The clock goes from 03:00 to 02:00, and shows 02:30 twice: the first.
            ("2026-10-25T01:00:00+02:00[Europe/Berlin]", "02:30", "2026-10-25T00:30:00Z"),
            // Between the two of them the second, and then the next day's.
            ("2026-10-25T02:45:00+02:00[Europe/Berlin]", "02:30", "2026-10-25T01:30:00Z"),
            ("2026-10-25T02:45:00+01:00[Europe/Berlin]", "02:30", "2026-10-26T01:30:00Z"),
            // The clock goes from 00:01 to 23:01 of the day before.
            ("2006-10-29T00:00:30-02:30[America/St_Johns]", "23:30", "2006-10-29T03:00:00Z"),
            ("2026-11-21T02:00:00Z[UTC]", "2026-11-21T04:00:00+01:00", "2026-11-21T03:00:00Z"),
        ] {
            assert_eq!(ahead("--until", text, &at(now)).unwrap().to_string(), expected, "{now} {text}");
        }
    }

    #[test]
    fn a_clock_time_may_be_asked_for_after_another_time() {
        let (now, start) = (at("2026-11-21T02:00:00+01:00[Europe/Berlin]"), "2026-11-25T02:00:00Z");
        let start = Time::parse(start).unwrap();
        for (text, expected) in [
            ("03:30", "2026-11-25T02:30:00Z"),
            ("03:00", "2026-11-26T02:00:00Z"),
            ("02:30", "2026-11-26T01:30:00Z"),
            ("2026-11-24T00:00:00Z", "2026-11-24T00:00:00Z"),
        ] {
            assert_eq!(ahead_after("--until", text, start, &now).unwrap().to_string(), expected, "{text}");
            assert_eq!(ahead_or_after("--eta", text, start, &now).unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(ahead_or_after("--eta", "20m", start, &now).unwrap().to_string(), "2026-11-25T02:20:00Z");
    }

    #[test]
    fn what_is_neither_a_duration_nor_a_time_ahead_is_refused() {
        let now = at("2026-11-21T02:00:00Z[UTC]");
        for (text, message) in [
            ("5", "--eta \"5\": neither a duration nor a time; did you mean 5s or 5m?"),
            (
                "soon",
                "--eta \"soon\": neither a duration nor a time; write 20m, HH:MM or RFC 3339, such as 2026-11-21T03:30:00Z",
            ),
            ("0s", "--eta \"0s\": 2026-11-21 02:00 UTC lies in the past"),
            ("2026-11-21T01:00:00Z", "--eta \"2026-11-21T01:00:00Z\": 2026-11-21 01:00 UTC lies in the past"),
            ("9999999999h", "--eta: too far ahead; the last year is 9999"),
            ("9999-12-31T23:00:00-01:00", "--eta: too far ahead; the last year is 9999"),
        ] {
            let error = ahead_or_after("--eta", text, time(&now), &now).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(matches!(error.downcast_ref(), Some(End::Usage(_))), "{text}");
        }
        let last = "9999-12-31T23:59:59.999Z";
        assert_eq!(ahead_or_after("--eta", last, time(&now), &now).unwrap().to_string(), last);
    }

    #[test]
    fn a_zone_without_a_name_repeats_its_hour_too() {
        let zone = TimeZone::posix("AAA0BBB,J1/0,J325/04:34:00").unwrap();
        let now = "2026-11-21T03:14:00Z".parse::<Timestamp>().unwrap().to_zoned(zone);
        assert_eq!(now.strftime("%H:%M %Z").to_string(), "04:14 BBB");
        assert_eq!(ahead("--until", "03:54", &now).unwrap().to_string(), "2026-11-21T03:54:00Z");
    }

    #[test]
    fn what_is_no_time_ahead_is_refused() {
        let now = at("2026-11-21T02:00:00+01:00[Europe/Berlin]");
        for (text, message) in [
            ("soon", "--until \"soon\": not a time; write HH:MM or RFC 3339, such as 2026-11-21T03:30:00Z"),
            ("24:00", "--until \"24:00\": not a time; write HH:MM or RFC 3339, such as 2026-11-21T03:30:00Z"),
            ("+1:30", "--until \"+1:30\": not a time; write HH:MM or RFC 3339, such as 2026-11-21T03:30:00Z"),
            ("2026-11-21", "--until \"2026-11-21\": not a time; write HH:MM or RFC 3339, such as 2026-11-21T03:30:00Z"),
            (
                "2026-11-20T00:30:00Z",
                "--until \"2026-11-20T00:30:00Z\": 2026-11-20 01:30 CET (00:30 UTC) lies in the past",
            ),
        ] {
            let error = ahead("--until", text, &now).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(matches!(error.downcast_ref(), Some(End::Usage(_))), "{text}");
        }
    }

    #[test]
    fn a_clock_time_is_echoed_with_its_zone_and_in_utc() {
        let now = at("2026-11-21T00:10:00+01:00[Europe/Berlin]");
        for (text, expected) in [
            ("03:30", Some("--until 03:30 is 2026-11-21 03:30 CET (02:30 UTC)")),
            ("00:30", Some("--until 00:30 is 2026-11-21 00:30 CET (2026-11-20 23:30 UTC)")),
            ("2026-11-21T03:30:00Z", None),
        ] {
            let time = ahead("--until", text, &now).unwrap();
            assert_eq!(echo("--until", text, time, &now).as_deref(), expected);
        }
    }

    #[test]
    fn a_time_is_short_where_it_can_be() {
        let now = at("2026-11-21T22:00:00+01:00[Europe/Berlin]");
        for (time, expected) in [
            ("2026-11-21T22:30:00Z", "23:30"),
            ("2026-11-21T01:30:00Z", "02:30"),
            ("2026-11-22T02:30:00Z", "03:30"),
            ("2026-11-22T02:30:05Z", "03:30:05"),
            ("2026-11-22T12:00:00Z", "2026-11-22 13:00"),
        ] {
            assert_eq!(short(Time::parse(time).unwrap(), &now), expected);
        }
    }
}
