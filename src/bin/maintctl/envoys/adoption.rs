//! The proof of adoption: requests the status of every Envoy until all its workers have adopted the expected documents.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use envoy_maintenance::state::Document;
use envoy_maintenance::time::Time;

use crate::envoys::error::EnvoyError;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::envoys::status::{EnvoySite, EnvoyStatus, missing_key};
use crate::terminal::progress::Progress;
use crate::terminal::times;

/// The pause between two requests to one Envoy.
const PAUSE: Duration = Duration::from_millis(25);

/// The document of one site that every Envoy has to adopt.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedDocument {
    pub site: String,
    pub revision: u64,
    pub digest: String,
    pub document: Document,
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

/// Waits until all Envoys of the roll have adopted the documents, or the deadline has passed.
pub fn wait(roll: &Roll, expected: &[ExpectedDocument], deadline: Instant) -> Adoption {
    let results = wait_for_each(roll, expected, deadline);
    let mut adoption = Adoption { total: roll.total(), lagging: roll.failures.clone(), ..Adoption::default() };
    for (envoy, result) in roll.envoys.iter().zip(results) {
        match result {
            Ok(replaced) => {
                adoption.adopted += 1;
                adoption.replaced.extend(replaced);
            }
            Err(error) => adoption.lagging.push(EnvoyFailure::new(envoy.name(), error)),
        }
    }
    adoption.replaced.sort();
    adoption.replaced.dedup();
    adoption
}

/// The time to ask the lagging Envoys for details.
const DETAILS_TIMEOUT: Duration = Duration::from_secs(3);

/// Adds the plugins that lack the signing key to the reasons of lagging Envoys. The request for them needs a read token.
pub fn explain(adoption: &mut Adoption, roll: &Roll, expected: &[ExpectedDocument], token: &str) {
    if adoption.lagging.is_empty() {
        return;
    }
    let statuses = roll.each(|envoy| envoy.ask(Some(token), Instant::now() + DETAILS_TIMEOUT));
    for (envoy, status) in roll.envoys.iter().zip(statuses) {
        let name = envoy.name();
        let Some(failure) = adoption.lagging.iter_mut().find(|failure| failure.name == name) else { continue };
        let Ok(status) = status else { continue };
        for advice in expected.iter().filter_map(|expected| missing_key(status.site(&expected.site)?)) {
            failure.error = EnvoyError::Unexpected(format!("{}: {advice}", failure.error));
        }
    }
}

/// The sites of each Envoy with a newer document, or the reason why it has not adopted the documents.
fn wait_for_each(
    roll: &Roll,
    expected: &[ExpectedDocument],
    deadline: Instant,
) -> Vec<Result<Vec<String>, EnvoyError>> {
    let finished = AtomicUsize::new(0);
    let (connections, total) = (roll.connections(), roll.total());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            roll.each(|envoy| {
                let result = wait_for(envoy, expected, connections, deadline);
                finished.fetch_add(1, Ordering::Relaxed);
                result
            })
        });
        let progress = Progress::start("waiting for Envoy");
        while !waiting.is_finished() {
            progress.update(|| format!("{}/{total} Envoys have adopted", finished.load(Ordering::Relaxed)));
            thread::sleep(PAUSE / 5);
        }
        progress.end();
        waiting.join().unwrap_or_else(|_| {
            let failed = || Err(EnvoyError::Unexpected("maintctl failed during the wait".to_owned()));
            roll.envoys.iter().map(|_| failed()).collect()
        })
    })
}

/// Waits for one Envoy, then confirms the result on new connections, because another Envoy may share its address.
fn wait_for(
    envoy: &EnvoyProcess,
    expected: &[ExpectedDocument],
    connections: usize,
    deadline: Instant,
) -> Result<Vec<String>, EnvoyError> {
    let check =
        |status: &EnvoyStatus| replaced(status, expected, times::time(&times::now())).map_err(EnvoyError::Unexpected);
    loop {
        let first = envoy.ask(None, deadline).and_then(|status| check(&status));
        match first.and_then(|_| envoy.confirm(connections, deadline, check)) {
            Ok(replaced) => return Ok(replaced.concat()),
            Err(error @ EnvoyError::SharedAddress(_)) => return Err(error),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// The sites on which the Envoy has adopted a newer document than the expected one. The error is the reason why it has
/// not adopted some expected document.
fn replaced(status: &EnvoyStatus, expected: &[ExpectedDocument], now: Time) -> Result<Vec<String>, String> {
    let mut replaced = Vec::new();
    for expected in expected {
        let name = &expected.site;
        let site = status.site(name).ok_or_else(|| format!("has no site \"{name}\"; add it to the policy there"))?;
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
    let is_newer = site.stamp().is_some_and(|stamp| stamp > (expected.revision, &expected.digest));
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
