//! Remarks on the document of a site: closures that were perhaps forgotten, and those that end or begin soon.

use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::{Time, format_duration};
use jiff::Zoned;

use super::remark::{Remark, Severity, Topic};
use crate::terminal::times;

/// The time after which a closure without an end was perhaps forgotten, in seconds.
const LONG: u64 = 12 * 3600;
/// The time before a change of the state in which it is announced, in seconds.
const SOON: u64 = 600;

/// All remarks on a document.
pub fn remarks(document: &Document, now: &Zoned) -> Vec<Remark> {
    let site = &document.site;
    let own = own_mode(document, now);
    let windows = document.windows.iter().filter_map(|window| of_window(site, window, now));
    own.into_iter().chain(windows).map(|remark| remark.about(site)).collect()
}

/// The remark on the mode of the document itself.
fn own_mode(document: &Document, now: &Zoned) -> Option<Remark> {
    let (at, site) = (times::time(now), &document.site);
    let is_active = document.mode != Mode::Online && document.until.is_none_or(|until| at < until);
    if !is_active {
        return None;
    }
    let since = document.since.unwrap_or(at);
    let by = document.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    match (document.until, document.eta) {
        (Some(until), _) if is_soon(at, until) => Some(note(
            format!("opens by itself at {}", times::short(until, now)),
            &format!("`maintctl update {site} --until TIME` moves the end"),
        )),
        (_, Some(eta)) if eta <= at => {
            let problem =
                format!("visitors were told to expect the site at {}, which has passed", times::short(eta, now));
            Some(warning(
                problem,
                format!(
                    "open it with `maintctl open {site}`, or announce a new time with `maintctl update {site} --eta TIME`"
                ),
            ))
        }
        (None, _) if is_long(since, at) => {
            let problem = format!("closed since {}{by}, without an end", times::short(since, now));
            Some(warning(
                problem,
                format!(
                    "open it with `maintctl open {site}`, or set an end with `maintctl update {site} --until TIME`"
                ),
            ))
        }
        _ => None,
    }
}

/// The remark on a window, or on a hold, which is a window with an owner.
fn of_window(site: &str, window: &Window, now: &Zoned) -> Option<Remark> {
    let (at, id) = (times::time(now), &window.id);
    let short = |time| times::short(time, now);
    let label = match &window.by {
        Some(by) => format!("the hold of {by} ({id})"),
        None => format!("window {id}"),
    };
    match window.until {
        Some(until) if until <= at && window.by.is_some() => {
            let problem = format!("the lease of {label} ended at {}, so its job was probably killed", short(until));
            Some(warning(problem, "check the job; the next change of the site removes the hold".to_owned()))
        }
        Some(until) if window.is_active(at) && window.by.is_none() && is_soon(at, until) => {
            Some(note(format!("{label} ends at {}", short(until)), ""))
        }
        None if window.is_active(at) && is_long(window.from, at) => {
            let problem = format!(
                "{label} has closed the site for {}, without an end",
                format_duration(window.from.seconds_until(at))
            );
            Some(warning(problem, format!("end it with `maintctl open {site}` if it was forgotten")))
        }
        _ if window.from > at && is_soon(at, window.from) => {
            Some(note(format!("{label} begins at {}", short(window.from)), ""))
        }
        _ => None,
    }
}

fn is_soon(now: Time, time: Time) -> bool {
    time > now && now.seconds_until(time) <= SOON
}

fn is_long(since: Time, now: Time) -> bool {
    since < now && since.seconds_until(now) > LONG
}

fn note(problem: String, remedy: &str) -> Remark {
    Remark::new(Topic::Closures, Severity::Note, problem, remedy)
}

fn warning(problem: String, remedy: String) -> Remark {
    Remark::new(Topic::Closures, Severity::Warning, problem, remedy)
}

#[cfg(test)]
mod tests;
