//! Queries of the Envoys of a target.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::config::target::Target;
use crate::envoys::error::EnvoyError;
use crate::envoys::exchange::{Exchange, StopWatch};
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::fleet::{Fleet, WaitLimit};
use crate::envoys::hot_restart::HotRestartQuery;
use crate::envoys::roll::Roll;
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::times;

impl Target {
    /// Requests the status of every Envoy of the target. It waits as long as Envoys respond, but not for silent ones.
    pub fn query(&self, token: Option<&str>, deadline: Instant) -> Result<Roll> {
        let watch = StopWatch::start();
        let mut query = Fleet::new(&self.envoys, Some(Vec::new()), WaitLimit::LastResponse, watch.until(deadline));
        self.exchange(&watch, &|| token.map(str::to_owned), deadline).run(&mut query, "waiting for Envoy")?;
        query.notes.iter().for_each(|note| aside!("note: {}", shown(note)));
        if let Some(shared) = query.shared_address() {
            bail!(ExitError::NotAdopted(shared.line()));
        }
        let mut roll = query.confirmed();
        roll.miscount = self.miscount(&roll);
        Ok(roll)
    }

    /// Requests the detailed status of every Envoy of the target. Without a key that Envoys accept, requests the short
    /// status, and returns the reason.
    pub fn query_details(&self, deadline: Instant) -> Result<(Roll, Option<String>)> {
        let token = match self.read_token(times::time(&times::now())) {
            Ok(token) => token,
            Err(error) => return Ok((self.query(None, deadline)?, Some(format!("{error:#}")))),
        };
        let roll = self.query(Some(&token), deadline)?;
        match roll.rejection().map(EnvoyFailure::line) {
            Some(rejected) => Ok((self.query(None, deadline)?, Some(rejected))),
            None => Ok((roll, None)),
        }
    }

    /// Requests the status of the Envoys once, without the proof that each of them has an address of its own.
    pub fn query_once(&self, token: Option<&str>, wait_limit: WaitLimit, deadline: Instant) -> Roll {
        let watch = StopWatch::start();
        let mut query = Fleet::new(&self.envoys, None, wait_limit, watch.until(deadline));
        let result = self.exchange(&watch, &|| token.map(str::to_owned), deadline).run(&mut query, "waiting for Envoy");
        let mut roll = query.known();
        roll.failures.extend(
            result.err().map(|error| EnvoyFailure::new("envoys", EnvoyError::Unexpected(format!("{error:#}")))),
        );
        roll
    }

    /// The difference of a roll from the expected number of Envoys, if there is one.
    pub fn miscount(&self, roll: &Roll) -> Option<String> {
        let expected = self.expect.filter(|expected| *expected != roll.envoys.len())?;
        Some(format!("{} Envoys respond, {expected} are expected", roll.envoys.len()))
    }

    /// The connections to the Envoys of the target.
    pub fn exchange<'a>(
        &'a self,
        watch: &'a StopWatch,
        token: &'a dyn Fn() -> Option<String>,
        deadline: Instant,
    ) -> Exchange<'a> {
        let deadline = watch.until(deadline);
        Exchange { urls: &self.envoys, tls: self.tls.as_ref(), token, deadline, watch }
    }

    /// Starts to query the admin interfaces for Envoys whose hot restart keeps a push from some of their connections.
    pub fn hot_restarts(&self, deadline: Instant) -> HotRestartQuery {
        HotRestartQuery::start(&self.admin, self.tls.as_ref(), deadline)
    }
}
