//! The adoption of a file by many Envoys, each on its own. Envoys that do not read the file and follow a pushed document
//! get the documents of the change by push. Pure: time and responses come in, requests go out.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use envoy_maintenance::protocol::ErrorCode;

use crate::config::keys::SigningKey;
use crate::document::draft::Draft;
use crate::envoys::adoption::ExpectedDocument;
use crate::envoys::error::EnvoyError;
use crate::envoys::exchange::Course;
use crate::envoys::fleet::{Fleet, WaitLimit};
use crate::envoys::peer::PeerEnd;
use crate::envoys::request::{EnvoyRequest, EnvoyResponse, Moment, PeerId, SignedDocument};
use crate::envoys::status::EnvoyStatus;
use crate::write::file::reports::follows_a_push;

/// The time within which an Envoy that watches the file loads it.
const LOADED_AFTER: Duration = Duration::from_secs(1);

/// The adoption of a file.
pub struct FileFlow {
    pub fleet: Fleet,
    /// The documents to push. Their members `replaces` are not set.
    documents: Vec<SignedDocument>,
    /// The Envoys whose status was requested again after they would have loaded the file.
    asked_again: BTreeSet<PeerId>,
    wait: bool,
}

impl FileFlow {
    /// Waits until the Envoys at `urls` have adopted `expected`; without `wait`, until the documents are pushed.
    pub fn new(urls: &[String], expected: Vec<ExpectedDocument>, wait: bool, deadline: Duration) -> FileFlow {
        let wait_limit = if wait { WaitLimit::Deadline } else { WaitLimit::LastResponse };
        let fleet = Fleet::new(urls, Some(expected), wait_limit, deadline);
        FileFlow { fleet, documents: Vec::new(), asked_again: BTreeSet::new(), wait }
    }

    /// Adds a document to push.
    pub fn add(&mut self, document: &Draft, key: &SigningKey) -> Result<()> {
        let (revision, digest) = (document.revision(), document.digest()?.to_string());
        let signed = key.sign_document(&document.payload()?);
        let site = document.site().to_owned();
        self.documents.push(SignedDocument { site, revision, digest, signed, replaces: None });
        Ok(())
    }

    /// The documents that an Envoy with this status needs by push.
    fn needed(documents: &[SignedDocument], status: &EnvoyStatus) -> Vec<SignedDocument> {
        let needed = documents.iter().filter_map(|document| {
            let site = status.site(&document.site).filter(|site| follows_a_push(site))?;
            let replaces = site.digest.clone();
            (replaces.as_deref() != Some(&document.digest)).then(|| SignedDocument { replaces, ..document.clone() })
        });
        needed.collect()
    }

    fn act_on(&mut self, id: PeerId, now: Moment) {
        let Some(peer) = self.fleet.peers.get_mut(id).filter(|peer| peer.is_open() && peer.is_idle()) else { return };
        let Some(status) = &peer.status else { return };
        let needed = FileFlow::needed(&self.documents, status);
        if needed.is_empty() {
            if !self.wait {
                peer.end = Some(PeerEnd::Adopted);
            }
        } else if now.elapsed >= LOADED_AFTER {
            if self.asked_again.insert(id) {
                peer.wants_status = true;
            } else {
                peer.queue = needed;
            }
        }
    }
}

impl Course for FileFlow {
    fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    fn take(&mut self, response: EnvoyResponse, now: Moment) -> Result<()> {
        let response = match response {
            EnvoyResponse::Put { peer, document, result: Err(EnvoyError::Rejected { code, detail }) }
                if ErrorCode::parse(&code) == Some(ErrorCode::Declared) =>
            {
                // The Envoy has loaded the file meanwhile.
                let code = ErrorCode::Conflict.name().to_owned();
                EnvoyResponse::Put { peer, document, result: Err(EnvoyError::Rejected { code, detail }) }
            }
            response => response,
        };
        self.fleet.take(response, now);
        Ok(())
    }

    fn requests(&mut self, now: Moment) -> Result<Vec<EnvoyRequest>> {
        (0..self.fleet.peers.len()).for_each(|id| self.act_on(id, now));
        Ok(self.fleet.requests(now))
    }

    fn is_over(&self, now: Moment) -> bool {
        self.fleet.is_over(now)
    }
}
