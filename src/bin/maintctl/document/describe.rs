//! Documents as text for operators.

use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::Time;
use jiff::Zoned;

use crate::document::hold;
use crate::terminal::times;

/// The mode in capital letters.
pub fn label(mode: Mode) -> &'static str {
    match mode {
        Mode::Online => "ONLINE",
        Mode::ReadOnly => "READ_ONLY",
        Mode::Offline => "OFFLINE",
    }
}

/// The next scheduled window in the future.
fn next_window(document: &Document, now: Time) -> Option<&Window> {
    let scheduled = document.windows.iter().filter(|window| window.by.is_none());
    scheduled.filter(|window| window.from > now).min_by_key(|window| window.from)
}

/// The next window in the future, such as `; next: OFFLINE from …`; empty if there is none.
pub fn next_window_text(document: &Document, now: &Zoned) -> String {
    let next = next_window(document, times::time(now));
    next.map(|window| format!("; next: {}", window_text(window, now))).unwrap_or_default()
}

/// A window, such as `OFFLINE from 02:00 until 04:00 (w1)`, or a hold.
pub fn window_text(window: &Window, now: &Zoned) -> String {
    let label = label(window.mode);
    if window.by.is_some() {
        return format!("{label} {}", hold_text(window, now));
    }
    let until = match window.until {
        Some(until) => format!("until {}", times::short(until, now)),
        None => "until it is opened".to_owned(),
    };
    format!("{label} from {} {until} ({})", times::short(window.from, now), window.id)
}

/// A hold, such as `held by ci@runner since 02:00, until 02:05 (h0a1b2c3d)`.
pub fn hold_text(hold: &Window, now: &Zoned) -> String {
    let by = hold.by.as_deref().unwrap_or_default();
    let until = hold.until.map(|until| format!(", until {}", times::short(until, now))).unwrap_or_default();
    format!("held by {by} since {}{until} ({})", times::short(hold.from, now), hold.id)
}

/// The holds that have not ended, such as `held by … and held by …`; empty if there are none.
pub fn holds_text(document: &Document, now: &Zoned) -> String {
    let holds: Vec<String> = hold::live(document, times::time(now)).map(|hold| hold_text(hold, now)).collect();
    holds.join(" and ")
}

/// Everything that keeps a site closed, such as `closed by alice since 02:00 and held by ci since 02:10 (h0a1b2c3d)`.
pub fn closers_text(document: &Document, now: &Zoned) -> String {
    let at = times::time(now);
    let mut closers = Vec::new();
    if document.mode != Mode::Online && document.until.is_none_or(|until| at < until) {
        let by = document.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let since = document.since.map(|since| format!(" since {}", times::short(since, now))).unwrap_or_default();
        let until = document.until.map(|until| format!(" until {}", times::short(until, now))).unwrap_or_default();
        closers.push(format!("closed{by}{since}{until}"));
    }
    let scheduled = document.windows.iter().filter(|window| window.by.is_none() && window.is_active(at));
    closers.extend(scheduled.map(|window| format!("in a window: {}", window_text(window, now))));
    closers.extend(hold::live(document, at).map(|hold| hold_text(hold, now)));
    closers.join(" and ")
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
