//! The operator's signing key.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use ct_codecs::{Base64UrlSafeNoPadding, Encoder};
use ed25519_compact::KeyPair;
use envoy_maintenance::state::jws;
use envoy_maintenance::time::Time;
use serde_json::{Value, json};

use crate::config::file::Config;

/// The lifetime of a read token in seconds. Envoy accepts at most five minutes; the rest is a reserve for clocks.
const READ_FOR: i64 = 120;

/// A key pair.
pub struct SigningKey {
    pair: KeyPair,
}

impl SigningKey {
    /// Generates a key.
    pub fn generate() -> SigningKey {
        SigningKey { pair: KeyPair::generate() }
    }

    /// The key from MAINTCTL_KEY, else from `key_command` or `key` of the configuration; `None` if there is none.
    pub fn load(config: &Config) -> Result<Option<SigningKey>> {
        if let Some(pem) = std::env::var_os("MAINTCTL_KEY").filter(|pem| !pem.is_empty()) {
            let pem = pem.into_string().ok().context("MAINTCTL_KEY: not UTF-8")?;
            return SigningKey::from_pem(&pem, "MAINTCTL_KEY").map(Some);
        }
        match (&config.file.key_command, &config.file.key) {
            (Some(_), Some(_)) => {
                bail!("{} has both `key` and `key_command`; remove one of them", config.name)
            }
            (Some(command), None) => SigningKey::from_command(command).map(Some),
            (None, Some(path)) => SigningKey::from_file(&config.path(path)).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn from_pem(pem: &str, place: &str) -> Result<SigningKey> {
        match KeyPair::from_pem(pem) {
            Ok(pair) => Ok(SigningKey { pair }),
            Err(_) => bail!(
                "{place}: not an Ed25519 private key in PKCS#8 PEM; create one with `maintctl init` or `openssl genpkey \
                 -algorithm ed25519`"
            ),
        }
    }

    fn from_command(command: &[String]) -> Result<SigningKey> {
        let (program, arguments) = command.split_first().context("key_command: empty")?;
        let output = Command::new(program)
            .args(arguments)
            .stderr(std::process::Stdio::inherit())
            .output()
            .with_context(|| format!("key_command: {program}"))?;
        if !output.status.success() {
            bail!("key_command: {program} failed: {}", output.status);
        }
        SigningKey::from_pem(&String::from_utf8_lossy(&output.stdout), "output of key_command")
    }

    /// Reads a key file. A file that other users can read is rejected.
    pub fn from_file(path: &Path) -> Result<SigningKey> {
        let shown = path.display();
        let pem = fs::read_to_string(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                anyhow!("key {shown}: {error}; correct `key` in maintctl.toml, or create one with `maintctl init`")
            }
            _ => anyhow!("key {shown}: {error}"),
        })?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(path)?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                bail!(
                    "key {shown}: other users can read it (mode {mode:04o}); run chmod 600 {shown}, and replace the key if \
                     it may have leaked"
                );
            }
        }
        SigningKey::from_pem(&pem, &format!("key {shown}"))
    }

    /// Writes the key to a new file with mode 0600.
    pub fn write_new(&self, path: &Path) -> Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file: File = options.open(path)?;
        file.write_all(self.pair.sk.to_pem().as_bytes())?;
        file.sync_all()?;
        Ok(())
    }

    /// The public key as a JWK.
    pub fn jwk(&self) -> Result<Value> {
        let x = Base64UrlSafeNoPadding::encode_to_string(self.pair.pk.as_ref())?;
        Ok(json!({ "kty": "OKP", "crv": "Ed25519", "x": x }))
    }

    /// The thumbprint of the public key, by which policies and documents name it.
    pub fn kid(&self) -> String {
        jws::thumbprint(&jws::encode(self.pair.pk.as_ref()))
    }

    /// Signs a document.
    pub fn sign_document(&self, payload: &[u8]) -> String {
        jws::sign(jws::STATE_TYP, payload, &self.pair)
    }

    /// A token that gives access to the detailed status for a short time.
    pub fn read_token(&self, fleet: &str, now: Time) -> String {
        let seconds = now.0.div_euclid(1000);
        let claims = json!({ "fleet": fleet, "iat": seconds, "exp": seconds + READ_FOR });
        jws::sign(jws::READ_TYP, claims.to_string().as_bytes(), &self.pair)
    }
}

#[cfg(test)]
mod tests;
