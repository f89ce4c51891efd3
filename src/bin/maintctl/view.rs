//! What holds on a target now: every site, as its Envoys or its file show it.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;
use envoy_maintenance::protocol::WorkerCounts;
use envoy_maintenance::state::{Document, Mode};
use envoy_maintenance::time::Time;
use serde_json::{Map, Value, json};

use crate::config::target::{Target, TargetWriter};
use crate::document::describe;
use crate::document::draft::Draft;
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::{EnvoyFailure, missing_json};
use crate::envoys::roll::Roll;
use crate::envoys::status::EnvoySite;
use crate::terminal::times;
use crate::write::file::Contents;

/// A target at a moment.
pub struct View {
    pub roll: Roll,
    pub sites: Vec<SiteView>,
    /// Envoys that are in a hot restart, or may be, where that was asked.
    pub unreached: Vec<EnvoyFailure>,
    /// Why less is shown than could be.
    pub note: Option<String>,
}

/// A site at a moment.
pub struct SiteView {
    pub site: String,
    /// `offline`, …, or `mixed` where Envoys disagree.
    pub mode: String,
    pub declared: bool,
    /// None: there is none, or it may not be read.
    pub document: Option<(Draft, Document)>,
    pub channel: Option<String>,
    pub revision: Option<u64>,
    pub digest: Option<String>,
    /// Envoys that decide by the newest document on all their workers, and all there should be.
    pub followed: usize,
    pub total: usize,
    pub workers: WorkerCounts,
    pub refused: Option<u64>,
    /// Requests that were let in, by rule.
    pub bypassed: BTreeMap<String, u64>,
    /// What an operator should know beside: names that the policy lacks, fields that Envoy passed over.
    pub remarks: Vec<String>,
    /// The Envoys that do not follow, and why.
    pub apart: Vec<EnvoyFailure>,
}

impl View {
    /// Asks the target's Envoys, and reads its file.
    pub fn of(target: &Target, deadline: Instant) -> Result<View> {
        let contents = match &target.writer {
            TargetWriter::File(writer) => Some(writer.read()?),
            TargetWriter::Push => None,
        };
        let edited = contents.as_ref().is_some_and(|contents| contents.is_edited);
        let edited = edited.then(|| "the policy was edited; the next change writes it into the file".to_owned());
        let (token, mut note) = match target.read_token(times::time(&times::now())) {
            Ok(token) => (Some(token), edited),
            // A file says by itself what a key would show.
            Err(_) if contents.is_some() => (None, edited),
            Err(error) => (None, Some(format!("less is shown: {error:#}"))),
        };
        let mut roll = target.call(token.as_deref(), deadline)?;
        let refused = roll.missing.iter().find(|missing| matches!(missing.error, EnvoyError::Refused { .. }));
        if let Some(refused) = refused.filter(|_| token.is_some()) {
            note = Some(format!("less is shown, as the key is not taken: {}", refused.line()));
            roll = target.call(None, deadline)?;
        }
        let mut names = roll.sites();
        for name in contents.iter().flat_map(Contents::sites) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.sort();
        let now = times::time(&times::now());
        let sites = names.iter().map(|site| SiteView::of(site, &roll, contents.as_ref(), now)).collect();
        Ok(View { roll, sites, unreached: Vec::new(), note })
    }
}

impl SiteView {
    fn of(site: &str, roll: &Roll, contents: Option<&Contents>, now: Time) -> SiteView {
        let newest =
            roll.of_site(site).map(|(_, status)| status).max_by_key(|status| (status.is_declared(), status.stamp()));
        let digest = contents
            .and_then(|contents| Some(contents.wanted(site)?.digest))
            .or_else(|| newest.and_then(|status| status.digest.clone()));
        let document = match (contents, newest.and_then(|status| status.details.document.as_object().cloned())) {
            (Some(contents), _) => Some(contents.document(site, None).0),
            (None, members) => members.map(|members| Draft::from_members(site, members)),
        };
        let document = document.and_then(|draft| Some((draft.clone(), draft.read().ok()?)));
        let follows = |status: &EnvoySite| status.digest == digest && status.workers.all();
        let mut view = SiteView {
            site: site.to_owned(),
            mode: mode(roll, site, document.as_ref().map(|(_, document)| document), now),
            declared: newest.map_or_else(
                || contents.is_some_and(|contents| contents.document(site, None).1),
                EnvoySite::is_declared,
            ),
            document,
            channel: newest.and_then(|status| status.channel.clone()),
            revision: newest.map(|status| status.revision),
            digest: digest.clone(),
            followed: 0,
            total: roll.envoys.len() + roll.missing.len(),
            workers: WorkerCounts::default(),
            refused: None,
            bypassed: BTreeMap::new(),
            remarks: newest.map(remarks).unwrap_or_default(),
            apart: Vec::new(),
        };
        for envoy in &roll.envoys {
            if let Some(status) = envoy.status.site(site) {
                view.add(status, follows(status));
            }
        }
        // All that follow one document are of one mode, but for their clocks.
        let is_apart = |status: Option<&EnvoySite>| match view.followed == roll.envoys.len() {
            true => view.mode == MIXED,
            false => !status.is_some_and(follows),
        };
        let apart = roll.envoys.iter().map(|envoy| (envoy, envoy.status.site(site)));
        let apart = apart.filter(|(_, status)| is_apart(*status)).map(|(envoy, status)| {
            EnvoyFailure::new(envoy.name(), EnvoyError::Unexpected(why_apart(status, view.digest.as_deref())))
        });
        view.apart = apart.collect();
        view
    }

    fn add(&mut self, status: &EnvoySite, follows: bool) {
        self.workers.members = self.workers.members.saturating_add(status.workers.members);
        if status.digest == self.digest {
            self.workers.adopted = self.workers.adopted.saturating_add(status.workers.adopted);
        }
        self.followed += usize::from(follows);
        if let Some(refused) = status.details.refused {
            self.refused = Some(self.refused.unwrap_or(0).saturating_add(refused));
        }
        for (rule, count) in &status.details.bypassed.0 {
            let sum = self.bypassed.entry(rule.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// `2/2 Envoys, 8/8 workers`
    pub fn adoption(&self) -> String {
        let WorkerCounts { members, adopted } = self.workers;
        format!("{}/{} Envoys, {adopted}/{members} workers", self.followed, self.total)
    }

    /// The mode as operators know it.
    pub fn label(&self) -> String {
        let known = Mode::ALL.into_iter().find(|mode| mode.name() == self.mode);
        known.map_or_else(|| self.mode.to_uppercase(), |mode| describe::label(mode).to_owned())
    }

    /// The strictest mode that any Envoy shows, for `--exit-code`.
    pub fn strictest(&self, roll: &Roll) -> Mode {
        let shown = roll.of_site(&self.site).map(|(_, status)| status.mode.as_str());
        let modes = shown.chain([self.mode.as_str()]);
        modes.filter_map(|name| Mode::ALL.into_iter().find(|mode| mode.name() == name)).max().unwrap_or(Mode::Online)
    }

    /// The site as a member of an answer in JSON.
    pub fn json(&self, now: Time) -> Value {
        let member = |name: &str| {
            self.document.as_ref().and_then(|(draft, _)| draft.members().get(name).cloned()).unwrap_or(Value::Null)
        };
        let list = |name: &str| Some(member(name)).filter(Value::is_array).unwrap_or_else(|| json!([]));
        let situation = self.document.as_ref().map(|(_, document)| document.at(now)).unwrap_or_default();
        let time = |time: Option<Time>| time.map(|time| time.to_string());
        let lagging = missing_json(&self.apart);
        let envoys = json!({ "total": self.total, "followed": self.followed, "lagging": lagging });
        let workers = json!({ "members": self.workers.members, "adopted": self.workers.adopted });
        let mut site = Map::new();
        for (name, value) in [
            ("site", json!(self.site)),
            ("mode", json!(self.mode)),
            ("declared", json!(self.declared)),
            ("since", json!(time(situation.since()))),
            ("until", json!(time(situation.until()))),
            ("eta", json!(time(situation.eta()))),
            ("reason", json!(situation.reason())),
            ("note", member("note")),
            ("by", member("by")),
            ("suspend", list("suspend")),
            ("windows", list("windows")),
            ("past", list("past")),
            ("channel", json!(self.channel)),
            ("revision", json!(self.revision)),
            ("digest", json!(self.digest)),
            ("remarks", json!(self.remarks)),
            ("refused", json!(self.refused)),
            ("bypassed", json!(self.bypassed)),
            ("envoys", envoys),
            ("workers", workers),
        ] {
            site.insert(name.to_owned(), value);
        }
        Value::Object(site)
    }
}

fn remarks(status: &EnvoySite) -> Vec<String> {
    let mut remarks = Vec::new();
    for (names, text) in [
        (&status.details.suspend_unknown, "suspended, but the policy has no such rule"),
        (&status.details.unknown_fields, "in the document, but this Envoy's filter does not know it"),
    ] {
        remarks.extend(names.iter().map(|name| format!("{name}: {text}")));
    }
    let signed_by = status.details.signed_by.as_deref();
    remarks.extend(signed_by.filter(|name| name.contains(' ')).map(|name| format!("signed by {name}")));
    remarks
}

const MIXED: &str = "mixed";

fn mode(roll: &Roll, site: &str, document: Option<&Document>, now: Time) -> String {
    let mut shown = roll.of_site(site).map(|(_, status)| status.mode.as_str());
    match shown.next() {
        Some(first) if shown.all(|mode| mode == first) => first.to_owned(),
        Some(_) => MIXED.to_owned(),
        None => document.map_or(Mode::Online, |document| document.at(now).mode()).name().to_owned(),
    }
}

/// Why an Envoy does not follow the document with this digest.
fn why_apart(status: Option<&EnvoySite>, newest: Option<&str>) -> String {
    let Some(EnvoySite { mode, digest, workers: WorkerCounts { members, adopted }, .. }) = status else {
        return "does not have the site".to_owned();
    };
    let why = match digest.as_deref() {
        None if newest.is_some() => "has no document, as after a restart".to_owned(),
        digest if digest != newest => "has another document".to_owned(),
        _ => format!("{adopted}/{members} workers"),
    };
    format!("{}, {why}", mode.to_uppercase())
}
