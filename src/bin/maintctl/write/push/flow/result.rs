//! The result of a push.

use anyhow::{Result, bail};

use super::PushFlow;
use crate::envoys::adoption::Adoption;
use crate::envoys::failure;
use crate::envoys::peer::PeerEnd;
use crate::envoys::roll::Roll;
use crate::exit::ExitError;
use crate::write::change::SiteChange;
use crate::write::push::site::SitePush;

/// The result of a push.
#[derive(Debug)]
pub struct PushResult {
    pub sites: Vec<SiteChange>,
    pub roll: Roll,
    pub adoption: Adoption,
    /// The names of the Envoys that lacked the newest document before and have it now.
    pub repaired: Vec<String>,
    pub notes: Vec<String>,
}

impl PushFlow<'_> {
    /// The result when the push is over.
    pub fn finish(self) -> Result<PushResult> {
        let roll = self.fleet.known();
        let Some(sites) = &self.sites else {
            roll.require_any("; nothing changed")?;
            bail!(ExitError::NotAdopted("the Envoys did not respond in time; nothing changed".to_owned()));
        };
        if !self.options.dry_run && !sites.is_empty() && !sites.iter().any(|site| site.is_decided) {
            return Err(self.not_accepted());
        }
        let mut adoption = self.fleet.adoption();
        adoption.replaced.extend(sites.iter().filter(|site| site.is_superseded).map(|site| site.name().to_owned()));
        adoption.replaced.sort();
        adoption.replaced.dedup();
        let repaired = if self.options.dry_run { Vec::new() } else { self.repaired(sites) };
        let changes = sites.iter().map(|site| site.change.clone()).collect();
        Ok(PushResult { sites: changes, roll, adoption, repaired, notes: self.fleet.notes.clone() })
    }

    /// The names of the Envoys that lacked the newest document before and have adopted it.
    fn repaired(&self, sites: &[SitePush]) -> Vec<String> {
        let mut repaired = Vec::new();
        for peer in self.fleet.peers.iter().filter(|peer| peer.end == Some(PeerEnd::Adopted)) {
            let was_lacking = |site: &SitePush| {
                let first = self.fleet.peers.iter().filter_map(|peer| peer.first.as_ref()?.site(site.name()));
                let others = first.filter(|status| !site.own.contain(status.digest.as_deref()));
                let newest = others.filter(|status| status.digest.is_some()).max_by_key(|status| status.stamp());
                peer.first
                    .as_ref()
                    .zip(newest)
                    .is_some_and(|(first, newest)| site.was_lacking(first, newest, self.time))
            };
            if sites.iter().any(was_lacking) {
                repaired.push(peer.name());
            }
        }
        repaired
    }

    /// The error if no Envoy accepted the change.
    pub(super) fn not_accepted(&self) -> anyhow::Error {
        let roll = self.fleet.known();
        let lines = failure::lines(&roll.failures);
        let error = match (roll.rejection().is_some(), self.is_any_accepted()) {
            (true, false) => ExitError::Rejected(format!("rejected; nothing changed{lines}")),
            (true, true) => ExitError::Rejected(format!("rejected for some sites{lines}")),
            (false, _) => ExitError::NotAdopted(format!("no Envoy accepted the change{lines}")),
        };
        error.into()
    }
}
