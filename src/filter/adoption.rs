//! The documents that one policy has adopted on one worker. After a change, the worker verifies documents in slices, and
//! at once for a site that a request asks for.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use super::documents::{self, Channel, Entry};
use crate::state::{ActiveMode, Document, EffectiveState, Mode};
use crate::time::Time;

/// A document that is in effect at a site.
#[derive(Clone)]
pub struct EffectiveDocument {
    pub document: Rc<Document>,
    /// The form in which records of VMs name the document.
    pub label: Rc<str>,
}

impl EffectiveDocument {
    pub fn new(document: Rc<Document>, channel: Channel) -> EffectiveDocument {
        EffectiveDocument { label: documents::label(document.stamp.digest, channel), document }
    }
}

/// The state of a site.
pub struct Adopted {
    pub document: Option<EffectiveDocument>,
    /// The state at the time of the last tick.
    pub state: EffectiveState,
    /// The time of the next window or end, at which the state changes without a new document.
    pub next_change: Option<Time>,
}

impl Adopted {
    pub fn new(effective: Option<EffectiveDocument>, now: Time) -> Adopted {
        let document = effective.as_ref().map(|effective| &effective.document);
        let state = document.map(|document| document.at(now)).unwrap_or_default();
        let next_change = document.and_then(|document| document.next_change(now));
        Adopted { document: effective, state, next_change }
    }
}

/// One site of a policy.
#[derive(Default)]
pub struct SiteState {
    /// True if the policy declares its state.
    pub declared: bool,
    /// The document before `newest`, which stays in effect if `newest` is rejected.
    pub before: Option<EffectiveDocument>,
    /// The newest pushed document.
    pub newest: Option<Rc<Entry>>,
    /// The state, once `newest` has been verified.
    pub adopted: OnceCell<Adopted>,
    /// True if `newest` was rejected.
    pub rejected: Cell<bool>,
}

impl SiteState {
    /// A site whose state the policy declares, if there is a document.
    pub fn new(declared: Option<EffectiveDocument>) -> SiteState {
        SiteState { declared: declared.is_some(), before: declared, ..SiteState::default() }
    }

    /// Sets the newest document. A rejected one is verified again, because another worker may have adopted it.
    pub fn set_newest(&mut self, newest: Option<Rc<Entry>>) {
        let cas = |entry: &Option<Rc<Entry>>| entry.as_ref().map(|entry| entry.cas);
        let is_known = cas(&newest) == cas(&self.newest);
        if self.declared || (is_known && !self.rejected.get()) {
            return;
        }
        if !is_known {
            self.rejected.set(false);
        }
        if let Some(adopted) = self.adopted.take() {
            self.before = adopted.document;
        }
        self.newest = newest;
    }

    /// True if a signature must be checked before the newest document is adopted.
    pub fn is_costly(&self) -> bool {
        !self.declared && self.newest.as_ref().is_some_and(|entry| !entry.is_checked())
    }

    /// The document in effect.
    pub fn document(&self) -> Option<&EffectiveDocument> {
        self.adopted.get().map_or(self.before.as_ref(), |adopted| adopted.document.as_ref())
    }
}

/// The state of a site whose newest document is unknown.
pub fn offline() -> EffectiveState {
    let active =
        ActiveMode { mode: Mode::Offline, since: None, until: None, eta: None, reason: None, suspend: Vec::new() };
    EffectiveState { active: vec![active] }
}
