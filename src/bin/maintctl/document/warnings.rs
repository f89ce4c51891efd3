//! Warnings about documents that are valid, but probably a mistake.

use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::Time;
use jiff::Zoned;

use crate::document::describe::window_text;
use crate::terminal::times;

const HOUR: i64 = 3_600_000;
/// The length of a window from which on it is unusual.
const LONG_WINDOW: i64 = 12 * HOUR;
/// The distance of an end from which on it is unusual.
const FAR: i64 = 366 * 24 * HOUR;

/// The warnings about `after` that do not apply to `before`.
pub fn of(before: &Document, after: &Document, now: &Zoned) -> Vec<String> {
    let known = all(before, now);
    all(after, now).into_iter().filter(|warning| !known.contains(warning)).collect()
}

fn all(document: &Document, now: &Zoned) -> Vec<String> {
    let mut warnings = Vec::new();
    if document.mode != Mode::Online {
        warnings.extend(late_eta("the site", document.eta, document.until, now));
        warnings.extend(far_end(document.until, now));
    }
    for window in &document.windows {
        let name = format!("window {}", window.id);
        warnings.extend(late_eta(&name, window.eta, window.until, now));
        warnings.extend(long(window));
    }
    warnings.extend(overlaps(&document.windows, now));
    warnings
}

/// Visitors expect the site later than it opens.
fn late_eta(name: &str, eta: Option<Time>, until: Option<Time>, now: &Zoned) -> Option<String> {
    let (eta, until) = (eta?, until?);
    (eta > until).then(|| {
        let (eta, until) = (times::short(eta, now), times::short(until, now));
        format!("visitors see --eta {eta}, but {name} opens earlier, at {until}")
    })
}

/// The site opens in more than a year.
fn far_end(until: Option<Time>, now: &Zoned) -> Option<String> {
    let until = until?;
    (until.0.saturating_sub(times::time(now).0) > FAR).then(|| {
        let end = times::short(until, now);
        format!("the site opens in more than a year, at {end}; is the end correct?")
    })
}

/// A window of more than twelve hours.
fn long(window: &Window) -> Option<String> {
    let length = window.until?.0.saturating_sub(window.from.0);
    (length > LONG_WINDOW).then(|| {
        let hours = length / HOUR;
        format!("window {} is {hours} hours long; are its date and its end correct?", window.id)
    })
}

/// The pairs of windows that overlap. The site is closed while any of them is active.
fn overlaps(windows: &[Window], now: &Zoned) -> Vec<String> {
    let is_before_end = |time: Time, window: &Window| window.until.is_none_or(|until| time < until);
    let mut pairs = Vec::new();
    for (index, first) in windows.iter().enumerate() {
        for second in windows.iter().skip(index + 1) {
            let is_planned = first.by.is_none() && second.by.is_none();
            if is_planned && is_before_end(first.from, second) && is_before_end(second.from, first) {
                let (first, second) = (window_text(first, now), window_text(second, now));
                pairs.push(format!("two windows overlap: {first} and {second}"));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests;
