//! One address of a fleet: the Envoy that responds there, and its adoption of the expected documents. Pure: time and
//! responses come in, requests go out.
//!
//! Several Envoys can share an address, behind a load balancer or through `reuse_port`, and one connection reaches only
//! one of them. Therefore the status is requested on many new connections too. A few of them come first, before a
//! change; all of them belong to the proof.

use std::time::Duration;

use envoy_maintenance::time::Time;

use crate::envoys::addresses::Endpoint;
use crate::envoys::error::EnvoyError;
use crate::envoys::request::{EnvoyRequest, Moment, PeerId, SignedDocument, StatusKind};
use crate::envoys::status::EnvoyStatus;

/// The number of new connections on which an address has to respond as one Envoy before it gets a document. They are
/// sent together with the first request, so they cost no time.
pub const EARLY_PROBES: usize = 2;
/// The number of such connections in a proof. With two Envoys that share an address equally, one of them is missed once
/// in 2^16 times.
pub const PROBES: usize = 16;
/// The time after which a lagging Envoy is asked for details.
const DETAILS_AFTER: Duration = Duration::from_millis(200);

/// The final result of an address.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerEnd {
    /// The Envoy has adopted the expected documents.
    Adopted,
    Failed(EnvoyError),
    /// The Envoy was already found at another address.
    Duplicate,
}

/// One address.
#[derive(Clone, Debug)]
pub struct EnvoyPeer {
    pub endpoint: Endpoint,
    /// The name of the Envoy that responds here.
    pub identity: Option<String>,
    /// The first status, from before any change.
    pub first: Option<EnvoyStatus>,
    /// The last status with details.
    pub status: Option<EnvoyStatus>,
    /// The times of the request for it and of the response.
    pub asked: Time,
    pub answered: Time,
    /// The documents to put.
    pub queue: Vec<SignedDocument>,
    /// True if the status with details has to be requested again.
    pub wants_status: bool,
    /// The sites on which a newer document has replaced the expected one.
    pub replaced: Vec<String>,
    pub end: Option<PeerEnd>,
    /// True while a request is on the kept connection.
    is_busy: bool,
    /// A proof starts again with a new round when it fails. Responses of earlier rounds do not count.
    round: u32,
    /// True if the kept connection shows the expected documents.
    is_polled: bool,
    probes_sent: usize,
    /// The probes of all rounds without a response yet.
    probes_out: usize,
    early_ended: usize,
    /// The number of probes in this round that show the expected documents.
    confirmed: usize,
    /// The number of probes in this round that failed.
    misses: usize,
    /// The error of the last request, if it failed.
    error: Option<EnvoyError>,
    /// The reason why the Envoy has not adopted the documents.
    problem: Option<String>,
    advice: Option<String>,
    /// The reason why the Envoy does not have a site, by its last status with details.
    absence: Option<String>,
    /// The time since which requests fail or show that the Envoy lags.
    troubled_since: Option<Duration>,
    /// The time of the next request for details of a lagging Envoy.
    details_at: Duration,
    retry_at: Duration,
}

impl EnvoyPeer {
    pub fn new(endpoint: Endpoint) -> EnvoyPeer {
        EnvoyPeer {
            endpoint,
            identity: None,
            first: None,
            status: None,
            asked: Time(0),
            answered: Time(0),
            queue: Vec::new(),
            wants_status: true,
            replaced: Vec::new(),
            end: None,
            is_busy: false,
            round: 0,
            is_polled: false,
            probes_sent: 0,
            probes_out: 0,
            early_ended: 0,
            confirmed: 0,
            misses: 0,
            error: None,
            problem: None,
            advice: None,
            absence: None,
            troubled_since: None,
            details_at: Duration::ZERO,
            retry_at: Duration::ZERO,
        }
    }

    /// The name of the Envoy and the address, or the address alone.
    pub fn name(&self) -> String {
        match &self.identity {
            Some(identity) => format!("{identity} ({})", self.endpoint),
            None => self.endpoint.to_string(),
        }
    }

    /// True if the first responses have identified an Envoy.
    pub fn is_known(&self) -> bool {
        self.status.is_some() && (self.early_ended >= EARLY_PROBES || self.round > 0)
    }

    /// True if there is no result yet.
    pub fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// True if the control endpoint has rejected a request.
    pub fn is_rejected(&self) -> bool {
        matches!(self.end, Some(PeerEnd::Failed(EnvoyError::Rejected { .. })))
    }

    /// True if the last request got no connection.
    pub fn is_unreachable(&self) -> bool {
        matches!(&self.error, Some(EnvoyError::Unreachable(_))) && !self.is_silent()
    }

    /// True if there is no response.
    pub fn is_silent(&self) -> bool {
        self.error.as_ref().map_or(self.status.is_none(), |error| *error == EnvoyError::timeout())
    }

    /// True if neither a request nor a document to put is outstanding.
    pub fn is_idle(&self) -> bool {
        !self.is_busy && self.queue.is_empty() && !self.wants_status
    }

    /// The reason why there is no result yet.
    pub fn reason(&self) -> EnvoyError {
        match (&self.error, &self.problem, &self.advice) {
            (Some(error), ..) => error.clone(),
            (None, Some(problem), Some(advice)) => EnvoyError::Unexpected(format!("{problem}: {advice}")),
            (None, Some(problem), None) => EnvoyError::Unexpected(problem.clone()),
            (None, None, _) if self.is_polled => {
                let count = format!("{}/{PROBES} new connections", self.confirmed);
                EnvoyError::Unexpected(format!("has adopted it, but only {count} have confirmed so in time"))
            }
            (None, None, _) => EnvoyError::timeout(),
        }
    }

    /// Starts the proof again.
    pub fn begin_round(&mut self) {
        self.round += 1;
        (self.probes_sent, self.confirmed, self.misses) = (0, 0, 0);
        self.is_polled = false;
        self.replaced.clear();
        self.problem = None;
        if self.end == Some(PeerEnd::Adopted) {
            self.end = None;
        }
    }

    /// The time at which a request is due; `None` if the peer waits for a response.
    pub fn due(&self) -> Option<Duration> {
        (self.is_open() && !self.is_busy).then_some(self.retry_at)
    }

    /// The requests that are due, with at most `connections` at once.
    pub fn requests(&mut self, id: PeerId, has_goal: bool, connections: usize, now: Moment) -> Vec<EnvoyRequest> {
        let mut requests = Vec::new();
        if !self.is_open() || now.elapsed < self.retry_at {
            return requests;
        }
        if !self.is_busy
            && let Some(request) = self.main_request(id, has_goal, now)
        {
            self.is_busy = true;
            requests.push(request);
        }
        let wanted = match (has_goal, self.is_polled) {
            (true, true) => PROBES,
            _ if self.round == 0 => EARLY_PROBES,
            _ => 0,
        };
        while self.probes_sent < wanted && self.probes_out + usize::from(self.is_busy) < connections {
            self.probes_sent += 1;
            self.probes_out += 1;
            requests.push(EnvoyRequest::Status { peer: id, round: self.round, kind: StatusKind::Probe });
        }
        requests
    }

    /// The next request on the kept connection.
    fn main_request(&mut self, peer: PeerId, has_goal: bool, now: Moment) -> Option<EnvoyRequest> {
        let lags = self.troubled_since.is_some_and(|since| now.elapsed >= since + DETAILS_AFTER);
        let kind = if self.wants_status || lags && self.problem.is_some() && now.elapsed >= self.details_at {
            StatusKind::Full
        } else if !self.queue.is_empty() {
            return Some(EnvoyRequest::Put { peer, document: self.queue.remove(0) });
        } else if has_goal && !self.is_polled {
            StatusKind::Public
        } else {
            return None;
        };
        if kind == StatusKind::Full {
            self.wants_status = false;
            self.asked = now.time;
            self.details_at = now.elapsed + 5 * DETAILS_AFTER;
        }
        Some(EnvoyRequest::Status { peer, round: self.round, kind })
    }
}

mod responses;
#[cfg(test)]
mod tests;
