//! Times on the command line, in RFC 3339 or local time, and local times in answers.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use envoy_maintenance::time::{Time, parse_duration};
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan, Zoned};

use crate::exit::ExitError;

/// The current time in the operator's time zone.
pub fn now() -> Zoned {
    Zoned::now()
}

/// `now` in the form of documents.
pub fn time(now: &Zoned) -> Time {
    Time(now.timestamp().as_millisecond())
}

/// The moment after `timeout`, at which a wait ends.
pub fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400))
}

/// The last time that RFC 3339 can express: the end of the year 9999.
const LAST: Time = Time(253_402_300_799_999);

/// Reads a time in the future: RFC 3339, `YYYY-MM-DD HH:MM` in the time zone of `now`, or the next `HH:MM` there. Errors
/// start with `flag`.
pub fn future(flag: &str, text: &str, now: &Zoned) -> Result<Time> {
    future_after(flag, text, time(now), now)
}

/// Reads a time in the future, as [`future`] does, except that `HH:MM` is the next one after `start`.
pub fn future_after(flag: &str, text: &str, start: Time, now: &Zoned) -> Result<Time> {
    checked(flag, text, any(flag, text, start, now)?, now)
}

/// Reads a time, which may be in the past. `HH:MM` is the next one after `start`.
pub fn any(flag: &str, text: &str, start: Time, now: &Zoned) -> Result<Time> {
    match read(flag, text, start, now)? {
        Some(time) => Ok(time),
        None => bail!(ExitError::Usage(format!("{flag} \"{text}\": not a time; {}", advice(flag, text, "write ")))),
    }
}

/// Reads a duration, which counts from `start`, or a time as [`future_after`] does.
pub fn future_or_duration(flag: &str, text: &str, start: Time, now: &Zoned) -> Result<Time> {
    let duration = parse_duration(text).and_then(|milliseconds| i64::try_from(milliseconds).ok());
    if let Some(milliseconds) = duration {
        return checked(flag, text, Time(start.0.saturating_add(milliseconds)), now);
    }
    match read(flag, text, start, now)? {
        Some(time) => checked(flag, text, time, now),
        None => {
            let hint = unit_hint(text).unwrap_or_else(|| advice(flag, text, "write 20m, "));
            bail!(ExitError::Usage(format!("{flag} \"{text}\": neither a duration nor a time; {hint}")))
        }
    }
}

/// The advice for text that is not a time. `begin` begins the list of the forms of times.
fn advice(flag: &str, text: &str, begin: &str) -> String {
    let is_date = text.len() == "2026-11-21".len() && text.parse::<civil::Date>().is_ok();
    if is_date {
        return format!("a date needs a time of day, in the same quotes, such as \"{text} 03:30\"");
    }
    if flag == "--from" && text == "now" {
        return "to close a site now: maintctl close SITE".to_owned();
    }
    if flag == "--until" && parse_duration(text).is_some() {
        return format!("for a duration, write --for {text}");
    }
    format!("{begin}03:30, \"2026-11-21 03:30\" (local time) or 2026-11-21T03:30:00Z")
}

/// Reads a time, and prints the result if it was in local time.
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

/// The time `duration` after `start`.
pub fn after(start: Time, duration: Duration) -> Time {
    Time(start.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
}

/// Reads a time; `None` if the text has no known form. Fails if local time skips it, or has it twice.
fn read(flag: &str, text: &str, start: Time, now: &Zoned) -> Result<Option<Time>> {
    if let Some(time) = Time::parse(text) {
        return Ok(Some(time));
    }
    match local_date_time(text).map(|date_time| of_date_time(date_time, now.time_zone())) {
        Some(Ok(time)) => Ok(Some(time)),
        Some(Err(problem)) => bail!(ExitError::Usage(format!("{flag} \"{text}\": {problem}"))),
        None => Ok(local(start, now.time_zone()).and_then(|start| next(text, &start))),
    }
}

/// A date and a time of day without an offset.
fn local_date_time(text: &str) -> Option<civil::DateTime> {
    let forms = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    forms.iter().find_map(|form| civil::DateTime::strptime(form, text).ok())
}

/// The moment of a local date and time.
fn of_date_time(date_time: civil::DateTime, zone: &TimeZone) -> Result<Time, String> {
    let ambiguous = zone.to_ambiguous_zoned(date_time);
    let offset = ambiguous.offset();
    let readings = [ambiguous.clone().earlier(), ambiguous.later()];
    let [Ok(earlier), Ok(later)] = readings else { return Err("too far in the future".to_owned()) };
    let time = |zoned: &Zoned| Time(zoned.timestamp().as_millisecond());
    match offset {
        AmbiguousOffset::Unambiguous { .. } => Ok(time(&earlier)),
        AmbiguousOffset::Gap { .. } => Err(format!(
            "the clock skips this time; write {} or {}",
            earlier.strftime("\"%Y-%m-%d %H:%M\""),
            later.strftime("\"%Y-%m-%d %H:%M\"")
        )),
        AmbiguousOffset::Fold { .. } => Err(format!(
            "the clock shows this time twice; write {} or {}",
            earlier.strftime("%Y-%m-%dT%H:%M:%S%:z (%Z)"),
            later.strftime("%Y-%m-%dT%H:%M:%S%:z (%Z)")
        )),
    }
}

/// Fails if `time` is in the past, or too far in the future.
fn checked(flag: &str, text: &str, time: Time, now: &Zoned) -> Result<Time> {
    if time <= self::time(now) {
        bail!(ExitError::Usage(format!("{flag} \"{text}\": {} is in the past", full(time, now.time_zone()))));
    }
    within_range(flag, time)
}

/// Fails if `time` is too far in the future for a document.
pub fn within_range(flag: &str, time: Time) -> Result<Time> {
    if time > LAST {
        bail!(ExitError::Usage(format!("{flag}: too far in the future; the last year is 9999")));
    }
    Ok(time)
}

/// The suggestion for a number without a unit.
pub fn unit_hint(text: &str) -> Option<String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("did you mean {text}s or {text}m?"))
}

/// The meaning of a local time; `None` for times with an offset.
pub fn echo(flag: &str, text: &str, time: Time, now: &Zoned) -> Option<String> {
    Time::parse(text).is_none().then(|| format!("{flag} {text} is {}", full(time, now.time_zone())))
}

/// The next `HH:MM` after `now`. If a clock change skips it, the time at which the clock continues. If a clock change
/// repeats it, the first one that is in the future; a repeated midnight belongs to the day before.
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

/// A time with its zone and in UTC, such as `2026-11-21 03:30 CET (02:30 UTC)`.
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

/// A short local time, such as `03:30`; with the date unless it is today or within twelve hours.
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

/// The time zone of `now`, such as `Europe/Berlin (CET, UTC+01:00)` or `UTC`.
pub fn zone_name(now: &Zoned) -> String {
    let (short, offset) = (now.strftime("%Z").to_string(), now.strftime("UTC%:z").to_string());
    match now.time_zone().iana_name() {
        _ if now.offset().seconds() == 0 && matches!(short.as_str(), "UTC" | "Etc/UTC") => "UTC".to_owned(),
        Some(name) => format!("{name} ({short}, {offset})"),
        None => format!("{short} ({offset})"),
    }
}

#[cfg(test)]
mod tests;
