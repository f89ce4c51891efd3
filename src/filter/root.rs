//! The plugin on one worker: a policy, the documents that hold at its sites, and what follows from both at this moment.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use super::adoption::{self, Adopted, SiteState, Sites};
use super::documents::Entry;
use super::host::HostError;
use super::stats::SiteStats;
use super::{directory, documents, host, log_limit, register, stats};
use crate::compiled::CompiledConfig;
use crate::policy::{Permission, Policy};
use crate::reply::Reply;
use crate::state::{Document, EffectiveState, Mode};
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

/// A document that holds at a site.
#[derive(Clone)]
pub struct Held {
    pub document: Rc<Document>,
    /// How the worker writes down that it has adopted the document.
    pub label: Rc<str>,
}

/// A policy at work.
pub struct Root {
    /// `<plugin name>/<root id>`: a later policy in the same place replaces this one.
    pub slot: String,
    pub policy: Policy,
    /// The reply of each site, in the order of the policy.
    pub replies: Vec<Reply>,
    states: RefCell<Vec<SiteState>>,
    offline: EffectiveState,
    pub stats: Vec<SiteStats>,
    /// The time of the last tick.
    pub now: Cell<Time>,
    quiet: Cell<bool>,
    closed: Cell<bool>,
    fresh: Cell<bool>,
    retired: Cell<bool>,
    displaced: Cell<bool>,
    next_change: Cell<Option<Time>>,
    /// Whether a document of the register is still to be verified.
    is_behind: Cell<bool>,
    /// Whether a site has been looked at since the last tick.
    has_adopted: Cell<bool>,
}

impl Root {
    pub fn new(slot: String, config: CompiledConfig) -> Root {
        let CompiledConfig { mut policy, replies } = config;
        let declared = |document: Rc<Document>| Held {
            label: documents::adopted_as(document.stamp.digest, Channel::Policy),
            document,
        };
        let states = policy.sites.iter_mut().map(|site| SiteState::new(site.declared.take().map(declared))).collect();
        let stats = policy.sites.iter().map(|site| SiteStats::new(&site.name)).collect();
        Root {
            slot,
            policy,
            replies,
            states: RefCell::new(states),
            offline: adoption::offline(),
            stats,
            now: Cell::new(Time(0)),
            quiet: Cell::new(false),
            closed: Cell::new(true),
            fresh: Cell::new(true),
            retired: Cell::new(false),
            displaced: Cell::new(false),
            next_change: Cell::new(None),
            is_behind: Cell::new(true),
            has_adopted: Cell::new(false),
        }
    }

    /// The fleet whose documents hold here; empty where the policy names none.
    pub fn fleet(&self) -> &str {
        self.policy.fleet.as_deref().unwrap_or_default()
    }

    /// What holds at each site, for one request.
    pub fn sites(&self) -> Sites<'_> {
        Sites::new(self, self.states.borrow())
    }

    /// The situation of a site of which nothing is known yet.
    pub fn offline(&self) -> &EffectiveState {
        &self.offline
    }

    /// What is adopted at each site so far, in the order of the policy.
    pub fn held(&self) -> Vec<(Option<Held>, Mode)> {
        let mode = |state: &SiteState| state.adopted.get().map_or(Mode::Online, |adopted| adopted.situation.mode());
        self.states.borrow().iter().map(|state| (state.held().cloned(), mode(state))).collect()
    }

    /// The documents that the policy declares.
    pub fn declared(&self) -> Vec<Rc<Document>> {
        let states = self.states.borrow();
        let declared = states.iter().filter(|state| state.declared).filter_map(SiteState::held);
        declared.map(|held| Rc::clone(&held.document)).collect()
    }

    /// Whether a document of the register is still to be verified.
    pub fn is_behind(&self) -> bool {
        self.is_behind.get()
    }

    /// Whether any site is closed at this moment, or may be.
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

    /// Whether a later policy has taken its slot.
    pub fn is_replaced(&self) -> bool {
        self.retired.get()
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
    pub fn follow(&self, build: &str) -> Result<(), HostError> {
        if self.retired.get() {
            return Ok(());
        }
        if self.fresh.get() {
            let key = format!("slot/{}", self.slot);
            register::add_line("slots", &self.slot)?;
            let said = format!("{build}\n{}", directory::published(self));
            if register::text(&key)? != said {
                host::set_shared(&key, said.as_bytes(), None)?;
                register::changed()?;
            }
        } else {
            self.displaced.set(!register::has_slot(&self.slot, build)?);
        }
        Ok(())
    }

    /// Looks for changes, verifies at most `left` documents, and works out what holds at `now`. True where something has
    /// changed since the last tick.
    pub fn refresh(&self, now: Time, generation: u64, changed: bool, left: &mut u32) -> Result<bool, HostError> {
        let before = self.now.replace(now);
        let mut states = self.states.borrow_mut();
        if changed || self.fresh.get() {
            for (state, site) in states.iter_mut().zip(&self.policy.sites) {
                state.look_at(documents::at(generation, self.fleet(), &site.name)?);
            }
        }
        let fresh = self.fresh.replace(false);
        let due = self.next_change.get().is_some_and(|next| next <= now) || now < before;
        if !(changed || fresh || due || self.is_behind.get() || self.has_adopted.get()) {
            return Ok(false);
        }
        self.is_behind.set(false);
        for (position, state) in states.iter_mut().enumerate() {
            let is_over = |adopted: &Adopted| now < before || adopted.next_change.is_some_and(|next| next <= now);
            if state.adopted.get().is_some_and(is_over) {
                let held = state.adopted.take().and_then(|adopted| adopted.held);
                state.adopted = OnceCell::from(Adopted::new(held, now));
            }
            if state.adopted.get().is_none() {
                if state.is_costly() {
                    if *left == 0 {
                        self.is_behind.set(true);
                        continue;
                    }
                    *left -= 1;
                }
                self.adopted(position, state);
            }
        }
        let adopted = || states.iter().map(|state| state.adopted.get());
        self.next_change.set(adopted().flatten().filter_map(|adopted| adopted.next_change).min());
        let is_online = |adopted: Option<&Adopted>| adopted.is_some_and(|known| known.situation.mode() == Mode::Online);
        let online = adopted().all(is_online);
        self.closed.set(!online);
        self.quiet
            .set(online && !self.retired.get() && !self.policy.has_always_closed() && self.policy.control.is_none());
        Ok(self.has_adopted.replace(false) || changed || fresh || due)
    }

    /// What holds at a site, for which its newest document is looked at if it has not been yet.
    pub fn adopted<'s>(&self, position: usize, state: &'s SiteState) -> &'s Adopted {
        state.adopted.get_or_init(|| {
            self.has_adopted.set(true);
            Adopted::new(self.adopt(position, state), self.now.get())
        })
    }

    fn adopt(&self, position: usize, state: &SiteState) -> Option<Held> {
        let (Some(entry), Some(site), false) = (&state.newest, self.policy.sites.get(position), state.declared) else {
            return state.before.clone();
        };
        match self.verify(entry, &site.name) {
            Ok(held) => {
                state.refused.set(false);
                if let Err(error) = register::hold(&self.slot, self.fleet(), &site.name, held.document.stamp.digest) {
                    log_limit::failure(&error);
                }
                Some(held)
            }
            Err(problem) => {
                if !state.refused.replace(true) && !self.is_retired() {
                    stats::count("channel.push.rejected");
                    log::error!("state of {}: {problem}; what was before holds", site.name);
                }
                state.before.clone()
            }
        }
    }

    /// Checks a document of the register before it is adopted. A policy that lists keys takes what they may sign; one that
    /// lists none takes what the control endpoint of its fleet has accepted. What this plugin has adopted once holds until
    /// it is replaced, whatever has become of the key. The revision is no objection: the endpoint has judged it by the
    /// clock of its time.
    fn verify(&self, entry: &Entry, site: &str) -> Result<Held, String> {
        let content = entry.verified()?;
        let document = &content.document;
        if document.site != site || document.fleet.as_deref() != Some(self.fleet()) {
            return Err(format!("made for {} of fleet {:?}", document.site, document.fleet));
        }
        let objection = match self.policy.keys.iter().find(|key| key.kid == content.kid) {
            Some(key) if !key.is_permitted(Permission::State, site) => {
                Some(format!("the key \"{}\" may not sign it", key.name))
            }
            None if !self.policy.keys.is_empty() => Some(format!("the policy has no key \"{}\"", entry.key_name)),
            _ => None,
        };
        if let Some(problem) = objection {
            let is_held = register::is_held(&self.slot, self.fleet(), site, document.stamp.digest);
            if !is_held.map_err(|error| error.to_string())? {
                return Err(problem);
            }
        }
        Ok(Held { document: Rc::clone(document), label: Rc::clone(&content.label) })
    }

    /// Writes that this policy runs, and what it has adopted, a line a site.
    pub fn acknowledge(&self, adopted: &mut String) {
        adopted.extend(["* ", &self.slot, "\n"]);
        for (site, state) in self.policy.sites.iter().zip(self.states.borrow().iter()) {
            let label = state.held().map_or("-", |held| &held.label);
            adopted.extend([self.fleet(), "/", &site.name, " ", label, " ", &self.slot, "\n"]);
        }
    }
}
