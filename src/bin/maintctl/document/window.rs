//! The edits that add and remove windows.

use anyhow::{Result, bail};
use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::fields::did_you_mean;
use serde_json::{Value, json};

use crate::document::draft::Draft;
use crate::terminal::output::shown;

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
    let window = Window {
        id: draft.free_window_id()?,
        mode: plan.mode,
        from: plan.from,
        until: plan.until,
        eta: plan.eta,
        reason: plan.reason.clone(),
        suspend: plan.suspend.clone(),
        by: None,
    };
    draft.add_window(to_json(&window));
    if let Some(note) = &plan.note {
        draft.set("note", Some(note.as_str()));
    }
    Ok(())
}

/// A window as a document contains it.
pub fn to_json(window: &Window) -> Value {
    let Window { id, mode, from, until, eta, reason, suspend, by } = window;
    let time = |time: &Time| Value::from(time.to_string());
    let members = [
        ("id", Some(id.as_str().into())),
        ("mode", Some(mode.name().into())),
        ("from", Some(time(from))),
        ("until", until.as_ref().map(time)),
        ("eta", eta.as_ref().map(time)),
        ("reason", reason.as_deref().map(Value::from)),
        ("suspend", (!suspend.is_empty()).then(|| json!(suspend))),
        ("by", by.as_deref().map(Value::from)),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Removes the named windows, or all scheduled ones. Holds belong to running commands, so they are removed only by name.
pub fn cancel(draft: &mut Draft, site: &str, named: Option<&[String]>, now: Time) -> Result<()> {
    draft.tidy(now)?;
    let ids = |document: Document| document.windows.into_iter().map(|window| window.id).collect::<Vec<String>>();
    let (scheduled, ids) = (ids(draft.without_holds()?), ids(draft.read()?));
    let known = || ids.iter().map(String::as_str);
    for id in named.unwrap_or(&scheduled) {
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
