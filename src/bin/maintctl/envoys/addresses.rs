//! The addresses of the URLs in the configuration. A host name includes all of its addresses.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Result, bail};
use ureq::http::Uri;
use ureq::tls::TlsConfig;

use crate::envoys::client::Endpoint;
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::parallel;

/// All addresses of these URLs, and the URLs whose names could not be resolved.
pub fn endpoints(urls: &[String], tls: Option<&TlsConfig>, deadline: Instant) -> (Vec<Endpoint>, Vec<EnvoyFailure>) {
    let resolved = parallel::each(urls, |url| resolve(url, deadline));
    let (mut endpoints, mut unresolved) = (Vec::new(), Vec::new());
    for (url, addresses) in urls.iter().zip(resolved) {
        match addresses {
            Ok(addresses) => {
                let several = addresses.len() > 1;
                endpoints.extend(addresses.into_iter().map(|address| Endpoint::new(url, address, several, tls)));
            }
            Err(error) => unresolved.push(EnvoyFailure::new(url, error)),
        }
    }
    (endpoints, unresolved)
}

/// Checks a URL in the field `field` of the configuration, and removes trailing slashes. The error shows `example`.
pub fn base(field: &str, url: &str, example: &str) -> Result<String> {
    let is_valid = url.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && uri.query().is_none()
    });
    if !is_valid {
        bail!("{field}: \"{url}\" is not a URL such as {example}");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// All addresses of the URL's host, without duplicates.
fn resolve(url: &str, deadline: Instant) -> Result<Vec<SocketAddr>, EnvoyError> {
    let uri: Uri = url.parse().map_err(|_| EnvoyError::Unexpected("not a URL".to_owned()))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs();
        // After the deadline, the receiver no longer exists.
        let _ = sender.send(addresses.map(Iterator::collect::<BTreeSet<SocketAddr>>));
    });
    match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses.into_iter().collect()),
        Ok(Ok(_)) => Err(EnvoyError::Unreachable("the host name has no address".to_owned())),
        Ok(Err(error)) => Err(EnvoyError::Unreachable(format!("the host name cannot be resolved: {error}"))),
        Err(_) => Err(EnvoyError::Unreachable("the host name was not resolved in time".to_owned())),
    }
}

#[cfg(test)]
mod tests;
