//! A state document under change. It remains JSON, so that unknown fields are kept.

use anyhow::{Context, Result};
use envoy_maintenance::state::{Digest, Document, MAX_DOCUMENT, Mode, Window};
use envoy_maintenance::time::Time;
use serde_json::{Map, Value, json};

use crate::terminal::output::problem;

/// The number of entries of `past` that a document keeps.
pub const PAST: usize = 5;
/// The members that describe the document's own mode.
pub const OWN: [&str; 6] = ["since", "eta", "until", "reason", "note", "suspend"];

/// The document of one site.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    site: String,
    members: Map<String, Value>,
}

impl Draft {
    /// A new document, with revision 0.
    pub fn new(site: &str, fleet: Option<&str>) -> Draft {
        let mut members = Map::new();
        members.insert("site".to_owned(), site.into());
        if let Some(fleet) = fleet {
            members.insert("fleet".to_owned(), fleet.into());
        }
        members.insert("revision".to_owned(), 0.into());
        members.insert("mode".to_owned(), Mode::Online.name().into());
        Draft { site: site.to_owned(), members }
    }

    /// The document of `site` with these members.
    pub fn from_members(site: &str, members: Map<String, Value>) -> Draft {
        Draft { site: site.to_owned(), members }
    }

    /// The name of the site.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The members.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The payload to sign. Members are sorted by name, so that a document read from an Envoy has the same payload again.
    pub fn payload(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(&self.members)?)
    }

    /// The digest of the payload.
    pub fn digest(&self) -> Result<Digest> {
        Ok(Digest::of(&self.payload()?))
    }

    /// The revision; 0 for a new document.
    pub fn revision(&self) -> u64 {
        self.members.get("revision").and_then(Value::as_u64).unwrap_or(0)
    }

    /// Reads the document as the filter does. Members that a policy may omit may be missing.
    pub fn read(&self) -> Result<Document> {
        let payload = self.whole_payload()?;
        Document::from_payload(&payload).map_err(problem).with_context(|| match payload.len() {
            length if length > MAX_DOCUMENT => {
                format!("{}: the document would be longer than 8 KiB; cancel windows or shorten reasons", self.site)
            }
            _ => format!("{}: the document cannot be read", self.site),
        })
    }

    /// Reads the document without its holds.
    pub fn without_holds(&self) -> Result<Document> {
        let mut document = self.read()?;
        document.windows.retain(|window| window.by.is_none());
        Ok(document)
    }

    /// The payload, with the members that a policy may omit.
    fn whole_payload(&self) -> Result<Vec<u8>> {
        let mut whole = self.members.clone();
        whole.entry("site").or_insert_with(|| self.site.as_str().into());
        whole.entry("fleet").or_insert_with(|| "".into());
        whole.entry("revision").or_insert_with(|| 0.into());
        Ok(serde_json::to_vec(&whole)?)
    }

    /// Gives the document a new revision and author. A site that an operator has closed keeps its author if the edit of
    /// `before` changed only windows, and an author that the edit has set stays.
    pub fn stamp(&mut self, before: &Draft, now: Time, by: &str) {
        self.restamp(now);
        let is_same = |name: &str| self.members.get(name) == before.members.get(name);
        let is_closed = self.members.get("mode").and_then(Value::as_str) != Some(Mode::Online.name());
        let keeps_own = is_closed && is_same("mode") && OWN.into_iter().all(is_same);
        if !keeps_own && is_same("by") {
            self.members.insert("by".to_owned(), by.into());
        }
        self.shorten();
    }

    /// Gives the document a new revision.
    pub fn restamp(&mut self, now: Time) {
        let now = u64::try_from(now.0).unwrap_or(0);
        let revision = now.max(self.revision().saturating_add(1));
        self.members.insert("revision".to_owned(), revision.into());
    }

    /// Sets the time of signing, by which Envoys recognize old documents.
    pub fn date(&mut self, now: Time) {
        self.set("iat", u64::try_from(now.0 / 1000).ok());
    }

    /// Sets or removes a member.
    pub fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        match value {
            Some(value) => {
                self.members.insert(name.to_owned(), value.into());
            }
            None => {
                self.members.remove(name);
            }
        }
    }

    /// Sets or removes a time.
    pub fn set_time(&mut self, name: &str, time: Option<Time>) {
        self.set(name, time.map(|time| time.to_string()));
    }

    /// Moves maintenances that have ended into the history.
    pub fn tidy(&mut self, now: Time) -> Result<()> {
        let document = self.read()?;
        let own_over = document.mode != Mode::Online && document.until.is_some_and(|until| until <= now);
        let own_until = document.until.filter(|_| own_over);
        let windows = document.windows.iter().filter(|window| window.has_ended(now));
        let ended: Vec<(String, Time)> =
            windows.filter_map(|window| Some((window.id.clone(), window.until?))).collect();
        for (id, until) in ended {
            self.end_window(&document, &id, until);
        }
        if let Some(until) = own_until {
            self.end_own(&document, until);
        }
        Ok(())
    }

    /// Ends all modes that close the site at `now`, and all holds. A hold that begins later was added by a machine whose
    /// clock is ahead.
    pub fn end_all(&mut self, now: Time) -> Result<()> {
        let document = self.read()?;
        for window in document.windows.iter().filter(|window| window.is_active(now) || window.by.is_some()) {
            self.end_window(&document, &window.id, now);
        }
        if document.mode != Mode::Online {
            self.end_own(&document, now);
        } else if document.at(now).mode() != Mode::Online {
            self.set_time("since", Some(now));
        }
        Ok(())
    }

    /// Removes a window. A hold, and a window that is active at `now`, moves into the history.
    pub fn cancel_window(&mut self, id: &str, now: Time) -> Result<()> {
        let document = self.read()?;
        let is_recorded = |window: &Window| window.is_active(now) || window.by.is_some();
        if document.windows.iter().any(|window| window.id == id && is_recorded(window)) {
            self.end_window(&document, id, now);
        } else {
            self.remove_window(id);
        }
        Ok(())
    }

    /// Merges the scheduled windows that are active at `now` into the document's own mode, so that they can be changed
    /// together. The state at `now` stays the same. Holds stay, because their owners remove them.
    pub fn take_over_windows(&mut self, now: Time) -> Result<()> {
        let document = self.without_holds()?;
        let state = document.at(now);
        let active: Vec<&str> =
            document.windows.iter().filter(|window| window.is_active(now)).map(|window| window.id.as_str()).collect();
        if active.is_empty() {
            return Ok(());
        }
        let since = state.active.iter().filter_map(|active| active.since).min();
        let mut suspended: Vec<&str> = Vec::new();
        for name in state.active.iter().flat_map(|active| &active.suspend) {
            if !suspended.contains(&name.as_str()) {
                suspended.push(name);
            }
        }
        active.iter().for_each(|id| self.remove_window(id));
        self.set("mode", Some(state.mode().name()));
        self.set_time("since", since);
        self.set_time("until", state.until());
        self.set_time("eta", state.eta());
        self.set("reason", state.reason());
        self.set("suspend", (!suspended.is_empty()).then(|| json!(suspended)));
        Ok(())
    }

    /// Adds a window.
    pub fn add_window(&mut self, window: Value) {
        match self.members.get_mut("windows").and_then(Value::as_array_mut) {
            Some(windows) => windows.push(window),
            None => self.set("windows", Some(vec![window])),
        }
    }

    /// The first free id of w1, w2, ….
    pub fn free_window_id(&self) -> Result<String> {
        let windows = self.read()?.windows;
        let mut ids = (1..=windows.len() + 1).map(|number| format!("w{number}"));
        Ok(ids.find(|id| windows.iter().all(|window| window.id != *id)).unwrap_or_default())
    }

    fn end_own(&mut self, document: &Document, at: Time) {
        let from = document.since.unwrap_or(at);
        self.remember(document.mode, from, at, document.reason.as_deref(), document.by.as_deref());
        self.set("mode", Some(Mode::Online.name()));
        self.begin_own(at);
        self.shorten();
    }

    /// Removes the details of the document's own mode, and sets its start.
    pub fn begin_own(&mut self, since: Time) {
        OWN.into_iter().for_each(|name| self.set(name, None::<Value>));
        self.set_time("since", Some(since));
    }

    fn end_window(&mut self, document: &Document, id: &str, at: Time) {
        if let Some(window) = document.windows.iter().find(|window| window.id == id) {
            self.remember(window.mode, window.from, at, window.reason.as_deref(), window.by.as_deref());
        }
        self.remove_window(id);
        self.shorten();
    }

    /// Removes the oldest entries of `past` while the document is too long.
    fn shorten(&mut self) {
        while self.whole_payload().is_ok_and(|payload| payload.len() > MAX_DOCUMENT) {
            match self.members.get_mut("past").and_then(Value::as_array_mut) {
                Some(past) if past.len() > 1 => drop(past.remove(0)),
                Some(_) => self.set("past", None::<Value>),
                None => return,
            }
        }
    }

    /// The members of a window.
    pub fn window_mut(&mut self, id: &str) -> Option<&mut Map<String, Value>> {
        let mut windows = self.members.get_mut("windows")?.as_array_mut()?.iter_mut();
        windows.find(|window| window.get("id").and_then(Value::as_str) == Some(id))?.as_object_mut()
    }

    /// Removes a window without an entry in the history.
    pub fn remove_window(&mut self, id: &str) {
        let Some(windows) = self.members.get_mut("windows").and_then(Value::as_array_mut) else {
            return;
        };
        windows.retain(|window| window.get("id").and_then(Value::as_str) != Some(id));
        if windows.is_empty() {
            self.set("windows", None::<Value>);
        }
    }

    /// Adds a maintenance to the history, which is sorted by end.
    fn remember(&mut self, mode: Mode, from: Time, until: Time, reason: Option<&str>, by: Option<&str>) {
        let mut entry = Map::new();
        entry.insert("mode".to_owned(), mode.name().into());
        entry.insert("from".to_owned(), from.min(until).to_string().into());
        entry.insert("until".to_owned(), until.to_string().into());
        for (name, text) in [("reason", reason), ("by", by)] {
            if let Some(text) = text {
                entry.insert(name.to_owned(), text.into());
            }
        }
        let mut past = match self.members.remove("past") {
            Some(Value::Array(past)) => past,
            _ => Vec::new(),
        };
        past.push(entry.into());
        past.sort_by_key(|entry| entry.get("until").and_then(Value::as_str).and_then(Time::parse));
        let oldest = past.len().saturating_sub(PAST);
        self.set("past", Some(past.split_off(oldest)));
    }
}
