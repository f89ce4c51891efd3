//! The edits that add and remove windows.

use anyhow::{Result, bail};
use envoy_maintenance::state::{Document, Mode};
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::fields::did_you_mean;
use serde_json::{Map, json};

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
    let mut window = Map::new();
    window.insert("id".to_owned(), draft.free_window_id()?.into());
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
