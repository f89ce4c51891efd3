//! One thread of the simulation: its VMs, and the root contexts that its listeners use.

use std::collections::VecDeque;

use super::shared::ModelPolicy;
use super::vm::{ModelRoot, ModelVm, NextCall};

/// A change of the configuration, on its way to one thread.
#[derive(Clone, Copy, Debug)]
pub enum ModelEvent {
    /// ECDS: the policy replaces the one before at once.
    Apply(ModelPolicy),
    /// LDS: the policy is configured, and the listener before goes on.
    Warm(ModelPolicy),
    /// The warm listener replaces the one before, which drains.
    Switch,
    /// The warm listener is deleted.
    Refuse,
    /// The draining listeners are deleted.
    EndDrain,
}

/// The identity and the number of a root context.
pub type ModelPlace = (usize, u64);

#[derive(Default)]
pub struct ModelThread {
    pub vms: Vec<ModelVm>,
    pub serving: Option<(ModelPolicy, ModelPlace)>,
    pub warm: Option<(ModelPolicy, ModelPlace)>,
    pub draining: Vec<(ModelPolicy, ModelPlace)>,
    pub events: VecDeque<ModelEvent>,
    /// The newest update that the thread has received.
    pub received: usize,
    pub job: Option<(usize, NextCall)>,
    pub paused_until: i64,
}

impl ModelThread {
    pub fn root(&mut self, (identity, id): ModelPlace) -> Option<&mut ModelRoot> {
        let vm = self.vms.iter_mut().find(|vm| vm.identity == identity)?;
        vm.roots.iter_mut().find(|root| root.id == id)
    }

    pub fn has_joined(&self) -> bool {
        !self.vms.is_empty() && self.vms.iter().all(ModelVm::has_joined)
    }
}
