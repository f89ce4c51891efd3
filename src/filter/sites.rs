//! The states of a policy's sites as one request sees them.

use std::cell::{Cell, Ref};

use super::adoption::SiteState;
use super::root::Root;
use crate::state::EffectiveState;

/// The largest number of documents that one request makes a worker verify, at about 0.3 ms each.
const MAX_VERIFIED: u32 = 1;

/// The states of all sites.
pub struct Sites<'r> {
    root: &'r Root,
    states: Ref<'r, Vec<SiteState>>,
    left: Cell<u32>,
}

impl<'r> Sites<'r> {
    pub fn of(root: &'r Root) -> Sites<'r> {
        Sites { root, states: root.states(), left: Cell::new(MAX_VERIFIED) }
    }

    /// The state of the site at this position of the policy. Verifies its document if that has not been done yet; beyond
    /// [`MAX_VERIFIED`], the site counts as offline.
    pub fn situation(&self, position: usize) -> &EffectiveState {
        let Some(state) = self.states.get(position) else {
            return EffectiveState::ONLINE;
        };
        if !self.root.has_read() && !state.declared {
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
