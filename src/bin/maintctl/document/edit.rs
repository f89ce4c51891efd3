//! The edits that close and open a site.

use anyhow::{Result, bail};
use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::Time;
use serde_json::{Value, json};

use crate::document::draft::Draft;

/// The edit of `close`. `None` keeps the current value.
#[derive(Clone, Debug)]
pub struct CloseEdit {
    pub mode: Mode,
    pub until: Option<Time>,
    pub eta: Option<Time>,
    pub reason: Option<String>,
    pub note: Option<String>,
    pub suspend: Vec<String>,
    /// The fields to remove: `until`, `eta`, `suspend`.
    pub cleared: Vec<&'static str>,
}

impl CloseEdit {
    /// True if it changes nothing but the mode.
    fn is_empty(&self) -> bool {
        let CloseEdit { mode: _, until, eta, reason, note, suspend, cleared } = self;
        let has_text = reason.is_some() || note.is_some();
        until.is_none() && eta.is_none() && !has_text && suspend.is_empty() && cleared.is_empty()
    }
}

/// Closes the site, or changes a closed site. Active windows are merged into the document's own mode if that is online, or
/// if they contradict the edit.
pub fn close(draft: &mut Draft, edit: &CloseEdit, now: Time) -> Result<()> {
    if let Some(until) = edit.until.filter(|until| *until <= now) {
        bail!("the end {until} has passed meanwhile; nothing changed");
    }
    draft.tidy(now)?;
    let document = draft.read()?;
    let state = document.at(now);
    let is_open = state.active.is_empty();
    if is_open {
        draft.begin_own(now);
    } else if edit.is_empty() && state.mode() == edit.mode {
        return Ok(());
    } else if document.mode == Mode::Online || contradicts(edit, &document, now) {
        draft.take_over_windows(now)?;
    }
    draft.set("mode", Some(edit.mode.name()));
    for (name, time) in [("eta", edit.eta), ("until", edit.until)] {
        if time.is_some() {
            draft.set_time(name, time);
        }
    }
    for (name, text) in [("reason", &edit.reason), ("note", &edit.note)] {
        if let Some(text) = text {
            draft.set(name, Some(text.as_str()).filter(|text| !text.is_empty()));
        }
    }
    if !edit.suspend.is_empty() {
        draft.set("suspend", Some(json!(edit.suspend)));
    }
    edit.cleared.iter().for_each(|name| draft.set(name, None::<Value>));
    Ok(())
}

/// True if an active window contradicts the edit: it is stricter, ends later, promises a later time, or suspends a rule that
/// should apply again.
fn contradicts(edit: &CloseEdit, document: &Document, now: Time) -> bool {
    let ends_later = |window: &Window| edit.until.is_some_and(|until| window.until.is_none_or(|end| end > until));
    let promises_later = |window: &Window| match window.eta {
        Some(eta) => edit.cleared.contains(&"eta") || edit.eta.is_some_and(|promise| promise < eta),
        None => false,
    };
    let suspends = |window: &Window| edit.cleared.contains(&"suspend") && !window.suspend.is_empty();
    let mut open = document.windows.iter().filter(|window| window.is_active(now));
    open.any(|window| window.mode > edit.mode || ends_later(window) || promises_later(window) || suspends(window))
}

/// Opens the site: ends all modes that close it now.
pub fn open(draft: &mut Draft, now: Time) -> Result<()> {
    reopen(draft, now, now)
}

/// Ends the modes that closed the site at `since` and still close it.
pub fn reopen(draft: &mut Draft, since: Time, now: Time) -> Result<()> {
    draft.tidy(now)?;
    draft.end_all(since, now)
}

/// Sets the end of a closed site; `None` for no end. Returns false if the site is open.
pub fn end_at(draft: &mut Draft, until: Option<Time>, now: Time) -> Result<bool> {
    draft.tidy(now)?;
    let is_closed = draft.read()?.mode != Mode::Online;
    if is_closed {
        draft.set_time("until", until);
    }
    Ok(is_closed)
}

#[cfg(test)]
mod tests;
