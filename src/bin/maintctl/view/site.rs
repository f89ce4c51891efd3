//! The current state of one site.

use std::collections::{BTreeMap, BTreeSet};

use envoy_maintenance::members::Workers;
use envoy_maintenance::state::{Document, Mode};
use envoy_maintenance::time::Time;
use serde_json::{Map, Value, json};

use super::lag::Lag;
use crate::document::describe;
use crate::document::draft::Draft;
use crate::envoys::failure::{self, EnvoyFailure};
use crate::envoys::roll::Roll;
use crate::envoys::status::EnvoySite;
use crate::write::file::contents::Contents;

/// The mode of a site in which Envoys disagree.
const MIXED: &str = "mixed";

/// A site at one moment.
pub struct SiteView {
    pub site: String,
    /// The name of the mode, or `mixed` if Envoys disagree.
    mode: String,
    pub declared: bool,
    /// `None` if there is no document, or if it may not be read.
    pub document: Option<(Draft, Document)>,
    channel: Option<String>,
    revision: Option<u64>,
    pub digest: Option<String>,
    /// The number of Envoys whose workers have all adopted the newest document, and of all Envoys.
    adopted: usize,
    total: usize,
    workers: Workers,
    refused: Option<u64>,
    /// The number of requests that passed, by rule.
    pub bypassed: BTreeMap<String, u64>,
    /// The plugins whose policy lacks the key that signed the document.
    lacks_key: BTreeSet<String>,
    /// Unknown names in the document, and unusual signatures.
    pub remarks: Vec<String>,
    /// The Envoys that have not adopted the newest document.
    pub lagging: Vec<Lag>,
}

impl SiteView {
    /// The state of `site` on all Envoys and in the file.
    pub fn of(site: &str, roll: &Roll, contents: Option<&Contents>, now: Time) -> SiteView {
        let newest =
            roll.of_site(site).map(|(_, status)| status).max_by_key(|status| (status.is_declared(), status.stamp()));
        let digest = contents
            .and_then(|contents| Some(contents.expected(site)?.digest))
            .or_else(|| newest.and_then(|status| status.digest.clone()));
        let reported = || {
            let members = newest?.details.document.as_object().cloned();
            members.map(|members| Draft::from_members(site, members))
        };
        let draft = contents.and_then(|contents| contents.document(site)).or_else(reported);
        let document = draft.and_then(|draft| Some((draft.clone(), draft.read().ok()?)));
        let mut view = SiteView {
            site: site.to_owned(),
            mode: mode(roll, site, document.as_ref().map(|(_, document)| document), now),
            declared: newest
                .map_or_else(|| contents.is_some_and(|contents| contents.is_pinned(site)), EnvoySite::is_declared),
            document,
            channel: newest.and_then(|status| status.channel.clone()),
            revision: newest.map(|status| status.revision),
            digest,
            adopted: 0,
            total: roll.total(),
            workers: Workers::default(),
            refused: None,
            bypassed: BTreeMap::new(),
            lacks_key: BTreeSet::new(),
            remarks: newest.map(remarks).unwrap_or_default(),
            lagging: Vec::new(),
        };
        roll.of_site(site).for_each(|(_, status)| view.add(status));
        view.lagging = view.lagging_of(roll, contents.is_some());
        view
    }

    fn has_adopted(&self, status: &EnvoySite) -> bool {
        status.digest == self.digest && status.workers.have_adopted()
    }

    fn add(&mut self, status: &EnvoySite) {
        self.workers.members = self.workers.members.saturating_add(status.workers.members);
        if status.digest == self.digest {
            self.workers.adopted = self.workers.adopted.saturating_add(status.workers.adopted);
        }
        self.adopted += usize::from(self.has_adopted(status));
        self.lacks_key.extend(status.details.lacks_key.iter().cloned());
        if let Some(refused) = status.details.refused {
            self.refused = Some(self.refused.unwrap_or(0).saturating_add(refused));
        }
        for (rule, count) in &status.details.bypassed.0 {
            let sum = self.bypassed.entry(rule.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// The Envoys that have not adopted the document. If all have, but show different modes, their clocks differ, and all
    /// of them are named.
    fn lagging_of(&self, roll: &Roll, is_file: bool) -> Vec<Lag> {
        let have_all_adopted = self.adopted == roll.envoys.len();
        let is_lagging = |status: Option<&EnvoySite>| {
            if have_all_adopted { self.mode == MIXED } else { !status.is_some_and(|status| self.has_adopted(status)) }
        };
        let lagging = roll.envoys.iter().filter(|envoy| is_lagging(envoy.status.site(&self.site)));
        lagging.map(|envoy| Lag::of(envoy, &self.site, self.digest.as_deref(), is_file)).collect()
    }

    /// The adoption, such as `2/2 Envoys, 8/8 workers`.
    pub fn adoption(&self) -> String {
        let Workers { members, adopted } = self.workers;
        format!("{}/{} Envoys, {adopted}/{members} workers", self.adopted, self.total)
    }

    /// The mode in capital letters.
    pub fn label(&self) -> String {
        let known = Mode::ALL.into_iter().find(|mode| mode.name() == self.mode);
        known.map_or_else(|| self.mode.to_uppercase(), |mode| describe::label(mode).to_owned())
    }

    /// The strictest mode on any Envoy, for `--exit-code`.
    pub fn strictest(&self, roll: &Roll) -> Mode {
        let shown = roll.of_site(&self.site).map(|(_, status)| status.mode.as_str());
        let modes = shown.chain([self.mode.as_str()]);
        modes.filter_map(|name| Mode::ALL.into_iter().find(|mode| mode.name() == name)).max().unwrap_or(Mode::Online)
    }

    /// The site as JSON.
    pub fn json(&self, now: Time) -> Value {
        let member = |name: &str| {
            self.document.as_ref().and_then(|(draft, _)| draft.members().get(name).cloned()).unwrap_or(Value::Null)
        };
        let list = |name: &str| Some(member(name)).filter(Value::is_array).unwrap_or_else(|| json!([]));
        let state = self.document.as_ref().map(|(_, document)| document.at(now)).unwrap_or_default();
        let time = |time: Option<Time>| time.map(|time| time.to_string());
        let lagging: Vec<EnvoyFailure> = self.lagging.iter().map(|lag| lag.failure.clone()).collect();
        let envoys = json!({ "total": self.total, "followed": self.adopted, "lagging": failure::json(&lagging) });
        let workers = json!({ "members": self.workers.members, "adopted": self.workers.adopted });
        let members = [
            ("site", json!(self.site)),
            ("mode", json!(self.mode)),
            ("declared", json!(self.declared)),
            ("since", json!(time(state.since()))),
            ("until", json!(time(state.until()))),
            ("eta", json!(time(state.eta()))),
            ("reason", json!(state.reason())),
            ("note", member("note")),
            ("by", member("by")),
            ("suspend", list("suspend")),
            ("windows", list("windows")),
            ("past", list("past")),
            ("channel", json!(self.channel)),
            ("revision", json!(self.revision)),
            ("digest", json!(self.digest)),
            ("lacks_key", json!(self.lacks_key)),
            ("remarks", json!(self.remarks)),
            ("refused", json!(self.refused)),
            ("bypassed", json!(self.bypassed)),
            ("envoys", envoys),
            ("workers", workers),
        ];
        Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Map<_, _>>())
    }
}

fn remarks(status: &EnvoySite) -> Vec<String> {
    let mut remarks = Vec::new();
    for (names, text) in [
        (&status.details.suspend_unknown, "suspended, but the policy has no such rule"),
        (&status.details.unknown_fields, "a field of the document that this Envoy's filter ignores"),
    ] {
        remarks.extend(names.iter().map(|name| format!("{name}: {text}")));
    }
    let signed_by = status.details.signed_by.as_deref();
    remarks.extend(signed_by.filter(|name| name.contains(' ')).map(|name| format!("signed by {name}")));
    remarks
}

/// The mode that all Envoys show, or `mixed`. Without Envoys, the mode of the document.
fn mode(roll: &Roll, site: &str, document: Option<&Document>, now: Time) -> String {
    let mut modes = roll.of_site(site).map(|(_, status)| status.mode.as_str());
    match modes.next() {
        Some(first) if modes.all(|mode| mode == first) => first.to_owned(),
        Some(_) => MIXED.to_owned(),
        None => document.map_or(Mode::Online, |document| document.at(now).mode()).name().to_owned(),
    }
}
