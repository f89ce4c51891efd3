//! What this Envoy says of its sites: the policies of a fleet, the newest documents, and who has adopted them.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::register::{self, Instance};
use super::root::{Channel, Root};
use super::stats;
use crate::config::PluginConfig;
use crate::policy::{Key, keys};
use crate::state::jws::{STATE_TYP, Token};
use crate::state::{Digest, Document};
use crate::time::Time;
use crate::tree::{Path, Tree};

/// What a policy tells the others of its fleet, in the words of a policy: sites, declared state, keys.
pub fn published(root: &Root) -> String {
    let held = root.held.borrow();
    let declared = held.iter().flatten().filter(|held| held.channel == Channel::Policy).filter_map(|held| {
        let document = serde_json::from_slice(&held.document.payload).ok()?;
        Some((held.document.site.clone(), document))
    });
    let sites = root.policy.sites.iter().map(|site| {
        let rules = site.exempt.iter().map(|rule| {
            json!({ "name": rule.name, "methods": ["GET"] }) // the name is what counts
        });
        json!({ "name": site.name, "exempt": rules.collect::<Vec<_>>() })
    });
    let keys = root.policy.keys.iter().map(|key| {
        json!({
            "name": key.name,
            "jwk": { "kty": "OKP", "crv": "Ed25519", "x": key.x },
            "sites": key.sites.clone().unwrap_or_else(|| vec!["*".to_owned()]),
            "may": key.may.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
        })
    });
    json!({
        "fleet": root.policy.fleet,
        "sites": sites.collect::<Vec<_>>(),
        "state": declared.collect::<Map<String, Value>>(),
        "keys": keys.collect::<Vec<_>>(),
    })
    .to_string()
}

/// A site as the policies of its fleet know it.
pub struct KnownSite {
    pub name: String,
    pub rules: Vec<String>,
    pub declared: Option<Document>,
}

thread_local! {
    /// The directories of this thread's fleets.
    static DIRECTORIES: RefCell<Vec<Rc<Directory>>> = const { RefCell::new(Vec::new()) };
}

/// All policies of a fleet in this Envoy, taken together.
#[derive(Default)]
pub struct Directory {
    fleet: String,
    /// When it was read, and until when it is good if nothing changes.
    generation: u64,
    until: Option<Time>,
    pub sites: Vec<KnownSite>,
    pub keys: Vec<Key>,
}

impl Directory {
    /// What the policies of `fleet` have published; read again only after something has changed.
    pub fn of(fleet: &str, now: Time) -> Rc<Directory> {
        let generation = register::generation();
        DIRECTORIES.with_borrow_mut(|known| {
            let is_good = |directory: &Rc<Directory>| directory.until.is_none_or(|until| now < until);
            known.retain(|directory| directory.generation == generation && is_good(directory));
            if let Some(directory) = known.iter().find(|directory| directory.fleet == fleet) {
                return Rc::clone(directory);
            }
            let directory = Rc::new(Directory::read(fleet, generation, now));
            known.push(Rc::clone(&directory));
            directory
        })
    }

    fn read(fleet: &str, generation: u64, now: Time) -> Directory {
        let (slots, until) = register::running_slots(now);
        let mut directory = Directory { fleet: fleet.to_owned(), generation, until, ..Directory::default() };
        for slot in &slots {
            let said = register::text(&format!("slot/{slot}"));
            let config = said
                .split_once('\n')
                .and_then(|(_, json)| PluginConfig::read(&Tree::from_json(json.as_bytes()).ok()?).ok());
            if let Some(config) = config.filter(|config| config.fleet.as_deref().unwrap_or_default() == fleet) {
                directory.add(config);
            }
        }
        directory
    }

    fn add(&mut self, config: PluginConfig) {
        let mut declared: hashbrown::HashMap<String, Document> = config.state.into_iter().collect();
        for site in config.sites.unwrap_or_default() {
            let state = declared.remove(&site.name);
            match self.sites.iter_mut().find(|known| known.name == site.name) {
                Some(known) if known.declared.is_none() => known.declared = state,
                Some(_) => {}
                None => self.sites.push(KnownSite {
                    name: site.name,
                    rules: site.exempt.into_iter().map(|rule| rule.name).collect(),
                    declared: state,
                }),
            }
        }
        let keys = keys::compile(&config.keys, &Path::Root.key("keys")).unwrap_or_default();
        for key in keys {
            if !self.keys.iter().any(|known| known.kid == key.kid && known.sites == key.sites && known.may == key.may) {
                self.keys.push(key);
            }
        }
    }
}

/// The document that a site should follow, where it came from, and who signed it.
pub struct Current {
    pub document: Document,
    pub channel: Channel,
    pub signed_by: Option<String>,
}

impl Current {
    /// The document that `site` of `fleet` should follow.
    pub fn of(fleet: &str, site: &KnownSite) -> Option<Current> {
        match &site.declared {
            Some(document) => Some(Current { document: document.clone(), channel: Channel::Policy, signed_by: None }),
            None => {
                let entry = register::entry(fleet, &site.name)?;
                let token = Token::parse(&entry.token, STATE_TYP).ok()?;
                let document = Document::from_payload(&token.payload().ok()?).ok()?;
                Some(Current { document, channel: Channel::Push, signed_by: Some(entry.key_name) })
            }
        }
    }
}

/// How a worker writes down what it has adopted.
pub fn adopted_as(document: Option<(Digest, Channel)>) -> String {
    document.map_or_else(|| "-".to_owned(), |(digest, channel)| format!("{digest}@{}", channel.name()))
}

/// One site's part of the status; `full` for those who may read everything.
pub fn site(fleet: &str, known: &KnownSite, keys: &[Key], instances: &[Instance], now: Time, full: bool) -> Value {
    let current = Current::of(fleet, known);
    let stamp = current.as_ref().map(|current| (current.document.stamp.digest, current.channel));
    let workers = register::workers(instances, &format!("{fleet}/{}", known.name), &adopted_as(stamp));
    let situation = current.as_ref().map(|current| current.document.at(now)).unwrap_or_default();
    let active: Vec<&str> = situation.modes().strictest_first().map(|mode| mode.name()).collect();
    let mut status = json!({
        "site": known.name,
        "mode": situation.mode().name(),
        "active": active,
        "revision": current.as_ref().map_or(0, |current| current.document.stamp.revision),
        "digest": stamp.map(|(digest, _)| digest.to_string()),
        "channel": current.as_ref().map(|current| current.channel.name()),
        "workers": { "members": workers.members, "adopted": workers.adopted },
    });
    let Some(members) = status.as_object_mut().filter(|_| full) else {
        return status;
    };
    let time = |time: Option<Time>| time.map(|time| time.to_string());
    let document = current.as_ref().map(|current| &current.document);
    let payload = document.and_then(|document| serde_json::from_slice::<Value>(&document.payload).ok());
    let part = |name: &str| payload.as_ref().and_then(|payload| payload.get(name)).cloned();
    let signed_by = current.as_ref().and_then(|current| current.signed_by.as_ref()).map(|name| {
        let known = keys.iter().any(|key| key.name == *name);
        if known { name.clone() } else { format!("{name} (no longer in the policy)") }
    });
    let bypassed: Map<String, Value> = known
        .rules
        .iter()
        .map(|rule| (rule.clone(), stats::value(&stats::bypassed_name(&known.name, rule)).into()))
        .collect();
    let unknown_rules: Vec<&String> = document
        .into_iter()
        .flat_map(|document| &document.suspend)
        .filter(|rule| !known.rules.contains(rule))
        .collect();
    members.extend([
        ("since".to_owned(), json!(time(situation.since()))),
        ("until".to_owned(), json!(time(situation.until()))),
        ("eta".to_owned(), json!(time(situation.eta()))),
        ("reason".to_owned(), json!(situation.reason())),
        ("by".to_owned(), json!(document.and_then(|document| document.by.as_ref()))),
        ("note".to_owned(), json!(document.and_then(|document| document.note.as_ref()))),
        ("signed_by".to_owned(), json!(signed_by)),
        ("windows".to_owned(), part("windows").unwrap_or_else(|| json!([]))),
        ("past".to_owned(), part("past").unwrap_or_else(|| json!([]))),
        ("suspend".to_owned(), part("suspend").unwrap_or_else(|| json!([]))),
        ("suspend_unknown".to_owned(), json!(unknown_rules)),
        ("unknown_fields".to_owned(), json!(document.map(|document| document.unknown.clone()).unwrap_or_default())),
        ("refused".to_owned(), json!(stats::value(&stats::refused_name(&known.name)))),
        ("bypassed".to_owned(), Value::Object(bypassed)),
        ("declared".to_owned(), json!(known.declared.is_some())),
        ("document".to_owned(), json!(payload)),
    ]);
    status
}
