//! All Envoys of a target, each on its own: no Envoy waits for another. Pure: time and responses come in, requests and
//! finally the result go out.
//!
//! The fleet resolves the names of the target, identifies the Envoy at every address, and proves that each one has
//! adopted the expected documents. Without any expected document, it is a query.

use std::time::Duration;

use crate::envoys::addresses::Endpoint;
use crate::envoys::adoption::ExpectedDocument;
use crate::envoys::error::EnvoyError;
use crate::envoys::peer::{EnvoyPeer, PeerEnd};
use crate::envoys::request::{EnvoyRequest, EnvoyResponse, Moment, PeerId};

/// The maximum number of connections at once, to all Envoys together. Each Envoy always gets one.
const MAX_CONNECTIONS: usize = 400;
/// The maximum number of connections at once to one Envoy.
const MAX_CONNECTIONS_EACH: usize = 17;
/// The time for which addresses without a connection, and names without an address, are tried again after all others
/// are done. It suffices for a listener that is just being replaced; a restart takes longer.
const GRACE: Duration = Duration::from_millis(500);
/// The pause before a name is resolved again.
const NAME_PAUSE: Duration = Duration::from_millis(250);
/// The time for which a query waits after the first response, if it does not wait for slower Envoys. It is longer than
/// [`HEAD_START`], because the file is written only once: an Envoy that answers later cannot change the plan.
const AFTER_FIRST: Duration = Duration::from_millis(250);
/// The longest time between two checks of the state.
const WAKE: Duration = Duration::from_millis(20);
/// The time for which a query waits for silent Envoys after the last response, and if there has been none.
const SILENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3));

/// The time for which a change waits for further Envoys after the start. A healthy Envoy on the same continent has
/// answered by then; one that answers later gets the document later.
pub const HEAD_START: Duration = Duration::from_millis(100);

/// The time until which a fleet waits for Envoys without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitLimit {
    /// The deadline. An Envoy that has adopted the documents by then counts.
    Deadline,
    /// A short time after the last response. Requests that fail are not repeated.
    LastResponse,
    /// A short time after the first response. Requests that fail are not repeated.
    FirstResponse,
}

/// A URL of the target.
#[derive(Clone, Debug)]
struct FleetUrl {
    url: String,
    /// True while its name is being resolved.
    is_resolving: bool,
    is_resolved: bool,
    error: Option<EnvoyError>,
    retry_at: Duration,
}

/// The Envoys of a target.
#[derive(Clone, Debug)]
pub struct Fleet {
    urls: Vec<FleetUrl>,
    pub peers: Vec<EnvoyPeer>,
    /// The documents that every Envoy has to adopt; `None` if they are not known yet.
    goal: Option<Vec<ExpectedDocument>>,
    wait_limit: WaitLimit,
    deadline: Duration,
    /// The time of the first response, and of the last one.
    answered: Option<(Duration, Duration)>,
    /// The last time at which the fleet waited for a result, apart from failed connections.
    busy_at: Duration,
    /// Remarks for the operator.
    pub notes: Vec<String>,
}

impl Fleet {
    /// A fleet at these URLs. `goal` are the documents that every Envoy has to adopt, if they are known yet.
    pub fn new(
        urls: &[String],
        goal: Option<Vec<ExpectedDocument>>,
        wait_limit: WaitLimit,
        deadline: Duration,
    ) -> Fleet {
        let url = |url: &String| FleetUrl {
            url: url.clone(),
            is_resolving: false,
            is_resolved: false,
            error: None,
            retry_at: Duration::ZERO,
        };
        Fleet {
            urls: urls.iter().map(url).collect(),
            peers: Vec::new(),
            goal,
            wait_limit,
            deadline,
            answered: None,
            busy_at: Duration::ZERO,
            notes: Vec::new(),
        }
    }

    /// The time of the first response of an Envoy.
    pub fn first_answer(&self) -> Option<Duration> {
        self.answered.map(|(first, _)| first)
    }

    /// True if the expected documents are not known.
    pub fn has_no_goal(&self) -> bool {
        self.goal.is_none()
    }

    /// True if no document is expected.
    pub fn is_query(&self) -> bool {
        self.goal.as_ref().is_some_and(Vec::is_empty)
    }

    /// Sets or removes the documents that every Envoy has to adopt. All proofs start again.
    pub fn set_goal(&mut self, goal: Option<Vec<ExpectedDocument>>) {
        if self.goal == goal {
            return;
        }
        self.goal = goal;
        self.peers.iter_mut().for_each(EnvoyPeer::begin_round);
    }

    /// True if every name and every address has answered or failed.
    pub fn is_settled(&self) -> bool {
        self.urls.iter().all(|url| url.is_resolved || url.error.is_some())
            && self.peers.iter().all(|peer| peer.is_known() || !peer.is_open() || peer.is_unreachable())
    }

    /// Sets the result of a peer.
    pub fn end(&mut self, id: PeerId, end: PeerEnd) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.end = Some(end);
        }
    }

    /// Takes a response. Returns the peer whose status with details it is.
    pub fn take(&mut self, response: EnvoyResponse, now: Moment) -> Option<PeerId> {
        match response {
            EnvoyResponse::Addresses { url, result } => {
                self.take_addresses(url, result, now);
                None
            }
            EnvoyResponse::Status { peer, round, kind, result } => {
                if result.is_ok() {
                    let first = self.answered.map_or(now.elapsed, |(first, _)| first);
                    self.answered = Some((first, now.elapsed));
                }
                let target = self.peers.get_mut(peer)?;
                let is_full = target.take_status((round, kind), result, self.goal.as_deref(), now);
                (is_full && !self.is_duplicate(peer)).then_some(peer)
            }
            EnvoyResponse::Put { peer, document, result } => {
                self.peers.get_mut(peer)?.take_put(&document, result, now);
                None
            }
        }
    }

    fn take_addresses(&mut self, url: usize, result: Result<Vec<std::net::SocketAddr>, EnvoyError>, now: Moment) {
        let Some(name) = self.urls.get_mut(url) else { return };
        name.is_resolving = false;
        match result {
            Ok(addresses) => {
                name.is_resolved = true;
                self.peers.extend(Endpoint::all(&name.url, &addresses).into_iter().map(EnvoyPeer::new));
            }
            Err(error) => {
                name.error = Some(error);
                name.retry_at = now.elapsed + NAME_PAUSE;
            }
        }
    }

    /// Ends a peer whose Envoy was already found at another address.
    fn is_duplicate(&mut self, id: PeerId) -> bool {
        let Some(peer) = self.peers.get(id) else { return true };
        let others = self.peers.iter().enumerate().filter(|(other, _)| *other != id).map(|(_, other)| other);
        let is_same = |other: &&EnvoyPeer| {
            other.status.is_some() && other.identity == peer.identity && other.end != Some(PeerEnd::Duplicate)
        };
        let Some(known) = others.into_iter().find(is_same) else { return false };
        if known.endpoint.url != peer.endpoint.url {
            self.notes.push(format!("{} and {} are the same Envoy, which counts once", known.endpoint, peer.endpoint));
        }
        if let Some(peer) = self.peers.get_mut(id) {
            peer.end = Some(PeerEnd::Duplicate);
        }
        true
    }

    /// The requests that are due.
    pub fn requests(&mut self, now: Moment) -> Vec<EnvoyRequest> {
        let mut requests = Vec::new();
        if now.elapsed >= self.deadline {
            return requests;
        }
        let is_brief = self.wait_limit != WaitLimit::Deadline;
        for (index, url) in self.urls.iter_mut().enumerate() {
            let is_failed = is_brief && url.error.is_some();
            if !url.is_resolved && !url.is_resolving && !is_failed && now.elapsed >= url.retry_at {
                url.is_resolving = true;
                requests.push(EnvoyRequest::Resolve { url: index });
            }
        }
        let each = MAX_CONNECTIONS.checked_div(self.peers.len()).unwrap_or(1).clamp(1, MAX_CONNECTIONS_EACH);
        let has_goal = self.goal.is_some();
        for (id, peer) in self.peers.iter_mut().enumerate() {
            if is_brief && peer.is_unreachable() && peer.is_open() {
                peer.end = Some(PeerEnd::Failed(peer.reason()));
            }
            requests.extend(peer.requests(id, has_goal, each, now));
        }
        if self.is_anything_open(now) {
            self.busy_at = now.elapsed;
        }
        requests
    }

    /// True if a result is outstanding for which the fleet waits.
    fn is_anything_open(&self, now: Moment) -> bool {
        let is_silence_over = match (self.wait_limit, self.answered) {
            (WaitLimit::Deadline, _) => false,
            (WaitLimit::FirstResponse, None) => now.elapsed >= SILENCE.0,
            (WaitLimit::FirstResponse, Some((first, _))) => now.elapsed >= AFTER_FIRST.max(3 * first),
            (WaitLimit::LastResponse, None) => now.elapsed >= SILENCE.1,
            (WaitLimit::LastResponse, Some((first, last))) => now.elapsed >= last + SILENCE.0.max(2 * first),
        };
        let is_name_open = self.urls.iter().any(|url| !url.is_resolved && url.error.is_none());
        let mut open = self.peers.iter().filter(|peer| peer.is_open() && !peer.is_unreachable());
        !is_silence_over && (is_name_open || open.any(|peer| !self.is_unused_loopback(peer)))
    }

    /// True if every result is final, or no longer waited for.
    pub fn is_over(&self, now: Moment) -> bool {
        if now.elapsed >= self.deadline {
            return true;
        }
        let failing_peers = self.peers.iter().filter(|peer| peer.is_open() && peer.is_unreachable());
        let is_failing = self.urls.iter().any(|url| !url.is_resolved && url.error.is_some())
            || failing_peers.into_iter().any(|peer| !self.is_unused_loopback(peer));
        let grace = if self.wait_limit == WaitLimit::Deadline && is_failing { GRACE } else { Duration::ZERO };
        !self.is_anything_open(now) && now.elapsed >= self.busy_at + grace
    }

    /// The next time at which a request may be due or the fleet may be over.
    pub fn wake(&self, now: Moment) -> Duration {
        let urls = self.urls.iter().filter(|url| !url.is_resolved && !url.is_resolving).map(|url| url.retry_at);
        let peers = self.peers.iter().filter_map(EnvoyPeer::due);
        // The waits of a course end at times that only the course knows.
        let next = urls.chain(peers).filter(|time| *time > now.elapsed).chain([now.elapsed + WAKE]).min();
        next.unwrap_or(self.deadline).min(self.deadline)
    }

    /// True if the peer is one address of `localhost` and Envoy listens only on the other, or if both fail and the other
    /// one reports it.
    fn is_unused_loopback(&self, peer: &EnvoyPeer) -> bool {
        if !peer.endpoint.is_loopback() || !peer.endpoint.one_of_several || !peer.is_unreachable() {
            return false;
        }
        let others =
            self.peers.iter().filter(|other| other.endpoint.url == peer.endpoint.url && other.endpoint.is_loopback());
        let mut others = others.filter(|other| other.endpoint.address != peer.endpoint.address);
        others.any(|other| !other.is_unreachable() || other.endpoint.address < peer.endpoint.address)
    }
}

mod report;
#[cfg(test)]
mod tests;
