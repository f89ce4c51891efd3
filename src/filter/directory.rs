//! The published policies of a fleet in this Envoy, taken together: their sites, declared state and keys.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::documents::{self, Channel, Entry};
use super::host::HostError;
use super::plugins::{self, Published};
use super::register;
use crate::byte_index::ByteIndex;
use crate::config::PluginConfig;
use crate::json::Object;
use crate::policy::{Key, Permission, keys};
use crate::protocol::{KeyStatus, PluginStatus};
use crate::state::Document;
use crate::tree::{KeyPath, Tree};

/// The document that a site should follow.
#[derive(Clone)]
pub struct Current {
    pub document: Rc<Document>,
    pub channel: Channel,
    /// The form in which records of VMs name the document.
    pub label: Rc<str>,
    /// The key that has signed it: its thumbprint, and the name that it had when the document was pushed.
    pub signed_by: Option<(String, String)>,
}

/// A site of the fleet.
pub struct KnownSite {
    pub name: String,
    pub rules: Vec<String>,
    declared: Option<Current>,
    /// The plugins whose policies have the site, with their keys.
    plugins: Vec<(String, Rc<[Key]>)>,
}

impl KnownSite {
    /// True if a policy declares the state.
    pub fn is_declared(&self) -> bool {
        self.declared.is_some()
    }

    /// The document that the site should follow, as of a generation.
    pub fn current(&self, generation: u64, fleet: &str) -> Result<Option<Current>, HostError> {
        if self.declared.is_some() {
            return Ok(self.declared.clone());
        }
        Ok(documents::at(generation, fleet, &self.name)?.and_then(|entry| pushed(&entry)))
    }

    /// The plugins whose policies have the site and no key that may sign `current`.
    pub fn lacks_key(&self, current: Option<&Current>) -> Vec<String> {
        let Some((kid, _)) = current.and_then(|current| current.signed_by.as_ref()) else { return Vec::new() };
        let may_sign = |key: &Key| key.kid == *kid && key.is_permitted(Permission::State, &self.name);
        let lacking = self.plugins.iter().filter(|(_, keys)| !keys.iter().any(may_sign));
        lacking.map(|(plugin, _)| plugins::shown_name(plugin).to_owned()).collect()
    }
}

/// The document of a value of shared data.
pub fn pushed(entry: &Entry) -> Option<Current> {
    let content = entry.content().ok()?;
    Some(Current {
        document: Rc::clone(&content.document),
        channel: Channel::Push,
        label: Rc::clone(&content.label),
        signed_by: Some((content.kid.clone(), entry.key_name.clone())),
    })
}

thread_local! {
    /// The directories of this VM, one per fleet.
    static DIRECTORIES: RefCell<Vec<Rc<Directory>>> = const { RefCell::new(Vec::new()) };
}

/// All policies of a fleet in this Envoy, taken together.
#[derive(Default)]
pub struct Directory {
    fleet: String,
    /// The generation at which it was last compared with the published policies.
    generation: Cell<u64>,
    /// The plugins whose policies it consists of, and the versions of these policies.
    sources: Vec<(String, u32)>,
    pub sites: Vec<KnownSite>,
    pub keys: Vec<Key>,
    /// All plugins, those of other fleets included.
    pub plugins: Vec<KnownPlugin>,
}

/// A plugin of this Envoy.
pub struct KnownPlugin {
    /// `<plugin name>/<root id>`.
    pub name: String,
    /// True if it is in the directory's fleet or in none, so that the status shows its refusal.
    pub shows_refusal: bool,
    /// The members of its status, without its refusal.
    pub status: String,
}

fn key_status(key: &Key) -> KeyStatus {
    KeyStatus {
        name: key.name.clone(),
        kid: key.kid.clone(),
        sites: key.sites.clone().unwrap_or_else(|| vec!["*".to_owned()]),
        may: key.may.iter().map(|kind| kind.name().to_owned()).collect(),
    }
}

impl Directory {
    /// The policies of `fleet`. They are read again only after a change.
    pub fn of(fleet: &str) -> Result<Rc<Directory>, HostError> {
        let generation = register::generation()?;
        DIRECTORIES.with_borrow_mut(|known| {
            let directory = known.iter().find(|directory| directory.fleet == fleet);
            if let Some(directory) = directory.filter(|known| known.generation.get() == generation) {
                return Ok(Rc::clone(directory));
            }
            let published = plugins::all()?;
            let sources: Vec<(String, u32)> =
                published.iter().map(|published| (published.plugin.clone(), published.cas)).collect();
            if let Some(directory) = directory.filter(|directory| directory.sources == sources) {
                directory.generation.set(generation);
                return Ok(Rc::clone(directory));
            }
            let mut directory = Directory { fleet: fleet.to_owned(), sources, ..Directory::default() };
            directory.generation.set(generation);
            published.iter().for_each(|published| directory.read(published));
            let directory = Rc::new(directory);
            known.retain(|known| known.fleet != fleet);
            known.push(Rc::clone(&directory));
            Ok(directory)
        })
    }

    fn read(&mut self, published: &Published) {
        let config = Tree::from_json(published.policy.as_bytes()).ok().and_then(|tree| PluginConfig::read(&tree).ok());
        let config = config.unwrap_or_default();
        let mut status = PluginStatus {
            name: plugins::shown_name(&published.plugin).to_owned(),
            fleet: config.fleet.clone(),
            ..PluginStatus::default()
        };
        let has_no_fleet = config.fleet.is_none();
        let is_own = config.fleet.as_deref().unwrap_or_default() == self.fleet;
        if is_own {
            let keys = keys::compile(&config.keys, &KeyPath::Root.key("keys")).unwrap_or_default();
            status.control = config.control_path_prefix.is_some();
            status.sites = config.sites.iter().flatten().map(|site| site.name.clone()).collect();
            status.keys = keys.iter().map(key_status).collect();
            self.add(&published.plugin, config, keys);
        }
        let mut members = Object::default();
        status.write(&mut members);
        let (name, shows_refusal) = (published.plugin.clone(), is_own || has_no_fleet);
        self.plugins.push(KnownPlugin { name, shows_refusal, status: members.into_members() });
    }

    fn add(&mut self, plugin: &str, config: PluginConfig, keys: Vec<Key>) {
        let own_keys: Rc<[Key]> = keys.as_slice().into();
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
                label: documents::label(document.stamp.digest, Channel::Policy),
                document: Rc::clone(document),
                channel: Channel::Policy,
                signed_by: None,
            });
            let plugin = (plugin.to_owned(), Rc::clone(&own_keys));
            match known.get(site.name.as_bytes()).and_then(|position| self.sites.get_mut(position)) {
                Some(known) => {
                    known.declared = known.declared.take().or(state);
                    known.plugins.push(plugin);
                }
                None => {
                    known.insert(site.name.as_bytes(), self.sites.len());
                    self.sites.push(KnownSite {
                        name: site.name,
                        rules: site.exempt.into_iter().map(|rule| rule.name).collect(),
                        declared: state,
                        plugins: vec![plugin],
                    });
                }
            }
        }
        for key in keys {
            if !self.keys.iter().any(|known| known.kid == key.kid && known.sites == key.sites && known.may == key.may) {
                self.keys.push(key);
            }
        }
    }
}
