//! The adoption of documents: compares the status of an Envoy with the documents by which it has to decide.

use envoy_maintenance::state::Document;
use envoy_maintenance::time::Time;

use crate::diagnosis::lag;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::status::{EnvoySite, EnvoyStatus};

/// The document of one site that every Envoy has to adopt.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedDocument {
    pub site: String,
    pub revision: u64,
    pub digest: String,
    pub document: Document,
    /// True if a file declares it. Then no pushed document replaces it.
    pub is_declared: bool,
}

/// The adoption of a change by all Envoys of the roll.
#[derive(Clone, Debug, Default)]
pub struct Adoption {
    pub total: usize,
    pub adopted: usize,
    /// The Envoys that have not adopted the change, with the reasons.
    pub lagging: Vec<EnvoyFailure>,
    /// The sites whose expected document has been replaced by a newer one since.
    pub replaced: Vec<String>,
}

/// The sites on which the Envoy has adopted a newer document than the expected one. The error is the reason why it has
/// not adopted some expected document.
pub fn replaced(status: &EnvoyStatus, expected: &[ExpectedDocument], now: Time) -> Result<Vec<String>, String> {
    let mut replaced = Vec::new();
    for expected in expected {
        let name = &expected.site;
        let site = status.site(name).ok_or_else(|| lag::absent(status, name, lag::ADD_SITE).text())?;
        if is_replaced(site, expected).map_err(|problem| format!("{name}: {problem}"))? {
            replaced.push(name.clone());
        } else {
            check_mode(site, status, expected, now).map_err(|problem| format!("{name}: {problem}"))?;
        }
    }
    Ok(replaced)
}

/// True if all workers have adopted a newer document. An error if some have not adopted the current one.
fn is_replaced(site: &EnvoySite, expected: &ExpectedDocument) -> Result<bool, String> {
    let is_current = site.digest.as_deref() == Some(&expected.digest);
    let may_replace = site.is_declared() || !expected.is_declared;
    let is_newer = may_replace && site.stamp().is_some_and(|stamp| stamp > (expected.revision, &expected.digest));
    if !is_current && !is_newer {
        return Err(format!("still {}, by another document", site.mode));
    }
    if !site.workers.have_adopted() {
        return Err(format!("{}/{} workers have adopted it", site.workers.adopted, site.workers.members));
    }
    Ok(!is_current)
}

/// An error if the Envoy's clock gives the document another mode than this machine's clock.
fn check_mode(site: &EnvoySite, status: &EnvoyStatus, expected: &ExpectedDocument, now: Time) -> Result<(), String> {
    let mode = expected.document.at(now).mode().name();
    if site.mode == mode {
        return Ok(());
    }
    Err(format!(
        "{} instead of {mode}, because its clock says {} and this machine's {now}; correct the clock that is wrong",
        site.mode, status.time
    ))
}

#[cfg(test)]
mod tests;
