//! Restores a site that `open SITE -- CMD` has opened, after CMD.

use anyhow::Result;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;
use serde_json::{Map, Value};

use crate::document::draft::{Draft, OWN};

/// The modes that closed a site before it was opened.
#[derive(Clone, Debug)]
pub struct Closure {
    /// The document's own mode, with its details and its author.
    own: Option<Map<String, Value>>,
    /// The windows that were active.
    windows: Vec<Map<String, Value>>,
    /// The time at which the site was opened, and the revision of that change.
    opened: Time,
    revision: u64,
}

impl Closure {
    /// The modes that the change from `before` to `after` has ended; `None` if the site was open before.
    pub fn of(before: &Draft, after: &Draft) -> Result<Option<Closure>> {
        let (old, new) = (before.read()?, after.read()?);
        let Some(opened) = new.since.filter(|opened| old.at(*opened).mode() != Mode::Online) else {
            return Ok(None);
        };
        let own = OWN.into_iter().chain(["mode", "by"]);
        let own = own.filter_map(|name| Some((name.to_owned(), before.members().get(name)?.clone()))).collect();
        let ended = old.windows.iter().filter(|window| window.is_active(opened) && window.by.is_none());
        let mut before = before.clone();
        let windows = ended.filter_map(|window| before.window_mut(&window.id).cloned()).collect();
        let is_closed = old.mode != Mode::Online;
        Ok(Some(Closure { own: is_closed.then_some(own), windows, opened, revision: after.revision() }))
    }

    /// True if all modes would have ended by themselves.
    pub fn is_over(&self, now: Time) -> bool {
        self.own.iter().chain(&self.windows).all(|members| !lasts(members, now))
    }

    /// Closes the site again as it was closed before, except for modes that would have ended meanwhile. Returns false,
    /// and changes nothing, if an operator has changed the mode of the site meanwhile.
    pub fn restore(&self, draft: &mut Draft, now: Time) -> Result<bool> {
        draft.tidy(now)?;
        let document = draft.read()?;
        // An Envoy that has restarted may have forgotten the document.
        let is_forgotten = draft.revision() < self.revision;
        if !is_forgotten && (document.mode != Mode::Online || document.since != Some(self.opened)) {
            return Ok(false);
        }
        if let Some(own) = self.own.as_ref().filter(|own| lasts(own, now)) {
            own.iter().for_each(|(name, value)| draft.set(name, Some(value.clone())));
            draft.set_time("since", Some(now));
        }
        for window in self.windows.iter().filter(|window| lasts(window, now)) {
            let mut window = window.clone();
            window.insert("from".to_owned(), now.to_string().into());
            let id = window.get("id").and_then(Value::as_str).unwrap_or_default();
            if draft.window_mut(id).is_some() {
                window.insert("id".to_owned(), draft.free_window_id()?.into());
            }
            draft.add_window(window.into());
        }
        Ok(true)
    }
}

/// True if the mode of these members has no end, or one after `now`.
fn lasts(members: &Map<String, Value>, now: Time) -> bool {
    members.get("until").and_then(Value::as_str).and_then(Time::parse).is_none_or(|until| until > now)
}

#[cfg(test)]
mod tests;
