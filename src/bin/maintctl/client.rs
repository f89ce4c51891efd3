//! One address of a control endpoint: its requests, and its answers as types.

mod answer;

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value};
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use answer::{WORDS, body, no_endpoint};

/// The longest that one request may take, whatever time there is.
const REQUEST: Duration = Duration::from_secs(3);
/// How long to stay away from an Envoy that is busy.
const BUSY: Duration = Duration::from_millis(25);

/// What an Envoy says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    pub envoy: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub time: String,
    pub sites: Vec<SiteStatus>,
}

/// What an Envoy says of one site. What a read token is needed for is absent without one.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SiteStatus {
    pub site: String,
    pub mode: String,
    pub channel: Option<String>,
    pub revision: Option<u64>,
    pub digest: Option<String>,
    #[serde(default)]
    pub workers: Workers,
    pub declared: Option<bool>,
    pub document: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl SiteStatus {
    /// Whether the policy says what holds here.
    pub fn is_declared(&self) -> bool {
        self.declared.unwrap_or(self.channel.as_deref() == Some("policy"))
    }

    /// What orders documents: the revision, then the digest.
    pub fn stamp(&self) -> Option<(u64, &str)> {
        Some((self.revision?, self.digest.as_deref()?))
    }
}

/// The filter's instances in one Envoy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Workers {
    pub members: u64,
    pub adopted: u64,
}

impl Workers {
    /// At least one member, and all of them have adopted.
    pub fn all(self) -> bool {
        self.members > 0 && self.adopted == self.members
    }
}

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No answer.
    Unreachable(String),
    /// An answer that no control endpoint gives.
    Strange(String),
    /// The address answers as another Envoy than before.
    Another(String),
    /// The Envoy refuses, with a code and its own words.
    Refused { code: String, detail: String },
}

impl Trouble {
    /// Whether the document was made from one that is no longer the current one.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Trouble::Refused { code, .. } if code == "conflict" || code == "stale_revision")
    }

    fn is_busy(&self) -> bool {
        matches!(self, Trouble::Refused { code, .. } if code == "busy")
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Unreachable(text) | Trouble::Strange(text) | Trouble::Another(text) => formatter.write_str(text),
            Trouble::Refused { code, detail } if detail.is_empty() => formatter.write_str(code),
            Trouble::Refused { code, detail } => write!(formatter, "{code}: {detail}"),
        }
    }
}

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
    pub fn status(&self, token: Option<&str>, deadline: Instant) -> Result<Status, Trouble> {
        self.status_by(&self.agent, token, deadline)
    }

    /// Asks for the status without a token, on a connection of its own.
    pub fn fresh_status(&self, deadline: Instant) -> Result<Status, Trouble> {
        self.status_by(&self.fresh, None, deadline)
    }

    fn status_by(&self, agent: &Agent, token: Option<&str>, deadline: Instant) -> Result<Status, Trouble> {
        let answer = until(deadline, |limit| {
            let mut request = agent.get(format!("{}/v1/status", self.url));
            if let Some(token) = token {
                request = request.header("x-maintenance-document", token);
            }
            body(request.config().timeout_global(Some(limit)).build().call())
        });
        let answer = answer.map_err(|trouble| match trouble {
            // Every control endpoint has a status.
            Trouble::Refused { code, .. } if code == "not_found" => no_endpoint("not_found"),
            trouble => trouble,
        })?;
        Status::read(answer)
    }

    /// Reads the JSON of another path below the URL.
    pub fn get(&self, path: &str, deadline: Instant) -> Result<Value, Trouble> {
        until(deadline, |limit| {
            let request = self.agent.get(format!("{}{path}", self.url));
            body(request.config().timeout_global(Some(limit)).build().call())
        })
    }

    /// Puts a signed document for `site`, if the digest of the Envoy's current one is `current`; `None`: it has none.
    pub fn put(&self, site: &str, signed: &str, current: Option<&str>, deadline: Instant) -> Result<(), Trouble> {
        let condition = format!("\"{}\"", current.unwrap_or("*"));
        until(deadline, |limit| {
            let request = self
                .agent
                .put(format!("{}/v1/sites/{site}", self.url))
                .header("x-maintenance-document", signed)
                .header("if-match", &condition);
            body(request.config().timeout_global(Some(limit)).build().send_empty())
        })
        .map(|_| ())
    }
}

/// Asks until the answer is not `busy` or time is up.
fn until(deadline: Instant, ask: impl Fn(Duration) -> Result<Value, Trouble>) -> Result<Value, Trouble> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = ask(left.clamp(Duration::from_millis(20), REQUEST));
        match answer {
            Err(trouble) if trouble.is_busy() && left > BUSY => std::thread::sleep(BUSY),
            answer => return answer,
        }
    }
}

impl Status {
    /// Reads an answer. A name that no policy can have is not used in a URL.
    fn read(answer: Value) -> Result<Status, Trouble> {
        let unreadable = |problem: &dyn fmt::Display| {
            let text = format!("its status cannot be read: {problem}");
            Trouble::Strange(text.chars().take(WORDS).collect())
        };
        let status: Status = serde_json::from_value(answer).map_err(|error| unreadable(&error))?;
        if status.envoy.chars().nth(WORDS).is_some() {
            return Err(unreadable(&"the Envoy's name is too long"));
        }
        match status.sites.iter().find(|site| !is_name(&site.site)) {
            Some(site) => Err(unreadable(&format!("no site can be named {:?}", site.site))),
            None => Ok(status),
        }
    }

    /// What it says of `site`.
    pub fn site(&self, site: &str) -> Option<&SiteStatus> {
        self.sites.iter().find(|status| status.site == site)
    }
}

/// Whether a site, a rule or a fleet can have this name.
pub fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_with_names_that_no_envoy_gives_is_not_read() {
        let status = |envoy: &str, site: &str| json!({ "envoy": envoy, "sites": [{ "site": site, "mode": "online" }] });
        let long = "n".repeat(WORDS + 1);
        for (answer, expected) in [
            (status("n/1", "shop"), None),
            (status("", "default"), None),
            (status(&long, "shop"), Some("its status cannot be read: the Envoy's name is too long")),
            (status("n", "a/../b"), Some("its status cannot be read: no site can be named \"a/../b\"")),
            (status("n", ""), Some("its status cannot be read: no site can be named \"\"")),
            (json!({ "envoy": "n" }), Some("its status cannot be read: missing field `sites`")),
        ] {
            let read = Status::read(answer.clone()).map_err(|trouble| trouble.to_string());
            assert_eq!(read.err().as_deref(), expected, "{answer}");
        }
        let Err(trouble) = Status::read(status("n", &"S".repeat(1 << 20))) else { panic!("it is read") };
        assert_eq!(trouble.to_string().chars().count(), WORDS);
    }
}
