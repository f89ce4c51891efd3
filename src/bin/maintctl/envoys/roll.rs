//! The roll: all Envoys of a target, each at an address of its own.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use envoy_maintenance::time::Time;

use crate::envoys::addresses::Endpoint;
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::{self, EnvoyFailure};
use crate::envoys::status::{EnvoySite, EnvoyStatus};
use crate::exit::ExitError;
use crate::terminal::output::shown;

/// The difference between clocks that is ignored, in milliseconds. It includes the time of the request.
const CLOCK_TOLERANCE: u64 = 10_000;

/// One Envoy process, and its last status.
#[derive(Clone, Debug)]
pub struct EnvoyProcess {
    pub endpoint: Endpoint,
    pub status: EnvoyStatus,
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
    /// Compares the number of Envoys with the expected one.
    pub fn count(&mut self, expect: Option<usize>) {
        self.miscount = expect
            .filter(|expected| *expected != self.envoys.len())
            .map(|expected| format!("{} Envoys respond, {expected} are expected", self.envoys.len()));
    }

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

    /// Prints warnings about clocks that differ from this machine's, and about plugins that share a name.
    pub fn warn(&self, now: Time) {
        for envoy in &self.envoys {
            let (name, status) = (shown(&envoy.name()), &envoy.status);
            if let Some(there) = Time::parse(&status.time).filter(|there| there.0.abs_diff(now.0) > CLOCK_TOLERANCE) {
                aside!(
                    "warning: the clock of {name} says {there}, this machine's {now}; ends and windows go by Envoy's \
                     clock: correct the clock that is wrong"
                );
            }
            for plugin in &status.plugin_conflicts {
                let plugin = shown(plugin);
                aside!(
                    "warning: {name} has several plugins named \"{plugin}\" with different policies; give each plugin its \
                     own `name`"
                );
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
