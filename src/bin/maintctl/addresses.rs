//! The addresses behind the URLs of the configuration: a name that resolves to several means all of them.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Result, bail};
use ureq::http::Uri;
use ureq::tls::TlsConfig;

use crate::client::{Endpoint, Trouble};
use crate::roll::{Missing, joined};

/// Every address of these URLs, and the URLs whose names cannot be resolved.
pub fn endpoints(urls: &[String], tls: Option<&TlsConfig>, deadline: Instant) -> (Vec<Endpoint>, Vec<Missing>) {
    let named: Vec<(&String, Result<Vec<SocketAddr>, Trouble>)> = thread::scope(|scope| {
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
            Err(trouble) => unresolved.push(Missing::new(url, trouble)),
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
fn resolve(url: &str, deadline: Instant) -> Result<Vec<SocketAddr>, Trouble> {
    let uri: Uri = url.parse().map_err(|_| Trouble::Strange("not a URL".to_owned()))?;
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
        Ok(Ok(_)) => Err(Trouble::Unreachable("the name has no address".to_owned())),
        Ok(Err(error)) => Err(Trouble::Unreachable(format!("the name cannot be resolved: {error}"))),
        Err(_) => Err(Trouble::Unreachable("the name is not resolved in time".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envoy_url_is_http_with_a_host() {
        for (url, expected) in [
            ("http://127.0.0.1:10001/.maintenance", Some("http://127.0.0.1:10001/.maintenance")),
            ("https://e/.maintenance/", Some("https://e/.maintenance")),
            ("http://[::1]:10001/.maintenance", Some("http://[::1]:10001/.maintenance")),
            ("127.0.0.1:10001", None),
            ("ftp://e/", None),
            ("http://e/?a=b", None),
        ] {
            assert_eq!(base("envoys", url, "http://e").ok().as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn an_address_needs_no_time_to_resolve() {
        for (url, address) in [
            ("http://127.0.0.1:7/x", "127.0.0.1:7"),
            ("http://[::1]", "[::1]:80"),
            ("https://10.0.0.1", "10.0.0.1:443"),
        ] {
            assert_eq!(resolve(url, Instant::now()), Ok(vec![address.parse().unwrap()]), "{url}");
        }
    }
}
