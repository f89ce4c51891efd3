//! The roll: every Envoy behind the `envoys` of a target, each by an address of its own.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use envoy_maintenance::time::Time;
use ureq::tls::TlsConfig;

use crate::envoys::addresses::endpoints;
use crate::envoys::client::Endpoint;
use crate::envoys::confirm::{confirm, lanes};
use crate::envoys::error::{EnvoyError, another, explained, joined};
use crate::envoys::failure::{EnvoyFailure, missing_lines};
use crate::envoys::status::{EnvoySite, EnvoyStatus};
use crate::exit::ExitError;
use crate::terminal::output::shown;

/// How far apart clocks may seem, in milliseconds, as an answer takes its time too.
const CLOCKS: u64 = 10_000;
/// How long names may take to resolve, the first answer to come, and the fresh connections to agree, whatever time there
/// is.
const FIRST: Duration = Duration::from_secs(5);

/// One Envoy, and what it said last.
#[derive(Clone, Debug)]
pub struct EnvoyProcess {
    pub endpoint: Endpoint,
    pub status: EnvoyStatus,
}

impl EnvoyProcess {
    /// Asks again. An address that answers as somebody else leads to more than one Envoy.
    pub fn ask(&self, token: Option<&str>, deadline: Instant) -> Result<EnvoyStatus, EnvoyError> {
        let status = self.endpoint.status(token, deadline)?;
        match status.envoy == self.status.envoy {
            true => Ok(status),
            false => Err(another(&self.status.envoy, &status.envoy)),
        }
    }

    /// Asks on fresh connections, several at a time, until as many answers as are needed are this Envoy's and pass `check`.
    pub fn confirm<T: Send>(
        &self,
        lanes: usize,
        deadline: Instant,
        check: impl Fn(&EnvoyStatus) -> Result<T, EnvoyError> + Sync,
    ) -> Result<Vec<T>, EnvoyError> {
        confirm(&self.endpoint, &self.status.envoy, lanes, deadline, &check)
    }

    /// How it is named to operators.
    pub fn name(&self) -> String {
        format!("{} ({})", self.status.envoy, self.endpoint)
    }
}

/// All Envoys of a target, and who could not be asked.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    pub envoys: Vec<EnvoyProcess>,
    pub missing: Vec<EnvoyFailure>,
    /// How many there should be, and that there are not as many.
    pub miscounted: Option<String>,
}

impl Roll {
    /// Resolves `urls` and asks every address for its status.
    pub fn call(
        urls: &[String],
        tls: Option<&TlsConfig>,
        expect: Option<usize>,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<Roll> {
        let soon = || deadline.min(Instant::now() + FIRST);
        let mut roll = Roll::default();
        let (endpoints, unresolved) = endpoints(urls, tls, soon());
        roll.missing.extend(unresolved);
        let lanes = lanes(endpoints.len());
        let answers: Vec<Result<EnvoyStatus, EnvoyError>> = thread::scope(|scope| {
            let ask = |endpoint| scope.spawn(move || identify(endpoint, token, lanes, soon));
            let running: Vec<_> = endpoints.iter().map(ask).collect();
            running.into_iter().map(|thread| joined(thread.join())).collect()
        });
        for (endpoint, answer) in endpoints.into_iter().zip(answers) {
            match answer {
                Ok(status) => roll.add(endpoint, status),
                Err(trouble) => {
                    let loopback_of = is_localhost(endpoint.address.ip()).then(|| endpoint.url.clone());
                    roll.missing.push(EnvoyFailure { name: endpoint.to_string(), loopback_of, error: trouble });
                }
            }
        }
        roll.forgive_loopback();
        if let Some(lie) = roll.missing.iter().find(|missing| matches!(missing.error, EnvoyError::SharedAddress(_))) {
            bail!(ExitError::NotAdopted(lie.line()));
        }
        roll.miscounted = expect
            .filter(|expected| *expected != roll.envoys.len())
            .map(|expected| format!("{} Envoys answer, {expected} are expected", roll.envoys.len()));
        Ok(roll)
    }

    /// The same Envoy by two addresses is one Envoy.
    fn add(&mut self, endpoint: Endpoint, status: EnvoyStatus) {
        match self.envoys.iter().find(|known| known.status.envoy == status.envoy) {
            Some(known) if known.endpoint.url != endpoint.url => {
                aside!("note: {} and {endpoint} are the same Envoy; it counts once", known.endpoint);
            }
            Some(_) => {}
            None => self.envoys.push(EnvoyProcess { endpoint, status }),
        }
    }

    /// `localhost` is ::1 and 127.0.0.1, and Envoy mostly listens on one of them: the other is missed by nobody.
    fn forgive_loopback(&mut self) {
        let mut answered: BTreeSet<String> = BTreeSet::new();
        for envoy in self.envoys.iter().filter(|envoy| is_localhost(envoy.endpoint.address.ip())) {
            answered.insert(envoy.endpoint.url.clone());
        }
        let mut refused: BTreeSet<String> = BTreeSet::new();
        self.missing.retain(|missing| match (&missing.loopback_of, &missing.error) {
            (Some(url), EnvoyError::Unreachable(_)) => !answered.contains(url) && refused.insert(url.clone()),
            _ => true,
        });
    }

    /// The number of fresh connections that each Envoy may have at once.
    pub fn lanes(&self) -> usize {
        lanes(self.envoys.len())
    }

    /// Asks every Envoy again, all at once.
    pub fn ask_all(&self, token: Option<&str>, deadline: Instant) -> Vec<Result<EnvoyStatus, EnvoyError>> {
        self.each(|envoy| envoy.ask(token, deadline))
    }

    /// Does something with every Envoy, all at once.
    pub fn each<T: Send>(
        &self,
        act: impl Fn(&EnvoyProcess) -> Result<T, EnvoyError> + Sync,
    ) -> Vec<Result<T, EnvoyError>> {
        let act = &act;
        thread::scope(|scope| {
            let running: Vec<_> = self.envoys.iter().map(|envoy| scope.spawn(move || act(envoy))).collect();
            running.into_iter().map(|thread| joined(thread.join())).collect()
        })
    }

    /// The names of all sites, sorted.
    pub fn sites(&self) -> Vec<String> {
        let names: BTreeSet<&str> =
            self.envoys.iter().flat_map(|envoy| &envoy.status.sites).map(|site| site.site.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// What each Envoy that knows `site` says of it.
    pub fn of_site(&self, site: &str) -> impl Iterator<Item = (&EnvoyProcess, &EnvoySite)> {
        self.envoys.iter().filter_map(move |envoy| Some((envoy, envoy.status.site(site)?)))
    }

    /// Warns of each Envoy whose clock is another than this machine's: ends and windows go by Envoy's.
    pub fn compare_clocks(&self, now: Time) {
        for envoy in &self.envoys {
            let Some(there) = Time::parse(&envoy.status.time) else { continue };
            if there.0.abs_diff(now.0) > CLOCKS {
                aside!(
                    "warning: the clock of {} says {there}, this machine's {now}; times go by Envoy's: set the wrong \
                     one right",
                    shown(&envoy.name())
                );
            }
        }
    }

    /// An error where nobody can be asked: nothing could be changed then.
    pub fn somebody(&self) -> Result<()> {
        self.somebody_or("; nothing changed")
    }

    /// The same where nothing was to be changed.
    pub fn answers(&self) -> Result<()> {
        self.somebody_or("")
    }

    fn somebody_or(&self, aftermath: &str) -> Result<()> {
        if !self.envoys.is_empty() {
            return Ok(());
        }
        let refused = self.missing.iter().any(|missing| matches!(missing.error, EnvoyError::Refused { .. }));
        let lines = missing_lines(&self.missing);
        match refused {
            true => bail!(ExitError::Rejected(format!("refused{aftermath}{lines}"))),
            false => bail!(ExitError::NotAdopted(format!(
                "no Envoy can be asked{aftermath}{lines}\n(the control endpoint is below `control.path_prefix` of a \
                 policy, on a listener of its own)"
            ))),
        }
    }
}

/// Asks one address for its status, and on fresh connections whether it is always the same Envoy.
fn identify(
    endpoint: &Endpoint,
    token: Option<&str>,
    lanes: usize,
    soon: impl Fn() -> Instant,
) -> Result<EnvoyStatus, EnvoyError> {
    let status = endpoint.status(token, soon()).map_err(explained)?;
    confirm(endpoint, &status.envoy, lanes, soon(), &|_| Ok(()))?;
    Ok(status)
}

/// Whether it is one of the two addresses of `localhost`.
fn is_localhost(address: IpAddr) -> bool {
    [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].contains(&address)
}

#[cfg(test)]
mod tests;
