//! Documents as text for operators.

use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::Time;
use jiff::Zoned;

use crate::terminal::times;

/// The mode in capital letters.
pub fn label(mode: Mode) -> &'static str {
    match mode {
        Mode::Online => "ONLINE",
        Mode::ReadOnly => "READ_ONLY",
        Mode::Offline => "OFFLINE",
    }
}

/// The next window in the future.
fn next_window(document: &Document, now: Time) -> Option<&Window> {
    document.windows.iter().filter(|window| window.from > now).min_by_key(|window| window.from)
}

/// The next window in the future, such as `; next: OFFLINE from …`; empty if there is none.
pub fn next_window_text(document: &Document, now: &Zoned) -> String {
    let next = next_window(document, times::time(now));
    next.map(|window| format!("; next: {}", window_text(window, now))).unwrap_or_default()
}

/// A window, such as `OFFLINE from 02:00 until 04:00 (w1)`.
pub fn window_text(window: &Window, now: &Zoned) -> String {
    let until = match window.until {
        Some(until) => format!("until {}", times::short(until, now)),
        None => "until it is opened".to_owned(),
    };
    format!("{} from {} {until} ({})", label(window.mode), times::short(window.from, now), window.id)
}

/// The state of a site after a change, with the earlier values that differ.
pub fn changed_text(before: &Document, after: &Document, now: &Zoned) -> String {
    let at = times::time(now);
    let (old, new) = (before.at(at), after.at(at));
    let was_closed = old.mode() != Mode::Online;
    if new.mode() == Mode::Online {
        return format!("ONLINE{}", next_window_text(after, now));
    }
    let mut text = label(new.mode()).to_owned();
    if was_closed && old.mode() != new.mode() {
        text.push_str(&format!(" (was {})", label(old.mode())));
    }
    let mut part = |name: &str, old: Option<String>, new: Option<String>, also_unchanged: bool| {
        let changed = old != new && (was_closed || new.is_some());
        if !(changed || also_unchanged && new.is_some()) {
            return;
        }
        let none = || "none".to_owned();
        text.push_str(&format!(", {name} {}", new.unwrap_or_else(none)));
        if changed && was_closed {
            text.push_str(&format!(" (was {})", old.unwrap_or_else(none)));
        }
    };
    let short = |time: Option<Time>| time.map(|time| times::short(time, now));
    part("until", short(old.until()), short(new.until()), true);
    part("eta", short(old.eta()), short(new.eta()), false);
    let suspended = |document: &Document| (!document.suspend.is_empty()).then(|| document.suspend.join(", "));
    part("suspended", suspended(before), suspended(after), false);
    if was_closed {
        let quoted = |text: Option<&str>| text.map(|text| format!("{text:?}"));
        part("reason", quoted(old.reason()), quoted(new.reason()), false);
        part("note", quoted(before.note.as_deref()), quoted(after.note.as_deref()), false);
    }
    text
}

/// The state of a site, such as `OFFLINE, until 03:30`.
pub fn state_text(document: &Document, now: &Zoned) -> String {
    let state = document.at(times::time(now));
    let until = state.until().map(|until| format!(", until {}", times::short(until, now)));
    format!("{}{}", label(state.mode()), until.unwrap_or_default())
}

/// The state of a site that was not changed.
pub fn already_text(document: &Document, now: &Zoned) -> String {
    format!("already {}", state_text(document, now))
}

#[cfg(test)]
mod tests;
