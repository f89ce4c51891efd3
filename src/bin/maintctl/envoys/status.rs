//! The status of one Envoy, as its control endpoint answers it.

use std::fmt;

use envoy_maintenance::protocol;
use serde::Deserialize;
use serde_json::Value;

use crate::envoys::error::{EnvoyError, WORDS};

/// The status of one Envoy.
pub type EnvoyStatus = protocol::Status<Vec<EnvoySite>>;
/// The status of one site in one Envoy.
pub type EnvoySite = protocol::SiteStatus<Value>;

/// Reads an answer. A site name that no policy can have is an error, because site names become part of URLs.
pub fn read(answer: Value) -> Result<EnvoyStatus, EnvoyError> {
    let unreadable = |problem: &dyn fmt::Display| {
        let text = format!("its status cannot be read: {problem}");
        EnvoyError::Unexpected(text.chars().take(WORDS).collect())
    };
    let status = EnvoyStatus::deserialize(answer).map_err(|error| unreadable(&error))?;
    if status.envoy.chars().nth(WORDS).is_some() {
        return Err(unreadable(&"the Envoy's name is too long"));
    }
    match status.sites.iter().find(|site| !is_name(&site.site)) {
        Some(site) => Err(unreadable(&format!("no site can be named {:?}", site.site))),
        None => Ok(status),
    }
}

/// Whether a site, a rule or a fleet can have this name.
pub fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;
