//! The status document of a control endpoint.

use std::fmt;

use envoy_maintenance::protocol;
use serde::Deserialize;
use serde_json::Value;

use crate::envoys::error::{EnvoyError, MAX_TEXT};

/// The status of one Envoy.
pub type EnvoyStatus = protocol::Status<Vec<EnvoySite>>;
/// The status of one site in one Envoy. Without a read token, the details are absent.
pub type EnvoySite = protocol::SiteStatus<Value>;

/// Reads a response. Names that no policy accepts are rejected, so that they never become part of a URL.
pub fn read(response: Value) -> Result<EnvoyStatus, EnvoyError> {
    let unreadable = |problem: &dyn fmt::Display| {
        let text = format!("its status cannot be read: {problem}");
        EnvoyError::Unexpected(text.chars().take(MAX_TEXT).collect())
    };
    let status = EnvoyStatus::deserialize(response).map_err(|error| unreadable(&error))?;
    if status.envoy.chars().nth(MAX_TEXT).is_some() {
        return Err(unreadable(&"the Envoy's name is too long"));
    }
    match status.sites.iter().find(|site| !is_name(&site.site)) {
        Some(site) => Err(unreadable(&format!("{:?} is not a site name", site.site))),
        None => Ok(status),
    }
}

/// Advice about the plugins whose policy has the site, but not the key that signed its document; `None` if all have it.
pub fn missing_key(site: &EnvoySite) -> Option<String> {
    let plugins = &site.details.lacks_key;
    let names = plugins.iter().map(|plugin| format!("\"{plugin}\"")).collect::<Vec<_>>().join(", ");
    let (noun, policy) = match plugins.len() {
        0 => return None,
        1 => ("plugin", "its policy"),
        _ => ("plugins", "their policies"),
    };
    Some(format!(
        "{noun} {names} cannot verify the document; add the JWK that `maintctl init` prints to `keys` of {policy}"
    ))
}

/// True if a policy accepts this as the name of a site, rule or fleet.
pub fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests;
