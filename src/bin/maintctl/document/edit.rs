//! The edits of documents that operators make.

use anyhow::{Result, bail};
use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::fields::did_you_mean;
use serde_json::{Map, Value, json};

use crate::document::draft::Draft;
use crate::terminal::output::shown;

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
    /// Whether it changes nothing but the mode.
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

/// Whether an active window contradicts the edit: it is stricter, ends later, promises a later time, or suspends a rule that
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

/// A window to add.
#[derive(Clone, Debug)]
pub struct NewWindow {
    pub mode: Mode,
    pub from: Time,
    pub until: Option<Time>,
    pub eta: Option<Time>,
    pub reason: Option<String>,
    pub note: Option<String>,
    pub suspend: Vec<String>,
}

/// Adds a window with the first free id of w1, w2, ….
pub fn schedule(draft: &mut Draft, plan: &NewWindow, now: Time) -> Result<()> {
    draft.tidy(now)?;
    let windows = draft.read()?.windows;
    let id = (1..=windows.len() + 1)
        .map(|number| format!("w{number}"))
        .find(|id| windows.iter().all(|window| window.id != *id))
        .unwrap_or_default();
    let mut window = Map::new();
    window.insert("id".to_owned(), id.into());
    window.insert("mode".to_owned(), plan.mode.name().into());
    window.insert("from".to_owned(), plan.from.to_string().into());
    for (name, time) in [("until", plan.until), ("eta", plan.eta)] {
        if let Some(time) = time {
            window.insert(name.to_owned(), time.to_string().into());
        }
    }
    if let Some(reason) = &plan.reason {
        window.insert("reason".to_owned(), reason.as_str().into());
    }
    if !plan.suspend.is_empty() {
        window.insert("suspend".to_owned(), json!(plan.suspend));
    }
    draft.add_window(window.into());
    if let Some(note) = &plan.note {
        draft.set("note", Some(note.as_str()));
    }
    Ok(())
}

/// Removes the named windows, or all.
pub fn cancel(draft: &mut Draft, site: &str, named: Option<&[String]>, now: Time) -> Result<()> {
    draft.tidy(now)?;
    let ids: Vec<String> = draft.read()?.windows.into_iter().map(|window| window.id).collect();
    let known = || ids.iter().map(String::as_str);
    for id in named.unwrap_or(&ids) {
        if !ids.contains(id) {
            let list = if ids.is_empty() {
                "there are none".to_owned()
            } else {
                format!("windows: {}", known().collect::<Vec<_>>().join(", "))
            };
            let hint = did_you_mean(id, known());
            let problem = format!("unknown window \"{id}\"{hint} ({list})");
            bail!("{site}: {}; nothing changed", shown(&problem));
        }
        draft.cancel_window(id, now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
