//! One site during a push: its current plan, the documents made for it, and the Envoy that decides between operators.

use std::collections::BTreeSet;
use std::time::Duration;

use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;
use serde_json::Value;

use crate::document::draft::Draft;
use crate::envoys::request::{PeerId, SignedDocument};
use crate::envoys::status::{EnvoySite, EnvoyStatus};
use crate::write::change::SiteChange;
use crate::write::push::plan::{OwnDocuments, SitePlan};

/// One site during a push.
#[derive(Debug)]
pub struct SitePush {
    pub plan: SitePlan,
    /// The change to report: the last edit, not the repetition of a document.
    pub change: SiteChange,
    /// The documents that this push has made.
    pub own: OwnDocuments,
    /// True if an Envoy has accepted one of them.
    pub is_accepted: bool,
    /// True if the current plan may be sent to every Envoy.
    pub is_decided: bool,
    /// True if another operator has changed the site after this push.
    pub is_superseded: bool,
    /// The Envoy that decides between operators who change the site at the same time, and the time of the request.
    pub arbiter: Option<(PeerId, Duration)>,
    /// Envoys that failed as arbiters.
    pub tried: BTreeSet<PeerId>,
}

/// The meaning of an Envoy's document for a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateDocument {
    /// It is not newer than the document on which the push is based.
    Known,
    /// It is the result of a later change by another operator, so it stays.
    Successor,
    /// It contains the change already, or needs none.
    Included,
    /// It is newer than the base, but lacks the change.
    Sibling,
}

impl SitePush {
    pub fn new(plan: SitePlan) -> SitePush {
        let mut site = SitePush {
            change: plan.change.clone(),
            plan,
            own: OwnDocuments::default(),
            is_accepted: false,
            is_decided: false,
            is_superseded: false,
            arbiter: None,
            tried: BTreeSet::new(),
        };
        site.begin();
        site
    }

    /// Replaces the plan. `edits` is true if it applies the change again.
    pub fn set_plan(&mut self, plan: SitePlan, edits: bool) {
        if edits {
            self.change = plan.change.clone();
        }
        self.plan = plan;
        self.begin();
        self.is_decided |= !edits;
    }

    fn begin(&mut self) {
        if let Some(expected) = self.plan.expected.as_ref().filter(|_| self.plan.is_new) {
            self.own.0.push((expected.revision, expected.digest.clone()));
        }
        self.is_decided = self.plan.signed.is_none();
        self.arbiter = None;
        self.tried.clear();
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.change.site
    }

    /// The document that an Envoy with this status lacks.
    pub fn lacking(&self, status: &EnvoyStatus) -> Option<SignedDocument> {
        let (expected, signed) = (self.plan.expected.as_ref()?, self.plan.signed.as_ref()?);
        let current = status.site(self.name())?;
        let newest = (expected.revision, expected.digest.as_str());
        let has_newest = current.stamp().is_some_and(|stamp| stamp >= newest);
        (!has_newest).then(|| SignedDocument {
            site: expected.site.clone(),
            revision: expected.revision,
            digest: expected.digest.clone(),
            signed: signed.clone(),
            replaces: current.digest.clone(),
        })
    }

    /// True if an Envoy with this status needs the expected document, but it is not signed, because no Envoy needed it
    /// before.
    pub fn needs_signature(&self, status: &EnvoyStatus) -> bool {
        let expected = self.plan.expected.as_ref().filter(|_| self.plan.signed.is_none());
        let digest = status.site(self.name()).map(|site| site.digest.as_deref());
        expected.is_some_and(|expected| digest.is_some_and(|digest| digest != Some(&expected.digest)))
    }

    /// The meaning of an Envoy's document.
    pub fn late(&self, current: &EnvoySite) -> LateDocument {
        let Some(stamp) = current.stamp() else { return LateDocument::Known };
        let base = self.plan.base.as_ref().map(|(revision, digest)| (*revision, digest.as_str()));
        if base.is_some_and(|base| stamp <= base) || self.own.contain(current.digest.as_deref()) {
            return LateDocument::Known;
        }
        let newest_own = self.own.0.iter().max();
        let is_after = newest_own.is_some_and(|(revision, digest)| stamp > (*revision, digest.as_str()));
        match (is_after && self.is_accepted, self.is_superseded || includes(&self.change, current)) {
            (true, _) => LateDocument::Successor,
            (false, true) => LateDocument::Included,
            (false, false) => LateDocument::Sibling,
        }
    }

    /// True if an Envoy lacked the newest document before this push, according to its first status. An Envoy without a
    /// document does not lack one that closes nothing.
    pub fn was_lacking(&self, first: &EnvoyStatus, newest: &EnvoySite, now: Time) -> bool {
        let Some(site) = first.site(self.name()).filter(|site| !site.is_declared()) else { return false };
        if site.digest == newest.digest {
            return false;
        }
        let document = newest.details.document.as_object().cloned();
        let document = document.and_then(|members| Draft::from_members(self.name(), members).read().ok());
        let has_effect = |document: &envoy_maintenance::state::Document| {
            document.at(now).mode() != Mode::Online || !document.windows.is_empty()
        };
        site.digest.is_some() || document.is_none_or(|document| has_effect(&document))
    }
}

/// True if the document of an Envoy contains everything that the change has changed. Then it was made from the changed
/// document, even if the Envoy that accepted that one never responded.
fn includes(change: &SiteChange, current: &EnvoySite) -> bool {
    let Some(theirs) = current.details.document.as_object() else { return false };
    let (before, after) = (change.before.members(), change.after.members());
    let ignored = ["revision", "iat", "by", "since", "past", "fleet", "site"];
    let names = before.keys().chain(after.keys()).filter(|name| !ignored.contains(&name.as_str()));
    let mut changed = names.filter(|name| before.get(*name) != after.get(*name)).peekable();
    changed.peek().is_some() && changed.all(|name| includes_value(before.get(name), after.get(name), theirs.get(name)))
}

/// Compares one member. Of a list, only the entries that the change has added or removed count.
fn includes_value(before: Option<&Value>, after: Option<&Value>, theirs: Option<&Value>) -> bool {
    let entries = |value: Option<&Value>| value.and_then(Value::as_array).cloned();
    if entries(before).or(entries(after)).is_none() {
        return after == theirs;
    }
    let list = |value| entries(value).unwrap_or_default();
    let (before, after, theirs) = (list(before), list(after), list(theirs));
    after.iter().filter(|entry| !before.contains(entry)).all(|entry| theirs.contains(entry))
        && before.iter().filter(|entry| !after.contains(entry)).all(|entry| !theirs.contains(entry))
}
