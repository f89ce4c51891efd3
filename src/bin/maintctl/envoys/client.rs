//! One address of a control endpoint: its requests, and its answers as types.

mod answer;

use std::fmt;
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

use crate::envoys::error::{EnvoyError, no_endpoint};
use crate::envoys::status::{self, EnvoyStatus};

use answer::body;

/// The longest that one request may take, whatever time there is.
const REQUEST: Duration = Duration::from_secs(3);
/// How long to stay away from an Envoy that is busy.
const BUSY: Duration = Duration::from_millis(25);

/// Always answers with the address that it is made for, so that each address of a name is asked by itself.
#[derive(Debug)]
struct Pinned(SocketAddr);

impl Resolver for Pinned {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

/// One address behind a URL of the target.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The URL as written, without a slash at its end.
    pub url: String,
    pub address: SocketAddr,
    /// Whether the URL's name has other addresses too.
    pub one_of_several: bool,
    agent: Agent,
    /// Keeps no connection.
    fresh: Agent,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.one_of_several {
            true => write!(formatter, "{} at {}", self.url, self.address),
            false => formatter.write_str(&self.url),
        }
    }
}

impl Endpoint {
    pub fn new(url: &str, address: SocketAddr, one_of_several: bool, tls: Option<&TlsConfig>) -> Endpoint {
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .proxy(None)
                .tls_config(tls.cloned().unwrap_or_default())
                .user_agent(concat!("maintctl/", env!("CARGO_PKG_VERSION")))
        };
        let agent = |config| Agent::with_parts(config, DefaultConnector::default(), Pinned(address));
        let fresh = config().max_idle_connections(0).max_idle_connections_per_host(0).build();
        let (agent, fresh) = (agent(config().build()), agent(fresh));
        Endpoint { url: url.to_owned(), address, one_of_several, agent, fresh }
    }

    /// Asks for the status; with a read token for the fuller one.
    pub fn status(&self, token: Option<&str>, deadline: Instant) -> Result<EnvoyStatus, EnvoyError> {
        self.status_by(&self.agent, token, deadline)
    }

    /// Asks for the status without a token, on a connection of its own.
    pub fn fresh_status(&self, deadline: Instant) -> Result<EnvoyStatus, EnvoyError> {
        self.status_by(&self.fresh, None, deadline)
    }

    fn status_by(&self, agent: &Agent, token: Option<&str>, deadline: Instant) -> Result<EnvoyStatus, EnvoyError> {
        let answer = until(deadline, |limit| {
            let mut request = agent.get(format!("{}{}", self.url, ControlPath::Status));
            if let Some(token) = token {
                request = request.header(DOCUMENT_HEADER, token);
            }
            body(request.config().timeout_global(Some(limit)).build().call())
        });
        let answer = answer.map_err(|trouble| match trouble {
            // Every control endpoint has a status.
            EnvoyError::Refused { code, .. } if code == ErrorCode::NotFound.name() => no_endpoint(&code),
            trouble => trouble,
        })?;
        status::read(answer)
    }

    /// Reads the JSON of another path below the URL.
    pub fn get(&self, path: &str, deadline: Instant) -> Result<Value, EnvoyError> {
        until(deadline, |limit| {
            let request = self.agent.get(format!("{}{path}", self.url));
            body(request.config().timeout_global(Some(limit)).build().call())
        })
    }

    /// Puts a signed document for `site`, if the digest of the Envoy's current one is `current`; `None`: it has none.
    pub fn put(&self, site: &str, signed: &str, current: Option<&str>, deadline: Instant) -> Result<(), EnvoyError> {
        let condition = protocol::condition(current);
        until(deadline, |limit| {
            let request = self
                .agent
                .put(format!("{}{}", self.url, ControlPath::Site(site)))
                .header(DOCUMENT_HEADER, signed)
                .header(CONDITION_HEADER, &condition);
            body(request.config().timeout_global(Some(limit)).build().send_empty())
        })
        .map(|_| ())
    }
}

/// Asks until the answer is not `busy` or time is up.
fn until(deadline: Instant, ask: impl Fn(Duration) -> Result<Value, EnvoyError>) -> Result<Value, EnvoyError> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = ask(left.clamp(Duration::from_millis(20), REQUEST));
        match answer {
            Err(trouble) if trouble.is_busy() && left > BUSY => std::thread::sleep(BUSY),
            answer => return answer,
        }
    }
}
