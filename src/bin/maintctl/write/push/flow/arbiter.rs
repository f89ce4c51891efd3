//! The Envoys that decide between operators who change a site at the same time.

use anyhow::Result;

use super::PushFlow;
use crate::envoys::fleet::HEAD_START;
use crate::envoys::peer::EnvoyPeer;
use crate::envoys::request::Moment;

impl PushFlow<'_> {
    /// Sends each new document to the first Envoy by name.
    pub(super) fn ask_arbiters(&mut self, now: Moment) -> Result<()> {
        let wait = HEAD_START.max(2 * self.fleet.first_answer().unwrap_or_default());
        for site in self.sites.iter_mut().flatten().filter(|site| !site.is_decided) {
            if let Some((peer, _)) = site.arbiter.filter(|(_, since)| now.elapsed >= *since + wait) {
                site.arbiter = None;
                site.tried.insert(peer);
            }
            if site.arbiter.is_some() {
                continue;
            }
            let peers = self.fleet.peers.iter_mut().enumerate();
            let candidates = peers.filter(|(id, peer)| peer.is_open() && peer.is_idle() && !site.tried.contains(id));
            let with_site = candidates.filter_map(|(id, peer)| {
                let status = peer.status.as_ref()?;
                status.site(site.name())?;
                Some((peer.name(), id, site.lacking(status), peer))
            });
            match with_site.min_by(|(one, ..), (other, ..)| one.cmp(other)) {
                Some((_, id, Some(document), peer)) => {
                    peer.queue.push(document);
                    site.arbiter = Some((id, now.elapsed));
                }
                Some((_, _, None, _)) => site.is_decided = true,
                None => {}
            }
        }
        self.require_arbiters()
    }

    /// Fails if no Envoy is left that could accept a document.
    fn require_arbiters(&self) -> Result<()> {
        let is_undecided = self.sites.iter().flatten().any(|site| !site.is_decided);
        let is_any_usable = self.fleet.peers.iter().any(|peer| peer.is_open() && peer.status.is_some());
        if is_undecided && !is_any_usable && self.fleet.peers.iter().any(EnvoyPeer::is_rejected) {
            return Err(self.not_accepted());
        }
        Ok(())
    }
}
