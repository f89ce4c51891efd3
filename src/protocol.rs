//! The protocol of the control endpoint, which the filter serves and `maintctl` uses.
//!
//! ```text
//! GET <control.path_prefix>/v1/status                           the state of all sites of a fleet in one Envoy
//! PUT <control.path_prefix>/v1/sites/<site>                     a new document for a site
//! ```
//!
//! A document, or a token that permits to read the full status, is in the header [`DOCUMENT_HEADER`]. The condition of a
//! `PUT` is in [`CONDITION_HEADER`]. Answers are JSON: a [`Status`], an [`Accepted`], or a [`Problem`] with an
//! [`ErrorCode`].

use std::fmt;

use serde::Deserialize;

use crate::json::Object;

mod error_code;
mod plugin;
mod status;

pub use error_code::ErrorCode;
pub use plugin::{KeyStatus, PluginStatus};
pub use status::{Counters, SiteDetails, SiteStatus, Status, write_workers};

/// The request header with a signed document or read token.
pub const DOCUMENT_HEADER: &str = "x-maintenance-document";
/// The request header with the digest of the document that a new one replaces.
pub const CONDITION_HEADER: &str = "if-match";

/// A resource of the control endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlPath<'a> {
    /// The status of all sites.
    Status,
    /// The document of the site with this name.
    Site(&'a str),
}

impl<'a> ControlPath<'a> {
    /// Parses the part of a path that follows `control.path_prefix`.
    pub fn parse(path: &'a [u8]) -> Option<ControlPath<'a>> {
        match std::str::from_utf8(path).ok()?.strip_prefix("/v1/")? {
            "status" => Some(ControlPath::Status),
            path => {
                let site = path.strip_prefix("sites/")?;
                let is_name = !site.is_empty() && !site.contains('/');
                is_name.then_some(ControlPath::Site(site))
            }
        }
    }

    /// The only method that the resource supports.
    pub fn method(self) -> &'static str {
        match self {
            ControlPath::Status => "GET",
            ControlPath::Site(_) => "PUT",
        }
    }
}

impl fmt::Display for ControlPath<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlPath::Status => formatter.write_str("/v1/status"),
            ControlPath::Site(site) => write!(formatter, "/v1/sites/{site}"),
        }
    }
}

/// The value of [`CONDITION_HEADER`] that requires the current document to have this digest, or to be absent.
pub fn condition(digest: Option<&str>) -> String {
    format!("\"{}\"", digest.unwrap_or("*"))
}

/// True if the current document, by its digest, meets the condition.
pub fn meets_condition(condition: &[u8], digest: Option<&str>) -> bool {
    let condition = String::from_utf8_lossy(condition);
    condition.trim().trim_matches('"') == digest.unwrap_or("*")
}

/// The answer to an accepted document.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The name of the site.
    pub site: String,
    /// The revision of the document.
    pub revision: u64,
    /// The digest of the document.
    pub digest: String,
}

impl Accepted {
    /// The answer as JSON.
    pub fn to_json(&self) -> String {
        let mut object = Object::default();
        object.text("site", Some(&self.site));
        object.number("revision", self.revision);
        object.text("digest", Some(&self.digest));
        object.end()
    }
}

/// The answer to a refused request (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, Deserialize)]
pub struct Problem {
    /// The name of an [`ErrorCode`], or of one that only a newer filter has.
    pub code: String,
    /// The reason, for people.
    #[serde(default)]
    pub detail: String,
}

impl Problem {
    /// The answer as JSON. `current` is a description of the current document as JSON.
    pub fn to_json(code: ErrorCode, detail: &str, current: Option<&str>) -> String {
        let mut object = Object::default();
        object.text("title", Some(&code.name().replace('_', " ")));
        object.number("status", code.status().into());
        object.text("code", Some(code.name()));
        object.text("detail", Some(detail));
        if let Some(current) = current {
            object.raw("current", current);
        }
        object.end()
    }
}

#[cfg(test)]
mod tests;
