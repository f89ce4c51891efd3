//! The changes that operators make, as changes of a document. They know nothing of Envoys or files.

use anyhow::{Result, bail};
use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::fields::did_you_mean;
use serde_json::{Map, Value, json};

use crate::document::draft::Draft;
use crate::terminal::output::shown;

/// What the flags of `close` say. `None`: they do not say.
#[derive(Clone, Debug)]
pub struct CloseEdit {
    pub mode: Mode,
    pub until: Option<Time>,
    pub eta: Option<Time>,
    pub reason: Option<String>,
    pub note: Option<String>,
    pub suspend: Vec<String>,
    /// What is to be said no more: `until`, `eta`, `suspend`.
    pub cleared: Vec<&'static str>,
}

/// Closes the site; one that is closed changes where the flags say so. Windows that are open stay beside what the document
/// says itself, unless it says nothing or they would keep the flags from being true.
pub fn close(draft: &mut Draft, flags: &CloseEdit, now: Time) -> Result<()> {
    if let Some(until) = flags.until.filter(|until| *until <= now) {
        bail!("the end, {until}, has passed meanwhile; nothing changed");
    }
    draft.tidy(now)?;
    let document = draft.read()?;
    let situation = document.at(now);
    let first = situation.active.is_empty();
    let says_nothing = flags.until.is_none()
        && flags.eta.is_none()
        && flags.reason.is_none()
        && flags.note.is_none()
        && flags.suspend.is_empty()
        && flags.cleared.is_empty();
    if first {
        draft.begin_own(now);
    } else if says_nothing && situation.mode() == flags.mode {
        return Ok(());
    } else if document.mode == Mode::Online || is_contradicted(flags, &document, now) {
        draft.take_over_windows(now)?;
    }
    draft.set("mode", Some(flags.mode.name()));
    for (name, time) in [("eta", flags.eta), ("until", flags.until)] {
        if time.is_some() {
            draft.set_time(name, time);
        }
    }
    for (name, text) in [("reason", &flags.reason), ("note", &flags.note)] {
        if let Some(text) = text {
            draft.set(name, Some(text.as_str()).filter(|text| !text.is_empty()));
        }
    }
    if !flags.suspend.is_empty() {
        draft.set("suspend", Some(json!(flags.suspend)));
    }
    flags.cleared.iter().for_each(|name| draft.set(name, None::<Value>));
    Ok(())
}

/// Whether a window that is open keeps from happening what the flags say: it is stricter, ends later, promises a later
/// time, or suspends what should count again.
fn is_contradicted(flags: &CloseEdit, document: &Document, now: Time) -> bool {
    let ends_later = |window: &Window| flags.until.is_some_and(|until| window.until.is_none_or(|end| end > until));
    let promises_later = |window: &Window| match window.eta {
        Some(eta) => flags.cleared.contains(&"eta") || flags.eta.is_some_and(|promise| promise < eta),
        None => false,
    };
    let suspends = |window: &Window| flags.cleared.contains(&"suspend") && !window.suspend.is_empty();
    let mut open = document.windows.iter().filter(|window| window.is_active(now));
    open.any(|window| window.mode > flags.mode || ends_later(window) || promises_later(window) || suspends(window))
}

/// Opens the site: ends what closes it now.
pub fn open(draft: &mut Draft, now: Time) -> Result<()> {
    reopen(draft, now, now)
}

/// Ends what has closed the site at `since` and closes it still.
pub fn reopen(draft: &mut Draft, since: Time, now: Time) -> Result<()> {
    draft.tidy(now)?;
    draft.end_all(since, now)
}

/// Moves the end of a site that is closed; none: until somebody opens it. False: the site is open, and stays so.
pub fn end_at(draft: &mut Draft, until: Option<Time>, now: Time) -> Result<bool> {
    draft.tidy(now)?;
    let is_closed = draft.read()?.mode != Mode::Online;
    if is_closed {
        draft.set_time("until", until);
    }
    Ok(is_closed)
}

/// A window to plan.
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

/// Plans a window, named by the first free number.
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

/// Takes windows out: those named, or all.
pub fn cancel(draft: &mut Draft, site: &str, named: Option<&[String]>, now: Time) -> Result<()> {
    draft.tidy(now)?;
    let ids: Vec<String> = draft.read()?.windows.into_iter().map(|window| window.id).collect();
    let known = || ids.iter().map(String::as_str);
    for id in named.unwrap_or(&ids) {
        if !ids.contains(id) {
            let there = if ids.is_empty() { "it has none".to_owned() } else { known().collect::<Vec<_>>().join(", ") };
            let hint = did_you_mean(id, known());
            let problem = format!("no window \"{id}\"{hint} (windows: {there})");
            bail!("{site}: {}; nothing changed", shown(&problem));
        }
        draft.cancel_window(id, now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
