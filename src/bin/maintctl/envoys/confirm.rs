//! Confirms that one address belongs to one Envoy.
//!
//! Several Envoys can share an address, behind a load balancer or through `reuse_port`, and one connection reaches only
//! one of them. Therefore the same request is sent on several new connections.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::envoys::client::Endpoint;
use crate::envoys::error::EnvoyError;
use crate::envoys::parallel::joined;
use crate::envoys::status::EnvoyStatus;

/// The number of new connections on which an address has to respond as one Envoy. With two Envoys that share an address
/// equally, one of them is missed once in 2^16 times.
const PROBES: usize = 16;
/// The maximum number of such connections at once, to all Envoys together. Each Envoy always gets one.
const MAX_CONNECTIONS: usize = 400;

/// Requests the status on new connections, up to `connections` at once, until one is of another Envoy or fails `check`.
/// The requests need no token: names and adoption are public.
pub fn confirm<T: Send>(
    endpoint: &Endpoint,
    envoy: &str,
    connections: usize,
    deadline: Instant,
    check: &(impl Fn(&EnvoyStatus) -> Result<T, EnvoyError> + Sync),
) -> Result<Vec<T>, EnvoyError> {
    let (started, has_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let probe = || {
        // One connection may fail by chance.
        let status = endpoint.fresh_status(deadline).or_else(|error| match error {
            EnvoyError::Unreachable(_) => endpoint.fresh_status(deadline),
            error => Err(error),
        })?;
        if status.envoy != envoy {
            return Err(EnvoyError::shared_address(envoy, &status.envoy));
        }
        check(&status)
    };
    let lane = || {
        let mut results = Vec::new();
        while started.fetch_add(1, Ordering::Relaxed) < PROBES && !has_failed.load(Ordering::Relaxed) {
            let result = probe();
            has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
            results.push(result?);
        }
        Ok(results)
    };
    let results: Vec<Result<Vec<T>, EnvoyError>> = thread::scope(|scope| {
        // This thread is a lane too, so it is enough if some of the others start.
        let others = (1..connections).map_while(|_| thread::Builder::new().spawn_scoped(scope, lane).ok());
        let others: Vec<_> = others.collect();
        let own = lane();
        others.into_iter().map(|thread| joined(thread.join())).chain([own]).collect()
    });
    let (mut confirmed, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(some) => confirmed.extend(some),
            Err(error) => errors.push(error),
        }
    }
    // A second Envoy matters more than one that has not adopted yet.
    errors.sort_by_key(|error| !matches!(error, EnvoyError::SharedAddress(_)));
    errors.into_iter().next().map_or(Ok(confirmed), Err)
}

/// The number of connections at once to each Envoy of a roll with this many.
pub fn connections(envoys: usize) -> usize {
    MAX_CONNECTIONS.checked_div(envoys).unwrap_or(1).clamp(1, PROBES)
}

#[cfg(test)]
mod tests;
