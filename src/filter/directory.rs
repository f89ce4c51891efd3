//! The policies of a fleet in this Envoy, taken together: their sites, declared state and keys.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::host::HostError;
use super::root::{Channel, Root};
use super::{documents, host, members, register};
use crate::byte_index::ByteIndex;
use crate::config::PluginConfig;
use crate::json::{self, Object};
use crate::policy::{Key, Rule, Site, keys};
use crate::state::Document;
use crate::time::Time;
use crate::tree::{KeyPath, Tree};

/// What a policy tells the others of its fleet, in the words of a policy: sites, declared state, keys.
pub fn published(root: &Root) -> String {
    let mut state = Object::default();
    for document in root.declared() {
        state.raw(&document.site, std::str::from_utf8(&document.payload).unwrap_or("null"));
    }
    let site = |site: &Site| {
        let rule = |rule: &Rc<Rule>| {
            let mut object = Object::default();
            object.text("name", Some(&rule.name));
            // The name is what counts, and a rule needs a condition.
            object.raw("methods", "[\"GET\"]");
            object.end()
        };
        let mut object = Object::default();
        object.text("name", Some(&site.name));
        object.raw("exempt", &json::list(&site.exempt.iter().map(rule).collect::<Vec<_>>()));
        object.end()
    };
    let key = |key: &Key| {
        let mut object = Object::default();
        object.text("name", Some(&key.name));
        object.raw("jwk", &format!(r#"{{"kty":"OKP","crv":"Ed25519","x":{}}}"#, crate::tree::quoted(&key.x)));
        object.raw("sites", &key.sites.as_ref().map_or_else(|| "[\"*\"]".to_owned(), |sites| json::texts(sites)));
        let may: Vec<String> = key.may.iter().map(|kind| kind.name().to_owned()).collect();
        object.raw("may", &json::texts(&may));
        object.end()
    };
    let mut object = Object::default();
    object.text("fleet", root.policy.fleet.as_deref());
    object.raw("sites", &json::list(&root.policy.sites.iter().map(site).collect::<Vec<_>>()));
    object.raw("state", &state.end());
    object.raw("keys", &json::list(&root.policy.keys.iter().map(key).collect::<Vec<_>>()));
    object.end()
}

/// A document that a site should follow.
#[derive(Clone)]
pub struct Current {
    pub document: Rc<Document>,
    pub channel: Channel,
    /// How workers write down that they have adopted it.
    pub label: Rc<str>,
    /// The name of the key that had signed it when it came.
    pub signed_by: Option<String>,
}

/// A site as the policies of its fleet know it.
pub struct KnownSite {
    pub name: String,
    pub rules: Vec<String>,
    declared: Option<Current>,
}

impl KnownSite {
    /// Whether a policy says what holds here.
    pub fn is_declared(&self) -> bool {
        self.declared.is_some()
    }

    /// The document that the site should follow, as of this generation.
    pub fn current(&self, generation: u64, fleet: &str) -> Result<Option<Current>, HostError> {
        if self.declared.is_some() {
            return Ok(self.declared.clone());
        }
        Ok(documents::at(generation, fleet, &self.name)?.and_then(|entry| pushed(&entry)))
    }
}

/// The document of an entry of the register.
pub fn pushed(entry: &documents::Entry) -> Option<Current> {
    let content = entry.content().ok()?;
    Some(Current {
        document: Rc::clone(&content.document),
        channel: Channel::Push,
        label: Rc::clone(&content.label),
        signed_by: Some(entry.key_name.clone()),
    })
}

thread_local! {
    /// The directories of this thread's fleets.
    static DIRECTORIES: RefCell<Vec<Rc<Directory>>> = const { RefCell::new(Vec::new()) };
}

/// All policies of a fleet in this Envoy, taken together.
#[derive(Default)]
pub struct Directory {
    fleet: String,
    /// When it was last compared with what is published, and until when it is good if nothing changes.
    generation: Cell<u64>,
    until: Cell<Option<Time>>,
    /// The plugins whose policies it is made from, and the numbers of what they have published.
    sources: Vec<(String, Option<u32>)>,
    pub sites: Vec<KnownSite>,
    pub keys: Vec<Key>,
}

impl Directory {
    /// What the policies of `fleet` have published; read again only after that has changed.
    pub fn of(fleet: &str, now: Time) -> Result<Rc<Directory>, HostError> {
        let generation = register::generation()?;
        DIRECTORIES.with_borrow_mut(|known| {
            let directory = known.iter().find(|directory| directory.fleet == fleet);
            let is_good = |directory: &&Rc<Directory>| directory.until.get().is_none_or(|until| now < until);
            if let Some(directory) = directory.filter(|known| known.generation.get() == generation).filter(is_good) {
                return Ok(Rc::clone(directory));
            }
            let (slots, until) = register::running_slots(&members::instances(now)?, now)?;
            let published = slots.into_iter().map(|slot| Ok((host::shared(&format!("slot/{slot}"))?, slot)));
            let published: Vec<(Option<host::Shared>, String)> = published.collect::<Result<_, HostError>>()?;
            let sources =
                published.iter().map(|(shared, slot)| (slot.clone(), shared.as_ref().map(|shared| shared.cas)));
            let sources: Vec<(String, Option<u32>)> = sources.collect();
            if let Some(directory) = directory.filter(|directory| directory.sources == sources) {
                directory.generation.set(generation);
                directory.until.set(until);
                return Ok(Rc::clone(directory));
            }
            let mut directory = Directory { fleet: fleet.to_owned(), sources, ..Directory::default() };
            directory.generation.set(generation);
            directory.until.set(until);
            published.into_iter().filter_map(|(shared, _)| shared).for_each(|shared| directory.read(&shared.bytes));
            let directory = Rc::new(directory);
            known.retain(|known| known.fleet != fleet);
            known.push(Rc::clone(&directory));
            Ok(directory)
        })
    }

    /// Adds what a policy has published: the build that runs it, a line feed, and JSON.
    fn read(&mut self, published: &[u8]) {
        let json = published.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
        let config = Tree::from_json(json).ok().and_then(|tree| PluginConfig::read(&tree).ok());
        if let Some(config) = config.filter(|config| config.fleet.as_deref().unwrap_or_default() == self.fleet) {
            self.add(config);
        }
    }

    fn add(&mut self, config: PluginConfig) {
        let names = config.state.iter().map(|(site, _)| site.clone());
        let mut places = ByteIndex::default();
        for (place, site) in names.enumerate() {
            places.insert(site.as_bytes(), place);
        }
        let mut known = ByteIndex::default();
        for (position, site) in self.sites.iter().enumerate() {
            known.insert(site.name.as_bytes(), position);
        }
        for site in config.sites.unwrap_or_default() {
            let state = places.get(site.name.as_bytes()).and_then(|place| config.state.get(place));
            let state = state.map(|(_, document)| Current {
                label: documents::adopted_as(document.stamp.digest, Channel::Policy),
                document: Rc::clone(document),
                channel: Channel::Policy,
                signed_by: None,
            });
            match known.get(site.name.as_bytes()).and_then(|position| self.sites.get_mut(position)) {
                Some(known) if known.declared.is_none() => known.declared = state,
                Some(_) => {}
                None => {
                    known.insert(site.name.as_bytes(), self.sites.len());
                    self.sites.push(KnownSite {
                        name: site.name,
                        rules: site.exempt.into_iter().map(|rule| rule.name).collect(),
                        declared: state,
                    });
                }
            }
        }
        let keys = keys::compile(&config.keys, &KeyPath::Root.key("keys")).unwrap_or_default();
        for key in keys {
            if !self.keys.iter().any(|known| known.kid == key.kid && known.sites == key.sites && known.may == key.may) {
                self.keys.push(key);
            }
        }
    }
}
