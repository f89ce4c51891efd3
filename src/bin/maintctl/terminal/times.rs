//! Times as operators type and read them: RFC 3339 or `HH:MM` in, local times out.

use anyhow::{Result, bail};
use envoy_maintenance::time::{Time, parse_duration};
use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use std::time::Duration;

use crate::exit::ExitError;

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
        bail!(ExitError::Usage(format!("{flag} \"{text}\": {problem}")));
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
        bail!(ExitError::Usage(format!("{flag} \"{text}\": neither a duration nor a time; {hint}")));
    };
    checked(flag, text, time, now)
}

/// Reads a time, and echoes what `HH:MM` was taken for.
pub fn read_echoed(
    flag: &str,
    text: &str,
    now: &Zoned,
    reader: impl Fn(&str, &str, &Zoned) -> Result<Time>,
) -> Result<Time> {
    let time = reader(flag, text, now)?;
    if text.contains(':')
        && let Some(echo) = echo(flag, text, time, now)
    {
        aside!("{echo}");
    }
    Ok(time)
}

/// `start` and `lasting` more.
pub fn after(start: Time, lasting: Duration) -> Time {
    Time(start.0.saturating_add(i64::try_from(lasting.as_millis()).unwrap_or(i64::MAX)))
}

fn read(text: &str, start: Time, now: &Zoned) -> Option<Time> {
    Time::parse(text).or_else(|| next(text, &local(start, now.time_zone())?))
}

/// `time`, which must lie ahead and within reach.
fn checked(flag: &str, text: &str, time: Time, now: &Zoned) -> Result<Time> {
    if time <= self::time(now) {
        bail!(ExitError::Usage(format!("{flag} \"{text}\": {} lies in the past", full(time, now.time_zone()))));
    }
    within_reach(flag, time)
}

/// `time`, which no document can hold if it lies too far ahead.
pub fn within_reach(flag: &str, time: Time) -> Result<Time> {
    match time <= LAST {
        true => Ok(time),
        false => bail!(ExitError::Usage(format!("{flag}: too far ahead; the last year is 9999"))),
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
mod tests;
