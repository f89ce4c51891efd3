//! The addresses behind the URLs of the configuration: a name that resolves to several means all of them.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Result, bail};
use ureq::http::Uri;
use ureq::tls::TlsConfig;

use crate::envoys::client::Endpoint;
use crate::envoys::error::{EnvoyError, joined};
use crate::envoys::failure::EnvoyFailure;

/// Every address of these URLs, and the URLs whose names cannot be resolved.
pub fn endpoints(urls: &[String], tls: Option<&TlsConfig>, deadline: Instant) -> (Vec<Endpoint>, Vec<EnvoyFailure>) {
    let named: Vec<(&String, Result<Vec<SocketAddr>, EnvoyError>)> = thread::scope(|scope| {
        let running: Vec<_> = urls.iter().map(|url| (url, scope.spawn(move || resolve(url, deadline)))).collect();
        running.into_iter().map(|(url, thread)| (url, joined(thread.join()))).collect()
    });
    let (mut endpoints, mut unresolved) = (Vec::new(), Vec::new());
    for (url, addresses) in named {
        match addresses {
            Ok(addresses) => {
                let several = addresses.len() > 1;
                endpoints.extend(addresses.into_iter().map(|address| Endpoint::new(url, address, several, tls)));
            }
            Err(trouble) => unresolved.push(EnvoyFailure::new(url, trouble)),
        }
    }
    (endpoints, unresolved)
}

/// A URL of the configuration's `field` without a slash at its end. `example` is one.
pub fn base(field: &str, url: &str, example: &str) -> Result<String> {
    let good = url.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && uri.query().is_none()
    });
    if !good {
        bail!("{field}: \"{url}\" is not a URL such as {example}");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// All addresses of the URL's host, each once.
fn resolve(url: &str, deadline: Instant) -> Result<Vec<SocketAddr>, EnvoyError> {
    let uri: Uri = url.parse().map_err(|_| EnvoyError::Unexpected("not a URL".to_owned()))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs();
        // Nobody listens any more once the time is up.
        let _ = sender.send(found.map(Iterator::collect::<BTreeSet<SocketAddr>>));
    });
    match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses.into_iter().collect()),
        Ok(Ok(_)) => Err(EnvoyError::Unreachable("the name has no address".to_owned())),
        Ok(Err(error)) => Err(EnvoyError::Unreachable(format!("the name cannot be resolved: {error}"))),
        Err(_) => Err(EnvoyError::Unreachable("the name is not resolved in time".to_owned())),
    }
}

#[cfg(test)]
mod tests;
