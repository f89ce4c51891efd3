//! The edits that close and open a site, and change the details of a closed one.

use anyhow::{Result, bail};
use envoy_maintenance::state::{Document, Mode, Window};
use envoy_maintenance::time::Time;
use serde_json::{Value, json};

use crate::document::draft::Draft;
use crate::exit::ExitError;
use crate::terminal::output::shown;

/// The details of a maintenance that an operator sets. `None` keeps the current value.
#[derive(Clone, Debug, Default)]
pub struct Details {
    pub until: Option<Time>,
    pub eta: Option<Time>,
    pub reason: Option<String>,
    pub note: Option<String>,
    pub suspend: Vec<String>,
    /// The fields to remove: `until`, `eta`, `suspend`.
    pub cleared: Vec<&'static str>,
}

impl Details {
    /// True if they change nothing.
    fn is_empty(&self) -> bool {
        let Details { until, eta, reason, note, suspend, cleared } = self;
        let has_text = reason.is_some() || note.is_some();
        until.is_none() && eta.is_none() && !has_text && suspend.is_empty() && cleared.is_empty()
    }

    /// The members of a document's own mode, or of a window, to set; `None` removes the member.
    fn members(&self) -> Vec<(&'static str, Option<Value>)> {
        let times = [("eta", self.eta), ("until", self.until)].into_iter();
        let times = times.filter_map(|(name, time)| Some((name, Some(time?.to_string().into()))));
        let reason = self.reason.as_ref().map(|text| ("reason", (!text.is_empty()).then(|| text.as_str().into())));
        let suspend = (!self.suspend.is_empty()).then(|| ("suspend", Some(json!(self.suspend))));
        let cleared = self.cleared.iter().map(|name| (*name, None));
        times.chain(reason).chain(suspend).chain(cleared).collect()
    }

    /// Sets the members of the document's own mode.
    fn set(&self, draft: &mut Draft) {
        self.members().into_iter().for_each(|(name, value)| draft.set(name, value));
        self.set_note(draft);
    }

    /// Sets the note, which a document has once.
    fn set_note(&self, draft: &mut Draft) {
        if let Some(note) = &self.note {
            draft.set("note", Some(note.as_str()).filter(|note| !note.is_empty()));
        }
    }
}

/// Fails if the end of a closure has passed, perhaps during a question.
pub fn check_end(until: Option<Time>, now: Time) -> Result<()> {
    match until.filter(|until| *until <= now) {
        Some(until) => bail!("the end {until} has passed meanwhile; nothing changed"),
        None => Ok(()),
    }
}

/// Closes the site, or changes a closed site. Active scheduled windows are merged into the document's own mode if that
/// is online, or if they contradict the edit. Holds stay.
pub fn close(draft: &mut Draft, mode: Mode, details: &Details, now: Time) -> Result<()> {
    check_end(details.until, now)?;
    draft.tidy(now)?;
    let document = draft.without_holds()?;
    let state = document.at(now);
    let is_own_mode = document.mode == Mode::Online || document.mode == mode;
    if state.active.is_empty() {
        draft.begin_own(now);
    } else if details.is_empty() && state.mode() == mode && is_own_mode {
        return Ok(());
    } else if document.mode == Mode::Online || contradicts(mode, details, &document, now) {
        draft.take_over_windows(now)?;
    }
    draft.set("mode", Some(mode.name()));
    details.set(draft);
    Ok(())
}

/// True if an active window contradicts the edit: it is stricter, ends later, promises a later time, or suspends a rule
/// that should apply again.
fn contradicts(mode: Mode, details: &Details, document: &Document, now: Time) -> bool {
    let ends_later = |window: &Window| details.until.is_some_and(|until| window.until.is_none_or(|end| end > until));
    let promises_later = |window: &Window| match window.eta {
        Some(eta) => details.cleared.contains(&"eta") || details.eta.is_some_and(|promise| promise < eta),
        None => false,
    };
    let suspends = |window: &Window| details.cleared.contains(&"suspend") && !window.suspend.is_empty();
    let mut active = document.windows.iter().filter(|window| window.is_active(now));
    active.any(|window| window.mode > mode || ends_later(window) || promises_later(window) || suspends(window))
}

/// Changes the details of a closed site: those of its own mode, else of a scheduled window, else of a hold; of the
/// strictest mode if several are active. The mode and the owner of a hold stay.
pub fn update(draft: &mut Draft, site: &str, details: &Details, now: Time) -> Result<()> {
    check_end(details.until, now)?;
    draft.tidy(now)?;
    let document = draft.read()?;
    let strictest = document.at(now).mode();
    if strictest == Mode::Online {
        bail!(ExitError::Rejected(format!(
            "{site} is online, so there is nothing to update; nothing changed (to close it: maintctl close {site})"
        )));
    }
    if document.mode == strictest {
        details.set(draft);
        return Ok(());
    }
    let active = document.windows.iter().filter(|window| window.is_active(now) && window.mode == strictest);
    let Some(window) = active.min_by_key(|window| window.by.is_some()) else { return Ok(()) };
    let changes_end = details.until.is_some() || details.cleared.contains(&"until");
    if let Some(by) = window.by.as_ref().filter(|_| changes_end) {
        bail!(ExitError::Rejected(format!(
            "{site} is closed by the hold {} of {}, which ends with a running command; its end cannot be changed; nothing \
             changed",
            shown(&window.id),
            shown(by)
        )));
    }
    if let Some(members) = draft.window_mut(&window.id) {
        for (name, value) in details.members() {
            match value {
                Some(value) => drop(members.insert(name.to_owned(), value)),
                None => drop(members.remove(name)),
            }
        }
    }
    details.set_note(draft);
    Ok(())
}

/// Opens the site: ends all modes that close it now, and all holds.
pub fn open(draft: &mut Draft, now: Time) -> Result<()> {
    draft.tidy(now)?;
    draft.end_all(now)
}

#[cfg(test)]
mod tests;
