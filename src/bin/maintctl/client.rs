//! One address of a control endpoint: its requests, and its answers as types.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value};
use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

/// The longest that one request may take, whatever time there is.
const REQUEST: Duration = Duration::from_secs(3);
/// How long to stay away from an Envoy that is busy.
const BUSY: Duration = Duration::from_millis(100);

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
    /// Whether there is somebody, and nobody is missing.
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
    pub fn new(url: &str, address: SocketAddr, one_of_several: bool) -> Endpoint {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("maintctl/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Pinned(address));
        Endpoint { url: url.to_owned(), address, one_of_several, agent }
    }

    /// The same address with no connection that is open already.
    pub fn fresh(&self) -> Endpoint {
        Endpoint::new(&self.url, self.address, self.one_of_several)
    }

    /// Asks for the status; with a read token for the fuller one.
    pub fn status(&self, token: Option<&str>, deadline: Instant) -> Result<Status, Trouble> {
        let answer = until(deadline, |limit| {
            let mut request = self.agent.get(format!("{}/v1/status", self.url));
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
        serde_json::from_value(answer).map_err(|error| Trouble::Strange(format!("its status cannot be read: {error}")))
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

/// The JSON of a good answer, or what is wrong.
fn body(answer: Result<Response<Body>, ureq::Error>) -> Result<Value, Trouble> {
    let mut response = answer.map_err(|error| Trouble::Unreachable(plain(&error)))?;
    let status = response.status();
    let text = response.body_mut().read_to_string().map_err(|error| Trouble::Unreachable(plain(&error)))?;
    let value: Option<Value> = serde_json::from_str(&text).ok();
    let member = |name: &str| value.as_ref().and_then(|value| value.get(name)).and_then(Value::as_str);
    match (status.is_success(), member("code")) {
        (true, _) => {
            value.ok_or_else(|| Trouble::Strange("its answer is not JSON; is this the control endpoint?".to_owned()))
        }
        (false, Some(code)) => {
            Err(Trouble::Refused { code: code.to_owned(), detail: member("detail").unwrap_or_default().to_owned() })
        }
        // A rate limit before the filter.
        (false, None) if status.as_u16() == 429 => {
            Err(Trouble::Refused { code: "busy".to_owned(), detail: "answers 429".to_owned() })
        }
        (false, None) if status.is_server_error() => {
            Err(Trouble::Strange(format!("answers {}; its log says why", status.as_u16())))
        }
        (false, None) => Err(no_endpoint(status.as_str())),
    }
}

fn no_endpoint(answer: &str) -> Trouble {
    Trouble::Strange(format!(
        "answers {answer}; is this the control endpoint, and does the URL end in the policy's `control.path_prefix`?"
    ))
}

fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::ConnectionFailed => "cannot connect".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof => {
                "closed the connection".to_owned()
            }
            _ => error.to_string(),
        },
        error => error.to_string(),
    }
}

impl Status {
    /// What it says of `site`.
    pub fn site(&self, site: &str) -> Option<&SiteStatus> {
        self.sites.iter().find(|status| status.site == site)
    }
}
