//! Whether an address leads to one Envoy. Several Envoys may share an address, behind a load balancer or by `reuse_port`,
//! and a connection shows only one of them. So the same is asked on many connections.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::envoys::client::Endpoint;
use crate::envoys::error::{EnvoyError, another, joined};
use crate::envoys::status::EnvoyStatus;

/// On how many fresh connections an address must answer as one Envoy. Two Envoys that share it equally are then missed once
/// in 2^16 times.
const PROBES: usize = 16;
/// The most such connections at once, to all Envoys together. Each Envoy may always have one, so that none waits for another.
const LANES: usize = 400;

/// Asks an address on fresh connections whether it is always this Envoy, and always passes `check`. The first that does
/// not ends it. A token would only cost: names and adoption are shown without one.
pub fn confirm<T: Send>(
    endpoint: &Endpoint,
    envoy: &str,
    lanes: usize,
    deadline: Instant,
    check: &(impl Fn(&EnvoyStatus) -> Result<T, EnvoyError> + Sync),
) -> Result<Vec<T>, EnvoyError> {
    let (asked, has_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let lane = || {
        let mut answers = Vec::new();
        while asked.fetch_add(1, Ordering::Relaxed) < PROBES && !has_failed.load(Ordering::Relaxed) {
            // One connection may be lost by chance, and would leave the Envoy out of a change.
            let status = endpoint.fresh_status(deadline).or_else(|trouble| match trouble {
                EnvoyError::Unreachable(_) => endpoint.fresh_status(deadline),
                trouble => Err(trouble),
            });
            let answer = status.and_then(|status| match status.envoy == envoy {
                true => check(&status),
                false => Err(another(envoy, &status.envoy)),
            });
            has_failed.fetch_or(answer.is_err(), Ordering::Relaxed);
            answers.push(answer?);
        }
        Ok(answers)
    };
    let results: Vec<Result<Vec<T>, EnvoyError>> = thread::scope(|scope| {
        // This thread is a lane itself, so fewer threads than hoped for only take longer.
        let others = (1..lanes).map_while(|_| thread::Builder::new().spawn_scoped(scope, lane).ok());
        let others: Vec<_> = others.collect();
        let own = lane();
        others.into_iter().map(|thread| joined(thread.join())).chain([own]).collect()
    });
    let (mut answers, mut troubles) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(some) => answers.extend(some),
            Err(trouble) => troubles.push(trouble),
        }
    }
    // That there is another Envoy says more than that one does not follow yet.
    troubles.sort_by_key(|trouble| !matches!(trouble, EnvoyError::SharedAddress(_)));
    match troubles.into_iter().next() {
        None => Ok(answers),
        Some(trouble) => Err(trouble),
    }
}

/// The number of fresh connections that each of so many Envoys may have at once.
pub fn lanes(envoys: usize) -> usize {
    LANES.checked_div(envoys).unwrap_or(1).clamp(1, PROBES)
}

#[cfg(test)]
mod tests;
