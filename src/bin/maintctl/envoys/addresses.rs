//! The addresses of the URLs in the configuration. A host name includes all of its addresses.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use anyhow::{Result, bail};
use ureq::http::Uri;

use crate::envoys::error::EnvoyError;

/// One address of a URL of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL as configured, without a trailing slash.
    pub url: String,
    pub address: SocketAddr,
    /// True if the URL's name has other addresses too.
    pub one_of_several: bool,
}

impl Endpoint {
    /// The endpoints of a URL at all addresses of its host.
    pub fn all(url: &str, addresses: &[SocketAddr]) -> Vec<Endpoint> {
        let one_of_several = addresses.len() > 1;
        addresses.iter().map(|address| Endpoint { url: url.to_owned(), address: *address, one_of_several }).collect()
    }

    /// True if this is one of the two addresses of `localhost`.
    pub fn is_loopback(&self) -> bool {
        [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].contains(&self.address.ip())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.url)?;
        if self.one_of_several {
            write!(formatter, " at {}", self.address)?;
        }
        Ok(())
    }
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

/// All addresses of the URL's host, without duplicates. The resolver of the system may need a long time.
pub fn resolve(url: &str) -> Result<Vec<SocketAddr>, EnvoyError> {
    let uri: Uri = url.parse().map_err(|_| EnvoyError::Unexpected("not a URL".to_owned()))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    match (host, port).to_socket_addrs().map(Iterator::collect::<BTreeSet<SocketAddr>>) {
        Ok(addresses) if !addresses.is_empty() => Ok(addresses.into_iter().collect()),
        Ok(_) => Err(EnvoyError::Unreachable("the host name has no address".to_owned())),
        Err(error) => Err(EnvoyError::Unreachable(format!("the host name cannot be resolved: {error}"))),
    }
}

#[cfg(test)]
mod tests;
