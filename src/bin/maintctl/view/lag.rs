//! The reasons why an Envoy has not adopted a document.

use crate::envoys::error::EnvoyError;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::roll::EnvoyProcess;
use crate::envoys::status::{EnvoySite, missing_key};

/// An Envoy that has not adopted the newest document of a site.
#[derive(Debug)]
pub struct Lag {
    pub failure: EnvoyFailure,
    /// True if the same `close` or `open` again sends it the document.
    pub can_be_updated: bool,
}

impl Lag {
    /// The reason why `envoy` has not adopted the document of `site` with the digest `newest`.
    pub fn of(envoy: &EnvoyProcess, site: &str, newest: Option<&str>, is_file: bool) -> Lag {
        let (reason, can_be_updated) = match envoy.status.site(site) {
            Some(status) => reason(status, &envoy.status.time, newest, is_file),
            None => (format!("has no site \"{site}\"; add it to the policy there"), false),
        };
        Lag { failure: EnvoyFailure::new(envoy.name(), EnvoyError::Unexpected(reason)), can_be_updated }
    }
}

fn reason(status: &EnvoySite, time: &str, newest: Option<&str>, is_file: bool) -> (String, bool) {
    let mode = status.mode.to_uppercase();
    let workers = status.workers;
    if status.digest.as_deref() != newest {
        return match (status.is_declared() && !is_file, status.digest.is_some()) {
            (true, _) => {
                let advice = "change or remove the entry where the policy is kept";
                (format!("{mode}, declared by the policy there (`state.{}`); {advice}", status.site), false)
            }
            (false, false) => (format!("{mode}, has no document, probably since a restart"), true),
            (false, true) => (format!("{mode}, has another document"), true),
        };
    }
    if !workers.have_adopted() {
        let count = format!("{mode}, {}/{} workers have adopted it", workers.adopted, workers.members);
        return match missing_key(status) {
            Some(advice) => (format!("{count}: {advice}"), false),
            None => (count, false),
        };
    }
    (format!("{mode}, because its clock says {time}; correct the clock that is wrong"), false)
}

#[cfg(test)]
mod tests;
