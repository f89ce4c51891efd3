//! Holds: windows that running commands own.
//!
//! Each `close SITE -- CMD` adds a hold to the site's document and removes it when CMD ends, so that several commands
//! keep a site closed until the last of them ends. Its owner is in `by`; scheduled windows have none. The end of a hold is
//! its lease, which the owner extends while CMD runs, or a fixed end, or none.

use anyhow::Result;
use envoy_maintenance::state::{Document, Mode, Past, Window};
use envoy_maintenance::time::Time;
use serde_json::{Value, json};

use crate::document::draft::{Draft, PAST};
use crate::document::edit::check_end;
use crate::document::window;

/// A hold to add.
#[derive(Clone, Debug)]
pub struct NewHold {
    pub id: String,
    pub by: String,
    pub mode: Mode,
    pub until: Option<Time>,
    /// True if `until` is a lease, which the owner renews.
    pub is_leased: bool,
    pub eta: Option<Time>,
    pub reason: Option<String>,
    pub note: Option<String>,
    pub suspend: Vec<String>,
}

/// A hold in the newest document that its owner has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenHold {
    pub from: Time,
    pub until: Option<Time>,
}

/// The state of a hold in a document, for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// In effect.
    Live,
    /// Its end has passed.
    Ended,
    /// Unknown to the document, because Envoy has restarted, or a file was restored.
    Forgotten,
    /// Removed by an operator.
    Removed,
}

impl NewHold {
    /// Adds the hold, unless the document has it already.
    pub fn take(&self, draft: &mut Draft, now: Time) -> Result<()> {
        check_end(self.until, now)?;
        draft.tidy(now)?;
        if draft.window_mut(&self.id).is_none() {
            draft.add_window(window::to_json(&self.window(now)));
            if let Some(note) = &self.note {
                draft.set("note", Some(note.as_str()));
            }
        }
        Ok(())
    }

    fn window(&self, now: Time) -> Window {
        Window {
            id: self.id.clone(),
            mode: self.mode,
            from: now,
            until: self.until,
            eta: self.eta,
            reason: self.reason.clone().filter(|reason| !reason.is_empty()),
            suspend: self.suspend.clone(),
            by: Some(self.by.clone()),
        }
    }

    /// Removes the hold. The site opens, unless something else keeps it closed.
    pub fn release(&self, draft: &mut Draft, now: Time) -> Result<()> {
        draft.tidy(now)?;
        draft.cancel_window(&self.id, now)?;
        let document = draft.read()?;
        if document.mode == Mode::Online && document.note == self.note {
            draft.set("note", None::<Value>);
        }
        Ok(())
    }

    /// Moves the end of the hold to `until`. A hold that has ended, or that Envoy has forgotten, is added again; one that an
    /// operator has removed is not. Returns the state before.
    pub fn renew(&self, draft: &mut Draft, seen: &SeenHold, now: Time) -> Result<HoldState> {
        let state = self.state(draft, seen, now)?;
        match state {
            HoldState::Live => {
                let until = self.until.map(|until| until.to_string());
                if let (Some(window), Some(until)) = (draft.window_mut(&self.id), until) {
                    window.insert("until".to_owned(), until.into());
                }
            }
            HoldState::Removed => {}
            // A fixed end lets the site open.
            _ if !self.is_leased && self.until.is_some_and(|until| until <= now) => return Ok(HoldState::Ended),
            HoldState::Ended | HoldState::Forgotten => self.take(draft, now)?,
        }
        Ok(state)
    }

    /// Replaces the hold of a command that failed by the document's own mode, which lasts until an operator opens the site
    /// or a fixed end passes. A site that an operator has opened meanwhile, or whose fixed end has passed, stays open.
    pub fn keep_closed(&self, draft: &mut Draft, seen: &SeenHold, now: Time) -> Result<()> {
        match self.state(draft, seen, now)? {
            HoldState::Removed => return Ok(()),
            HoldState::Ended if !self.is_leased => return Ok(()),
            HoldState::Ended | HoldState::Forgotten => self.take(draft, now)?,
            HoldState::Live => draft.tidy(now)?,
        }
        let document = draft.read()?;
        let Some(hold) = document.windows.iter().find(|window| window.id == self.id) else { return Ok(()) };
        draft.remove_window(&self.id);
        let end = hold.until.filter(|_| !self.is_leased);
        draft.set("mode", Some(document.mode.max(hold.mode).name()));
        if document.mode == Mode::Online {
            draft.begin_own(seen.from);
            draft.set("note", self.note.as_deref());
            draft.set_time("until", end);
            draft.set_time("eta", hold.eta);
            draft.set("reason", hold.reason.as_deref());
            draft.set("suspend", (!hold.suspend.is_empty()).then(|| json!(hold.suspend)));
            return Ok(());
        }
        // An operator has closed the site too: the later end applies, and none if one of the two has none.
        draft.set_time("until", document.until.zip(end).map(|(own, end)| own.max(end)));
        draft.set_time("eta", document.eta.max(hold.eta));
        draft.set("reason", document.reason.or_else(|| hold.reason.clone()));
        let added = hold.suspend.iter().filter(|rule| !document.suspend.contains(rule));
        let suspend: Vec<&String> = document.suspend.iter().chain(added).collect();
        draft.set("suspend", (!suspend.is_empty()).then(|| json!(suspend)));
        Ok(())
    }

    /// The state of the hold in a document that may be newer than the one that its owner has seen.
    pub fn state(&self, draft: &Draft, seen: &SeenHold, now: Time) -> Result<HoldState> {
        let document = draft.read()?;
        if let Some(window) = document.windows.iter().find(|window| window.id == self.id) {
            return Ok(if window.has_ended(now) { HoldState::Ended } else { HoldState::Live });
        }
        let past = &document.past;
        // A machine whose clock is behind may have ended the hold before it began.
        let own = |past: &&Past| past.by.as_ref() == Some(&self.by) && past.from == seen.from.min(past.until);
        let own = past.iter().find(own);
        let reaches_back = past.len() < PAST || past.iter().any(|past| past.until < seen.from);
        Ok(match own {
            Some(past) if Some(past.until) == seen.until => HoldState::Ended,
            Some(_) => HoldState::Removed,
            // An operator who removes a hold moves it into the history.
            None if reaches_back => HoldState::Forgotten,
            None => HoldState::Removed,
        })
    }
}

/// The hold with this id, as a document has it.
pub fn seen(draft: &Draft, id: &str) -> Result<Option<SeenHold>> {
    let window = draft.read()?.windows.into_iter().find(|window| window.id == id);
    Ok(window.map(|window| SeenHold { from: window.from, until: window.until }))
}

/// The holds of a document that have not ended.
pub fn live(document: &Document, now: Time) -> impl Iterator<Item = &Window> {
    document.windows.iter().filter(move |window| window.by.is_some() && !window.has_ended(now))
}

#[cfg(test)]
mod tests;
