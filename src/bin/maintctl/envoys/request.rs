//! The requests of a fleet and their responses, without the means to send them.

use std::net::SocketAddr;
use std::time::Duration;

use envoy_maintenance::time::Time;

use crate::envoys::error::EnvoyError;
use crate::envoys::status::EnvoyStatus;

/// A moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// The time since the start, without the time of questions to the operator.
    pub elapsed: Duration,
    /// The time of this machine's clock.
    pub time: Time,
}

/// The index of an address in a fleet.
pub type PeerId = usize;

/// A request to send.
#[derive(Clone, Debug, PartialEq)]
pub enum EnvoyRequest {
    /// Resolve the host name of the URL with this index.
    Resolve { url: usize },
    /// EnvoyRequest the status. `round` returns in the response.
    Status { peer: PeerId, round: u32, kind: StatusKind },
    /// Put a document.
    Put { peer: PeerId, document: SignedDocument },
}

/// The connection and the detail of a status request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusKind {
    /// On the kept connection, with the read token if there is one.
    Full,
    /// On the kept connection, without a token.
    Public,
    /// On a new connection, without a token.
    Probe,
}

/// A signed document, and the digest of the document that it replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDocument {
    pub site: String,
    pub revision: u64,
    pub digest: String,
    pub signed: String,
    pub replaces: Option<String>,
}

/// The response to a request.
#[derive(Clone, Debug)]
pub enum EnvoyResponse {
    Addresses { url: usize, result: Result<Vec<SocketAddr>, EnvoyError> },
    Status { peer: PeerId, round: u32, kind: StatusKind, result: Result<EnvoyStatus, EnvoyError> },
    Put { peer: PeerId, document: SignedDocument, result: Result<(), EnvoyError> },
}
