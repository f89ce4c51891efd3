//! The target that a run works on: its Envoys, its one writer, and the key that signs for it.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use envoy_maintenance::time::Time;
use ureq::tls::TlsConfig;

use crate::args::common::Global;
use crate::config::file::{Config, FILE};
use crate::config::keys::SigningKey;
use crate::config::tls;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::roll::Roll;
use crate::envoys::{addresses, hot_restart};

/// What the configuration says of one target, understood.
pub struct Target {
    pub name: String,
    /// URLs, without a slash at their ends.
    pub envoys: Vec<String>,
    /// URLs of the Envoys' admin interfaces, which tell of a hot restart.
    pub admin: Vec<String>,
    /// For https URLs; none: what the public authorities vouch for.
    pub tls: Option<TlsConfig>,
    pub expect: Option<usize>,
    pub fleet: Option<String>,
    /// The key, if there is one. Only what must be signed fails without it.
    key: Result<Option<SigningKey>>,
    pub writer: TargetWriter,
}

/// The one way by which changes reach the target's Envoys.
pub enum TargetWriter {
    /// To the control endpoint of each Envoy; an Envoy that restarts forgets.
    Push,
    /// Into a file that Envoy watches.
    File(FileTarget),
}

/// The generated file, and the policy that it is generated from.
#[derive(Clone, Debug)]
pub struct FileTarget {
    pub file: PathBuf,
    pub policy: PathBuf,
}

impl Target {
    /// Reads the configuration and the key.
    pub fn load(global: &Global) -> Result<Target> {
        let config = Config::load(global)?;
        let (name, target) = config.target(global.target.as_deref())?;
        let writer = match (&target.file, &target.policy) {
            (Some(file), Some(policy)) => {
                TargetWriter::File(FileTarget { file: config.path(file), policy: config.path(policy) })
            }
            (None, None) if target.envoys.is_empty() => {
                bail!("target {name}: has neither `envoys` nor `file`, so nothing can be changed or read")
            }
            (None, None) => TargetWriter::Push,
            (Some(_), None) => {
                bail!("target {name}: `file` is generated from `policy`, which is missing")
            }
            (None, Some(_)) => bail!("target {name}: `policy` is for `file`, which is missing"),
        };
        if matches!(writer, TargetWriter::File(_)) && !target.admin.is_empty() {
            bail!(
                "target {name}: `admin` is for a target that pushes; a file also reaches the parent of a hot restart"
            );
        }
        // Before anything is changed, though a file could be written without them.
        let bases = |field, urls: &[String], example| {
            let urls = urls.iter().map(|url| addresses::base(field, url, example)).collect::<Result<_>>();
            urls.with_context(|| format!("target {name}"))
        };
        Ok(Target {
            name: name.to_owned(),
            envoys: bases("envoys", &target.envoys, "http://127.0.0.1:10001/.maintenance")?,
            admin: bases("admin", &target.admin, "http://127.0.0.1:9901")?,
            tls: tls::load(&config, target).with_context(|| format!("target {name}"))?,
            expect: target.expect,
            fleet: config.file.fleet.clone(),
            key: SigningKey::load(&config),
            writer,
        })
    }

    /// Whether changes go into a file.
    pub fn is_file(&self) -> bool {
        matches!(self.writer, TargetWriter::File(_))
    }

    /// The key and the fleet, for what must be signed.
    pub fn signer(&self) -> Result<(&SigningKey, &str)> {
        let key = match &self.key {
            Ok(key) => key.as_ref(),
            Err(error) => bail!("{error:#}"),
        };
        let key = key.with_context(|| {
            format!("no key: {FILE} needs `key` or `key_command`, or the environment MAINTCTL_KEY; `maintctl init` makes one")
        })?;
        let fleet = self.fleet.as_deref();
        Ok((key, fleet.with_context(|| format!("no fleet: {FILE} needs `fleet`, as the policy has it"))?))
    }

    /// A token for the fuller status, or why there is none.
    pub fn read_token(&self, now: Time) -> Result<String> {
        let (key, fleet) = self.signer()?;
        Ok(key.read_token(fleet, now))
    }

    /// Asks every Envoy of the target.
    pub fn call(&self, token: Option<&str>, deadline: Instant) -> Result<Roll> {
        Roll::call(&self.envoys, self.tls.as_ref(), self.expect, token, deadline)
    }

    /// The Envoys whose hot restart keeps a push from some of their connections, as their admin interfaces say.
    pub fn unreached(&self, envoys: usize, deadline: Instant) -> Vec<EnvoyFailure> {
        hot_restart::unreached(&self.admin, self.tls.as_ref(), envoys, deadline)
    }
}
