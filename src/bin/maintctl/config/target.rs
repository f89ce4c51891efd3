//! One target of the configuration: its Envoys, its writer, and the signing key.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use envoy_maintenance::time::Time;
use ureq::tls::TlsConfig;

use crate::args::common::Global;
use crate::config::file::{Config, FILE};
use crate::config::keys::SigningKey;
use crate::config::tls;
use crate::envoys::addresses;
use crate::exit::ExitError;

mod query;

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
}
