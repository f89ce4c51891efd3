//! One target of the configuration: its Envoys, its writer, and the signing key.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use envoy_maintenance::time::Time;
use ureq::tls::TlsConfig;

use crate::args::common::Global;
use crate::config::file::{Config, FILE};
use crate::config::keys::SigningKey;
use crate::config::tls;
use crate::envoys::addresses;
use crate::envoys::error::EnvoyError;
use crate::envoys::exchange::{Exchange, StopWatch};
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::fleet::{Fleet, WaitLimit};
use crate::envoys::hot_restart::HotRestartQuery;
use crate::envoys::roll::Roll;
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::times;

/// A valid target.
pub struct Target {
    pub name: String,
    /// The URLs of the control endpoints, without trailing slashes.
    pub envoys: Vec<String>,
    /// The URLs of the Envoys' admin interfaces, which report hot restarts.
    admin: Vec<String>,
    /// The settings for https URLs; `None` trusts the public authorities.
    tls: Option<TlsConfig>,
    expect: Option<usize>,
    pub fleet: Option<String>,
    /// The key, or the error of loading it, which concerns only requests that need a signature.
    key: Result<Option<SigningKey>>,
    pub writer: TargetWriter,
    /// The file to which every change is appended.
    pub journal: Option<PathBuf>,
}

/// The way in which changes reach the target's Envoys.
pub enum TargetWriter {
    /// Sends documents to the control endpoint of each Envoy, which forgets them when it restarts.
    Push,
    /// Generates a file that Envoy watches.
    File(FileTarget),
}

/// The files of the file writer.
#[derive(Clone, Debug)]
pub struct FileTarget {
    /// The generated file.
    pub file: PathBuf,
    /// The operator's policy, from which it is generated.
    pub policy: PathBuf,
}

impl Target {
    /// Reads the configuration and the key.
    pub fn load(global: &Global) -> Result<Target> {
        Target::of(&Config::load(global)?, global.target.as_deref())
    }

    /// The target `named`, or the default target, with its key.
    pub fn of(config: &Config, named: Option<&str>) -> Result<Target> {
        let (name, target) = config.target(named)?;
        let writer = match (&target.file, &target.policy) {
            (Some(file), Some(policy)) => {
                TargetWriter::File(FileTarget { file: config.path(file), policy: config.path(policy) })
            }
            (None, None) if target.envoys.is_empty() => {
                bail!("target {name}: has neither `envoys` nor `file`; set at least one of them")
            }
            (None, None) => TargetWriter::Push,
            (Some(_), None) => {
                bail!("target {name}: `file` needs `policy`, from which it is generated")
            }
            (None, Some(_)) => bail!("target {name}: `policy` needs `file`, which is generated from it"),
        };
        if matches!(writer, TargetWriter::File(_)) && !target.admin.is_empty() {
            bail!(
                "target {name}: remove `admin`; it is not needed with `file`, which also reaches the parent of a hot restart"
            );
        }
        // Invalid URLs are rejected before any change, although a file could be written without them.
        let bases = |field, urls: &[String], example| {
            let urls = urls.iter().map(|url| addresses::base(field, url, example)).collect::<Result<_>>();
            urls.with_context(|| format!("target {name}"))
        };
        Ok(Target {
            name: name.to_owned(),
            envoys: bases("envoys", &target.envoys, "http://127.0.0.1:10001/.maintenance")?,
            admin: bases("admin", &target.admin, "http://127.0.0.1:9901")?,
            tls: tls::load(config, target).with_context(|| format!("target {name}"))?,
            expect: target.expect,
            fleet: config.file.fleet.clone(),
            key: SigningKey::load(config),
            writer,
            journal: config.file.journal.as_ref().map(|journal| config.path(journal)),
        })
    }

    /// True if the file writer is used.
    pub fn is_file(&self) -> bool {
        matches!(self.writer, TargetWriter::File(_))
    }

    /// The files of a file target. A push target has no policy that `verb` could work on.
    pub fn files(&self, verb: &str) -> Result<&FileTarget> {
        match &self.writer {
            TargetWriter::File(files) => Ok(files),
            TargetWriter::Push => bail!(ExitError::Usage(format!(
                "maintctl {verb} needs a target with `file` and `policy`, and target \"{}\" has only `envoys`; select a file \
                 target with --target, or change the policy where the Envoys get it from",
                self.name
            ))),
        }
    }

    /// True if the target has a client certificate for https endpoints.
    pub fn has_certificate(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.client_cert().is_some())
    }

    /// The key and the fleet for signatures.
    pub fn signer(&self) -> Result<(&SigningKey, &str)> {
        let key = match &self.key {
            Ok(key) => key.as_ref(),
            Err(error) => bail!("{error:#}"),
        };
        let key = key.with_context(|| {
            format!("no key: set `key` or `key_command` in {FILE}, or MAINTCTL_KEY; `maintctl init` creates a key")
        })?;
        let fleet = self.fleet.as_deref();
        Ok((key, fleet.with_context(|| format!("no fleet: set `fleet` in {FILE} to the fleet of the policy"))?))
    }

    /// The thumbprint of the key, if there is one.
    pub fn kid(&self) -> Option<String> {
        self.key.as_ref().ok()?.as_ref().map(SigningKey::kid)
    }

    /// A token for the detailed status.
    pub fn read_token(&self, now: Time) -> Result<String> {
        let (key, fleet) = self.signer()?;
        Ok(key.read_token(fleet, now))
    }

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

    /// Starts to query the Envoys whose hot restart keeps a push from some of their connections, as their admin
    /// interfaces say.
    pub fn hot_restarts(&self, deadline: Instant) -> HotRestartQuery {
        HotRestartQuery::start(&self.admin, self.tls.as_ref(), deadline)
    }

    /// Requests the detailed status of every Envoy of the target. If there is no key, or Envoys reject it, requests the short
    /// status, and returns the reason.
    pub fn query_details(&self, deadline: Instant) -> Result<(Roll, Option<String>)> {
        let token = match self.read_token(times::time(&times::now())) {
            Ok(token) => token,
            Err(error) => return Ok((self.query(None, deadline)?, Some(format!("{error:#}")))),
        };
        let roll = self.query(Some(&token), deadline)?;
        let is_rejected = |failure: &&EnvoyFailure| matches!(failure.error, EnvoyError::Rejected { .. });
        match roll.failures.iter().find(is_rejected).map(EnvoyFailure::line) {
            Some(rejected) => Ok((self.query(None, deadline)?, Some(rejected))),
            None => Ok((roll, None)),
        }
    }
}
