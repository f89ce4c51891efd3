//! The states of a policy's sites during one request.

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
    /// The number of documents that the request may still verify.
    remaining: Cell<u32>,
}

impl<'r> Sites<'r> {
    pub fn of(root: &'r Root) -> Sites<'r> {
        Sites { root, states: root.states(), remaining: Cell::new(MAX_VERIFIED) }
    }

    /// The state of the site at this position of the policy. Verifies its document if that has not been done yet; beyond
    /// [`MAX_VERIFIED`], the site counts as offline.
    pub fn state(&self, position: usize) -> &EffectiveState {
        let Some(state) = self.states.get(position) else {
            return EffectiveState::ONLINE;
        };
        if !self.root.has_read() && !state.declared {
            // Shared data could not be read, so the newest document is unknown.
            return self.root.offline();
        }
        if state.adopted.get().is_none() && state.is_costly() {
            match self.remaining.get().checked_sub(1) {
                Some(remaining) => self.remaining.set(remaining),
                None => return self.root.offline(),
            }
        }
        &self.root.adopted(position, state).state
    }
}
