//! Waiting until every Envoy follows: each is asked again and again, all at once, until all its workers have adopted
//! what was sent or time is up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use envoy_maintenance::state::Document;
use envoy_maintenance::time::Time;

use crate::envoys::error::{EnvoyError, joined};
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::envoys::status::EnvoyStatus;
use crate::terminal::progress::Progress;
use crate::terminal::times;

/// How long to leave an Envoy alone between two questions.
const PAUSE: Duration = Duration::from_millis(25);

/// What an Envoy must hold of one site.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedDocument {
    pub site: String,
    pub revision: u64,
    pub digest: String,
    pub document: Document,
}

/// How far the Envoys are.
#[derive(Clone, Debug, Default)]
pub struct Adoption {
    pub total: usize,
    pub followed: usize,
    /// Who does not follow, and why.
    pub lagging: Vec<EnvoyFailure>,
    /// Sites on which a newer change has come after this one.
    pub overtaken: Vec<String>,
}

/// How far one Envoy is with all that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Followed { overtaken: Vec<String> },
    Behind(String),
}

/// Waits for all Envoys of the roll.
pub fn wait(roll: &Roll, wanted: &[ExpectedDocument], deadline: Instant) -> Adoption {
    let mut following = Adoption { total: roll.envoys.len() + roll.missing.len(), ..Adoption::default() };
    following.lagging.extend(roll.missing.iter().cloned());
    let done = AtomicUsize::new(0);
    let progress = Progress::start("waiting for Envoy");
    let results: Vec<(&EnvoyProcess, Result<Vec<String>, EnvoyError>)> = thread::scope(|scope| {
        let (done, lanes) = (&done, roll.lanes());
        let running: Vec<_> = roll
            .envoys
            .iter()
            .map(|envoy| {
                let thread = scope.spawn(move || {
                    let result = follow(envoy, wanted, lanes, deadline);
                    done.fetch_add(1, Ordering::Relaxed);
                    result
                });
                (envoy, thread)
            })
            .collect();
        while done.load(Ordering::Relaxed) < roll.envoys.len() {
            progress.say(|| format!("{}/{} Envoys follow", done.load(Ordering::Relaxed), following.total));
            thread::sleep(PAUSE / 5);
        }
        running.into_iter().map(|(envoy, thread)| (envoy, joined(thread.join()))).collect()
    });
    progress.end();
    for (envoy, result) in results {
        match result {
            Ok(overtaken) => {
                following.followed += 1;
                following.overtaken.extend(overtaken);
            }
            Err(trouble) => following.lagging.push(EnvoyFailure::new(envoy.name(), trouble)),
        }
    }
    following.overtaken.sort();
    following.overtaken.dedup();
    following
}

/// Asks until an Envoy follows, and then on fresh connections: another Envoy behind its address may not.
fn follow(
    envoy: &EnvoyProcess,
    wanted: &[ExpectedDocument],
    lanes: usize,
    deadline: Instant,
) -> Result<Vec<String>, EnvoyError> {
    let check = |status: &EnvoyStatus| match step(status, wanted, times::time(&times::now())) {
        Step::Followed { overtaken } => Ok(overtaken),
        Step::Behind(why) => Err(EnvoyError::Unexpected(why)),
    };
    loop {
        let status = envoy.ask(None, deadline);
        let first = status.and_then(|status| check(&status));
        match first.and_then(|_| envoy.confirm(lanes, deadline, check)) {
            Ok(overtaken) => return Ok(overtaken.concat()),
            Err(trouble @ EnvoyError::SharedAddress(_)) => return Err(trouble),
            Err(behind) if Instant::now() >= deadline => return Err(behind),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Compares what an Envoy says with what is wanted, and with what that means at `now`.
fn step(status: &EnvoyStatus, wanted: &[ExpectedDocument], now: Time) -> Step {
    let mut overtaken = Vec::new();
    for wanted in wanted {
        let Some(site) = status.site(&wanted.site) else {
            return Step::Behind(format!("has no site \"{}\"", wanted.site));
        };
        if site.digest.as_deref() != Some(&wanted.digest) {
            match site.stamp() {
                Some(held) if held > (wanted.revision, &wanted.digest) => overtaken.push(wanted.site.clone()),
                _ => {
                    return Step::Behind(format!("{}: still {}, by another document", wanted.site, site.mode));
                }
            }
        }
        let workers = site.workers;
        if !workers.all() {
            return Step::Behind(format!("{}: {}/{} workers follow", wanted.site, workers.adopted, workers.members));
        }
        let mode = wanted.document.at(now).mode().name();
        if site.digest.as_deref() == Some(&wanted.digest) && site.mode != mode {
            return Step::Behind(format!(
                "{}: {} and not {mode}, as its clock says {} and this machine's {now}: set the wrong one right",
                wanted.site, site.mode, status.time
            ));
        }
    }
    Step::Followed { overtaken }
}

#[cfg(test)]
mod tests;
