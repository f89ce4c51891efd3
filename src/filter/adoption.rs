//! What a policy has adopted at each of its sites. After a change, documents are verified in slices, and at once where a
//! request asks for a site.

use std::cell::{Cell, OnceCell, Ref};
use std::rc::Rc;

use super::documents::Entry;
use super::root::{Held, Root};
use crate::state::{ActiveMode, EffectiveState, Mode};
use crate::time::Time;

/// How many documents one request may make a worker verify: some 0.3 ms each.
const MOST_OF_A_REQUEST: u32 = 1;

/// What holds at a site.
pub struct Adopted {
    pub held: Option<Held>,
    /// What follows from it at the time of the last tick.
    pub situation: EffectiveState,
    /// When that changes by itself.
    pub next_change: Option<Time>,
}

impl Adopted {
    pub fn new(held: Option<Held>, now: Time) -> Adopted {
        let document = held.as_ref().map(|held| &held.document);
        let situation = document.map(|document| document.at(now)).unwrap_or_default();
        let next_change = document.and_then(|document| document.next_change(now));
        Adopted { held, situation, next_change }
    }
}

/// One site of a policy.
#[derive(Default)]
pub struct SiteState {
    /// The policy declares its state.
    pub declared: bool,
    /// What holds while the newest document is refused.
    pub before: Option<Held>,
    /// The newest document of the register.
    pub newest: Option<Rc<Entry>>,
    /// What holds since the newest document was looked at; empty until then.
    pub adopted: OnceCell<Adopted>,
    /// Whether the newest document was refused.
    pub refused: Cell<bool>,
}

impl SiteState {
    /// A site whose state the policy declares, if there is a document.
    pub fn new(declared: Option<Held>) -> SiteState {
        SiteState { declared: declared.is_some(), before: declared, ..SiteState::default() }
    }

    /// Takes note of the newest document. One that was refused is looked at again, as another worker may have adopted it
    /// since.
    pub fn look_at(&mut self, newest: Option<Rc<Entry>>) {
        let number = |entry: &Option<Rc<Entry>>| entry.as_ref().map(|entry| entry.cas);
        let is_known = number(&newest) == number(&self.newest);
        if self.declared || (is_known && !self.refused.get()) {
            return;
        }
        if !is_known {
            self.refused.set(false);
        }
        if let Some(adopted) = self.adopted.take() {
            self.before = adopted.held;
        }
        self.newest = newest;
    }

    /// Whether adopting the newest document costs the check of a signature.
    pub fn is_costly(&self) -> bool {
        !self.declared && self.newest.as_ref().is_some_and(|entry| !entry.is_checked())
    }

    /// What holds here as far as it is known: what was before where the newest document is still to be looked at.
    pub fn held(&self) -> Option<&Held> {
        self.adopted.get().map_or(self.before.as_ref(), |adopted| adopted.held.as_ref())
    }
}

/// What one request sees of a policy's sites.
pub struct Sites<'r> {
    root: &'r Root,
    states: Ref<'r, Vec<SiteState>>,
    left: Cell<u32>,
}

impl<'r> Sites<'r> {
    pub fn new(root: &'r Root, states: Ref<'r, Vec<SiteState>>) -> Sites<'r> {
        Sites { root, states, left: Cell::new(MOST_OF_A_REQUEST) }
    }

    /// What holds at the site in this position. A document that is still to be verified is verified now; where a request
    /// concerns many such sites, all but the first few count as offline.
    pub fn situation(&self, position: usize) -> &EffectiveState {
        let Some(state) = self.states.get(position) else {
            return EffectiveState::ONLINE;
        };
        if self.root.is_fresh() && !state.declared {
            // Shared data could not be read, so the newest document is unknown.
            return self.root.offline();
        }
        if state.adopted.get().is_none() && state.is_costly() {
            match self.left.get().checked_sub(1) {
                Some(left) => self.left.set(left),
                None => return self.root.offline(),
            }
        }
        &self.root.adopted(position, state).situation
    }
}

/// The situation of a site of which nothing is known yet.
pub fn offline() -> EffectiveState {
    let spell =
        ActiveMode { mode: Mode::Offline, since: None, until: None, eta: None, reason: None, suspend: Vec::new() };
    EffectiveState { active: vec![spell] }
}
