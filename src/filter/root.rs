//! One root context: a policy on one worker, the documents that it has adopted, and its standing.

use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::rc::Rc;

use super::adoption::{self, Adopted, EffectiveDocument, SiteState};
use super::documents::{self, Channel, Entry, EntryError, NO_DOCUMENT};
use super::host::HostError;
use super::stats::SiteStats;
use super::{log_limit, plugins, stats};
use crate::compiled::CompiledConfig;
use crate::members::{Standing, encode_root, encode_site};
use crate::policy::{Permission, Policy};
use crate::reply::Reply;
use crate::state::{Digest, Document, EffectiveState, Mode};
use crate::time::Time;

/// The form in which records name a document that has not been read.
const UNREAD: &str = "?";

/// The reason why a root context does not adopt a pushed document.
#[derive(Debug, thiserror::Error)]
enum AdoptionError<'e> {
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error("made for {site} of fleet {fleet:?}")]
    WrongSite { site: &'e str, fleet: Option<&'e str> },
    #[error("the policy of the plugin {plugin} has no key \"{key}\"")]
    MissingKey { plugin: &'e str, key: &'e str },
    #[error("the key \"{0}\" may not sign it")]
    NotPermitted(&'e str),
    #[error(transparent)]
    Host(#[from] HostError),
}

/// A root context with its policy.
pub struct Root {
    /// `<plugin name>/<root id>`.
    pub plugin: String,
    pub policy: Policy,
    /// The reply of each site, in the order of the policy.
    pub replies: Vec<Reply>,
    states: RefCell<Vec<SiteState>>,
    offline: EffectiveState,
    pub stats: Vec<SiteStats>,
    /// The time of the last tick.
    pub now: Cell<Time>,
    standing: Cell<Standing>,
    /// The generation at which it was first counted, or 0.
    pub configured: Cell<u64>,
    published: OnceCell<Digest>,
    /// True if it is the newest of its plugin, with the time since which that has been so or not.
    is_newest: Cell<Option<(bool, Time)>>,
    /// A connection that has sent it a request after an older root context of its plugin had received one.
    pub connection: Cell<Option<u64>>,
    /// True if the next request sets `connection`.
    is_watched: Cell<bool>,
    is_quiet: Cell<bool>,
    is_closed: Cell<bool>,
    next_change: Cell<Option<Time>>,
    /// True if the documents of all sites have been read once.
    has_read: Cell<bool>,
    /// True if a document has not been verified yet.
    is_behind: Cell<bool>,
    /// True if a site has adopted a document since the last tick.
    has_adopted: Cell<bool>,
}

impl Root {
    pub fn new(plugin: String, config: CompiledConfig) -> Root {
        let CompiledConfig { mut policy, replies } = config;
        let declared = |document| EffectiveDocument::new(document, Channel::Policy);
        let states = policy.sites.iter_mut().map(|site| SiteState::new(site.declared.take().map(declared))).collect();
        let stats = policy.sites.iter().map(|site| SiteStats::new(&site.name)).collect();
        Root {
            plugin,
            policy,
            replies,
            states: RefCell::new(states),
            offline: adoption::offline(),
            stats,
            now: Cell::new(Time(0)),
            standing: Cell::new(Standing::Fresh),
            configured: Cell::new(0),
            published: OnceCell::new(),
            is_newest: Cell::new(None),
            connection: Cell::new(None),
            is_watched: Cell::new(false),
            is_quiet: Cell::new(false),
            is_closed: Cell::new(true),
            next_change: Cell::new(None),
            has_read: Cell::new(false),
            is_behind: Cell::new(true),
            has_adopted: Cell::new(false),
        }
    }

    /// The name of the plugin for people, without an empty root id.
    pub fn shown_name(&self) -> &str {
        plugins::shown_name(&self.plugin)
    }

    /// The fleet of the policy, or an empty text.
    pub fn fleet(&self) -> &str {
        self.policy.fleet.as_deref().unwrap_or_default()
    }

    /// The states of the sites, in the order of the policy.
    pub fn states(&self) -> Ref<'_, Vec<SiteState>> {
        self.states.borrow()
    }

    /// The state of a site whose newest document is unknown.
    pub fn offline(&self) -> &EffectiveState {
        &self.offline
    }

    /// The document and the mode of each site, in the order of the policy.
    pub fn documents(&self) -> Vec<(Option<EffectiveDocument>, Mode)> {
        let mode = |state: &SiteState| state.adopted.get().map_or(Mode::Online, |adopted| adopted.state.mode());
        self.states.borrow().iter().map(|state| (state.document().cloned(), mode(state))).collect()
    }

    /// The documents that the policy declares.
    fn declared(&self) -> Vec<Rc<Document>> {
        let states = self.states.borrow();
        let declared = states.iter().filter(|state| state.declared).filter_map(SiteState::document);
        declared.map(|effective| Rc::clone(&effective.document)).collect()
    }

    /// Publishes the policy, unless it is published already.
    pub fn publish(&self) -> Result<(), HostError> {
        let encode = || plugins::encode(&self.policy, &self.declared());
        let digest = *self.published.get_or_init(|| Digest::of(encode().as_bytes()));
        plugins::publish(&self.plugin, digest, encode)
    }

    /// True if the documents of all sites have been read once.
    pub fn has_read(&self) -> bool {
        self.has_read.get()
    }

    /// True if a document has not been verified yet.
    pub fn is_behind(&self) -> bool {
        self.is_behind.get()
    }

    /// True if a site is closed, or may be.
    pub fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// True if no request can be refused now, and the filter needs to see none.
    pub fn is_quiet(&self) -> bool {
        self.is_quiet.get()
    }

    pub fn standing(&self) -> Standing {
        self.standing.get()
    }

    /// Sets the standing. A root context that looks for newer documents at each request cannot be quiet.
    pub fn set_standing(&self, standing: Standing) {
        self.standing.set(standing);
        if standing.reads_first() {
            self.is_quiet.set(false);
        }
    }

    /// Records that it is the newest of its plugin, or is not, and returns the milliseconds for which it has been.
    pub fn newest_for(&self, is_newest: bool, now: Time) -> i64 {
        let since =
            self.is_newest.get().filter(|(was_newest, _)| *was_newest == is_newest).map_or(now, |(_, since)| since);
        self.is_newest.set(Some((is_newest, since)));
        if is_newest { now.0.saturating_sub(since.0) } else { 0 }
    }

    /// The milliseconds at the last tick for which it has not been the newest of its plugin.
    pub fn superseded_for(&self) -> i64 {
        match self.is_newest.get() {
            Some((false, since)) => self.now.get().0.saturating_sub(since.0),
            _ => 0,
        }
    }

    /// Asks for the connection of the next request.
    pub fn watch(&self) {
        self.is_watched.set(true);
        self.is_quiet.set(false);
    }

    /// True if the connection of this request must be recorded. Resets the request for it.
    pub fn take_watch(&self) -> bool {
        self.is_watched.replace(false)
    }

    /// Reads changed documents, verifies at most `remaining` of them, and computes the states at `now`. True if a state may have
    /// changed since the last tick.
    pub fn refresh(&self, now: Time, generation: u64, changed: bool, remaining: &mut u32) -> Result<bool, HostError> {
        let before = self.now.replace(now);
        let mut states = self.states.borrow_mut();
        if changed || !self.has_read.get() {
            for (state, site) in states.iter_mut().zip(&self.policy.sites) {
                state.set_newest(documents::at(generation, self.fleet(), &site.name)?);
            }
        }
        let fresh = !self.has_read.replace(true);
        let due = self.next_change.get().is_some_and(|next| next <= now) || now < before;
        if !(changed || fresh || due || self.is_behind.get() || self.has_adopted.get()) {
            return Ok(false);
        }
        self.is_behind.set(false);
        for (position, state) in states.iter_mut().enumerate() {
            let is_over = |adopted: &Adopted| now < before || adopted.next_change.is_some_and(|next| next <= now);
            if state.adopted.get().is_some_and(is_over) {
                let document = state.adopted.take().and_then(|adopted| adopted.document);
                state.adopted = OnceCell::from(Adopted::new(document, now));
            }
            if state.adopted.get().is_none() {
                if state.is_costly() {
                    if *remaining == 0 {
                        self.is_behind.set(true);
                        continue;
                    }
                    *remaining -= 1;
                }
                self.adopted(position, state);
            }
        }
        let adopted = || states.iter().map(|state| state.adopted.get());
        self.next_change.set(adopted().flatten().filter_map(|adopted| adopted.next_change).min());
        let is_online = |adopted: Option<&Adopted>| adopted.is_some_and(|known| known.state.mode() == Mode::Online);
        let online = adopted().all(is_online);
        self.is_closed.set(!online);
        let is_idle = !self.policy.has_always_closed() && self.policy.control.is_none() && !self.is_watched.get();
        // A reactivated root context may be one of two plugins of one name, which only further requests show.
        let is_settled = matches!(self.standing.get(), Standing::Serving | Standing::Conflicting);
        self.is_quiet.set(online && is_idle && is_settled);
        Ok(self.has_adopted.replace(false) || changed || fresh || due)
    }

    /// The state of a site. Verifies its newest document if that has not been done yet.
    pub fn adopted<'s>(&self, position: usize, state: &'s SiteState) -> &'s Adopted {
        state.adopted.get_or_init(|| {
            self.has_adopted.set(true);
            Adopted::new(self.adopt(position, state), self.now.get())
        })
    }

    fn adopt(&self, position: usize, state: &SiteState) -> Option<EffectiveDocument> {
        let (Some(entry), Some(site), false) = (&state.newest, self.policy.sites.get(position), state.declared) else {
            return state.before.clone();
        };
        match self.verify(entry, &site.name) {
            Ok(effective) => {
                state.rejected.set(false);
                let document = &effective.document;
                if let Err(error) = documents::record_adopted(&self.plugin, self.fleet(), &site.name, document) {
                    log_limit::failure(&error);
                }
                Some(effective)
            }
            Err(rejection) => {
                if !state.rejected.replace(true) && self.standing.get() != Standing::Superseded {
                    stats::count("channel.push.rejected");
                    log::error!("state of {}: {rejection}; the state before stays in effect", site.name);
                }
                state.before.clone().or_else(|| self.last_adopted(&site.name))
            }
        }
    }

    /// The pushed document that an earlier policy of the plugin, or an earlier VM, has adopted.
    fn last_adopted(&self, site: &str) -> Option<EffectiveDocument> {
        let document = documents::last_adopted(&self.plugin, self.fleet(), site);
        let document = document.inspect_err(log_limit::failure).ok()??;
        Some(EffectiveDocument::new(document, Channel::Push))
    }

    /// Checks a pushed document before its adoption. A key of the policy must have signed it. A document that this plugin
    /// has adopted before stays valid after its key has been removed. The revision is not checked: the control endpoint has
    /// compared it with the clock when the document was pushed.
    fn verify<'e>(&'e self, entry: &'e Entry, site: &str) -> Result<EffectiveDocument, AdoptionError<'e>> {
        let content = entry.verified().map_err(EntryError::clone)?;
        let document = &content.document;
        if document.site != site || document.fleet.as_deref() != Some(self.fleet()) {
            return Err(AdoptionError::WrongSite { site: &document.site, fleet: document.fleet.as_deref() });
        }
        let rejection = match self.policy.keys.iter().find(|key| key.kid == content.kid) {
            None => Some(AdoptionError::MissingKey { plugin: self.shown_name(), key: &entry.key_name }),
            Some(key) if !key.is_permitted(Permission::State, site) => Some(AdoptionError::NotPermitted(&key.name)),
            Some(_) => None,
        };
        if let Some(rejection) = rejection
            && !documents::is_last_adopted(&self.plugin, self.fleet(), site, document)?
        {
            return Err(rejection);
        }
        Ok(EffectiveDocument { document: Rc::clone(document), label: Rc::clone(&content.label) })
    }

    /// Appends this root context and the documents that it has adopted to the record of its VM.
    pub fn encode(&self, record: &mut String) {
        encode_root(record, &self.plugin, self.fleet(), self.configured.get(), self.standing.get());
        let is_unread = self.standing.get() == Standing::Fresh;
        for (site, state) in self.policy.sites.iter().zip(self.states.borrow().iter()) {
            let label = state.document().map_or(NO_DOCUMENT, |effective| &effective.label);
            encode_site(record, &site.name, if is_unread { UNREAD } else { label });
        }
    }
}
