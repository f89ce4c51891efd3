//! The status of one Envoy, as its control endpoint answers it.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::envoys::error::{EnvoyError, WORDS};

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

impl Status {
    /// Reads an answer. A name that no policy can have is not used in a URL.
    pub fn read(answer: Value) -> Result<Status, EnvoyError> {
        let unreadable = |problem: &dyn fmt::Display| {
            let text = format!("its status cannot be read: {problem}");
            EnvoyError::Unexpected(text.chars().take(WORDS).collect())
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
mod tests;
