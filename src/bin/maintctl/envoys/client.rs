//! A client for one address of a control endpoint.

mod answer;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use envoy_maintenance::protocol::{self, CONDITION_HEADER, ControlPath, DOCUMENT_HEADER, ErrorCode};
use serde_json::Value;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::envoys::addresses::Endpoint;
use crate::envoys::error::EnvoyError;
use crate::envoys::request::SignedDocument;
use crate::envoys::status::{self, EnvoyStatus};
use answer::{CLOSED, body};

/// The timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// The pause before another request to an Envoy that is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(25);

/// Resolves every name to one address, so that each address of a name is asked separately.
#[derive(Debug)]
struct PinnedResolver(SocketAddr);

impl Resolver for PinnedResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

/// A client for one endpoint.
#[derive(Clone, Debug)]
pub struct Client {
    endpoint: Endpoint,
    agent: Agent,
    /// An agent that opens a new connection for each request.
    fresh_agent: Agent,
}

impl Client {
    pub fn new(endpoint: &Endpoint, tls: Option<&TlsConfig>) -> Client {
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .proxy(None)
                .tls_config(tls.cloned().unwrap_or_default())
                .user_agent(concat!("maintctl/", env!("CARGO_PKG_VERSION")))
        };
        let resolver = || PinnedResolver(endpoint.address);
        let agent = |config| Agent::with_parts(config, DefaultConnector::default(), resolver());
        let fresh = config().max_idle_connections(0).max_idle_connections_per_host(0).build();
        let (agent, fresh_agent) = (agent(config().build()), agent(fresh));
        Client { endpoint: endpoint.clone(), agent, fresh_agent }
    }

    /// Gets the status; with a read token, the detailed one.
    pub fn status(&self, token: Option<&str>, deadline: Instant) -> Result<EnvoyStatus, EnvoyError> {
        self.status_by(&self.agent, token, deadline)
    }

    /// Gets the status without a token, on a new connection.
    pub fn fresh_status(&self, deadline: Instant) -> Result<EnvoyStatus, EnvoyError> {
        self.status_by(&self.fresh_agent, None, deadline)
    }

    fn status_by(&self, agent: &Agent, token: Option<&str>, deadline: Instant) -> Result<EnvoyStatus, EnvoyError> {
        let response = self.until(deadline, |timeout| {
            let mut request = agent.get(format!("{}{}", self.endpoint.url, ControlPath::Status));
            if let Some(token) = token {
                request = request.header(DOCUMENT_HEADER, token);
            }
            body(request.config().timeout_global(Some(timeout)).build().call())
        });
        let response = response.map_err(|error| match error.code() {
            // Every control endpoint has a status.
            Some(ErrorCode::NotFound) => EnvoyError::no_endpoint(ErrorCode::NotFound.name()),
            _ => error,
        })?;
        status::read(response)
    }

    /// Gets the JSON at another path below the URL.
    pub fn get(&self, path: &str, deadline: Instant) -> Result<Value, EnvoyError> {
        self.until(deadline, |timeout| {
            let request = self.agent.get(format!("{}{path}", self.endpoint.url));
            body(request.config().timeout_global(Some(timeout)).build().call())
        })
    }

    /// Puts a signed document, on condition that the current document is still the one that it replaces, or that there is
    /// none.
    pub fn put(&self, document: &SignedDocument, deadline: Instant) -> Result<(), EnvoyError> {
        let condition = protocol::condition(document.replaces.as_deref());
        self.until(deadline, |timeout| {
            let request = self
                .agent
                .put(format!("{}{}", self.endpoint.url, ControlPath::Site(&document.site)))
                .header(DOCUMENT_HEADER, &document.signed)
                .header(CONDITION_HEADER, &condition);
            body(request.config().timeout_global(Some(timeout)).build().send_empty())
        })
        .map(|_| ())
    }

    /// Repeats a request until the response is not `busy`, or the deadline has passed.
    fn until(
        &self,
        deadline: Instant,
        request: impl Fn(Duration) -> Result<Value, EnvoyError>,
    ) -> Result<Value, EnvoyError> {
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            match request(remaining.clamp(Duration::from_millis(1), REQUEST_TIMEOUT)) {
                Err(error) if error.is_busy() && remaining > BUSY_PAUSE => std::thread::sleep(BUSY_PAUSE),
                Err(EnvoyError::Unreachable(text)) if text == CLOSED && self.endpoint.url.starts_with("http:") => {
                    let advice = "if the listener uses TLS, its URL begins with https";
                    return Err(EnvoyError::Unreachable(format!("{CLOSED}; {advice}")));
                }
                result => return result,
            }
        }
    }
}
