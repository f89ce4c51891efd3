//! TLS for https endpoints: the trusted authority and the client certificate of a target.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::config::file::{Config, TargetConfig};

/// Reads `ca`, `cert` and `cert_key` of a target; `None` if it has none of them.
pub fn load(config: &Config, target: &TargetConfig) -> Result<Option<TlsConfig>> {
    let path = |path: &Path| config.path(path);
    let roots = target.ca.as_deref().map(|ca| authorities(&path(ca))).transpose()?;
    let client = match (&target.cert, &target.cert_key) {
        (Some(cert), key) => Some(client(&path(cert), key.as_deref().map(path).as_deref())?),
        (None, Some(_)) => bail!("`cert_key` needs `cert`, which is missing"),
        (None, None) => None,
    };
    if roots.is_none() && client.is_none() {
        return Ok(None);
    }
    let is_https = |url: &String| url.starts_with("https:");
    if !target.envoys.iter().chain(&target.admin).any(is_https) {
        bail!("`ca`, `cert` and `cert_key` need an https URL in the target, which has none");
    }
    Ok(Some(TlsConfig::builder().root_certs(roots.unwrap_or(RootCerts::WebPki)).client_cert(client).build()))
}

/// Reads the certificates of trusted authorities.
fn authorities(file: &Path) -> Result<RootCerts> {
    let (certificates, _) = read("ca", file)?;
    if certificates.is_empty() {
        bail!("ca {}: no certificate in PEM", file.display());
    }
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        let added = store.add(CertificateDer::from(certificate.der()));
        added.map_err(|error| anyhow!("ca {}: {error}", file.display()))?;
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

/// Reads a client certificate with its chain, and its key, which may be in the same file.
fn client(cert: &Path, cert_key: Option<&Path>) -> Result<ClientCert> {
    let shown = cert.display();
    let (chain, own_key) = read("cert", cert)?;
    if chain.is_empty() {
        bail!("cert {shown}: no certificate in PEM");
    }
    let (key, place) = match cert_key {
        Some(file) => (read("cert_key", file)?.1, format!("cert_key {}", file.display())),
        None => (own_key, format!("cert {shown}")),
    };
    let key = key.with_context(|| match cert_key {
        Some(_) => format!("{place}: no private key in PEM without a passphrase"),
        None => format!("{place}: no private key in PEM; set `cert_key` to its file"),
    })?;
    // ureq panics if the key does not belong to the certificate.
    let certificates = chain.iter().map(|item| CertificateDer::from(item.der().to_vec())).collect();
    let der = PrivateKeyDer::try_from(key.der().to_vec()).map_err(|error| anyhow!("{place}: {error}"))?;
    CertifiedKey::from_der(certificates, der, &default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => anyhow!("{place}: does not belong to cert {shown}"),
        error => anyhow!("{place}, for cert {shown}: {error}"),
    })?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

/// Reads all certificates of a PEM file, and its first private key. Errors start with `field`.
fn read(field: &str, file: &Path) -> Result<(Vec<Certificate<'static>>, Option<PrivateKey<'static>>)> {
    let shown = file.display();
    let text = fs::read(file).map_err(|error| anyhow!("{field} {shown}: {error}"))?;
    let (mut certificates, mut key) = (Vec::new(), None);
    for item in parse_pem(&text) {
        match item.map_err(|error| anyhow!("{field} {shown}: {error}"))? {
            PemItem::Certificate(certificate) => certificates.push(certificate),
            PemItem::PrivateKey(found) if key.is_none() => key = Some(found),
            _ => {}
        }
    }
    Ok((certificates, key))
}
