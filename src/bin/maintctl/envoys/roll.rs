//! The roll: all Envoys of a target, each at an address of its own.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use envoy_maintenance::time::Time;
use ureq::tls::TlsConfig;

use crate::diagnosis::envoy as diagnosis;
use crate::envoys::addresses::endpoints;
use crate::envoys::client::Endpoint;
use crate::envoys::confirm::{confirm, connections};
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::{self, EnvoyFailure};
use crate::envoys::parallel;
use crate::envoys::status::{EnvoySite, EnvoyStatus};
use crate::exit::ExitError;

/// The difference between clocks that is ignored, in milliseconds. It includes the time of the request.
pub const CLOCK_TOLERANCE: i64 = 10_000;
/// The time limit for each step of building the roll: names, first responses, new connections.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// One Envoy process, and its last status.
#[derive(Clone, Debug)]
pub struct EnvoyProcess {
    pub endpoint: Endpoint,
    pub status: EnvoyStatus,
}

impl EnvoyProcess {
    /// Requests the status again. If another Envoy responds, the address is shared.
    pub fn ask(&self, token: Option<&str>, deadline: Instant) -> Result<EnvoyStatus, EnvoyError> {
        let status = self.endpoint.status(token, deadline)?;
        if status.envoy != self.status.envoy {
            return Err(EnvoyError::shared_address(&self.status.envoy, &status.envoy));
        }
        Ok(status)
    }

    /// Confirms on new connections, up to `connections` at once, that they all reach this Envoy and pass `check`.
    pub fn confirm<T: Send>(
        &self,
        connections: usize,
        deadline: Instant,
        check: impl Fn(&EnvoyStatus) -> Result<T, EnvoyError> + Sync,
    ) -> Result<Vec<T>, EnvoyError> {
        confirm(&self.endpoint, &self.status.envoy, connections, deadline, &check)
    }

    /// The name and the address.
    pub fn name(&self) -> String {
        format!("{} ({})", self.status.envoy, self.endpoint)
    }
}

/// All Envoys of a target, and the addresses that could not be asked.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    pub envoys: Vec<EnvoyProcess>,
    pub failures: Vec<EnvoyFailure>,
    /// The difference from the expected number of Envoys, if there is one.
    pub miscount: Option<String>,
}

impl Roll {
    /// Resolves `urls`, and requests the status at every address.
    pub fn call(
        urls: &[String],
        tls: Option<&TlsConfig>,
        expect: Option<usize>,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<Roll> {
        let step_deadline = || deadline.min(Instant::now() + STEP_TIMEOUT);
        let mut roll = Roll::default();
        let (endpoints, unresolved) = endpoints(urls, tls, step_deadline());
        roll.failures.extend(unresolved);
        let connections = connections(endpoints.len());
        let identify = |endpoint: &Endpoint| {
            let status = endpoint.status(token, step_deadline()).map_err(EnvoyError::with_advice)?;
            confirm(endpoint, &status.envoy, connections, step_deadline(), &|_| Ok(()))?;
            Ok(status)
        };
        let statuses = parallel::each(&endpoints, identify);
        for (endpoint, status) in endpoints.into_iter().zip(statuses) {
            match status {
                Ok(status) => roll.add(endpoint, status),
                Err(error) => {
                    let loopback_of = is_loopback(endpoint.address.ip()).then(|| endpoint.url.clone());
                    roll.failures.push(EnvoyFailure { name: endpoint.to_string(), loopback_of, error });
                }
            }
        }
        roll.ignore_unused_loopback();
        if let Some(shared) = roll.failures.iter().find(|it| matches!(it.error, EnvoyError::SharedAddress(_))) {
            bail!(ExitError::NotAdopted(shared.line()));
        }
        roll.miscount = expect
            .filter(|expected| *expected != roll.envoys.len())
            .map(|expected| format!("{} Envoys respond, {expected} are expected", roll.envoys.len()));
        Ok(roll)
    }

    /// Adds an Envoy, unless it was already found at another address.
    fn add(&mut self, endpoint: Endpoint, status: EnvoyStatus) {
        match self.envoys.iter().find(|known| known.status.envoy == status.envoy) {
            Some(known) if known.endpoint.url != endpoint.url => {
                aside!("note: {} and {endpoint} are the same Envoy, which counts once", known.endpoint);
            }
            Some(_) => {}
            None => self.envoys.push(EnvoyProcess { endpoint, status }),
        }
    }

    /// Removes failures of one loopback address if Envoy listens on the other: `localhost` is both ::1 and 127.0.0.1.
    fn ignore_unused_loopback(&mut self) {
        let envoys = self.envoys.iter().filter(|envoy| is_loopback(envoy.endpoint.address.ip()));
        let reached: BTreeSet<String> = envoys.map(|envoy| envoy.endpoint.url.clone()).collect();
        let mut reported: BTreeSet<String> = BTreeSet::new();
        self.failures.retain(|failure| match (&failure.loopback_of, &failure.error) {
            (Some(url), EnvoyError::Unreachable(_)) => !reached.contains(url) && reported.insert(url.clone()),
            _ => true,
        });
    }

    /// The number of Envoys and addresses, reachable or not.
    pub fn total(&self) -> usize {
        self.envoys.len() + self.failures.len()
    }

    /// The number of new connections that each Envoy gets at once.
    pub fn connections(&self) -> usize {
        connections(self.envoys.len())
    }

    /// Requests the status of every Envoy again. Envoys that do not respond become failures.
    pub fn refresh(&mut self, token: Option<&str>, deadline: Instant) {
        let statuses = self.each(|envoy| envoy.ask(token, deadline));
        for (mut envoy, status) in std::mem::take(&mut self.envoys).into_iter().zip(statuses) {
            match status {
                Ok(status) => {
                    envoy.status = status;
                    self.envoys.push(envoy);
                }
                Err(error) => self.failures.push(EnvoyFailure::new(envoy.name(), error)),
            }
        }
    }

    /// Makes every Envoy with an error a failure. `errors` are in the order of the Envoys.
    pub fn set_aside(&mut self, errors: impl Iterator<Item = Option<EnvoyError>>) {
        for (envoy, error) in std::mem::take(&mut self.envoys).into_iter().zip(errors) {
            match error {
                None => self.envoys.push(envoy),
                Some(error) => self.failures.push(EnvoyFailure::new(envoy.name(), error)),
            }
        }
    }

    /// Runs `act` on all Envoys at once.
    pub fn each<T: Send>(
        &self,
        act: impl Fn(&EnvoyProcess) -> Result<T, EnvoyError> + Sync,
    ) -> Vec<Result<T, EnvoyError>> {
        parallel::each(&self.envoys, act)
    }

    /// The names of all sites, sorted.
    pub fn sites(&self) -> Vec<String> {
        let names: BTreeSet<&str> =
            self.envoys.iter().flat_map(|envoy| &envoy.status.sites).map(|site| site.site.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// The status of `site` in each Envoy that has it.
    pub fn of_site(&self, site: &str) -> impl Iterator<Item = (&EnvoyProcess, &EnvoySite)> {
        self.envoys.iter().filter_map(move |envoy| Some((envoy, envoy.status.site(site)?)))
    }

    /// Prints warnings about clocks that differ from this machine's, and about plugins that share a name.
    pub fn warn(&self, now: Time) {
        for envoy in &self.envoys {
            let clock = diagnosis::clock(&envoy.status, now, now, CLOCK_TOLERANCE);
            for remark in clock.into_iter().chain(diagnosis::conflicts(&envoy.status)) {
                aside!("warning: {}", remark.about(&envoy.name()).line());
            }
        }
    }

    /// Fails if no Envoy responds. `consequence` is appended to the message.
    pub fn require_any(&self, consequence: &str) -> Result<()> {
        if !self.envoys.is_empty() {
            return Ok(());
        }
        let rejected = self.failures.iter().any(|failure| matches!(failure.error, EnvoyError::Rejected { .. }));
        let lines = failure::lines(&self.failures);
        if rejected {
            bail!(ExitError::Rejected(format!("rejected{consequence}{lines}")));
        }
        bail!(ExitError::NotAdopted(format!(
            "no Envoy responds{consequence}{lines}\n(the control endpoint is below `control.path_prefix` of a policy, on \
             a listener of its own)"
        )))
    }
}

/// True if this is one of the two addresses of `localhost`.
fn is_loopback(address: IpAddr) -> bool {
    [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].contains(&address)
}

#[cfg(test)]
mod tests;
