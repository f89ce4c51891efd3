//! The entries of `state` in the watched file: documents, which maintctl writes, and pins, which the operator's policy
//! declares. A document names its site. A pin does not, and has the revision with which maintctl wrote it.

use envoy_maintenance::config::PluginConfig;
use envoy_maintenance::state::{Document, Mode};
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::{KeyPath, Tree};
use serde_json::{Map, Value};

use crate::document::draft::Draft;
use crate::envoys::adoption::ExpectedDocument;

/// The member by which a document differs from a pin.
const SITE: &str = "site";
const REVISION: &str = "revision";

/// The entries of a `state`, by site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateEntries(Map<String, Value>);

impl StateEntries {
    /// The entries of the `state` of a policy.
    pub fn of(policy: &Tree) -> StateEntries {
        match policy.get("state").map(Tree::to_json) {
            Some(Value::Object(state)) => StateEntries(state),
            _ => StateEntries::default(),
        }
    }

    /// The entries of the operator's policy as pins.
    pub fn pins_of(policy: &Tree) -> StateEntries {
        StateEntries::of(policy).plain()
    }

    /// The documents among the entries.
    pub fn documents(&self) -> StateEntries {
        self.filtered(|_, entry| entry.get(SITE).is_some())
    }

    /// The pins among the entries, without revisions.
    pub fn pins(&self) -> StateEntries {
        self.filtered(|_, entry| entry.get(SITE).is_none()).plain()
    }

    /// The pins without the members that maintctl adds or removes.
    fn plain(mut self) -> StateEntries {
        for members in self.0.values_mut().filter_map(Value::as_object_mut) {
            members.remove(SITE);
            members.remove(REVISION);
        }
        self
    }

    /// The entries that pass `keeps`.
    pub fn filtered(&self, keeps: impl Fn(&str, &Value) -> bool) -> StateEntries {
        let kept = self.0.iter().filter(|(site, entry)| keeps(site, entry));
        StateEntries(kept.map(|(site, entry)| (site.clone(), entry.clone())).collect())
    }

    /// True if this site has a pin.
    pub fn is_pin(&self, site: &str) -> bool {
        self.0.get(site).is_some_and(|entry| entry.get(SITE).is_none())
    }

    /// The entry of a site.
    pub fn get(&self, site: &str) -> Option<&Value> {
        self.0.get(site)
    }

    /// The entry of a site as a document.
    pub fn draft(&self, site: &str) -> Option<Draft> {
        Some(Draft::from_members(site, self.0.get(site)?.as_object()?.clone()))
    }

    /// The mode of a site at `now`; `online` without an entry.
    pub fn mode(&self, site: &str, now: Time) -> Mode {
        let document = self.draft(site).and_then(|draft| draft.read().ok());
        document.map_or(Mode::Online, |document| document.at(now).mode())
    }

    /// Sets the entry of a site to a document.
    pub fn set(&mut self, site: &str, document: &Draft) {
        self.0.insert(site.to_owned(), Value::Object(document.members().clone()));
    }

    /// Adds the entries of `others`, which replace those of the same sites.
    pub fn extend(&mut self, others: StateEntries) {
        self.0.extend(others.0);
    }

    /// The sites with an entry.
    pub fn sites(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// The site of the entry with the greatest revision, and that revision.
    pub fn newest(&self) -> Option<(&String, u64)> {
        let revision = |entry: &Value| entry.get(REVISION).and_then(Value::as_u64).unwrap_or(0);
        self.0.iter().map(|(site, entry)| (site, revision(entry))).max_by_key(|(_, revision)| *revision)
    }

    /// Gives each entry this revision.
    pub fn restamp(&mut self, revision: u64) {
        for entry in self.0.values_mut().filter_map(Value::as_object_mut) {
            entry.insert(REVISION.to_owned(), revision.into());
        }
    }

    /// The document that an Envoy with the entry of `site` has to adopt.
    pub fn expected(&self, site: &str) -> Option<ExpectedDocument> {
        // The filter computes the digest of a declared document over its members sorted by name.
        let tree = Tree::from_json(self.0.get(site)?.to_string().as_bytes()).ok()?;
        let document = Document::declared(site, &tree, &KeyPath::Root.key(site)).ok()?;
        let (revision, digest) = (document.stamp.revision, document.stamp.digest.to_string());
        Some(ExpectedDocument { site: site.to_owned(), revision, digest, document, is_declared: true })
    }

    /// A policy with these entries as its `state`.
    pub fn within(&self, policy: &Tree) -> Value {
        let mut policy = match policy.to_json() {
            Value::Object(policy) => policy,
            _ => Map::new(),
        };
        policy.remove("state");
        if !self.0.is_empty() {
            policy.insert("state".to_owned(), Value::Object(self.0.clone()));
        }
        Value::Object(policy)
    }
}

/// The names of a policy's sites, sorted; `None` if the policy is invalid.
pub fn sites(policy: &Tree) -> Option<Vec<String>> {
    PluginConfig::read(policy).ok().map(|config| names(&config))
}

/// The names of a policy's sites, sorted.
pub fn names(config: &PluginConfig) -> Vec<String> {
    let mut names: Vec<String> = match &config.sites {
        Some(sites) => sites.iter().map(|site| site.name.clone()).collect(),
        None => vec!["default".to_owned()],
    };
    names.sort();
    names
}
