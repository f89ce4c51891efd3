//! The plugin on one worker: a policy, the documents that hold at its sites, and what follows from both at this moment.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::ContextType;

use super::stats::SiteStats;
use super::stream::Stream;
use super::{entry, host, register, stats, worker};
use crate::policy::{Kind, Policy};
use crate::state::jws::{STATE_TYP, Token};
use crate::state::{Document, Mode, Situation};
use crate::time::Time;

/// Where a document came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Policy,
    Push,
}

impl Channel {
    pub fn name(self) -> &'static str {
        match self {
            Channel::Policy => "policy",
            Channel::Push => "push",
        }
    }
}

/// A site's document, its channel, and who signed it.
pub struct Held {
    pub document: Document,
    pub channel: Channel,
    pub token: Vec<u8>,
}

/// A policy at work.
pub struct Root {
    /// `<plugin name>/<root id>`: a later policy in the same place replaces this one.
    pub slot: String,
    pub policy: Policy,
    pub held: RefCell<Vec<Option<Held>>>,
    /// What follows from them at the time of the last tick, by site.
    pub situations: RefCell<Vec<Situation>>,
    pub stats: Vec<SiteStats>,
    /// The time of the last tick.
    pub now: Cell<Time>,
    quiet: Cell<bool>,
    closed: Cell<bool>,
    fresh: Cell<bool>,
    retired: Cell<bool>,
    displaced: Cell<bool>,
    next_change: Cell<Option<Time>>,
    refused_tokens: RefCell<hashbrown::HashMap<usize, u32>>,
}

impl Root {
    fn new(slot: String, mut policy: Policy) -> Root {
        let declared = policy.sites.iter_mut().map(|site| {
            site.declared.take().map(|document| Held { document, channel: Channel::Policy, token: Vec::new() })
        });
        let held: Vec<Option<Held>> = declared.collect();
        let stats = policy.sites.iter().map(|site| SiteStats::new(&site.name)).collect();
        Root {
            slot,
            policy,
            situations: RefCell::new(held.iter().map(|_| Situation::default()).collect()),
            held: RefCell::new(held),
            stats,
            now: Cell::new(Time(0)),
            quiet: Cell::new(false),
            closed: Cell::new(false),
            fresh: Cell::new(true),
            retired: Cell::new(false),
            displaced: Cell::new(false),
            next_change: Cell::new(None),
            refused_tokens: RefCell::default(),
        }
    }

    /// The fleet whose documents hold here; empty where the policy names none.
    pub fn fleet(&self) -> &str {
        self.policy.fleet.as_deref().unwrap_or_default()
    }

    /// Whether any site is closed at this moment.
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Whether nothing could refuse a request now, and nothing else asks to see one.
    pub fn is_quiet(&self) -> bool {
        self.quiet.get()
    }

    pub fn is_fresh(&self) -> bool {
        self.fresh.get()
    }

    /// Whether a later policy or another build of the module has taken its slot: it lives on for its streams only.
    pub fn is_retired(&self) -> bool {
        self.retired.get() || self.displaced.get()
    }

    pub fn retire(&self) {
        self.retired.set(true);
        // Streams that still come say that it is at work.
        self.quiet.set(false);
    }

    /// Counts again, as Envoy goes on with it. With the slot to itself it is the policy that stands there.
    pub fn resume(&self, is_alone: bool) {
        self.retired.set(false);
        self.fresh.set(self.fresh.get() || is_alone);
    }

    /// Takes the slot where this policy is new, and leaves it while another build of the module has it.
    pub fn follow(&self, build: &str) {
        if self.retired.get() {
            return;
        }
        if self.fresh.get() {
            let key = format!("slot/{}", self.slot);
            register::add_line("slots", &self.slot);
            let said = format!("{build}\n{}", super::status::published(self));
            if register::text(&key) != said {
                host::set_shared(&key, said.as_bytes(), None);
                register::changed();
            }
        } else {
            self.displaced.set(!register::has_slot(&self.slot, build));
        }
    }

    /// Adopts what has changed and works out what holds at `now`. True where that is something else than before.
    pub fn refresh(&self, now: Time, changed: bool) -> bool {
        let before = self.now.replace(now);
        let fresh = self.fresh.replace(false);
        let mut held = self.held.borrow_mut();
        if changed || fresh {
            for (position, slot) in held.iter_mut().enumerate() {
                self.adopt(position, slot);
            }
        }
        let due = self.next_change.get().is_some_and(|next| next <= now) || now < before;
        if !(changed || fresh || due) {
            return false;
        }
        let documents = || held.iter().flatten().map(|held| &held.document);
        self.next_change.set(documents().filter_map(|document| document.next_change(now)).min());
        let situation = |held: &Option<Held>| held.as_ref().map(|held| held.document.at(now)).unwrap_or_default();
        let situations: Vec<Situation> = held.iter().map(situation).collect();
        let online = situations.iter().all(|situation| situation.mode() == Mode::Online);
        *self.situations.borrow_mut() = situations;
        self.closed.set(!online);
        self.quiet
            .set(online && !self.retired.get() && !self.policy.has_always_closed() && self.policy.control.is_none());
        true
    }

    fn adopt(&self, position: usize, slot: &mut Option<Held>) {
        if slot.as_ref().is_some_and(|held| held.channel == Channel::Policy) {
            return;
        }
        let Some(site) = self.policy.sites.get(position) else {
            return;
        };
        let Some(entry) = register::entry(self.fleet(), &site.name) else {
            return;
        };
        if slot.as_ref().is_some_and(|held| held.token == entry.token) {
            return;
        }
        match self.verify(&entry, &site.name) {
            Ok(document) => {
                register::hold(&self.slot, self.fleet(), &site.name, document.stamp.digest);
                *slot = Some(Held { document, channel: Channel::Push, token: entry.token });
            }
            Err(problem) => {
                let is_news = self.refused_tokens.borrow_mut().insert(position, entry.cas) != Some(entry.cas);
                if is_news && !self.is_retired() {
                    stats::count("channel.push.rejected");
                    log::error!("state of {}: {problem}; what was before holds", site.name);
                }
            }
        }
    }

    /// Checks a document of the register before it is adopted. A policy that lists keys takes what they may sign; one that
    /// lists none takes what the control endpoint of its fleet has accepted. What this plugin has adopted once holds until
    /// it is replaced, whatever has become of the key.
    fn verify(&self, entry: &register::Entry, site: &str) -> Result<Document, String> {
        let token = Token::parse(&entry.token, STATE_TYP).map_err(|error| error.to_string())?;
        let key = self.policy.keys.iter().find(|key| key.kid == token.kid);
        let public = match key {
            Some(key) => key.public,
            None => crate::state::jws::decode(&entry.key_x)
                .ok()
                .and_then(|bytes| ed25519_compact::PublicKey::from_slice(&bytes).ok())
                .ok_or("the key is unknown")?,
        };
        token.verify(&public).map_err(|error| error.to_string())?;
        let payload = token.payload().map_err(|error| error.to_string())?;
        let document = Document::from_payload(&payload).map_err(|error| error.to_string())?;
        if document.site != site || document.fleet.as_deref() != Some(self.fleet()) {
            return Err(format!("made for {} of fleet {:?}", document.site, document.fleet));
        }
        let objection = match key {
            Some(key) if !key.is_permitted(Kind::State, site) => {
                Some(format!("the key \"{}\" may not sign it", key.name))
            }
            None if !self.policy.keys.is_empty() => Some(format!("the policy has no key \"{}\"", entry.key_name)),
            // Its revision is no objection: the endpoint has judged that by the clock of its time.
            _ => None,
        };
        match objection {
            Some(problem) if !register::is_held(&self.slot, self.fleet(), site, document.stamp.digest) => Err(problem),
            _ => Ok(document),
        }
    }

    /// Writes that this policy runs, and what it has adopted, a line a site.
    pub fn acknowledge(&self, adopted: &mut String) {
        let _ = writeln!(adopted, "* {}", self.slot);
        let held = self.held.borrow();
        for (site, held) in self.policy.sites.iter().zip(held.iter()) {
            let stamp = held.as_ref().map(|held| (held.document.stamp.digest, held.channel));
            let document = super::status::adopted_as(stamp);
            let _ = writeln!(adopted, "{}/{} {document} {}", self.fleet(), site.name, self.slot);
        }
    }
}

/// The SDK's side of a root.
pub struct RootContext {
    context: u32,
    root: Option<Rc<Root>>,
}

impl RootContext {
    pub fn new(context: u32) -> RootContext {
        entry::set_root(context, None);
        RootContext { context, root: None }
    }
}

impl Drop for RootContext {
    fn drop(&mut self) {
        entry::remove_root(self.context);
        if let Some(root) = self.root.take() {
            worker::with(|worker| worker.remove(&root));
        }
    }
}

impl Context for RootContext {}

impl proxy_wasm::traits::RootContext for RootContext {
    fn on_vm_start(&mut self, _: usize) -> bool {
        worker::with(|worker| worker.start(&host::vm_configuration()));
        true
    }

    fn on_configure(&mut self, _: usize) -> bool {
        let policy = match Policy::from_plugin_configuration(&host::plugin_configuration()) {
            Ok(policy) => policy,
            Err(error) => {
                log::error!("policy refused: {error}");
                return false;
            }
        };
        let name =
            |part: &str| host::property(&[part]).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let slot = format!("{}/{}", name("plugin_name"), name("plugin_root_id"));
        register::prepare(policy.fleet.as_deref().unwrap_or_default(), &policy.sites);
        let root = Rc::new(Root::new(slot.replace(['\n', '\0'], " "), policy));
        worker::with(|worker| worker.add(&root));
        entry::set_root(self.context, Some(Rc::clone(&root)));
        self.root = Some(root);
        host::set_tick_period(worker::TICK);
        true
    }

    fn on_tick(&mut self) {
        worker::with(|worker| worker.tick(false));
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        let root = self.root.as_ref()?;
        if root.retired.get() {
            // Envoy has kept the listener that it stands on, or has gone back to it.
            worker::with(|worker| worker.resume(root));
        }
        if root.fresh.get() {
            // A request that comes before the first tick must not meet what was true before.
            worker::with(|worker| worker.tick(true));
        }
        Some(Box::new(Stream::new(Rc::clone(root))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
