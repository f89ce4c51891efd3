//! The status document of a control endpoint.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::envoys::error::{EnvoyError, MAX_TEXT};

/// The status of one Envoy.
#[derive(Clone, Debug, Deserialize)]
pub struct EnvoyStatus {
    pub envoy: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub time: String,
    /// The names of plugins that exist several times with different policies.
    #[serde(default)]
    pub plugin_conflicts: Vec<String>,
    pub sites: Vec<SiteStatus>,
}

/// The status of one site in one Envoy. Without a read token, most fields are absent.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SiteStatus {
    pub site: String,
    pub mode: String,
    pub channel: Option<String>,
    pub revision: Option<u64>,
    pub digest: Option<String>,
    #[serde(default)]
    pub workers: WorkerCount,
    /// The plugins whose policy has the site, but not the key that signed its document.
    #[serde(default)]
    pub lacks_key: Vec<String>,
    pub declared: Option<bool>,
    pub document: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl SiteStatus {
    /// True if the policy declares the state of the site.
    pub fn is_declared(&self) -> bool {
        self.declared.unwrap_or(self.channel.as_deref() == Some("policy"))
    }

    /// The revision and the digest, by which documents are ordered.
    pub fn stamp(&self) -> Option<(u64, &str)> {
        Some((self.revision?, self.digest.as_deref()?))
    }

    /// Advice about the plugins that cannot verify the site's document; `None` if all can.
    pub fn missing_key(&self) -> Option<String> {
        let plugins = self.lacks_key.iter().map(|plugin| format!("\"{plugin}\"")).collect::<Vec<_>>().join(", ");
        let (noun, policy) = match self.lacks_key.len() {
            0 => return None,
            1 => ("plugin", "its policy"),
            _ => ("plugins", "their policies"),
        };
        Some(format!(
            "{noun} {plugins} cannot verify the document; add the JWK that `maintctl init` prints to `keys` of {policy}"
        ))
    }
}

/// The members of an Envoy, and how many of them have adopted the site's document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct WorkerCount {
    pub members: u64,
    pub adopted: u64,
}

impl WorkerCount {
    /// At least one member, and all of them have adopted.
    pub fn all(self) -> bool {
        self.members > 0 && self.adopted == self.members
    }
}

impl EnvoyStatus {
    /// Reads a response. Names that no policy accepts are rejected, so that they never become part of a URL.
    pub fn read(response: Value) -> Result<EnvoyStatus, EnvoyError> {
        let unreadable = |problem: &dyn fmt::Display| {
            let text = format!("its status cannot be read: {problem}");
            EnvoyError::Unexpected(text.chars().take(MAX_TEXT).collect())
        };
        let status: EnvoyStatus = serde_json::from_value(response).map_err(|error| unreadable(&error))?;
        if status.envoy.chars().nth(MAX_TEXT).is_some() {
            return Err(unreadable(&"the Envoy's name is too long"));
        }
        match status.sites.iter().find(|site| !is_name(&site.site)) {
            Some(site) => Err(unreadable(&format!("{:?} is not a site name", site.site))),
            None => Ok(status),
        }
    }

    /// The status of `site`.
    pub fn site(&self, site: &str) -> Option<&SiteStatus> {
        self.sites.iter().find(|status| status.site == site)
    }
}

/// True if a policy accepts this as the name of a site, rule or fleet.
pub fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests;
