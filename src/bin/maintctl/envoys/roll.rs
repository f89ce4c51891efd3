//! The roll: all Envoys of a target, each at an address of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};
use envoy_maintenance::time::Time;

use crate::envoys::addresses::Endpoint;
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::{self, EnvoyFailure};
use crate::envoys::status::{EnvoySite, EnvoyStatus};
use crate::exit::ExitError;

/// One Envoy process, and its last status.
#[derive(Clone, Debug)]
pub struct EnvoyProcess {
    pub endpoint: Endpoint,
    pub status: EnvoyStatus,
    /// The times of the request and of the response, on this machine's clock.
    pub asked: Time,
    pub answered: Time,
}

impl EnvoyProcess {
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
    /// The number of Envoys and addresses, reachable or not.
    pub fn total(&self) -> usize {
        self.envoys.len() + self.failures.len()
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

    /// The first rejection, such as that of a read token.
    pub fn rejection(&self) -> Option<&EnvoyFailure> {
        self.failures.iter().find(|failure| matches!(failure.error, EnvoyError::Rejected { .. }))
    }

    /// The Envoys that cannot be read, with the reasons. `consequence` follows the number of them.
    pub fn unread(&self, consequence: &str) -> Option<String> {
        let (count, total) = (self.failures.len(), self.total());
        let lines = failure::lines(&self.failures);
        (count > 0).then(|| format!("{count} of {total} Envoys cannot be read{consequence}:{lines}"))
    }

    /// The most by which the clock of an Envoy is ahead of this machine's.
    pub fn clock_lead(&self) -> Duration {
        let lead = |envoy: &EnvoyProcess| Some(Time::parse(&envoy.status.time)?.0.saturating_sub(envoy.answered.0));
        let most = self.envoys.iter().filter_map(lead).max().unwrap_or(0);
        Duration::from_millis(u64::try_from(most).unwrap_or(0))
    }

    /// Fails if no Envoy responds. `consequence` is appended to the message.
    pub fn require_any(&self, consequence: &str) -> Result<()> {
        if !self.envoys.is_empty() {
            return Ok(());
        }
        let lines = failure::lines(&self.failures);
        if self.rejection().is_some() {
            bail!(ExitError::Rejected(format!("rejected{consequence}{lines}")));
        }
        bail!(ExitError::NotAdopted(format!(
            "no Envoy responds{consequence}{lines}\n(the control endpoint is below `control.path_prefix` of a policy, on \
             a listener of its own)"
        )))
    }
}
