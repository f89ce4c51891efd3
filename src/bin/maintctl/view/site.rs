//! The current state of one site.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use envoy_maintenance::members::Workers;
use envoy_maintenance::state::{Document, Mode};
use envoy_maintenance::time::Time;
use jiff::Zoned;

use crate::diagnosis::lag::{self, Cause, Origin, Wanted};
use crate::document::describe;
use crate::document::draft::Draft;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::envoys::status::EnvoySite;
use crate::terminal::times;
use crate::write::file::contents::Contents;

/// The mode of a site in which Envoys disagree.
const MIXED: &str = "mixed";

/// A site at one moment.
pub struct SiteView {
    pub site: String,
    /// The name of the mode, or `mixed` if Envoys disagree.
    pub mode: String,
    pub declared: bool,
    /// `None` if there is no document, or if it may not be read.
    pub document: Option<(Draft, Document)>,
    pub channel: Option<String>,
    pub revision: Option<u64>,
    pub digest: Option<String>,
    /// The number of Envoys whose workers have all adopted the newest document, and of all Envoys.
    pub adopted: usize,
    pub total: usize,
    pub workers: Workers,
    pub refused: Option<u64>,
    /// The number of requests that passed, by rule.
    pub bypassed: BTreeMap<String, u64>,
    /// The plugins whose policy lacks the key that signed the document.
    pub lacks_key: BTreeSet<String>,
    /// Unknown names in the document, and unusual signatures.
    pub remarks: Vec<String>,
    /// The Envoys that have not adopted the newest document.
    pub lagging: Vec<Lag>,
}

/// An Envoy that has not adopted the newest document of a site.
pub struct Lag {
    pub envoy: String,
    pub cause: Cause,
}

impl SiteView {
    /// The state of `site` on all Envoys and in the file.
    pub fn of(site: &str, roll: &Roll, file: Option<(&Contents, &Path)>, now: &Zoned) -> SiteView {
        let at = times::time(now);
        let is_pinned = file.map(|(contents, _)| contents.is_pinned(site));
        // Of a file that cannot be read, nothing is known.
        let file = file.filter(|(contents, _)| contents.is_readable());
        let contents = file.map(|(contents, _)| contents);
        let newest = roll.of_site(site).max_by_key(|(_, status)| (status.is_declared(), status.stamp()));
        let in_file = contents.map(|contents| contents.expected(site).map(|expected| expected.digest));
        let seen = newest.map(|(_, status)| status);
        let document = document(site, seen, contents);
        let mut view = SiteView {
            site: site.to_owned(),
            mode: mode(roll, site, document.as_ref().map(|(_, document)| document), at),
            declared: is_pinned.unwrap_or_else(|| seen.is_some_and(EnvoySite::is_declared)),
            document,
            channel: seen.and_then(|status| status.channel.clone()),
            revision: seen.map(|status| status.revision),
            digest: in_file.unwrap_or_else(|| seen.and_then(|status| status.digest.clone())),
            adopted: 0,
            total: roll.total(),
            workers: Workers::default(),
            refused: None,
            bypassed: BTreeMap::new(),
            lacks_key: BTreeSet::new(),
            remarks: seen.map(remarks).unwrap_or_default(),
            lagging: Vec::new(),
        };
        roll.of_site(site).for_each(|(_, status)| view.add(status, at));
        let origin = match (file, newest) {
            (Some((_, path)), _) => Origin::File(path),
            (None, Some((envoy, status))) if status.is_declared() => Origin::Policy(&envoy.status.envoy),
            (None, _) => Origin::Push,
        };
        view.lagging = view.lagging_of(roll, origin, now);
        view
    }

    /// True if all workers decide by the wanted document, or by another one that means the same: no document and a document
    /// that keeps the site online are the same.
    fn has_adopted(&self, status: &EnvoySite, now: Time) -> bool {
        status.workers.have_adopted() && self.is_wanted(status, now)
    }

    fn is_wanted(&self, status: &EnvoySite, now: Time) -> bool {
        let keeps_online =
            |document: &Document| document.at(now).mode() == Mode::Online && document.next_change(now).is_none();
        let wanted_keeps_online = match &self.document {
            Some((_, document)) => keeps_online(document),
            None => self.digest.is_none(),
        };
        let seen_keeps_online = || match &status.digest {
            None => true,
            Some(_) => {
                draft_of(&self.site, status).and_then(|draft| draft.read().ok()).is_some_and(|it| keeps_online(&it))
            }
        };
        status.digest == self.digest || wanted_keeps_online && seen_keeps_online()
    }

    fn add(&mut self, status: &EnvoySite, now: Time) {
        self.workers.members = self.workers.members.saturating_add(status.workers.members);
        if self.is_wanted(status, now) {
            self.workers.adopted = self.workers.adopted.saturating_add(status.workers.adopted);
        }
        self.adopted += usize::from(self.has_adopted(status, now));
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
    fn lagging_of(&self, roll: &Roll, origin: Origin<'_>, now: &Zoned) -> Vec<Lag> {
        let at = times::time(now);
        let have_all_adopted = self.adopted == roll.envoys.len();
        let is_lagging = |envoy: &&EnvoyProcess| {
            let status = envoy.status.site(&self.site);
            if have_all_adopted {
                self.mode == MIXED
            } else {
                !status.is_some_and(|status| self.has_adopted(status, at))
            }
        };
        let wanted = Wanted { digest: self.digest.as_deref(), origin };
        let lag = |envoy: &EnvoyProcess| Lag {
            envoy: envoy.name(),
            cause: lag::cause(&envoy.status, &self.site, &wanted, now),
        };
        roll.envoys.iter().filter(is_lagging).map(lag).collect()
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
}

/// The document of a site: that of the file if it has one, else the newest of an Envoy.
fn document(site: &str, newest: Option<&EnvoySite>, contents: Option<&Contents>) -> Option<(Draft, Document)> {
    let of_envoy = || newest.and_then(|status| draft_of(site, status));
    let draft = contents.and_then(|contents| contents.document(site)).or_else(of_envoy);
    draft.and_then(|draft| Some((draft.clone(), draft.read().ok()?)))
}

/// The document that an Envoy shows.
fn draft_of(site: &str, status: &EnvoySite) -> Option<Draft> {
    let members = status.details.document.as_object()?;
    Some(Draft::from_members(site, members.clone()))
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
